"""One file that lines are taken from, plain and growing or compressed and whole: its lines, and how it is known again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from teiten.station.inputs._rotated import BROKEN, PRINT, Part, Place, digest, identity, packing, unpacked

PIECE: Final = 256 << 10
"""bytes that are taken at once"""
LONGEST: Final = 1 << 20
"""bytes of a line, at most: a longer one is refused, and counted"""


class Changed(Exception):
    """What was read before is no longer in the file: it was cut off, or written anew."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What comes next. block: whole lines as they stand; length: how far they reach; refused: lines that were too long."""

    block: bytes
    length: int
    refused: int = 0


def whole_lines(data: bytes) -> int:
    """Up to where whole lines reach."""
    return data.rfind(b"\n") + 1


class Source:
    """A file, from a place on. It owns the handle.

    place: where it was left, None: from its first byte; copy_of: the identity of another file, of which this is a copy;
    cut: how many of some bytes are whole, by lines if nothing else is said.
    """

    def __init__(
        self, part: Part, handle: int, place: Place | None = None, *, copy_of: str | None = None,
        cut: Callable[[bytes], int] = whole_lines,
    ) -> None:  # fmt: skip
        self._cut = cut
        self.part, self.handle = part, handle
        self.inode = part.inode
        self.identity = identity(handle)
        self.origin = copy_of or self.identity
        self.live = part.live
        self.packed = packing(os.pread(handle, 8, 0))
        self.static = self.packed is not None or copy_of is not None
        """nothing more will be written to it"""
        self.at = place.offset if place else 0
        self.head = b""
        self.tail = b""
        self.first = b""
        """what it began with when it was found"""
        self.written = part.info.st_mtime
        self.since = time.monotonic()
        self.quiet = time.monotonic()
        """since when nothing came"""
        self.read = time.time()
        """when all that was there was taken"""
        self.half = b""
        """the last line, as long as its end is missing"""
        self.trouble: str | None = None
        self._seen: tuple[int, int] | None = None
        self._over = 0
        self._stream: Any = None
        self._rest = b""
        if self.packed:
            self._skip()
        elif self.at:
            self.head = os.pread(handle, min(PRINT, self.at), 0)
            self.tail = os.pread(handle, min(PRINT, self.at), max(0, self.at - PRINT))

    def place(self) -> Place:
        """Where it stands."""
        return Place(self.at, digest(self.head), digest(self.tail), self.origin, self.written, True, self.head)

    def to_end(self) -> None:
        """Goes behind the last whole line that is there. OSError."""
        while self.packed and (piece := self.piece()) is not None:
            self.take(self.raw(piece), piece.length)
        if self.packed:
            return
        size = os.fstat(self.handle).st_size
        while size:
            back = max(0, size - PIECE)
            cut = os.pread(self.handle, size - back, back).rfind(b"\n")
            if cut >= 0:
                self.at = back + cut + 1
                break
            size = back
        self.head = os.pread(self.handle, min(PRINT, self.at), 0)
        self.tail = os.pread(self.handle, min(PRINT, self.at), max(0, self.at - PRINT))

    def piece(self) -> Piece | None:
        """The next whole lines; None: there are none now. Changed, OSError."""
        return self._unpacked() if self.packed else self._plain()

    def take(self, data: bytes, length: int) -> None:
        """Goes on behind `length` bytes, of which these are the last."""
        if len(self.head) < PRINT and self.at == len(self.head):
            self.head = (self.head + data)[:PRINT]
        self.at += length
        self.tail = (self.tail + data)[-PRINT:]
        self.half = b""
        if self.packed and self._stream is None:
            self._rest = b""
        self.quiet = time.monotonic()

    def lag(self) -> int:
        """Bytes that are there and not yet taken."""
        if self.packed:
            return 0 if self._stream is None else len(self._rest) + 1
        try:
            return max(0, os.fstat(self.handle).st_size - self.at - len(self.half))
        except OSError:
            return 0

    def gone(self) -> bool:
        """Has it no name any more?"""
        return os.fstat(self.handle).st_nlink == 0

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
        self.handle = -1

    # plain -----------------------------------------------------------------------------------------------------------

    def _plain(self) -> Piece | None:
        info = os.fstat(self.handle)
        seen = (info.st_size, info.st_mtime_ns)
        if seen == self._seen:
            self.read = time.time()
            return None
        if self.at == 0 and not self._over and self._cut is whole_lines:
            self._jump(info.st_size)
        begin = self.at + self._over
        data = os.pread(self.handle, PIECE, begin)
        if os.pread(self.handle, len(self.tail), self.at - len(self.tail)) != self.tail:
            raise Changed
        self.written = info.st_mtime
        if self._over:
            return self._too_long(data, begin, seen)
        cut = self._cut(data)
        if not cut and len(data) == PIECE:
            data = os.pread(self.handle, LONGEST, begin)
            cut = self._cut(data)
        if not cut and len(data) == LONGEST:
            self._over = LONGEST
            return self._plain()
        if not cut:
            self.half = data
            if begin + len(data) >= info.st_size:
                self._seen = seen
            return None
        return Piece(data[:cut], cut)

    def _too_long(self, data: bytes, begin: int, seen: tuple[int, int]) -> Piece | None:
        """Looks for the end of a line that is too long."""
        while data:
            cut = data.find(b"\n") + 1
            if cut:
                length = begin + cut - self.at
                self._over = 0
                return Piece(b"", length, 1)
            begin += len(data)
            self._over = begin - self.at
            data = os.pread(self.handle, PIECE, begin)
        self._seen = seen
        return None

    def raw(self, piece: Piece) -> bytes:
        """The last bytes of what a piece covers."""
        if piece.block or self.packed:
            return piece.block
        return os.pread(self.handle, min(PRINT, piece.length), self.at + piece.length - min(PRINT, piece.length))

    def _jump(self, size: int) -> None:
        """Over the hole that a log has whose writer went on at its old place after it was cut off."""
        if os.pread(self.handle, 1, 0) != b"\0":
            return
        try:
            begin = os.lseek(self.handle, 0, os.SEEK_DATA)
        except OSError:
            begin = 0
        while begin < size:
            data = os.pread(self.handle, PIECE, begin)
            kept = data.lstrip(b"\0")
            begin += len(data) - len(kept)
            if kept or not data:
                break
        self.at = begin
        self.head, self.tail = bytes(min(PRINT, begin)), bytes(min(PRINT, begin))

    # compressed ------------------------------------------------------------------------------------------------------

    def _skip(self) -> None:
        raw = open(os.dup(self.handle), "rb")  # noqa: PTH123, SIM115 closed with the stream's end
        raw.seek(0)
        self._raw = raw
        try:
            self._stream = unpacked(raw, self.packed or "")
            at = 0
            while at < self.at:
                data = self._stream.read1(min(PIECE, self.at - at))
                if not data:
                    break
                at += len(data)
                self.head = (self.head + data)[:PRINT] if len(self.head) < PRINT else self.head
                self.tail = (self.tail + data)[-PRINT:]
        except BROKEN as error:
            self._end(str(error))

    def _unpacked(self) -> Piece | None:
        while self._stream is not None:
            cut = self._cut(self._rest)
            if cut:
                block, self._rest = self._rest[:cut], self._rest[cut:]
                return Piece(block, cut)
            try:
                data = self._stream.read1(PIECE)
            except BROKEN as error:
                self._end(str(error) or type(error).__name__)
                break
            if not data:
                self._end(None)
                break
            if self._over or len(self._rest) > LONGEST:
                found = self._drop(data)
                if found is not None:
                    return found
            else:
                self._rest += data
        self.half = self._rest
        return None

    def _drop(self, data: bytes) -> Piece | None:
        self._over += len(self._rest)
        self._rest = b""
        cut = data.find(b"\n") + 1
        if not cut:
            self._over += len(data)
            return None
        length, self._over, self._rest = self._over + cut, 0, data[cut:]
        return Piece(b"", length, 1)

    def _end(self, trouble: str | None) -> None:
        self.trouble = trouble
        self._stream = None
        self._raw.close()
