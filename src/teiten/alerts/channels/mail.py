"""Messages by SMTP, encrypted unless it is said otherwise; an update answers the mail that told the thing first."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from email.utils import format_datetime

from teiten import mailing
from teiten.alerting import Channel
from teiten.alerts.channels import ChannelError, Message

NAME = "mail"


def send(channel: Channel, message: Message) -> str | None:
    """One mail to all of `to`. Its Message-ID is made from the message's id: sent again after a kill, it is the same mail.

    Some of several who were refused are told of; the others have it. ChannelError."""
    mail = made(channel, message)
    try:
        with mailing.connected(channel) as server:
            refused = server.send_message(mail)
    except mailing.MailError as error:
        raise ChannelError(str(error), again=error.again) from None
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
