"""One connection without its socket: bytes come in; records to write down and answers to give come out.

    talk = Conversation(ends, service, services, bounds, now)
    step = talk.heard(b"GET / HTTP/1.0\\r\\n\\r\\n", now)     # step.records, step.answer, step.close

What came is written down as soon as a message is complete, before it is answered; what does not become complete, as soon as
nothing more comes for a moment (`due`): a first payload is on its way to the disk within a second, whoever sends it how slowly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from teiten.respond import record
from teiten.respond.record import Ends
from teiten.respond.services import SILENT, Service, Services

QUIET: Final = 0.3
"""seconds without more, after which what is not complete is written down"""
WAIT: Final = 0.7
"""seconds after its first byte, at most, until a stretch is written down"""
HEAD: Final = 40
"""bytes of the smallest IP and TCP headers: what a packet of theirs costs them, whatever is in it"""
SHAKEN: Final = 2 * HEAD
"""bytes that they sent to be connected: a SYN and an ACK"""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is kept and said of one connection, at most."""

    keep: int = 1 << 18
    """bytes that are written down; what is beyond is counted"""
    records: int = 64
    """stretches that are written down: who sends byte by byte gets no more lines than that"""
    answers: int = 32


@dataclass(frozen=True, slots=True)
class Step:
    """What a moment comes to."""

    records: tuple[bytes, ...] = ()
    answer: bytes = b""
    close: bool = False


class Conversation:
    """One connection. Its memory: what is not yet written down, at most a message."""

    __slots__ = (
        "_at", "_first", "_message", "_pieces", "_said", "_unsaid", "answers", "bounds", "due", "ends", "known", "received",
        "sent", "service",
    )  # fmt: skip

    def __init__(self, ends: Ends, services: Services, bounds: Bounds) -> None:
        self.service: Service = services.at(ends.dport)
        self.ends = replace(ends, service=self.service.name)
        self.bounds = bounds
        self.known = services if self.service is SILENT else None
        self.received = self.sent = self.answers = 0
        self.due: float | None = None
        """when `quiet` wants to be called"""
        self._said = 0
        """records written of what was said"""
        self._at = 0
        """bytes written down"""
        self._pieces = 0
        self._first = 0.0
        """when the first byte of what is not written down came"""
        self._message = b""
        """what is not complete"""
        self._unsaid = b""

    def opened(self, now: float) -> Step:
        greeting = self._allowed(self.service.greeting)
        self.sent += len(greeting)
        return Step((record.line(self.ends, "open", now),), greeting)

    def heard(self, data: bytes, now: float) -> Step:
        """Bytes came."""
        if not self._unsaid:
            self._first = now
        self.received += len(data)
        self._pieces += 1
        room = self.bounds.keep - self._at - len(self._unsaid)
        self._unsaid += data[: max(0, room)]
        self._message += data
        if self.known is not None:
            self._recognise()
        records: list[bytes] = []
        answer, close = b"", False
        if self.service is SILENT:
            # what is not understood is kept only as long as it may yet be recognised
            self._message = self._message if self.known is not None else b""
        while self.service is not SILENT and not close and self._message and (size := self.service.complete(self._message)):
            message, self._message = self._message[:size], self._message[size:]
            say = self.service.say(self.answers, message)
            if say is None:
                continue
            records += self._write(now)
            given = self._allowed(say.bytes(message, now), len(answer))
            answer += given
            close = say.close or self.answers + 1 >= self.bounds.answers
            self.answers += 1
        self.sent += len(answer)
        self.due = min(now + QUIET, self._first + WAIT) if self._unsaid else None
        return Step(tuple(records), answer, close)

    def quiet(self, now: float) -> Step:
        """It is `due`: what is there is written down."""
        return Step(tuple(self._write(now)))

    def closed(self, why: str, now: float) -> Step:
        """It has ended, for that reason."""
        told = record.line(
            self.ends, "closed", now, why=why, received=self.received, kept=self._at + len(self._unsaid), sent=self.sent,
            answers=self.answers,
        )  # fmt: skip
        return Step((*self._write(now, last=True), told))

    def _recognise(self) -> None:
        assert self.known is not None
        found = self.known.guess(self._message)
        if found is not SILENT:
            self.service = found
            self.ends = replace(self.ends, service=found.name)
        if found is not SILENT or len(self._message) >= 16:
            self.known = None

    def _allowed(self, answer: bytes, besides: int = 0) -> bytes:
        """The answer, or nothing where all answers together would be larger than what they answer."""
        asked = SHAKEN + self.received + HEAD * self._pieces
        return answer if self.sent + besides + len(answer) <= asked else b""

    def _write(self, now: float, *, last: bool = False) -> list[bytes]:
        """What is not written down yet, as a record; the last possible record waits for the end."""
        self.due = None
        if not self._unsaid or (self._said >= self.bounds.records - 1 and not last):
            return []
        made = record.line(self.ends, "said", self._first, n=self.answers, at=self._at, data=self._unsaid)
        self._said += 1
        self._at += len(self._unsaid)
        self._unsaid = b""
        return [made]
