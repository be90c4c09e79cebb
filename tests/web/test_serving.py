"""Closed by default (promise 17): a real `teiten serve`, where it listens, what it refuses, and what TLS it speaks."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from teiten import hosting
from teiten.cli import main
from teiten.errors import UsageError
from teiten.settings import Settings
from teiten.web import app, pages, serving
from teiten.web.api import _shape
from teiten.web.users import passwords, routes
from teiten.web.users.store import Known, Store, UsersError

LONG = "quiet lantern over"
NAMES = ("admin", "administrator", "root", "teiten", "user", "guest", "demo", "test")
PASSWORDS = ("", "admin", "password", "teiten", "changeme", "123456", "demo", "quiet lantern")


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", {"time_cost": 1, "memory_cost": 64, "parallelism": 1})


@pytest.fixture
def place(chosen: Settings, tmp_path: Path) -> Path:
    """A folder with a lake, as somebody has it who begins."""
    shutil.copytree(chosen.lake, tmp_path / "teiten-lake")
    return tmp_path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate by the very line that the program suggests."""
    folder = tmp_path_factory.mktemp("tls")
    line = serving.SELF_SIGNED.format(name="observe.example", kind="DNS")
    subprocess.run(line.split(), cwd=folder, check=True, capture_output=True, timeout=60)
    return folder / "teiten.pem", folder / "teiten.key"


