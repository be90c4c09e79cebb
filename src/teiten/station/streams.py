"""A stream of the spool: written by one thread at a time, group by group, and made whole again after a power cut."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from teiten import __version__, disk
from teiten.station import _disk
from teiten.station.records import START, Record, digest, follows, held, parse
from teiten.station.segments import About, SpoolError, lines_of, numbers, records

SEGMENT: Final = 16 << 20
"""bytes after which a stream goes on in another segment"""
CHAIN: Final = 8 << 20
"""bytes of records after which it does, too: what one has to read to know a segment stays small"""
SEGMENT_AGE: Final = 86400.0
"""seconds after which it does, too: a segment's times lie within a day or so"""
STEP: Final = 2.0
"""seconds that the clock may leave the machine's own behind, or run ahead of it, between two records without a word"""
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""goes on while the machine sleeps"""


class DamagedError(SpoolError):
    """What is there is not what was written, and no power cut does that: nothing is written behind it. `mark`: where its input
    goes on."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message, hint="`teiten spool verify` says what is damaged.")
        self.mark = mark


class Stream:
    """A stream to write to, by one thread at a time. What `commit` returned from is durable.

    limit: bytes after which a segment is sealed (None: only where `seal` says so); head: what each segment begins with (a
    capture's file header); told: zone, format: a change of it begins another segment. DamagedError.
    """

    def __init__(self, folder: Path, about: About, *, limit: int | None = SEGMENT) -> None:
        self.folder, self.about, self.limit = folder, about, limit
        self.head = b""
        self.told: Mapping[str, Any] = about.told
        self.mark: Any = about.mark
        """the last durable mark"""
        self.cut = 0
        """bytes beyond the last good record that were cut off when it was opened: they were never acknowledged"""
        self.number = max(numbers(folder), default=0)
        self.last = Record(0, 0.0, 0.0, 0, "", START, sha=START)
        """the last durable record; of a segment that has none yet: number and hash of the one before it"""
        self._data: int | None = None
        self._chain: int | None = None
        self._chain_end = 0
        self._first: Record | None = None
        self._failed = False
        """did the disk not take what was written last?"""
        self._since: float | None = None
        """when the first bytes of the segment came in"""
        self._clock: tuple[float, float] | None = None
        if self.number:
            self._recover()

    @property
    def sha(self) -> str:
        """Hash of the last durable record."""
        return self.last.sha

    # writing ---------------------------------------------------------------------------------------------------------

    def commit(
        self, block: bytes = b"", *, counts: Mapping[str, int] | None = None, mark: Any = None,
        told: Mapping[str, Any] | None = None, at: float | None = None, seal: bool = False,
    ) -> Record:  # fmt: skip
        """Puts the block down (whole lines; nothing for a heartbeat) with its counters and mark, for good; `seal` ends the
        segment with it.

        OSError where the disk does not take it: then nothing has changed, and the same call may be made again.
        """
        if self._data is None:
            self._open()
        wall, up = time.time(), time.clock_gettime(_CLOCK)
        at = wall if at is None else at
        if self._over(at if block else None):
            self.seal()
            self._open()
        telling: dict[str, Any] = {}
        if self._first is None:
            told_of = About(self.about.id, self.about.sensor, self.about.input, self.about.data, self.told, self.about.follows)
            telling["as"] = asdict(told_of)
            mark = self.mark if mark is None else mark
        telling.update(told or {})
        if seal:
            telling["seal"] = True
        if block and self.head and self.last.end == 0:
            block = self.head + block
        if self._clock is not None and abs(step := (wall - self._clock[0]) - (up - self._clock[1])) > STEP:
            telling["step"] = round(step, 3)
        one = Record(
            self.last.number + 1, at, up, self.last.end + len(block), digest(block), self.sha,
            {name: many for name, many in (counts or {}).items() if many}, mark, telling,
        )  # fmt: skip
        one = self._write(one.line(), block)
        self._clock = wall, up
        if seal:
            self.close()
        return one

    def run(self, more: Mapping[str, Any] | None = None) -> Record:
        """Says that a run begins: whoever writes is alive from now on."""
        told = {"run": secrets.token_hex(8), "boot": _disk.boot_id(), "program": __version__, **(more or {})}
        return self.commit(told={"start": told})

    def stop(self) -> Record:
        """Says that the run ends as it should."""
        return self.commit(told={"stop": True})

    def seal(self) -> None:
        """Ends the segment, if one has begun: the next commit begins another."""
        if self._first is not None and "seal" not in self.last.told:
            if self._data is None:
                self._open()
            one = Record(
                self.last.number + 1, time.time(), time.clock_gettime(_CLOCK), self.last.end, "", self.sha, told={"seal": True}
            )
            self._write(one.line(), b"")
        self.close()

    def take(self, many: Iterable[tuple[bytes, bytes]]) -> Record:
        """Writes records (their lines) and their blocks as another spool has them: a replica's. One sync for all of them that
        lie in one segment. The last one.

        Records that are here already change nothing. SpoolError where one is none, is of another history, does not follow, or
        its block is another: then nothing from its segment on is written; OSError as with `commit`.
        """
        group: list[tuple[Record, bytes]] = []
        last = self.last
        begun = self._first is not None and "seal" not in last.told
        for line, block in many:
            one = parse(line)
            if one is None:
                raise SpoolError("That is no record of a chain.")
            if one.number <= self.last.number:
                if self.find(one.number) != one.sha:
                    raise SpoolError(f"Record {one.number} of {self.about.id} is another here.")
                continue
            self._fits(one, block, last, begun)
            group.append((one, block))
            last, begun = one, "seal" not in one.told
            if not begun:
                self._take(group)
                group = []
        if group:
            self._take(group)
        return self.last

    def _fits(self, one: Record, block: bytes, last: Record, begun: bool) -> None:
        """Does that record of another spool follow `last`, and is the block its own? SpoolError."""
        begins = one.told.get("as")
        if one.before != last.sha or one.number != last.number + 1 or bool(begins) == begun:
            raise SpoolError(f"Record {one.number} of {self.about.id} does not follow record {last.number} here.")
        if one.end != (last.end if begun else 0) + len(block) or one.block != digest(block):
            raise SpoolError(f"The block of record {one.number} of {self.about.id} is not what the record says.")
        if begins and not (
            isinstance(begins, dict)
            and tuple(begins.get(key) for key in ("id", "sensor", "input", "data"))
            == (self.about.id, self.about.sensor, self.about.input, self.about.data)
        ):
            raise SpoolError(f"Record {one.number} of {self.about.id} says that it is of another stream.")

    def _take(self, group: list[tuple[Record, bytes]]) -> None:
        if self._data is None:
            self._open()
        self._write(b"".join(one.raw for one, _ in group), b"".join(block for _, block in group), [one for one, _ in group])
        if "seal" in self.last.told:
            self.close()

    def find(self, number: int) -> str | None:
        """The hash of the record of that number; None where its chain is not there."""
        if number == self.last.number:
            return self.sha
        for one in reversed(numbers(self.folder)):
            found = records(self.folder, one)
            if found and found[0].number <= number:
                return found[number - found[0].number].sha if number <= found[-1].number else None
        return None

    def close(self) -> None:
        """Lets go of the files. What was committed stays."""
        for handle in (self._data, self._chain):
            if handle is not None:
                os.close(handle)
        self._data = self._chain = None

    def _over(self, at: float | None) -> bool:
        """Is the segment that is open one that nothing more goes into? at: when the bytes that are to go into it came in."""
        if self._first is None:
            return False
        if self._first.told.get("as", {}).get("told", self.told) != dict(self.told):
            return True
        if self.limit is None:
            return False
        if self.head and self.last.end and self._data is not None and os.pread(self._data, len(self.head), 0) != self.head:
            return True
        old = self._since is not None and at is not None and abs(at - self._since) >= SEGMENT_AGE
        return old or self.last.end >= self.limit or self._chain_end >= CHAIN

    def _write(self, lines: bytes, block: bytes, found: list[Record] | None = None) -> Record:
        """The bytes, then their records, each for good before the next step. OSError: as before."""
        assert self._data is not None
        assert self._chain is not None
        if self._failed:  # what is written now may be shorter, and nothing may lie behind it
            os.ftruncate(self._chain, self._chain_end)
            os.ftruncate(self._data, self.last.end)
        self._failed = True
        if block:
            _disk.put(self._data, block, self.last.end)
        _disk.put(self._chain, lines, self._chain_end)
        self._failed = False
        found = found or held([lines])
        self._chain_end += len(lines)
        self.last, self._first = found[-1], self._first or found[0]
        self.mark = next((one.mark for one in reversed(found) if one.mark is not None), self.mark)
        if self._since is None:
            self._since = next((one.at for one in found if one.end), None)
        return self.last

    def _open(self) -> None:
        """Opens the segment that goes on, or the next one."""
        if not self.number or "seal" in self.last.told:
            self.number += 1
            self.last = Record(self.last.number, 0.0, 0.0, 0, "", self.sha, sha=self.sha)
            self._chain_end, self._first, self._since = 0, None, None
        name = self.folder / f"{self.number:08d}"
        try:
            self._data = os.open(name.with_suffix(".data"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            self._chain = os.open(name.with_suffix(".chain"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            if self._first is None:
                os.ftruncate(self._data, 0)
                disk.sync_folder(self.folder)
        except OSError:
            self.close()
            raise

    # after a stop ----------------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Finds the last record, and cuts off what lies beyond it, if that is what a power cut leaves: an end that was never
        acknowledged. Anything else is damage."""
        before, name = self._before(), f"{self.about.id}/{self.number:08d}"
        self.mark = before.mark if before.mark is not None else self.mark
        data = self.folder / f"{self.number:08d}.data"
        found = _Found(data, self.mark)
        for line in lines_of(self.folder, self.number):
            found.line(line)
        found.close()
        self.mark = found.mark
        if found.beyond:
            raise DamagedError(f"The chain of {name} is damaged.", self.mark)
        self._first, self._chain_end, self._since = found.first, found.end, found.since
        if found.last is None:
            self.last = Record(before.number, 0.0, 0.0, 0, "", before.sha, sha=before.sha)
        else:
            assert found.first is not None
            if before.number and (found.first.before, found.first.number) != (before.sha, before.number + 1):
                raise DamagedError(f"{name} does not follow the segment before it.", self.mark)
            self.last = found.last
            if "seal" in self.last.told:
                return
            if found.bad:
                # a disk that lost its end, though it said that it had it: what is lost can be asked for again
                raise DamagedError(f"The data of {name} is damaged.", found.mark_before if found.bad_to_the_end else self.mark)
        self.cut = _disk.cut(data, self.last.end)
        _disk.cut(self.folder / f"{self.number:08d}.chain", self._chain_end)

    def _before(self) -> Record:
        """The last record before the newest segment, with the last mark; number 0 where there is none, or it is not known."""
        last, mark = None, None
        for line in lines_of(self.folder, self.number - 1):  # one after the other: a sensor's memory is small
            one = parse(line)
            if one is None or not follows(one, last):
                break
            last, mark = one, one.mark if one.mark is not None else mark
        if last is None:
            return Record(0, 0.0, 0.0, 0, "", START, mark=self.about.mark, sha=START)
        return Record(last.number, 0.0, 0.0, 0, "", last.before, mark=mark, sha=last.sha)


class _Found:
    """What a segment's chain says, line by line (there may be many), held against its data."""

    def __init__(self, data: Path, mark: Any) -> None:
        self.first: Record | None = None
        self.last: Record | None = None
        self.since: float | None = None
        """when the first bytes came in"""
        self.end = 0
        """bytes of the chain that hold"""
        self.mark = self.mark_before = mark
        """the last one, and the last one before what is bad"""
        self.bad = self.bad_to_the_end = self.torn = self.beyond = False
        """of the data: a block is not what its record says, and so are all behind it; of the chain: something does not hold,
        and there are records behind it"""
        self._at = 0
        self._data = data.open("rb") if data.exists() else None

    def line(self, line: bytes) -> None:
        one = parse(line)
        if self.torn or one is None or not follows(one, self.last):
            self.torn = True
            if one is not None:
                self.beyond = True
                self.mark = self.mark if one.mark is None else one.mark
            return
        block = self._data.read(one.end - self._at) if self._data is not None else b""
        sound = len(block) == one.end - self._at and digest(block) == one.block
        self.first, self.last, self._at = self.first or one, one, one.end
        self.end += len(line)
        self.since = one.at if self.since is None and one.end else self.since
        self.bad_to_the_end = not sound or (self.bad_to_the_end and not block)
        self.bad = self.bad or not sound
        if one.mark is not None:
            self.mark = one.mark
            self.mark_before = self.mark_before if self.bad else one.mark

    def close(self) -> None:
        if self._data is not None:
            self._data.close()
