"""The spool: what came in, byte for byte, on the disk before it is acknowledged, with a chain of hashes beside it.

    SPOOL/spool.toml                   format
    SPOOL/.lock                        one station at a time
    SPOOL/streams/STREAM/stream.json   sensor, input, kind of data; STREAM is `input.sensor.` and 16 random hex digits
    SPOOL/streams/STREAM/00000001.data     what came in: whole lines, or a capture (.data.zst once it is packed)
    SPOOL/streams/STREAM/00000001.chain    a record of JSON a line, beside it: how far, when, hash, counters, marks

A block is durable when its record is: the data is synced (fdatasync) before the record is written, and the record before
anybody hears of it. A record holds the hash of its block and the hash of the record before it, through all segments of the
stream: nobody changes a byte, or takes a block out, without `verify` seeing it. After a power cut what lies beyond the last
good record is cut off: it was never acknowledged. A segment's first record says whose it is, and carries the mark on: no more
than the newest segment is ever read to go on.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from teiten.station._disk import boot_id, make_folder, settled, write_whole
from teiten.station.records import START, Record, follows, parse
from teiten.station.segments import LINES, PACKETS, About, Segment, SpoolError, about, chain_of, data_of, numbers, records
from teiten.station.streams import SEGMENT, SEGMENT_AGE, DamagedError, Stream
from teiten.stationing import NAME

__all__ = [
    "LINES", "PACKETS", "SEGMENT", "SEGMENT_AGE", "START", "About", "DamagedError", "Follower", "Record", "Segment", "Spool",
    "SpoolError", "Stream", "about", "boot_id", "chain_of", "data_of", "numbers", "parse", "records", "write_whole",
]  # fmt: skip

FORMAT: Final = 1
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,199}", re.ASCII)
_OTHER: Final = re.compile(r"[^A-Za-z0-9_.\-]", re.ASCII)
_AT_ONCE: Final = 1 << 18
"""bytes of a chain that a Follower reads at once, at least a record"""


class Spool:
    """A spool's folder. `Spool.open` makes it; SpoolError where it cannot be, or is of another format."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.streams_path = path / "streams"

    @classmethod
    def open(cls, path: Path) -> Spool:
        """The spool there; made, and on the disk, if it is not."""
        meta = path / "spool.toml"
        try:
            if not meta.exists():
                make_folder(path / "streams")
                write_whole(meta, f"# the spool of a teiten station\nformat = {FORMAT}\n".encode())
            found = meta.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is damaged"
            raise SpoolError(
                f"The spool {path} cannot be opened: {why}.", hint="Choose another with spool under [station]."
            ) from None
        if f"format = {FORMAT}" not in found.splitlines():
            raise SpoolError(
                f"The spool {path} is of another format than {FORMAT}.", hint="A newer teiten made it: use that one."
            )
        return cls(path)

    @classmethod
    def there(cls, path: Path) -> Spool:
        """The spool there, which must be one: nothing is made. SpoolError."""
        if not (path / "spool.toml").is_file():
            raise SpoolError(
                f"There is no spool at {path}.", hint="teiten watch makes one; which one is `spool` under [station]."
            )
        return cls.open(path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Held while a station writes. SpoolError where another one does, or it cannot be written to."""
        try:
            handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise SpoolError(
                f"The spool {self.path} cannot be written to: {error.strerror}.",
                hint="Its folder must be this program's user's own.",
            ) from None
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SpoolError(
                    f"Another station writes to the spool {self.path}.",
                    hint="Stop it first, or give this one a spool of its own.",
                ) from None
            yield
        finally:
            os.close(handle)

    def streams(self) -> list[About]:
        """All streams, in order of their names."""
        found = [about(folder) for folder in sorted(self.streams_path.iterdir()) if folder.is_dir()]
        return [one for one in found if one is not None]

    def stream(
        self, input: str, sensor: str | None, data: str = LINES, told: Mapping[str, Any] | None = None, *,
        limit: int | None = SEGMENT,
    ) -> Stream:  # fmt: skip
        """The stream of that input and sensor, to write to; made if there is none. Repairs what a power cut left; where more
        is damaged than that, the stream is left as it is, and another one goes on. OSError, SpoolError."""
        mine = [one for one in self.streams() if (one.input, one.sensor, one.data) == (input, sensor, data)]
        followed = {one.follows for one in mine}
        one = next((one for one in mine if one.id not in followed), None)
        mark, before = None, ""
        if one is not None:
            folder = self.streams_path / one.id
            if told is not None and one.told != dict(told):
                one = replace(one, told=dict(told))
                write_whole(folder / "stream.json", one.text().encode())
            try:
                return Stream(folder, one, limit=limit)
            except DamagedError as error:
                mark, before = error.mark, one.id
        name = _OTHER.sub("_", f"{input}.{sensor}" if sensor else input)
        made = About(f"{name}.{secrets.token_hex(8)}", sensor, input, data, dict(told or {}), before, mark)
        return self.make(made, limit=limit)

    def make(self, one: About, *, limit: int | None = SEGMENT) -> Stream:
        """A stream of that id, to write to; made if there is none (a collector keeps a sensor's by the sensor's own id).
        OSError, SpoolError, DamagedError."""
        folder = self.streams_path / one.id
        if not _ID.fullmatch(one.id) or not NAME.fullmatch(one.input):
            raise SpoolError(f"'{one.id[:200]}' is no name of a stream.")
        known = about(folder)
        if known is None:
            if numbers(folder):
                raise SpoolError(f"{folder} is damaged: it does not say whose it is.", hint="Restore its stream.json.")
            make_folder(folder)
            try:
                write_whole(folder / "stream.json", one.text().encode())
            except OSError:
                with contextlib.suppress(OSError):
                    folder.rmdir()  # who tries again takes another name
                raise
        return Stream(folder, known or one, limit=limit)

    def segments(self, stream: str, first: int = 1) -> list[Segment]:
        """The stream's segments from number `first` on, in order, as far as they are durable. Reads their chains whole: who
        asks again and again takes a `follow`."""
        folder = self.streams_path / stream
        own = about(folder)
        if own is None:
            return []
        return [segment(own, folder, number, records(folder, number)) for number in numbers(folder) if number >= first]

    def follow(self, first: Mapping[str, int] | None = None) -> Follower:
        """What becomes durable from now on, and what is. first: of a stream's id, the number of the segment to begin with."""
        return Follower(self, first or {})


def segment(own: About, folder: Path, number: int, found: list[Record], told: Mapping[str, Any] | None = None) -> Segment:
    """A segment of those records; `told` as its first record has it, where that is not among them."""
    if told is None:
        told = found[0].told.get("as", {}).get("told", own.told) if found else own.told
    return Segment(own, number, data_of(folder, number), tuple(found), told)


@dataclass(slots=True)
class _Place:
    """Where a Follower is in a stream."""

    number: int
    at: int = 0
    """bytes of the segment's chain that were read"""
    last: Record | None = None
    told: Mapping[str, Any] | None = None


class Follower:
    """Reads a spool while others write to it: only what is on the disk for good, each record once. For one thread."""

    def __init__(self, spool: Spool, first: Mapping[str, int]) -> None:
        self.spool = spool
        self._first = first
        self._places: dict[str, _Place] = {}
        self._about: dict[str, tuple[int, About]] = {}

    def fresh(self) -> Iterator[Segment]:
        """Segments with the records that are new since the last call (some hundreds at once: a segment may come again), in
        the order of each stream. OSError: what was not given comes with the next call."""
        for folder in sorted(self.spool.streams_path.iterdir()):
            own = self._own(folder)
            if own is not None:
                yield from self._stream(own, folder)

    def _own(self, folder: Path) -> About | None:
        try:
            changed = (folder / "stream.json").stat().st_mtime_ns
        except OSError:
            changed = -1
        known = self._about.get(folder.name)
        if known is None or known[0] != changed:
            found = about(folder) if folder.is_dir() else None
            if found is None:
                return None
            known = self._about[folder.name] = (changed, found)
        return known[1]

    def _stream(self, own: About, folder: Path) -> Iterator[Segment]:
        place = self._places.get(own.id)
        least = place.number if place is not None else self._first.get(own.id, 1)
        while True:
            later = [number for number in numbers(folder) if number >= least]
            for number in later:
                if place is None or number > place.number:
                    self._places[own.id] = place = _Place(number)
                while new := self._read(folder, place, newest=number == later[-1]):
                    yield segment(own, folder, place.number, new, place.told)
                if place.last is None or "seal" not in place.last.told:
                    return
            if not later or later[-1] < least:
                return
            least = later[-1] + 1  # another may have begun meanwhile

    def _read(self, folder: Path, place: _Place, *, newest: bool) -> list[Record]:
        """The records behind the place, which moves on; from the segment's start again where its chain was mended."""
        if place.last is not None and "seal" in place.last.told:
            return []
        out: list[Record] = []
        last = place.last
        for line in _behind(folder, place, newest=newest):
            one = parse(line)
            if one is None or not follows(one, last):
                if not out and last is not None:
                    return self._mended(folder, place, last)
                break
            out.append(one)
            last = one
            place.at += len(line)
        place.last = last
        if out and place.told is None:
            place.told = out[0].told.get("as", {}).get("told")
        return out

    def _mended(self, folder: Path, place: _Place, last: Record) -> list[Record]:
        """What is behind the last record that was read, where that one was written anew since: its sync had failed, and nobody
        was told of it."""
        again = records(folder, place.number)
        place.last = again[-1] if again else None
        place.at = sum(len(one.raw) for one in again)
        return [one for one in again if one.number > last.number]


def _behind(folder: Path, place: _Place, *, newest: bool) -> list[bytes]:
    """The next whole lines of the segment's chain behind the place, on the disk for good: as it is where another segment has
    begun since."""
    path = folder / f"{place.number:08d}.chain"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        lines = chain_of(folder, place.number)
        at = 0
        for n, line in enumerate(lines):
            if at >= place.at:
                return lines[n:]
            at += len(line)
        return []
    try:
        out = b""
        while piece := os.pread(handle, _AT_ONCE, place.at + len(out)):
            out += piece
            if b"\n" in piece:
                break
        if out and newest:
            settled(handle)
    finally:
        os.close(handle)
    return [line for line in out.splitlines(keepends=True) if line.endswith(b"\n")]
