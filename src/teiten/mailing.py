"""A mail server, reached with or without encryption and login; why it did not take a mail, naming no address and no secret."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from typing import Protocol

from teiten.alerting import Secret


class Server(Protocol):
    """Where mails are handed over: an alerts' channel, [notify]."""

    @property
    def server(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> Secret | None: ...
    @property
    def ca(self) -> object: ...
    @property
    def timeout(self) -> float: ...


class MailError(Exception):
    """The server did not take it. again: may it help to try once more?"""

    def __init__(self, message: str, *, again: bool = True) -> None:
        super().__init__(message)
        self.again = again


@contextlib.contextmanager
def connected(where: Server) -> Iterator[smtplib.SMTP]:
    """A session with the server, logged in where it is asked for; troubles within it become a MailError."""
    try:
        trusted = ssl.create_default_context(cafile=str(where.ca) if where.ca else None)
    except (OSError, ssl.SSLError):
        raise MailError("its certificates (ca) cannot be read", again=False) from None
    try:
        if where.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(where.server, where.port, timeout=where.timeout, context=trusted)
        else:
            server = smtplib.SMTP(where.server, where.port, timeout=where.timeout)
        with server:
            if where.tls == "starttls":
                server.starttls(context=trusted)
            if where.user and where.password is not None:
                server.login(where.user, where.password.value())
            yield server
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise MailError(f"the mail server refused all who were to get it ({codes[0]})", again=codes[0] < 500) from None
    except smtplib.SMTPResponseException as error:
        raise MailError(f"the mail server answered {error.smtp_code}", again=error.smtp_code < 500) from None
    except smtplib.SMTPNotSupportedError:
        raise MailError("the mail server offers no STARTTLS, or no login", again=False) from None
    except ssl.SSLError as error:
        raise MailError(f"no secure connection: {error.reason or 'the certificate is not trusted'}", again=False) from None
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(getattr(error, "strerror", None) or "the mail server cannot be reached") from None
