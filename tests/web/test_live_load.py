"""Many listeners, slow and rude clients, a lake that goes: others are answered, what is wrong is said, and it mends itself."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from teiten import intake
from teiten.lake import Lake
from teiten.settings import Settings
from teiten.web import live as lives
from teiten.web import patient
from teiten.web import pool as pools

from .conftest import Client, lake_of, line, served

PAGE = "/ports?lang=en&period=week"


@dataclass
class Process:
    """`teiten serve` as people start it."""

    child: subprocess.Popen[bytes]
    client: Client

    def memory(self) -> float:
        """MiB that it holds now."""
        text = Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]

    def processor(self) -> float:
        """Seconds of the processor so far."""
        told = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def process(chosen: Settings, folder: Path) -> Iterator[Process]:
    config = folder / "serve.toml"
    config.write_text(f'zone = "Asia/Tokyo"\nlake = "{chosen.lake}"\n')
    command = [sys.executable, "-m", "teiten", "serve", "--config", str(config), "--port", "0"]
    with (folder / "serve.err").open("wb") as errors:
        child = subprocess.Popen(command, stderr=errors, stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 60
            while not (found := re.search(rb":(\d+)/", (folder / "serve.err").read_bytes())) and time.monotonic() < until:
                time.sleep(0.1)
            assert found, (folder / "serve.err").read_text()
            yield Process(child, Client(int(found[1])))
        finally:
            child.terminate()
            child.wait(30)
    told = (folder / "serve.err").read_text()
    assert "Traceback" not in told, told[-3000:]


def more(chosen: Settings, folder: Path, n: int) -> None:
    """One event more, in a batch of its own."""
    log = folder / f"more-{n}.log"
    log.write_text(line(dt.datetime(2019, 10, 22, 23, 40, n, tzinfo=chosen.zone), f"198.18.7.{n}", 23))
    assert not intake.ingest(Lake.open(chosen.lake), [str(log)], chosen, sensor="home", judge=False).failed


# listeners --------------------------------------------------------------------------------------------------------------


async def listener(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    return reader, writer


def test_one_too_many_is_told_so_and_who_leaves_makes_room(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "MOST", 3)

    async def run(port: int) -> tuple[bytes, bytes]:
        held = [await listener(port) for _ in range(3)]
        for reader, _ in held:
            await asyncio.wait_for(reader.readuntil(b"retry: 5000"), 10)
        reader, writer = await listener(port)
        refused = await asyncio.wait_for(reader.readuntil(b"what is new."), 10)
        writer.close()
        held.pop()[1].close()
        until = time.monotonic() + 60
        again = b""
        while b"retry: 5000" not in again and time.monotonic() < until:
            reader, writer = await listener(port)
            again = b""
            while b"retry: 5000" not in again and b"what is new." not in again:  # head and body may come apart
                again += await asyncio.wait_for(reader.read(2000), 10)
            held.append((reader, writer))
            await asyncio.sleep(0.1)
        for _, writer in held:
            writer.close()
        return refused, again

    with served(chosen, workers=1) as client:
        refused, again = asyncio.run(run(client.port))
    assert refused.startswith(b"HTTP/1.1 503") and b"retry-after: 60" in refused and b"listen already" in refused
    assert again.startswith(b"HTTP/1.1 200")


@pytest.mark.full
def test_a_thousand_listeners(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All hear of a batch within seconds, others are answered meanwhile, and it costs little."""
    patient.room()
    chosen = lake_of(tmp_path)

    async def run(own: Process) -> tuple[int, bytes, float, float, float]:
        held = [await listener(own.client.port) for _ in range(lives.MOST)]
        await asyncio.gather(*(asyncio.wait_for(reader.readuntil(b"retry: 5000"), 60) for reader, _ in held))
        reader, writer = await listener(own.client.port)
        refused = await asyncio.wait_for(reader.read(500), 20)
        writer.close()
        page = (await asyncio.to_thread(own.client.get, PAGE)).status
        for _ in range(24):  # what is usual is asked beforehand in the first seconds of a server: until that is over
            before = own.processor()
            await asyncio.sleep(5)
            if (idle := (own.processor() - before) / 5) < 0.05:
                break
        await asyncio.to_thread(more, chosen, tmp_path, 1)
        began = time.monotonic()
        await asyncio.gather(*(asyncio.wait_for(reader.readuntil(b"event: lake"), 60) for reader, _ in held))
        heard = time.monotonic() - began
        memory = own.memory()
        for _, writer in held:
            writer.close()
        return page, refused, idle, heard, memory

    with process(chosen, tmp_path) as own:
        own.client.get(PAGE)
        alone = own.memory()
        page, refused, idle, heard, memory = asyncio.run(run(own))
        until = time.monotonic() + 30
        while (found := own.client.get("/live-is-no-page").status) != 404 and time.monotonic() < until:
            time.sleep(0.2)
        assert found == 404
    with capsys.disabled():
        print(
            f"\n1,000 listeners: all heard in {heard:.1f} s, {memory - alone:.0f} MiB more, idle {100 * idle:.1f} % of a core"
        )
    assert page == 200 and refused.startswith(b"HTTP/1.1 503")
    assert heard < 30 and memory - alone < 200 and idle < 0.05


# slow and rude ----------------------------------------------------------------------------------------------------------


