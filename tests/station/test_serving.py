"""Strangers at the door: slow ones, many, gigantic, half-open; others are served meanwhile."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.station.remote import unchecked, until

from teiten.errors import TeitenError
from teiten.station import certificates, serving
from teiten.station.serving import Answer, RefuseError, Request, Server


def handle(request: Request) -> Answer:
    if request.path == "/known":
        request.slot.known = "me"
        return 200, {}
    if request.path == "/disk":
        raise OSError(28, "No space left on device")
    if request.path == "/no":
        raise RefuseError(429, "later", Retry_After="7")
    body = request.body(1000)
    return 200, {"body": body.decode("latin-1"), "method": request.method}


@contextlib.contextmanager
def served(**more: Any) -> Iterator[tuple[Server, list[str]]]:
    told: list[str] = []
    more.setdefault("context", lambda: None)
    server = Server(("127.0.0.1", 0), handle, lambda _, text: told.append(text), **more)
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        yield server, told
    finally:
        stop.set()
        thread.join(20)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served() as (one, _):
        yield one


def raw(server: Server, data: bytes) -> bytes:
    """What comes back for these bytes, until the server closes or a second passes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        sock.sendall(data)
        out = b""
        with contextlib.suppress(OSError):
            while piece := sock.recv(65536):
                out += piece
                if b"\r\n\r\n" in out and b"Connection: close" not in out:
                    break
        return out


def test_requests_on_one_connection(server: Server) -> None:
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for body, headers in (
        (b"plain", {}),
        (gzip.compress(b"packed"), {"Content-Encoding": "gzip"}),
        (zlib.compress(b"deflated"), {"Content-Encoding": "deflate"}),
    ):
        line.request("POST", "/", body, headers)
        answer = line.getresponse()
        come, answered = map(float, (answer.getheader("Teiten-Time") or "").split())
        assert answer.status == 200 and abs(come - time.time()) < 60 and answered >= come
        assert json.loads(answer.read())["body"] in ("plain", "packed", "deflated")
    line.request("POST", "/", iter([b"in ", b"chunks"]), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
    assert json.loads(line.getresponse().read())["body"] == "in chunks"
    line.request("GET", "/disk")
    answer = line.getresponse()
    assert answer.status == 503 and answer.getheader("Retry-After") == "5" and b"No space left" in answer.read()
    line.request("GET", "/no")
    answer = line.getresponse()
    assert answer.status == 429 and answer.getheader("Retry-After") == "7" and answer.read()
    assert server.connections() == 1
    line.close()


BAD = [
    (b"hello\r\n\r\n", 400),
    (b"GET / HTTP/1.1 and more\r\n\r\n", 400),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
    (b"GET / HTTP/1.1\r\nA: " + b"b" * 70000 + b"\r\n\r\n", 431),
    (b"POST / HTTP/1.1\r\n\r\n", 411),
    (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411),
    (b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", 413),
    (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", 413),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 413),
    (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Encoding: br\r\n\r\nabc", 415),
    (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc", 400),
    (b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", 200),
]


@pytest.mark.parametrize(("data", "status"), BAD)
def test_bad_requests(server: Server, data: bytes, status: int) -> None:
    assert raw(server, data).startswith(b"HTTP/1.1 %d " % status)


def test_a_bomb_is_not_unpacked(server: Server) -> None:
    bomb = gzip.compress(bytes(9 * 10**5))
    assert len(bomb) < 1001
    data = b"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb
    assert raw(server, data).startswith(b"HTTP/1.1 413 ")
    half = bomb[: len(bomb) // 2]
    data = b"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(half) + half
    assert raw(server, data).startswith(b"HTTP/1.1 4")


def test_the_slow_are_cut_off_and_others_served(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HANDSHAKE", "HEADERS", "IDLE"):
        monkeypatch.setattr(serving, name, 0.5)
    with served() as (server, _):
        known = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        known.request("GET", "/known")
        assert known.getresponse().read()
        slow = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(3)]
        slow[1].sendall(b"GET / HTT")
        slow[2].sendall(b"GET / HTTP/1.1\r\nA: ")
        end = time.monotonic() + 10
        dead: set[int] = set()
        while len(dead) < 3 and time.monotonic() < end:  # a byte now and then does not help
            for i, one in enumerate(slow):
                try:
                    one.sendall(b"b")
                    one.settimeout(0.05)
                    if one.recv(1) == b"":
                        dead.add(i)
                except TimeoutError:
                    pass
                except OSError:
                    dead.add(i)
        assert len(dead) == 3 and server.counts["slow"] == 3
        known.request("GET", "/known")  # who is known may idle
        assert known.getresponse().status == 200
        known.close()
        for one in slow:
            one.close()


def test_half_open_tls_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who connects and never shakes hands, or stops in the middle of it."""
    monkeypatch.setattr(serving, "HANDSHAKE", 0.4)
    context = certificates.server(*certificates.own(tmp_path, ["127.0.0.1"]))
    with served(context=lambda: context) as (server, _):
        silent, half = (socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(2))
        half.sendall(bytes.fromhex("16030100f5010000f10303") + bytes(20))
        assert until(lambda: server.counts["failed"] == 2 and server.connections() == 0, 5)
        line = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=unchecked())
        line.request("POST", "/", b"served")
        assert json.loads(line.getresponse().read())["body"] == "served"
        line.close()
        silent.close()
        half.close()


def test_a_flood_from_one_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(most=64, strangers=4) as (server, told):
        mine = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        mine.request("GET", "/known")
        assert mine.getresponse().read()
        flood = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(40)]
        assert until(lambda: server.counts["refused"] == 36)
        assert server.connections() == 5 and len(told) == 1 and "told once" in told[0]
        mine.request("GET", "/known")
        assert mine.getresponse().status == 200
        mine.close()
        for one in flood:
            one.close()
        assert until(lambda: server.connections() == 0)


def test_a_port_that_is_taken(server: Server) -> None:
    with pytest.raises(TeitenError, match="cannot be listened at"):
        Server(("127.0.0.1", server.port), handle, lambda *_: None, context=lambda: None)
