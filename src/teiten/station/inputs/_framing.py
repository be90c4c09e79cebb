"""Syslog over a stream of bytes, cut into lines: octet counting or line ends (RFC 6587, RFC 5425), told apart by themselves.

A connection's first bytes tell: `137 <34>1 ...` is a frame that says its length, anything else ends with a line end (or a NUL
byte, as some senders do). A connection of counted frames may hold a line between them, and is understood again after it; one
of lines stays one of lines, whatever stands in them.
"""

from __future__ import annotations

import re
from typing import Final

GIGANTIC: Final = 1 << 30
"""bytes of a counted frame beyond which nothing that follows is waited for"""
_BETWEEN: Final = 1 << 16
"""bytes that a line between counted frames may have"""
_FIRST: Final = re.compile(rb"[1-9][0-9]{0,18} <")
_COUNT: Final = re.compile(rb"([1-9][0-9]{0,18}) ")
_UNDECIDED: Final = re.compile(rb"[1-9][0-9]{0,18} ?\Z")
"""what may become the head of a counted frame when more comes"""
_SPACES: Final = re.compile(rb"[\r\n\0 ]*")
_TRAILERS: Final = b"\r\n\0"
_BLANK: Final = re.compile(rb"\n\n+")


def lines_of(message: bytes) -> tuple[bytes, int]:
    """A message as lines that end with a line end, and how many: without the trailers that a sender put after it (NUL, CR, LF).
    One that holds line ends is several lines; one of trailers alone is none."""
    message = message.strip(_TRAILERS)
    if not message:
        return b"", 0
    if b"\0" in message:
        message = message.replace(b"\0", b"\n")
    return message + b"\n", message.count(b"\n") + 1


class Frames:
    """What comes in of one connection. `feed` gives whole lines; never more than `most` bytes and a piece are held, and
    what is held is never copied again for each piece that comes.

    most: bytes that a message may have; longer ones are passed over and counted.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.refused = 0
        """messages that were too long, or of which only a part came"""
        self.lost = False
        """a frame said to be gigantic: the connection cannot be understood any more"""
        self._counted: bool | None = None
        self._rest = bytearray()
        self._want = 1
        """how many bytes must be there before it is worth looking (counted frames)"""
        self._skip = 0
        """bytes of a counted frame that are passed over"""
        self._passing = False
        """a line is passed over, up to its end"""
        self._longer = re.compile(rb"[^\n]{%d}" % (most + 1))

    @property
    def held(self) -> int:
        """Bytes of a message whose end has not come."""
        return len(self._rest)

    def feed(self, piece: bytes) -> tuple[bytes, int]:
        """The lines that are whole now, each with its line end, and how many."""
        if self._counted is None:
            piece = self._begin(piece)
        if self._counted is None or self.lost:
            return b"", 0
        return self._frames(piece) if self._counted else self._lines(piece)

    def end(self) -> tuple[bytes, int]:
        """The sender said that it has ended: a line without its end is a line, a part of a counted frame is refused."""
        rest, self._rest = bytes(self._rest), bytearray()
        if self._skip or (self._counted and rest.strip(_TRAILERS)):
            self.refused += not self._skip
            return b"", 0
        return (b"", 0) if self._passing else lines_of(rest)

    def cut(self) -> None:
        """The connection broke: what has not come whole is refused (the sender may send it again)."""
        self.refused += bool(self._rest.strip(_TRAILERS))
        self._rest.clear()

    def drop(self) -> None:
        """Gives up the message that is held, to make room: it is refused, and passed over."""
        if self._rest:
            self.refused += 1
            self._skip, self._passing = (max(0, self._want - len(self._rest)), False) if self._counted else (0, True)
            self._rest.clear()
            self._want = 1

    def _begin(self, piece: bytes) -> bytes:
        """Tells the framing by the first bytes. What is to be read then; b"" while that cannot be told."""
        self._rest += piece
        data = bytes(self._rest.lstrip(_TRAILERS))
        if not data or _UNDECIDED.match(data):
            self._rest = bytearray(data)
            return b""
        self._counted = _FIRST.match(data) is not None
        self._rest.clear()
        return data

    def _lines(self, piece: bytes) -> tuple[bytes, int]:
        if b"\0" in piece:
            piece = piece.replace(b"\0", b"\n")
        last = piece.rfind(b"\n") + 1
        if self._passing:
            first = piece.find(b"\n") + 1
            if not first:
                return b"", 0
            self._passing, piece, last = False, piece[first:], last - first
        if not last:
            self._rest += piece
            if len(self._rest) > self.most:
                self.drop()
            return b"", 0
        whole = bytes(self._rest) + piece[:last] if self._rest else piece[:last]
        self._rest = bytearray(piece[last:])
        if b"\n\n" in whole or whole.startswith(b"\n"):
            whole = _BLANK.sub(b"\n", whole).lstrip(b"\n")
        if len(whole) > self.most and self._longer.search(whole):
            lines = whole.split(b"\n")
            good = [line for line in lines if len(line) <= self.most]
            self.refused += len(lines) - len(good)
            whole = b"\n".join(good)
        if len(self._rest) > self.most:
            self.drop()
        return whole, whole.count(b"\n")

    def _frames(self, piece: bytes) -> tuple[bytes, int]:
        if self._skip:
            gone = min(self._skip, len(piece))
            self._skip -= gone
            piece = piece[gone:]
        if self._rest or len(piece) < self._want:
            self._rest += piece
            if len(self._rest) < self._want:
                return b"", 0
            piece = bytes(self._rest)
        out: list[bytes] = []
        many, at = 0, 0
        while True:
            at, self._want = self._spaces(piece, at), 1
            found = _COUNT.match(piece, at)
            if found is not None:
                size, begin = int(found[1]), found.end()
                if size > self.most:
                    self.refused += 1
                    self.lost = size > GIGANTIC
                    self._skip = max(0, begin + size - len(piece))
                    at = begin + size
                    if self._skip or self.lost:
                        at = len(piece)
                        break
                    continue
                if begin + size > len(piece):
                    self._want = begin + size - at
                    break
                at = begin + size
                text, lines = lines_of(piece[begin:at])
            else:
                stop = piece.find(b"\n", at) + 1
                if not stop:
                    if len(piece) - at > min(self.most, _BETWEEN):
                        self.refused += 1
                        self.lost = True
                    break
                text, lines = lines_of(piece[at:stop])
                at = stop
            if lines:
                out.append(text)
                many += lines
        self._rest = bytearray(piece[at:])
        return b"".join(out), many

    @staticmethod
    def _spaces(data: bytes, at: int) -> int:
        found = _SPACES.match(data, at)
        return found.end() if found is not None else at
