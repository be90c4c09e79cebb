"""A stream read along its chain from any of its records on: stretches of whole records with their bytes, in bounded memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from teiten.station.spool import START, Record, SpoolError, data_of, parse

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
    """Whole records of one segment, as they stand in its chain, and their bytes (None: they are no longer kept)."""

    segment: int
    begin: int
    lines: list[bytes]
    data: bytes | None
    after: Place


class Trail:
    """A place in a stream, which `read` moves on. SpoolError where the chain does not hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place()

    def seek(self, number: int, sha: str) -> bool:
        """Goes to after that record; False where the stream has none of that number and hash: then it stays where it is."""
        if number == 0:
            self.place = Place() if sha == START else self.place
            return sha == START
        for segment in sorted((int(path.stem) for path in self.folder.glob("*.chain")), reverse=True):
            for one, place in _records(self.folder, segment):
                if one.number > number:
                    break
                if one.number == number:
                    if one.sha != sha:
                        return False
                    self.place = place
                    return True
        return False

    def read(self, until: int, most: int) -> Stretch | None:
        """What follows, up to record `until`, of some `most` bytes, but a record at least; None where nothing follows yet.

        The place stays: set `place` to the stretch's `after` when it has arrived.
        """
        now = self.place
        if now.number >= until:
            return None
        segment = now.segment + now.sealed
        chain, at, before, number = (0, 0, now.sha, now.number) if now.sealed else (now.chain, now.end, now.sha, now.number)
        lines: list[bytes] = []
        begin, size, sealed, sha = at, 0, False, now.sha
        with contextlib.suppress(FileNotFoundError), (self.folder / f"{segment:08d}.chain").open("rb") as stream:
            stream.seek(chain)
            while number < until and not sealed:
                line = stream.readline()
                if not line.endswith(b"\n"):
                    break
                one = parse(line)
                if one is None or one.before != before or one.number != number + 1 or one.end < at:
                    raise SpoolError(f"{self.folder.name}: the chain of segment {segment} does not hold after record {number}.")
                if lines and (one.end - begin > most or size + len(line) > _CHAIN):
                    break
                lines.append(line)
                size, chain, at, before, sha, number, sealed = (
                    size + len(line), chain + len(line), one.end, one.sha, one.sha, one.number, "seal" in one.told,
                )  # fmt: skip
        if not lines:
            return None
        data = _bytes(self.folder, segment, begin, at)
        return Stretch(segment, begin, lines, data, Place(segment, chain, at, number, sha, sealed))


def _records(folder: Path, segment: int) -> Iterator[tuple[Record, Place]]:
    at = 0
    with contextlib.suppress(FileNotFoundError), (folder / f"{segment:08d}.chain").open("rb") as stream:
        for line in stream:
            one = parse(line)
            if one is None:
                return
            at += len(line)
            yield one, Place(segment, at, one.end, one.number, one.sha, "seal" in one.told)


def _bytes(folder: Path, segment: int, begin: int, end: int) -> bytes | None:
    """Those bytes of a segment, packed or not; None where the segment's bytes are no longer kept. SpoolError."""
    if begin == end:
        return b""
    path = data_of(folder, segment)
    if path is None:
        return None
    try:
        with path.open("rb") as raw:
            raw.seek(begin)
            found = raw.read(end - begin)
    except FileNotFoundError:
        return None
    if len(found) < end - begin:
        raise SpoolError(f"{folder.name}: the bytes of segment {segment} end before its chain says.")
    return found
