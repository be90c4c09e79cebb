"""Letters handed to the mail server, one after another; a line on the disk before the bytes go, and one after the answer.

Whatever fails before the bytes go, fails for sure: the letter waits. From then on until the answer it is in doubt; a kill, or
a connection that breaks there, leaves it so, and it is not sent again by itself.
"""

from __future__ import annotations

import datetime as dt
import smtplib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from teiten import mailing
from teiten.errors import TeitenError
from teiten.notify import drafts
from teiten.notify.drafts import Ready
from teiten.notify.group import known_already
from teiten.notify.kept import Told, Writer, moment
from teiten.settings import Settings

ENDED = "the connection ended before the server answered: whether the letter went out is not known"


@dataclass(slots=True)
class Outcome:
    """What became of the letters."""

    sent: list[Told] = field(default_factory=list)
    failed: list[tuple[Told, str]] = field(default_factory=list)
    doubt: list[Told] = field(default_factory=list)


def send(
    letters: Sequence[Ready],
    writer: Writer,
    settings: Settings,
    own: set[bytes],
    told: Callable[[Told, str], None] | None = None,
) -> Outcome:
    """Sends these letters. `own`: addresses that nothing may name. told: called with each letter and what became of it."""
    out = Outcome()
    for one in letters:
        why = _refused(one, writer, settings, own)
        if why:
            out.failed.append((one.letter, why))
            if told:
                told(one.letter, why)
            continue
        why = _hand_over(one, writer, settings, out)
        if told:
            told(one.letter, why or "sent")
        if why and not out.doubt and _unreachable(why):
            break
    return out


def _unreachable(why: str) -> bool:
    """The others would fare no better."""
    return why.startswith(("the mail server cannot", "no secure connection", "its certificates", "the mail server offers"))


def _refused(one: Ready, writer: Writer, settings: Settings, own: set[bytes]) -> str:
    if one.trouble:
        return one.trouble
    since = moment(dt.datetime.now(dt.UTC) - dt.timedelta(seconds=settings.notifying.again))
    before = writer.book.told(one.letter.mail)
    if any(known_already(address, evidence, before, since) for address, evidence in one.letter.hosts.items()):
        return "hosts of it were told to this contact meanwhile: prepare again"
    try:
        for name, part in drafts.parts(one.content).items():
            drafts.look(part, own, name)
    except (ValueError, TeitenError):
        return "it names an address of a sensor, or is no mail"
    return ""


def _hand_over(one: Ready, writer: Writer, settings: Settings, out: Outcome) -> str:
    """Why it was not sent; nothing where it was."""
    letter, own = writer.book.letters[one.letter.id], settings.notifying
    try:
        with mailing.connected(own) as server:
            server.ehlo_or_helo_if_needed()
            code, _ = server.mail(own.mail)
            if code != 250:
                raise smtplib.SMTPResponseException(code, b"")
            code, _ = server.rcpt(letter.mail)
            if code not in (250, 251):
                raise smtplib.SMTPResponseException(code, b"")
            writer.state("sending", letter)
            _data(server, one.content)
            writer.state("sent", letter)
            out.sent.append(letter)
    except mailing.MailError as error:
        if letter.state == "sent":
            return ""  # the good-bye failed, not the letter
        if letter.state == "doubt" and not str(error).startswith("the mail server answered"):
            out.doubt.append(letter)
            return ENDED
        why = str(error)
        writer.state("failed", letter, why=why)
        out.failed.append((letter, why))
        return why
    return ""


def _data(server: smtplib.SMTP, content: bytes) -> None:
    """SMTPResponseException where the server answers that it does not take it: then it did not."""
    code, answer = server.data(content)
    if code != 250:
        raise smtplib.SMTPResponseException(code, answer)
