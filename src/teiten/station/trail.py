"""A stream read along its chain from any of its records on: stretches of whole records with their bytes, in bounded memory."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from teiten.station import _packed
from teiten.station.records import START, follows, parse
from teiten.station.segments import SpoolError, chain_of, data_of, lines_of, numbers

_CHAIN: Final = 1 << 20
"""bytes of chain in a stretch, at most"""


@dataclass(frozen=True, slots=True)
class Place:
    """After a record: which segment, where in its chain and in its bytes, the record's number and hash; whether it ended it."""

    segment: int = 0
    chain: int = 0
    end: int = 0
    number: int = 0
    sha: str = START
    sealed: bool = True


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole records of one segment, as they stand in its chain, and their bytes (None: no longer kept; then it is all of the
    segment)."""

    segment: int
    begin: int
    lines: list[bytes]
    data: bytes | None
    after: Place


class Trail:
    """A place in a stream, which `read` moves on from. SpoolError where the chain, or the bytes, do not hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place()

    def seek(self, number: int, sha: str) -> bool:
        """Goes to after that record; False where the stream has none of that number and hash: then it stays where it is."""
        if number == 0:
            self.place = Place() if sha == START else self.place
            return sha == START
        for segment in reversed(numbers(self.folder)):
            for place in _places(self.folder, segment):
                if place.number > number:
                    break
                if place.number == number:
                    self.place = place if place.sha == sha else self.place
                    return place.sha == sha
        return False

    def sha(self, number: int) -> str | None:
        """The hash of the record of that number."""
        for segment in reversed(numbers(self.folder)):
            for place in _places(self.folder, segment):
                if place.number > number:
                    break
                if place.number == number:
                    return place.sha
        return None

    def beyond(self) -> int:
        """After which record one could go on where what follows the place cannot be read: the last one before the next
        segment; 0 where there is none."""
        for segment in numbers(self.folder):
            if segment > self.place.segment + self.place.sealed:
                return next((place.number - 1 for place in _places(self.folder, segment)), 0)
        return 0

    def read(self, until: int, most: int) -> Stretch | None:
        """What follows, up to record `until`, of some `most` bytes, but a record at least; None where nothing follows yet.

        The place stays: set `place` to the stretch's `after` when it has arrived.
        """
        now = self.place
        if now.number >= until:
            return None
        segment = now.segment + now.sealed
        begin = 0 if now.sealed else now.end
        gone = data_of(self.folder, segment) is None
        lines, after = self._lines(segment, until, begin + most if not gone else None)
        if not lines:
            if any(number > segment for number in numbers(self.folder)):
                raise SpoolError(f"{self.folder.name}: segment {segment} is no longer here, and nowhere else.")
            return None
        data: bytes | None = b""
        if after.end > begin:
            data = None if gone else _bytes(self.folder, segment, begin, after.end)
        if data is None and not (now.sealed and after.sealed):
            raise SpoolError(f"{self.folder.name}: bytes of segment {segment} are gone that are nowhere else.")
        return Stretch(segment, begin, lines, data, after)

    def _lines(self, segment: int, until: int, most: int | None) -> tuple[list[bytes], Place]:
        """The lines that follow in that segment, and where one is after them. most: of its bytes; None: all of them."""
        now = self.place
        after = Place(segment, 0 if now.sealed else now.chain, 0 if now.sealed else now.end, now.number, now.sha, False)
        out: list[bytes] = []
        size = 0
        with contextlib.closing(_behind(self.folder, segment, after.chain)) as found:
            for line in found:
                if not line.endswith(b"\n"):
                    break
                one = parse(line)
                if one is None or one.before != after.sha or one.number != after.number + 1 or one.end < after.end:
                    raise SpoolError(f"{self.folder.name}: the chain does not hold after record {after.number}.")
                size += len(line)
                if out and most is not None and (one.end > most or size > _CHAIN):
                    break
                out.append(line)
                after = Place(segment, after.chain + len(line), one.end, one.number, one.sha, "seal" in one.told)
                if after.number >= until or after.sealed:
                    break
        return out, after


def _behind(folder: Path, segment: int, at: int) -> Generator[bytes]:
    """The lines of a segment's chain from byte `at` on, packed or not."""
    try:
        with (folder / f"{segment:08d}.chain").open("rb") as stream:
            stream.seek(at)
            yield from stream
    except FileNotFoundError:
        ends = itertools.accumulate(map(len, lines := chain_of(folder, segment)))
        yield from (line for line, end in zip(lines, ends, strict=True) if end > at)


def _places(folder: Path, segment: int) -> Iterator[Place]:
    at, last = 0, None
    for line in lines_of(folder, segment):
        one = parse(line)
        if one is None or not follows(one, last):
            return
        at += len(line)
        last = one
        yield Place(segment, at, one.end, one.number, one.sha, "seal" in one.told)


def _bytes(folder: Path, segment: int, begin: int, end: int) -> bytes | None:
    """Those bytes of a segment, packed or not; None where they have gone meanwhile. SpoolError."""
    path = data_of(folder, segment)
    if path is None:
        return None
    try:
        found = _packed.read(path, begin, end)
    except FileNotFoundError:
        return None
    except _packed.BadPackError as error:
        raise SpoolError(f"{path} is damaged: {error}.") from None
    if len(found) < end - begin:
        raise SpoolError(f"{folder.name}: the bytes of segment {segment} end before its chain says.")
    return found