@contextlib.contextmanager
def running(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`teiten serve`, and the address that it tells."""
    env = {key: value for key, value in os.environ.items() if key != "TEITEN_CONFIG"}
    process = subprocess.Popen(
        [sys.executable, "-m", "teiten", "serve", "--port", "0", *words], cwd=folder, env=env, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        address = process.stderr.readline().strip()
        assert address.startswith("http"), address + process.communicate(timeout=30)[1]
        yield process, address
    finally:
        process.terminate()
        _, rest = process.communicate(timeout=30)
        assert process.returncode in (0, -signal.SIGTERM) and "Traceback" not in rest, rest


def listening(pid: int) -> list[tuple[str, str]]:
    """Protocol and address of every socket of that process at which somebody can begin (/proc/net)."""
    inodes = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if found := re.fullmatch(r"socket:\[(\d+)\]", str(path.readlink())):
                inodes.add(found[1])
    out = []
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        with contextlib.suppress(FileNotFoundError):
            for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
                words = line.split()
                if words[9] in inodes and (not kind.startswith("tcp") or words[3] == "0A"):
                    raw = bytes.fromhex(words[1].partition(":")[0])
                    swapped = b"".join(raw[n : n + 4][::-1] for n in range(0, len(raw), 4))
                    out.append((kind, socket.inet_ntop(socket.AF_INET6 if len(raw) == 16 else socket.AF_INET, swapped)))
    return out


def asked(port: int, path: str, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> http.client.HTTPResponse:
    link: http.client.HTTPConnection
    if tls is not None:
        link = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=tls)
    else:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    link.request("GET", path, headers={"host": host})
    answer = link.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    link.close()
    return answer


def trusting() -> ssl.SSLContext:
    out = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    out.check_hostname, out.verify_mode = False, ssl.CERT_NONE
    return out


def refused(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What `teiten serve` says that does not begin."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError(f"it listened: {words}")

    with monkeypatch.context() as here:
        here.setattr(serving, "_socket", never)
        here.chdir(place)
        assert main(["serve", "--port", "0", *words]) == 2
    return capsys.readouterr().err


@pytest.mark.full
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc/net")
def test_closed_by_default(
    place: Path, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    figure: Callable[[int, str], None],
) -> None:  # fmt: skip
    before = sorted(path.name for path in place.iterdir())
    with running(place) as (process, address):
        found = listening(process.pid)
        assert found == [("tcp", "127.0.0.1")]
        assert address.startswith("http://127.0.0.1:")
        port = int(address.rsplit(":", 1)[1].strip("/"))
        assert asked(port, "/account").status == 200
        assert asked(port, "/account", host="evil.example").status == 421
    assert sorted(path.name for path in place.iterdir()) == before, "no user, no password, nothing is written"

    tls = ("--tls-cert", str(pair[0]), "--tls-key", str(pair[1]))
    named = ("--name", "observe.example")
    ways = [
        (host, *more)
        for host in ("0.0.0.0", "::", "192.0.2.10", "2001:db8::1", "example.org")
        for more in ((), tls, (*tls, *named))
    ]
    for way in ways:  # nobody could log in
        assert "no user" in refused(place, monkeypatch, capsys, "--host", *way), way
    assert "no user" in refused(place, monkeypatch, capsys, "--behind", "127.0.0.1")
    store = Store(place / "teiten-lake.users")
    store.add("ada", "administrator", LONG)
    for host in ("0.0.0.0", "::", "192.0.2.10"):
        said = refused(place, monkeypatch, capsys, "--host", host, *named)
        assert "no TLS" in said and "openssl req -x509" in said
        ways.append((host, *named))
    for host in ("0.0.0.0", "::"):
        assert "by which name" in refused(place, monkeypatch, capsys, "--host", host, *tls)
        ways.append((host, *tls))

    with running(place, "--host", "0.0.0.0", *named, *tls) as (process, address):
        assert listening(process.pid) == [("tcp", "0.0.0.0")] and address.startswith("https://observe.example:")
        port = int(address.rsplit(":", 1)[1].strip("/"))
        paths = [module.PATH for module in app.found(pages)] + [one.whole for one in _shape.found()]
        paths += [path for path in routes.ROUTES if path != "/login"] + ["/live"]
        for path in paths:
            answer = asked(port, re.sub(r"\{[^}]+\}", "23", path), tls=trusting(), host="observe.example")
            to_login = answer.status == 303 and str(answer.headers["location"]).startswith("/login")
            assert to_login or answer.status == 401, (path, answer.status)
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
        for host in ("evil.example", "127.0.0.2", "localhost.evil.example", ""):
            assert asked(port, "/login", tls=trusting(), host=host).status == 421, host
        with pytest.raises((OSError, http.client.HTTPException)):
            asked(port, "/login", host="observe.example")
        answer = asked(port, "/login", tls=trusting(), host="observe.example")
        cookie = str(answer.headers["set-cookie"])
        assert (
            cookie.startswith(f"__Host-teiten-{port}-door=")
            and "Secure" in cookie
            and "Path=/" in cookie
            and "Domain" not in cookie
        )
        assert old(port) == [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
    kept = {name: user.hash for name, user in (store.known() or Known()).users.items()}
    tried = [(name, password) for name in (*NAMES, "ada") for password in PASSWORDS]
    assert not [one for one in tried if passwords.matches(kept.get(one[0]), one[1])]
    figure(
        17,
        "a fresh start listens at 127.0.0.1 alone (1 socket), has no user and writes nothing; "
        f"{len(ways) + 1} of {len(ways) + 1} starts that others could reach without TLS, a user or a name refused; "
        f"with all three, 0 of {len(paths)} pages and addresses of the API open to a stranger, "
        f"0 of {len(tried)} usual names and passwords let in, TLS 1.2 and 1.3 alone",
    )


def old(port: int) -> list[ssl.TLSVersion]:
    """The versions of TLS in which it answers, of all that this machine can speak."""
    out = []
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = trusting()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning) if version < ssl.TLSVersion.TLSv1_2 else contextlib.nullcontext():
            context.minimum_version = context.maximum_version = version
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 20) as plain,
            context.wrap_socket(plain) as link,
        ):
            assert link.version()
            out.append(version)
    return out


def test_a_certificate_that_is_replaced_is_taken_up(
    tmp_path: Path, pair: tuple[Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    files = [Path(shutil.copy(one, tmp_path)) for one in pair]
    own = serving._Certificate(files[0], files[1])

    def shown() -> bytes:
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            door.listen(1)
            with socket.create_connection(door.getsockname()) as plain:
                peer, _ = door.accept()
                incoming, outgoing, answer = ssl.MemoryBIO(), ssl.MemoryBIO(), own.context
                served = answer.wrap_bio(incoming, outgoing, server_side=True)
                client_in, client_out = ssl.MemoryBIO(), ssl.MemoryBIO()
                client = trusting().wrap_bio(client_in, client_out)
                for _ in range(10):
                    for side in (client, served):
                        with contextlib.suppress(ssl.SSLWantReadError):
                            side.do_handshake()
                    incoming.write(client_out.read())
                    client_in.write(outgoing.read())
                peer.close()
                plain.close()
                return client.getpeercert(binary_form=True) or b""

    first = shown()
    files[0].write_text("no certificate")
    asyncio.run(own.look())
    assert shown() == first and "stays in use" in capfd.readouterr().err
    subprocess.run(
        serving.SELF_SIGNED.format(name="192.0.2.10", kind="IP").split(),
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=60,
    )
    asyncio.run(own.look())
    assert shown() not in (first, b"")


def test_addresses_of_this_machine() -> None:
    assert all(serving.own(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"))
    assert not any(serving.own(host) for host in ("0.0.0.0", "::", "192.0.2.1", "example.org", "", "localhost.example.org"))


def test_what_it_takes_to_be_reached(chosen: Settings, tmp_path: Path) -> None:
    """The same as the real process says, quickly: TLS, a user, and a name where it is every address."""

    def check(host: str, **more: Any) -> None:
        serving.check(replace(chosen, serving=hosting.Serving(users=tmp_path / "users", **more)), host)

    tls, behind = {"certificate": tmp_path / "c", "key": tmp_path / "k"}, {"behind": (hosting.network("127.0.0.1", ""),)}
    check("127.0.0.1")
    for host in ("0.0.0.0", "::", "192.0.2.10", "observe.example"):
        for more in ({}, tls, {**tls, "names": ("observe.example",)}):
            with pytest.raises(UsageError, match="no user"):
                check(host, **more)
    with pytest.raises(UsageError, match="no user"):
        check("127.0.0.1", **behind)
    Store(tmp_path / "users").add("ada", "administrator", LONG)
    check("127.0.0.1", **behind)
    for host in ("0.0.0.0", "192.0.2.10"):
        with pytest.raises(UsageError, match="no TLS"):
            check(host, names=("observe.example",), **behind)
    with pytest.raises(UsageError, match="by which name"):
        check("0.0.0.0", **tls)
    check("0.0.0.0", names=("observe.example",), **tls)
    check("192.0.2.10", **tls)
    (tmp_path / "users" / "users.json").write_text("{}")
    with pytest.raises(UsersError):
        check("127.0.0.1")


@pytest.mark.full
def test_it_waits_for_nobody(place: Path) -> None:
    """A request whose head never ends is cut off by its size."""
    with running(place) as (_, address):
        port = int(address.rsplit(":", 1)[1].strip("/"))
        with socket.create_connection(("127.0.0.1", port), 20) as link:
            link.settimeout(20)
            answer = b""
            with contextlib.suppress(OSError):
                link.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * (200 << 10))
                time.sleep(0.2)
                answer = link.recv(4096)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
        two = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        for smuggled in (
            two + b"GET /account HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n X-Folded: a\r\nTransfer-Encoding : chunked\r\n\r\n",
            b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port), 20) as link:
                link.settimeout(20)
                link.sendall(smuggled)
                link.shutdown(socket.SHUT_WR)
                answer = b""
                with contextlib.suppress(OSError):
                    while data := link.recv(65536):
                        answer += data
            statuses = re.findall(rb"^HTTP/1.1 (\d+)", answer, re.MULTILINE)
            assert statuses in ([b"411"], [b"400"], [b"421"]) or smuggled.startswith(b"PRI"), (smuggled, answer[:200])
            assert all(one.startswith(b"4") for one in statuses), (smuggled, answer[:200])
