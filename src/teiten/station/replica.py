"""A collector's copy of a sensor's stream, byte for byte: each record is held against the chain before it is kept.

What is there already costs nothing to bring again, and what does not follow what is there is refused: so blocks may come twice,
out of order, or by two ways.
"""

from __future__ import annotations

import contextlib
import mmap
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from teiten.disk import sync_folder
from teiten.station._disk import make_folder, write_whole
from teiten.station.records import START, Record, digest, parse
from teiten.station.segments import About, SpoolError
from teiten.station.spool import Spool
from teiten.station.streams import DamagedError


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


class WrongError(Exception):
    """What came is not what its own records say: nothing is kept of it."""


class ElsewhereError(Exception):
    """It does not begin where the replica ends; `have` says where that is."""


class ForkedError(Exception):
    """It tells another history of a stream than the one that is here."""


class Replica:
    """One stream's copy, for any number of threads. OSError, SpoolError.

    damaged: what was set aside when it was opened, since its bytes were no longer what its chain says: the sensor sends that
    segment again.
    """

    def __init__(self, spool: Spool, about: About) -> None:
        self.about = about
        self.damaged: str | None = None
        self._spool = spool
        self._lock = threading.Lock()
        try:
            self._stream = spool.make(about)
        except DamagedError as error:
            self.damaged = error.message
            self._set_aside()
            self._stream = spool.make(about)

    @property
    def have(self) -> Have:
        """How far it is, for good."""
        stream = self._stream
        last = stream.last
        if stream.number == 0 or last.at == 0.0:  # the next segment was begun, and the disk did not take its first record
            return Have(max(0, stream.number - 1), 0, last.number, last.sha, True)
        return Have(stream.number, last.end, last.number, last.sha, "seal" in last.told)

    def find(self, number: int) -> str | None:
        """The hash of the record of that number here; None where there is none."""
        with self._lock:
            return self._stream.find(number)

    def take(self, segment: int, begin: int, lines: Sequence[bytes], data: bytes | None) -> int:
        """Keeps the records and their bytes, for good; how many were new.

        begin: where `data` lies in the segment. data None: the sensor no longer has the bytes of this segment; then it is a
        whole one, and its chain alone is kept. WrongError, ElsewhereError, ForkedError: nothing was kept. OSError where the
        disk does not take it: nothing has changed.
        """
        found, blocks = _verified(lines, begin, data)
        with self._lock:
            have = self.have
            new = [i for i, one in enumerate(found) if one.number > have.number]
            if not new:
                if not self._holds(segment, found[-1]):
                    raise ForkedError(f"record {found[-1].number} is another one here")
                return 0
            first = found[new[0]]
            if first.number != have.number + 1:
                raise ElsewhereError(f"record {first.number} does not follow record {have.number}")
            if first.before != have.sha:
                raise ForkedError(f"record {first.number} does not follow the record {have.number} that is here")
            if segment != have.segment + have.sealed:
                raise WrongError(f"segment {segment} does not follow segment {have.segment}")
            try:
                if data is None:
                    self._take_chain(segment, have, found, b"".join(lines))
                else:
                    self._stream.take([(lines[i], blocks[i]) for i in new])
            except SpoolError as error:
                raise WrongError(error.message) from None
            return len(new)

    def _take_chain(self, segment: int, have: Have, found: Sequence[Record], chain: bytes) -> None:
        if not have.sealed or "seal" not in found[-1].told:
            raise WrongError("the bytes of a segment that is here in part are gone")
        whose = found[0].told.get("as")
        own = (self.about.id, self.about.sensor, self.about.input, self.about.data)
        if not isinstance(whose, dict) or tuple(whose.get(key) for key in ("id", "sensor", "input", "data")) != own:
            raise WrongError("the segment says that it is of another stream")
        write_whole(self._stream.folder / f"{segment:08d}.chain", chain)
        self._stream = self._spool.make(self.about)

    def _holds(self, segment: int, one: Record) -> bool:
        """Is that record in that segment's chain? By its hash it stands for all before it."""
        with (
            contextlib.suppress(OSError, ValueError),
            (self._stream.folder / f"{segment:08d}.chain").open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as chain,
        ):
            return chain.rfind(one.raw) >= 0
        return self._stream.find(one.number) == one.sha  # packed

    def _set_aside(self) -> None:
        """Moves the newest segment, which is damaged, out of the way; nothing of it is thrown away."""
        folder = self._spool.streams_path / self.about.id
        aside = self._spool.path / "damaged" / f"{self.about.id}.{time.time():.0f}"
        make_folder(aside)
        number = max(int(path.name[:8]) for path in folder.glob("????????.chain*"))
        for path in sorted(folder.glob(f"{number:08d}.*")):
            path.replace(aside / path.name)
        sync_folder(aside)
        sync_folder(folder)


def _verified(lines: Sequence[bytes], begin: int, data: bytes | None) -> tuple[list[Record], list[bytes]]:
    """The records, each held against its hash, the one before it, and its block. WrongError."""
    out: list[Record] = []
    blocks: list[bytes] = []
    at = begin
    for line in lines:
        one = parse(line)
        if one is None:
            raise WrongError("a record is damaged")
        if out and (one.before != out[-1].sha or one.number != out[-1].number + 1 or "seal" in out[-1].told):
            raise WrongError(f"record {one.number} does not follow the one before it")
        block = b"" if data is None else data[at - begin : max(at, one.end) - begin]
        if one.end < at or (data is not None and (at + len(block) != one.end or digest(block) != one.block)):
            raise WrongError(f"the bytes of record {one.number} are not those that it was made of")
        out.append(one)
        blocks.append(block)
        at = one.end
    if not out or (data is not None and at != begin + len(data)):
        raise WrongError("there are bytes that no record speaks of" if out else "there is no record")
    return out, blocks
