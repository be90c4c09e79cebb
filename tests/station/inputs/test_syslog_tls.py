"""Lines over TLS: by certificate, with certificates that change, beside connections that never come to anything."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.station.inputs.work import Work, until

from teiten.errors import UsageError
from teiten.station.inputs import syslog_tls

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


def certificate(folder: Path, name: str, signer: str | None = "ca") -> Path:
    """folder/NAME.pem with its key in NAME.key, signed by that one (None: by itself)."""
    out = folder / f"{name}.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    by = [] if signer is None else ["-CA", folder / f"{signer}.pem", "-CAkey", folder / f"{signer}.key"]
    more = [] if signer is None else ["-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=critical,CA:FALSE"]
    openssl(*words, *by, "-subj", f"/CN={name}", *more, "-keyout", folder / f"{name}.key", "-out", out)
    return out


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, a station's certificate, two senders', and one of another authority."""
    folder = tmp_path_factory.mktemp("keys")
    for name, signer in (
        ("ca", None),
        ("station", "ca"),
        ("router", "ca"),
        ("box", "ca"),
        ("other", None),
        ("forged", "other"),
    ):
        certificate(folder, name, signer)
    return folder


def work_of(folder: Path, keys: Path, **table: Any) -> Work:
    given = {"certificate": str(keys / "station.pem"), "key": str(keys / "station.key"), **table}
    return Work(folder, {"kind": "syslog_tls", "listen": "127.0.0.1:0", **given})


def connected(work: Work, keys: Path, own: str | None = None, source: str = "127.0.0.1") -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(keys / "ca.pem"))
    context.check_hostname = False
    if own is not None:
        context.load_cert_chain(keys / f"{own}.pem", keys / f"{own}.key")
    plain = socket.create_connection(work.place, timeout=20, source_address=(source, 0))
    return context.wrap_socket(plain, server_hostname="station")


def test_lines_in_both_framings(tmp_path: Path, keys: Path) -> None:
    work = work_of(tmp_path, keys)
    line, many = b"<4>" + b"x" * 300, 3000
    with work.at_work():
        with connected(work, keys) as one:
            one.sendall((line + b"\n") * many)
            one.unwrap()
        with connected(work, keys) as one:
            one.sendall((b"%d %s" % (len(line), line)) * many)
            one.unwrap()
        until(lambda: work.counts()["received"] == 2 * many)
    assert work.lines() == [line + b"\n"] * (2 * many)


def test_a_certificate_says_whose_lines_they_are(tmp_path: Path, keys: Path) -> None:
    seen = hashlib.sha256(ssl.PEM_cert_to_DER_cert((keys / "box.pem").read_text())).hexdigest()
    names = {"Router": "home", f"SHA-256:{':'.join(seen[i : i + 2] for i in range(0, 64, 2)).upper()}": "office"}
    work = work_of(tmp_path, keys, clients=str(keys / "ca.pem"), names=names)
    with work.at_work():
        for own in ("router", "box", "station", "forged", None):
            with contextlib.suppress(OSError), connected(work, keys, own) as one:
                one.sendall(b"<4>of router, says " + str(own).encode() + b"\n")
                one.unwrap()
        until(lambda: work.lines("home") and work.lines("office"))
        until(lambda: work.running.status().get("cut_greeting") == 3)
        assert work.counts(None)["refused_connections"] == 1
    assert work.lines("home") == [b"<4>of router, says router\n"] and work.lines("office") == [b"<4>of router, says box\n"]
    assert any("no sensor is named for its certificate (station" in text for _, text in work.told)


def test_addresses_count_where_there_are_no_names(tmp_path: Path, keys: Path) -> None:
    work = work_of(tmp_path, keys, peers={"127.0.0.2": "home"})
    with work.at_work():
        for source in ("127.0.0.2", "127.0.0.3"):
            with contextlib.suppress(OSError), connected(work, keys, None, source) as one:
                one.sendall(b"<4>" + source.encode() + b"\n")
                one.unwrap()
        until(lambda: work.counts(None)["refused_connections"] == 1)
        until(lambda: len(work.lines()) == 1)
    assert work.lines() == [b"<4>127.0.0.2\n"]


def test_what_is_cut_off_is_no_line(tmp_path: Path, keys: Path) -> None:
    """Without TLS's own end nobody knows that the sender had said all."""
    work = work_of(tmp_path, keys)
    with work.at_work():
        with connected(work, keys) as one:
            one.sendall(b"<4>whole\n<4>half a li")
            until(lambda: len(work.lines()) == 1)
        until(lambda: work.counts()["refused"] == 1)
    assert work.lines() == [b"<4>whole\n"]


def test_half_open_connections_time_out_and_others_are_served(tmp_path: Path, keys: Path) -> None:
    work = work_of(tmp_path, keys)
    work.running.listener.patience = 1.0
    with work.at_work(), contextlib.ExitStack() as stack:
        for n in range(10):
            silent = stack.enter_context(socket.create_connection(work.place, timeout=20))
            if n % 2:
                silent.sendall(b"\x16\x03\x01")
        stack.enter_context(socket.create_connection(work.place, timeout=20)).sendall(b"<4>no TLS at all\n")
        with connected(work, keys) as one:
            one.sendall(b"<4>served\n")
            until(lambda: len(work.lines()) == 1)
            one.unwrap()
        until(lambda: work.running.status().get("cut_patience") == 10)
        until(lambda: work.running.status()["connections"] == 0)
        assert work.running.status()["cut_greeting"] == 1


def test_a_new_certificate_is_read(tmp_path: Path, keys: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(keys, own)
    work = work_of(tmp_path, own)

    def number() -> bytes:
        with connected(work, keys) as one:
            found = one.getpeercert(binary_form=True)
        assert found is not None
        return found

    with work.at_work():
        first = number()
        (own / "station.key").write_text("no key")
        until(lambda: any("stays in use" in text for _, text in work.told))
        assert number() == first
        certificate(own, "station")
        until(lambda: any("read anew" in text for _, text in work.told))
        time.sleep(0.05)
        assert number() != first


def test_wrong_settings_are_told(tmp_path: Path, keys: Path) -> None:
    with pytest.raises(UsageError, match="names of certificates, but no clients"):
        work_of(tmp_path / "1", keys, names={"router": "home"})
    with pytest.raises(UsageError, match="has no certificate"):
        Work(tmp_path / "2", {"kind": "syslog_tls"})
    with pytest.raises(UsageError, match="no name of a certificate"):
        work_of(tmp_path / "3", keys, clients="x", names={"sha256:12": "home"})
    for table in ({"certificate": "absent.pem"}, {"key": str(keys / "box.key")}, {"clients": str(keys / "ca.key")}):
        with pytest.raises(syslog_tls.CertificateError, match="cannot be used"):
            work_of(tmp_path / "4", keys, **table)
