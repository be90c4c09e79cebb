"""Mails to a real SMTP server on this machine: with STARTTLS, TLS and login, refused, and what an update answers."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiosmtpd")
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from teiten.alerting import Channel, Secret
from teiten.alerts.channels import ChannelError, Message, mail

MESSAGE = Message(
    "teiten-1", "2026-03-01T00:00:00+00:00", "ja", "観測速報: 米国発の25/tcpへのスキャンが増加", "本文です。\n.\nFrom ここまで"
)


class _Box:
    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.answer = "250 OK"
        self.refused: set[str] = set()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        made = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(made, EmailMessage)
        self.got.append(made)
        return self.answer


class _Server(Controller):
    def __init__(self, box: _Box, tls: ssl.SSLContext | None, **more: Any) -> None:
        self.tls, self.more = tls, more
        super().__init__(box, hostname="127.0.0.1", port=0, ssl_context=more.pop("inside", None))

    def factory(self) -> SMTP:
        return SMTP(self.handler, hostname="localhost", tls_context=self.tls, **self.more)

    def _trigger_server(self) -> None:
        """The port is chosen by the system: known once it listens."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    try:
        subprocess.run([*command, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    except OSError:
        pytest.skip("openssl makes the certificate, and is not installed here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


@pytest.fixture
def box() -> _Box:
    return _Box()


@pytest.fixture
def plain(box: _Box) -> Iterator[_Server]:
    server = _Server(box, None)
    server.start()
    yield server
    server.stop()


def channel(port: int, **more: Any) -> Channel:
    given: dict[str, Any] = {"tls": "none", "to": ("a@example.org", "b@example.org"), "timeout": 10, **more}
    return Channel("post", "mail", server="127.0.0.1", port=port, sender="teiten <teiten@example.org>", **given)


def test_a_mail_arrives_as_it_was_meant(box: _Box, plain: _Server) -> None:
    assert mail.send(channel(plain.port), MESSAGE) is None
    (got,) = box.got
    assert got["Subject"] == MESSAGE.title and got["To"] == "a@example.org, b@example.org"
    assert got["Message-ID"] == "<teiten-1@example.org>" and got["In-Reply-To"] is None
    assert got["Auto-Submitted"] == "auto-generated" and got["Content-Language"] == "ja"
    assert got.get_content().rstrip("\r\n").replace("\r\n", "\n") == MESSAGE.text
    update = Message("teiten-2", MESSAGE.made, "ja", "続報", "x", answers="teiten-1")
    mail.send(channel(plain.port), update)
    assert box.got[1]["In-Reply-To"] == box.got[1]["References"] == "<teiten-1@example.org>"


def test_starttls_and_login(box: _Box, certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> None:
    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"desk", b"a very secret word"), handled=False)

    server = _Server(box, certificate[1], authenticator=login, auth_required=True, require_starttls=True)
    server.start()
    try:
        monkeypatch.setenv("WORD", "a very secret word")
        mine = {"tls": "starttls", "user": "desk", "password": Secret("password", variable="WORD"), "ca": certificate[0]}
        mail.send(channel(server.port, **mine), MESSAGE)
        assert len(box.got) == 1
        monkeypatch.setenv("WORD", "wrong secret")
        for wrong in (mine, {**mine, "ca": None}, {"tls": "none"}):
            with pytest.raises(ChannelError) as told:
                mail.send(channel(server.port, **wrong), MESSAGE)
            assert not told.value.again and "secret" not in str(told.value)
        assert len(box.got) == 1
    finally:
        server.stop()


def test_tls_from_the_first_byte(box: _Box, certificate: tuple[Path, ssl.SSLContext]) -> None:
    server = _Server(box, None, inside=certificate[1])
    server.start()
    try:
        mail.send(channel(server.port, tls="tls", ca=certificate[0]), MESSAGE)
        assert len(box.got) == 1
    finally:
        server.stop()


def test_refusals_say_whether_it_may_help_to_try_again(box: _Box, plain: _Server) -> None:
    box.refused = {"a@example.org"}
    assert mail.send(channel(plain.port), MESSAGE) == "the mail server refused 1 of 2 who were to get it"
    box.refused |= {"b@example.org"}
    with pytest.raises(ChannelError, match="refused all") as told:
        mail.send(channel(plain.port), MESSAGE)
    assert not told.value.again
    box.refused, box.answer = set(), "451 later"
    with pytest.raises(ChannelError, match="451") as told:
        mail.send(channel(plain.port), MESSAGE)
    assert told.value.again
    with pytest.raises(ChannelError, match="STARTTLS"):
        mail.send(channel(plain.port, tls="starttls"), MESSAGE)


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ChannelError) as told:
        mail.send(channel(port), MESSAGE)
    assert told.value.again
