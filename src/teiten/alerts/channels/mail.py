"""Messages by SMTP, encrypted unless it is said otherwise; an update answers the mail that told the thing first."""

from __future__ import annotations

import datetime as dt
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime

from teiten.alerting import Channel
from teiten.alerts.channels import ChannelError, Message

NAME = "mail"


def send(channel: Channel, message: Message) -> str | None:
    """One mail to all of `to`. Its Message-ID is made from the message's id: sent again after a kill, it is the same mail.

    Some of several who were refused are told of; the others have it. ChannelError."""
    mail = made(channel, message)
    try:
        trusted = ssl.create_default_context(cafile=str(channel.ca) if channel.ca else None)
    except (OSError, ssl.SSLError):
        raise ChannelError("its certificates (ca) cannot be read", again=False) from None
    try:
        if channel.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(channel.server, channel.port, timeout=channel.timeout, context=trusted)
        else:
            server = smtplib.SMTP(channel.server, channel.port, timeout=channel.timeout)
        with server:
            if channel.tls == "starttls":
                server.starttls(context=trusted)
            if channel.user and channel.password is not None:
                server.login(channel.user, channel.password.value())
            refused = server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise ChannelError(f"the mail server refused all who were to get it ({codes[0]})", again=codes[0] < 500) from None
    except smtplib.SMTPResponseException as error:
        raise ChannelError(f"the mail server answered {error.smtp_code}", again=error.smtp_code < 500) from None
    except smtplib.SMTPNotSupportedError:
        raise ChannelError("the mail server offers no STARTTLS, or no login", again=False) from None
    except ssl.SSLError as error:
        raise ChannelError(f"no secure connection: {error.reason or 'the certificate is not trusted'}", again=False) from None
    except (OSError, smtplib.SMTPException) as error:
        raise ChannelError(getattr(error, "strerror", None) or "the mail server cannot be reached") from None
    return f"the mail server refused {len(refused)} of {len(channel.to)} who were to get it" if refused else None


def made(channel: Channel, message: Message) -> EmailMessage:
    """The mail: plain text in UTF-8."""
    mail = EmailMessage()
    host = channel.sender.rpartition("@")[2].rstrip(">")
    mail["From"], mail["To"] = channel.sender, ", ".join(channel.to)
    # a name in it may hold what ends a line (U+2028 too): a header has one
    mail["Subject"] = " ".join(message.title.split())
    mail["Date"] = format_datetime(dt.datetime.fromisoformat(message.made))
    mail["Message-ID"] = f"<{message.id}@{host}>"
    if message.answers:
        mail["In-Reply-To"] = mail["References"] = f"<{message.answers}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, charset="utf-8", cte="base64")  # any server passes it on as it is
    mail["Content-Language"] = message.language
    return mail