def test_a_head_that_never_ends_is_not_waited_for(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "HEAD", 0.5)
    with served(chosen, workers=1) as client, contextlib.ExitStack() as stack:
        slow, silent = (
            stack.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", client.port)))) for _ in range(2)
        )
        ended = False
        until = time.monotonic() + 20
        for byte in b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * 1000:
            try:
                slow.sendall(bytes([byte]))
            except OSError:
                ended = True
                break
            time.sleep(0.05)
            assert time.monotonic() < until
        silent.settimeout(20)
        assert ended and silent.recv(10) == b""
        assert client.get("/search?lang=en").status == 200


def test_a_connection_that_is_used_on_is_not_ended(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "HEAD", 0.5)
    with (
        served(chosen, workers=1) as client,
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)) as link,
    ):
        for _ in range(3):
            link.request("GET", "/search?lang=en")
            answer = link.getresponse()
            assert answer.status == 200 and answer.read()
            time.sleep(0.7)


@pytest.mark.full
def test_rude_clients_do_not_hinder_others(tmp_path: Path) -> None:
    """200 that say nothing, 50 that do not read, pipelined, huge and broken requests: a page comes in time all the same."""
    chosen = lake_of(tmp_path)
    with process(chosen, tmp_path) as own:
        port = own.client.port
        own.client.get(PAGE)
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
        ask = f"GET {PAGE} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        unread = []
        for _ in range(50):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            one.connect(("127.0.0.1", port))
            with contextlib.suppress(OSError):
                one.sendall(ask * 100)
            unread.append(one)
        huge = b"GET " + b"/" * 200_000 + b" HTTP/1.1\r\n\r\n"
        endless = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
        for broken in (huge, endless, b"\x16\x03\x01" + os.urandom(500), b"GET / HTTP/9.9\r\n\r\n", b"A" * 300_000):
            with contextlib.closing(socket.create_connection(("127.0.0.1", port))) as link:
                link.settimeout(30)
                with contextlib.suppress(OSError):
                    link.sendall(broken)
                    assert not link.recv(100).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        assert own.client.get("/search?lang=en").status == 200
        assert time.monotonic() - began < 20
        assert own.memory() < 1024
        for one in (*idle, *unread):
            one.close()


# the lake ---------------------------------------------------------------------------------------------------------------


def test_a_lake_that_goes_and_another_that_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was told of the one before is not told of the other; without any it is said; and it mends by itself."""
    monkeypatch.setattr(pools, "LOOK_EVERY", 0.0)
    chosen = lake_of(tmp_path)
    away = tmp_path / "away"
    with served(chosen, workers=1) as client:
        assert "445/tcp" in client.get(PAGE).text
        chosen.lake.rename(away)
        gone = client.get(PAGE)
        assert gone.status == 503 and gone.headers["retry-after"] and "445/tcp" not in gone.text
        assert "Traceback" not in gone.text and 'href="/' in gone.text
        assert client.get("/api/v1/rank/ports").status == 503
        log = tmp_path / "other.log"
        log.write_text(line(dt.datetime(2019, 10, 22, 12, tzinfo=chosen.zone), "198.18.7.7", 9530))
        assert not intake.ingest(Lake.create(chosen.lake, "Asia/Tokyo"), [str(log)], chosen, sensor="other", judge=False).failed
        other = client.get(PAGE).text
        assert "9530/tcp" in other and "445/tcp" not in other
        shutil.rmtree(chosen.lake)
        away.rename(chosen.lake)
        again = client.get(PAGE).text
        assert "445/tcp" in again and "9530/tcp" not in again


@pytest.mark.full
@pytest.mark.parametrize("what", ["compact", "vacuum", "backup", "migrated", "torn"])
def test_a_lake_that_is_worked_on(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages go on while it is put together, tidied, copied; what is torn is said, and is gone when it is whole again."""
    monkeypatch.setattr(pools, "LOOK_EVERY", 0.0)
    chosen = lake_of(tmp_path)
    for n in range(3):
        more(chosen, tmp_path, n)
    lake = Lake.open(chosen.lake)
    with served(chosen, workers=2) as client:
        before = client.get(PAGE).text
        if what == "torn":
            file = max((f.path for f in lake.live_files()[0]), key=lambda path: path.stat().st_size)
            whole = file.read_bytes()
            file.write_bytes(whole[: len(whole) // 2])
            torn = client.get(PAGE + "&n=7")
            assert torn.status == 503 and "Traceback" not in torn.text and file.name in torn.text
            file.write_bytes(whole)
            os.utime(chosen.lake / "events" / "_delta_log")
        else:
            words = {"compact": ["lake", "compact"], "vacuum": ["lake", "vacuum"], "migrated": ["lake", "judge"],
                     "backup": ["backup", str(tmp_path / "copy")]}[what]  # fmt: skip
            command = [sys.executable, "-m", "teiten", *words, "--lake", str(chosen.lake)]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
                while child.poll() is None:
                    answer = client.get(PAGE)
                    assert answer.status == 200, answer.text[:500]
                assert child.stderr is not None
                told = child.stderr.read().decode()
            assert child.returncode == 0, told
        after = client.get(PAGE + "&n=8").text
        for port, packets in (("445/tcp", "96"), ("80/tcp", "48")):
            assert port in after and f">{packets}<" in after.replace(" ", "") and port in before


def test_no_room_for_temporary_files_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "LOOK_EVERY", 0.0)
    chosen = lake_of(tmp_path)
    with served(chosen, workers=1) as client:
        with monkeypatch.context() as full:

            def refuse(*_: object, **__: object) -> None:
                raise OSError(28, "No space left on device")

            full.setattr("tempfile.mkdtemp", refuse)
            answer = client.get(PAGE)
            assert answer.status >= 500 and "No space left" in answer.text and "Traceback" not in answer.text
        assert client.get(PAGE).status == 200
