"""The survey on the loopback: real servers are asked and named, others are not, nobody twice, no more than is permitted."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import ipaddress
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from teiten import intake
from teiten.devices import signatures
from teiten.devices.survey import permission, running, talking
from teiten.devices.survey.permission import NotPermittedError, Permission
from teiten.devices.survey.talking import Caller, Question
from teiten.engine import open_session
from teiten.lake import Lake
from teiten.settings import Settings

SETTINGS = Settings("UTC", "flag")
NOW = dt.datetime.now(dt.UTC)
LOOP = ipaddress.ip_address("127.0.0.2")


def allowed(*prefixes: str, out: tuple[str, ...] = ()) -> Permission:
    days = (NOW.date() - dt.timedelta(days=1), NOW.date() + dt.timedelta(days=1))
    networks, not_these = (tuple(ipaddress.ip_network(one) for one in some) for some in (prefixes or ("127.0.0.2/32",), out))
    return Permission("me", "test", "survey@example.ac.jp", *days, networks, not_these)


def caller(*prefixes: str) -> Caller:
    return Caller(allowed(*prefixes), lambda: None, 1.0)


UPNP = b"""<root><device><manufacturer>Logitec</manufacturer><modelName>LAN-W300N/R</modelName>
<UDN>uuid:12345678-1234-1234-1234-123456789abc</UDN></device></root>"""


class Page(http.server.BaseHTTPRequestHandler):
    """A device's page, and its UPnP description."""

    seen: ClassVar[list[str]] = []
    body = b"<html><head><title>NETSurveillance WEB</title></head></html>"

    def do_GET(self) -> None:
        Page.seen.append(self.headers.get("User-Agent", ""))
        upnp = UPNP
        body = upnp if self.path.endswith(".xml") else self.body
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@contextlib.contextmanager
def serving(tls: Path | None = None) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer((str(LOOP), 0), Page)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def saying(data: bytes, *, slowly: bool = False, on: str = str(LOOP)) -> Iterator[int]:
    """A service that says that to whoever connects, byte by byte if slowly, and never ends by itself."""
    server = socket.create_server((on, 0))
    stopped = threading.Event()

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                other, _ = server.accept()
                threading.Thread(target=talk, args=(other,), daemon=True).start()

    def talk(other: socket.socket) -> None:
        with contextlib.suppress(OSError), other:
            for n in range(0, len(data), 1 if slowly else max(1, len(data))):
                other.sendall(data[n : n + (1 if slowly else len(data))])
                if stopped.wait(0.05 if slowly else 0):
                    return
            stopped.wait(20)

    threading.Thread(target=run, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        stopped.set()
        server.close()


def test_a_page_and_its_description() -> None:
    with serving() as port:
        told = caller().ask(LOOP, Question(port, "http"))
        assert told is not None and told["title"] == "NETSurveillance WEB" and "BaseHTTP" in told["server"]
        upnp = caller().ask(LOOP, Question(port, "upnp"))
    assert upnp is not None and upnp["model"] == "LAN-W300N/R" and upnp["uuid"].endswith("123456789abc")
    assert "survey@example.ac.jp" in Page.seen[-1] and "teiten" in Page.seen[-1]


def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out",
         tmp_path / "cert.pem",
         "-subj", "/C=TW/O=DrayTek Corp./CN=Vigor Router", "-days", "1"], capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is not here")
    with serving(tmp_path) as port:
        told = caller().ask(LOOP, Question(port, "https"))
    assert told is not None and told["cert_subject"] == "C=TW, O=DrayTek Corp., CN=Vigor Router"
    assert len(told["cert_sha256"]) == 64 and signatures.built_in().family(told | {"title": None}) == "draytek"


@pytest.mark.parametrize(
    ("kind", "data", "banner"),
    [
        ("ssh", b"SSH-2.0-ROSSSH\r\n", "SSH-2.0-ROSSSH"),
        ("ftp", b"220 MikroTik FTP server (MikroTik 6.49) ready\r\n", "220 MikroTik FTP server (MikroTik 6.49) ready"),
        ("telnet", b"\xff\xfd\x18\xff\xfb\x01\xff\xfa\x18\x01\xff\xf0\r\nLocalHost login: ", "LocalHost login:"),
        ("ssh", b"", None),
        ("http", b"\x00" * 200_000, "\0"),
        ("rtsp", b"RTSP/1.0 401 Unauthorized\r\nServer: Dahua Rtsp Server\r\n\r\n", None),
    ],
)
def test_greetings(kind: str, data: bytes, banner: str | None) -> None:
    with saying(data) as port:
        told = caller().ask(LOOP, Question(port, kind))
    if kind == "rtsp":
        assert told is not None and told["server"] == "Dahua Rtsp Server"
    elif banner is None:
        assert told is None
    elif kind == "http":
        assert told is not None and len(told["banner"]) <= 1000
    else:
        assert told is not None and told["banner"].decode().strip() == banner


@pytest.mark.parametrize("kind", ["http", "https", "telnet", "ssh", "ftp", "rtsp", "upnp"])
def test_slow_and_endless_answers_end(kind: str) -> None:
    began = time.monotonic()
    with saying(b"HTTP/1.1 200 OK\r\nServer: x" + b"y" * 5000, slowly=True) as port:
        caller().ask(LOOP, Question(port, kind))
    assert time.monotonic() - began < 8


