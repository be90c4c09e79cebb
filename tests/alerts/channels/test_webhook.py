"""Webhooks against a real server on this machine: what arrives, how it is signed, what is told of each way to fail."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from teiten.alerting import Channel, Secret
from teiten.alerts.channels import ChannelError, Message, webhook

MESSAGE = Message("teiten-1", "2026-03-01T00:00:00+00:00", "ja", "観測速報", "25/tcpへのスキャンが増加", ({"id": "ab12cd34"},))


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.more: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/very-secret"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.status)
        for name, value in self.server.more.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def channel(url: str, key: str | None = None) -> Channel:
    return Channel("desk", "webhook", url=Secret("url", plain=url), key=Secret("key", plain=key) if key else None, timeout=5)


def test_what_arrives_is_the_message_signed(server: _Server) -> None:
    webhook.send(channel(server.url, "a key"), MESSAGE)
    ((headers, body),) = server.got
    whole = {**MESSAGE.table(), "text": f"{MESSAGE.title}\n\n{MESSAGE.text}"}
    assert json.loads(body) == json.loads(json.dumps(whole))
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Idempotency-Key"] == "teiten-1"
    assert headers["X-Teiten-Signature"] == "sha256=" + hmac.new(b"a key", body, hashlib.sha256).hexdigest()
    webhook.send(channel(server.url), MESSAGE)
    assert "X-Teiten-Signature" not in server.got[1][0]


@pytest.mark.parametrize(
    ("status", "more", "again", "wait"),
    [
        (500, {}, True, None), (503, {"Retry-After": "90"}, True, 90.0), (429, {"Retry-After": "999999"}, True, 3600.0),
        (404, {}, False, None), (410, {"Retry-After": "tomorrow"}, False, None),
        (302, {"Location": "http://127.0.0.1:1/"}, False, None),
    ],
)  # fmt: skip
def test_what_is_no_yes_is_told_without_the_address(
    server: _Server, status: int, more: dict[str, str], again: bool, wait: float | None
) -> None:
    server.status, server.more = status, more
    with pytest.raises(ChannelError) as told:
        webhook.send(channel(server.url), MESSAGE)
    assert (told.value.again, told.value.wait) == (again, wait)
    assert str(status) in str(told.value) and "secret" not in str(told.value) and "127.0.0.1" not in str(told.value)


def test_nobody_there_and_nonsense() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url, again in ((f"http://127.0.0.1:{port}/secret", True), ("ftp://secret/", False), ("http://[secret", False)):
        with pytest.raises(ChannelError) as told:
            webhook.send(channel(url), MESSAGE)
        assert told.value.again == again, url
        assert "secret" not in str(told.value)


def test_a_server_that_speaks_no_http_is_told(server: _Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            got, _ = listener.accept()
            with got:
                got.recv(4096)
                got.sendall(b"220 mail.example.org\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(ChannelError):
            webhook.send(channel(f"http://127.0.0.1:{listener.getsockname()[1]}/"), MESSAGE)
        thread.join()
