"""A collector's copy of a sensor's stream, byte for byte: each record is held against the chain before it is kept.

What is there already costs nothing to bring again, and what does not follow what is there is refused: so blocks may come twice,
out of order, or by two ways.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teiten.station.spool import START, About, Record, Spool, parse, sync_folder


@dataclass(frozen=True, slots=True)
class Have:
    """How far a replica is: segment, durable bytes of it, number and hash of its last record; whether it is sealed."""

    segment: int = 0
    end: int = 0
    number: int = 0
    sha: str = START
    sealed: bool = True

    def plain(self) -> dict[str, Any]:
        return {"segment": self.segment, "end": self.end, "number": self.number, "sha": self.sha, "sealed": self.sealed}


class Wrong(Exception):
    """What came is not what its own records say: nothing is kept of it."""


class Elsewhere(Exception):
    """It does not begin where the replica ends; `have` says where that is."""


class Forked(Exception):
    """It tells another history of a stream than the one that is here."""


class Replica:
    """One stream's copy. `take` may be called by any thread, one at a time gets in."""

    def __init__(self, spool: Spool, about: About) -> None:
        self.about = about
        stream = spool.make(about)
        stream.close()
        self.folder = stream.folder
        last: Record = stream.last
        self.have = Have(stream.number, last.end, last.number, stream.sha, stream.number == 0 or "seal" in last.told)
        self._chain_end = self._size(stream.number)
        self._lock = threading.Lock()

    def take(self, segment: int, begin: int, lines: Sequence[bytes], data: bytes) -> int:
        """Keeps the records and their bytes, for good; how many were new. `begin`: where `data` lies in the segment.

        Wrong, Elsewhere, Forked: then nothing was kept. OSError where the disk does not take it: nothing has changed.
        """
        found = _verified(lines, begin, data)
        with self._lock:
            have = self.have
            new = [i for i, one in enumerate(found) if one.number > have.number]
            if not new:
                if not self._holds(segment, lines[-1]):
                    raise Forked(f"record {found[-1].number} is another one here")
                return 0
            first = found[new[0]]
            if first.number != have.number + 1:
                raise Elsewhere(f"record {first.number} does not follow record {have.number}")
            if first.before != have.sha:
                raise Forked(f"record {first.number} does not follow the record {have.number} that is here")
            fresh = have.sealed
            if segment != have.segment + fresh:
                raise Wrong(f"segment {segment} does not follow segment {have.segment}")
            at = 0 if fresh else have.end
            if at < begin or at > begin + len(data):
                raise Wrong("bytes are missing between what is here and what came")
            self._put(segment, fresh, at, data[at - begin :], b"".join(lines[new[0] :]), found[-1])
            return len(new)

    def _put(self, segment: int, fresh: bool, at: int, data: bytes, chain: bytes, last: Record) -> None:
        name = self.folder / f"{segment:08d}"
        where = 0 if fresh else self._chain_end
        if data:
            _write(name.with_suffix(".data"), data, at)
        elif fresh:
            _write(name.with_suffix(".data"), b"", 0)
        if fresh:
            sync_folder(self.folder)
        _write(name.with_suffix(".chain"), chain, where)
        if fresh:
            sync_folder(self.folder)
        self._chain_end = where + len(chain)
        self.have = Have(segment, last.end, last.number, last.sha, "seal" in last.told)

    def _holds(self, segment: int, line: bytes) -> bool:
        """Is that record in that segment's chain? By its hash it stands for all before it."""
        with (
            contextlib.suppress(OSError, ValueError),
            (self.folder / f"{segment:08d}.chain").open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as chain,
        ):
            return chain.rfind(line) >= 0
        return False

    def _size(self, segment: int) -> int:
        try:
            return (self.folder / f"{segment:08d}.chain").stat().st_size
        except FileNotFoundError:
            return 0


def _verified(lines: Sequence[bytes], begin: int, data: bytes) -> list[Record]:
    """The records, each held against its hash, the one before it, and its bytes. Wrong."""
    out: list[Record] = []
    at, view = begin, memoryview(data)
    for line in lines:
        one = parse(line)
        if one is None:
            raise Wrong("a record is damaged")
        if out and (one.before != out[-1].sha or one.number != out[-1].number + 1 or "seal" in out[-1].told):
            raise Wrong(f"record {one.number} does not follow the one before it")
        block = view[at - begin : max(at, one.end) - begin]
        if one.end < at or at + len(block) != one.end or (hashlib.sha256(block).hexdigest() if block else "") != one.block:
            raise Wrong(f"the bytes of record {one.number} are not those that it was made of")
        out.append(one)
        at = one.end
    if not out or at != begin + len(data):
        raise Wrong("there are bytes that no record speaks of" if out else "there is no record")
    return out


def _write(path: Path, data: bytes, at: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.ftruncate(handle, at)  # what a failed call left: no record speaks of it
        view, done = memoryview(data), 0
        while done < len(view):
            done += os.pwrite(handle, view[done:], at + done)
        os.fsync(handle)
    finally:
        os.close(handle)