def test_nobody_is_there() -> None:
    with socket.create_server((str(LOOP), 0)) as taken:
        port = taken.getsockname()[1]
    for question in talking.QUESTIONS:
        assert Caller(allowed(), lambda: None, 0.3).ask(LOOP, Question(port, question.kind, question.protocol)) is None


@pytest.mark.parametrize("question", talking.QUESTIONS, ids=lambda q: q.text)
def test_no_socket_is_opened_to_whom_nobody_permits(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", never)
    with pytest.raises(NotPermittedError):
        caller("127.0.0.2/32").ask(ipaddress.ip_address("127.0.0.3"), question)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.3:80/x.xml",
        "http://example.com/x.xml",
        "https://127.0.0.2/x",
        "file:///etc/passwd",
        "http://127.0.0.2:99999/x",
        "http://127.0.0.2@127.0.0.3/x",
        "http://0x7f000002/x",
        "http://127.0.0.2/\r\nX: y",
        "",
    ],
)  # fmt: skip
def test_a_description_elsewhere_is_not_fetched(location: str) -> None:
    assert talking._place(location, LOOP) is None
    assert talking._place("http://127.0.0.2:52869/picsdesc.xml", LOOP) == (52869, "/picsdesc.xml")


LINE = (
    "{at} gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.23 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 "
    "PROTO=TCP SPT=40000 DPT=23 SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Sources of the last hours, and one of the day before yesterday."""
    sources = [("127.0.0.2", 1), ("127.0.0.3", 2), ("127.0.0.4", 3), ("127.0.0.5", 50), ("127.1.0.1", 1)]
    text = "".join(LINE.format(at=(NOW - dt.timedelta(hours=h)).isoformat(), src=src) for src, h in sources)
    (tmp_path / "gw.log").write_text(text)
    lake = Lake.create(tmp_path / "lake", "UTC")
    assert intake.ingest(lake, [str(tmp_path / "gw.log")], SETTINGS).total.events == 5
    return lake


def planned(lake: Lake, book: Path, most: int = 100) -> running.Plan:
    with open_session(lake, SETTINGS) as session:
        return running.plan(session, allowed("127.0.0.0/24", out=("127.0.0.4/32",)), book, most)


def test_whom_it_asks(lake: Lake, tmp_path: Path) -> None:
    """Sources of the last day, within the permission, on no opt-out list; the rest is counted."""
    found = planned(lake, tmp_path / "book.jsonl")
    assert [str(one) for one in found.asked] == ["127.0.0.2", "127.0.0.3"]
    assert found.left_out == {"opted out": 1, "not in the permitted prefixes": 1} and found.sources == 4
    assert planned(lake, tmp_path / "book.jsonl", 1).left_out["more than this run asks"] == 1


def test_a_run_asks_each_once_and_goes_on(lake: Lake, tmp_path: Path) -> None:
    book = tmp_path / "book.jsonl"
    with serving() as port:
        questions = [Question(port, "http"), Question(port, "upnp")]
        found = planned(lake, book)
        who = allowed("127.0.0.0/24", out=("127.0.0.4/32",))
        result = running.run(lake, who, found.asked[:1], book, per_second=10, questions=questions, patience=1.0)
        assert (result.asked, result.answered, result.rows, result.connections) == (1, 1, 2, 2)
        again = planned(lake, book)
        assert [str(one) for one in again.asked] == ["127.0.0.3"] and again.left_out["asked already"] == 1
    rows = lake.devices().to_dicts()
    assert {row["title"] for row in rows} >= {"NETSurveillance WEB"} and all(row["origin"] == "survey" for row in rows)
    assert [json.loads(line)["address"] for line in book.read_text().splitlines()] == ["127.0.0.2"]


def test_who_is_asked_is_written_down_first(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it asks: the address stands in the book, and is not asked again. A torn last line is no harm."""
    book = tmp_path / "book.jsonl"

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(running, "ask", killed)
        with pytest.raises(KeyboardInterrupt):
            running.run(lake, allowed("127.0.0.0/24"), planned(lake, book).asked, book, per_second=10)
    with book.open("a") as file:
        file.write('{"address": "127.0.')
    assert [str(one) for one in planned(lake, book).asked] == ["127.0.0.3"]


def test_the_pace_is_kept() -> None:
    pace = running.Pace(50.0)
    began = time.monotonic()
    for _ in range(6):
        pace.wait()
    assert time.monotonic() - began >= 5 / running.QUICKEST


def test_a_permission_that_ends_meanwhile_ends_the_asking(lake: Lake, tmp_path: Path) -> None:
    over = Permission("me", "test", "a@b.jp", NOW.date() - dt.timedelta(days=9), NOW.date() - dt.timedelta(days=2),
                      (ipaddress.ip_network("127.0.0.0/24"),))  # fmt: skip
    result = running.run(lake, over, [LOOP], tmp_path / "book.jsonl", per_second=10)
    assert result.asked == result.connections == 0
    assert permission.NotPermittedError is NotPermittedError
