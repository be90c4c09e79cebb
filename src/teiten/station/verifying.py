"""Is the evidence what was written down? Every byte and every record of a spool, held against the chain of hashes."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from teiten.station import _packed, gone
from teiten.station.records import Record, follows, parse
from teiten.station.segments import About, about, data_of, lines_of, numbers
from teiten.station.spool import Spool

DAMAGE: Final = "damage"
NOTE: Final = "note"
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not as it was written. kind: `damage`; `note` where it is as it should be (an end that was never acknowledged,
    evidence that is no longer kept)."""

    where: str
    kind: str
    text: str


@dataclass(slots=True)
class Verified:
    """What was looked at. heads: stream -> number and hash of its last record; who writes them down elsewhere can tell later
    that nobody made all of it anew."""

    streams: int = 0
    segments: int = 0
    records: int = 0
    bytes: int = 0
    gone: int = 0
    """segments whose bytes are no longer kept"""
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)


def verify(spool: Spool, done: Verified, stream: str | None = None) -> Iterator[Finding]:
    """Every finding, stream by stream; `done` counts along. OSError."""
    let_go = gone.read(spool.path)
    for folder in sorted(spool.streams_path.iterdir()):
        if not folder.is_dir() or (stream is not None and folder.name != stream):
            continue
        own = about(folder)
        if own is None:
            empty = not any(path.name[0].isdigit() for path in folder.iterdir())
            text = (
                "it was being made when the power went"
                if empty
                else "it does not say whose it is: no stream.json, no first record"
            )
            yield Finding(folder.name, NOTE if empty else DAMAGE, text)
            continue
        done.streams += 1
        yield from _stream(folder, own, done, let_go)


def _stream(folder: Path, own: About, done: Verified, let_go: dict[str, gone.Gone]) -> Iterator[Finding]:
    last: Record | None = None
    found = numbers(folder)
    expected = 1
    for number in found:
        where = f"{own.id}/{number:08d}"
        for lost in range(expected, number):
            record = let_go.get(f"{own.id}/{lost:08d}")
            if record is None:
                yield Finding(f"{own.id}/{lost:08d}", DAMAGE, "it is missing, and nothing says that it was let go")
            last = None
        if last is None and number > 1 and (before := let_go.get(f"{own.id}/{number - 1:08d}")) is not None:
            last = Record(before.record, 0.0, 0.0, 0, "", "", sha=before.sha)
        expected = number + 1
        done.segments += 1
        check = Check(folder, own, number, last)
        yield from (Finding(where, kind, text) for kind, text in check.run(newest=number == found[-1]))
        done.records += check.records
        done.bytes += check.bytes
        if not check.held:
            done.gone += 1
            if where not in let_go:
                yield Finding(where, DAMAGE, "its bytes are missing, and nothing says that they were let go")
        last = check.last or last
    if last is not None and last.number:
        done.heads[own.id] = (last.number, last.sha)


def missing(spool: Spool, heads: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, str]]:
    """Of hashes that were written down before: those that the chains do not have any more, and what that means."""
    let_go = gone.read(spool.path)
    for stream, (number, sha) in heads.items():
        folder = spool.streams_path / stream
        found = False
        for segment in numbers(folder):
            held = [one for line in lines_of(folder, segment) if (one := parse(line)) is not None and one.number == number]
            if held:
                found = True
                if held[0].sha != sha:
                    yield f"{stream}/{segment:08d}", f"record {number} is not the one of which the hash was written down"
        went = any(name.startswith(f"{stream}/") and one.chain and one.record >= number for name, one in let_go.items())
        if not found and not went:
            yield stream, f"record {number}, of which the hash was written down, is missing"


class Check:
    """One segment, held against its chain. before: the last record before it; None: not known."""

    def __init__(self, folder: Path, own: About, number: int, before: Record | None = None) -> None:
        self.folder, self.own, self.number, self.before = folder, own, number, before
        self.records = self.bytes = 0
        self.last: Record | None = None
        self.held = False
        """are its bytes there?"""

    def run(self, *, newest: bool = False) -> Iterator[tuple[str, str]]:
        """What is wrong, as kind and words. newest: its end may be torn."""
        with contextlib.ExitStack() as stack:
            data = self._data()
            if data is not None:
                stack.enter_context(data)
            self.held = data is not None
            trouble = None
            torn = damaged = 0
            for line in lines_of(self.folder, self.number):
                one = parse(line)
                if one is None or not follows(one, self.last):
                    torn += 1
                    damaged += one is not None
                    continue
                if torn:
                    damaged += 1
                    continue
                if self.last is None:
                    yield from self._first(one)
                trouble = trouble or self._block(data, one)
                self.last, self.records = one, self.records + 1
            if self.last is None:
                self.held = True  # nothing was ever in it
            if trouble:
                yield DAMAGE, trouble
            if damaged or (torn and not newest):
                yield DAMAGE, f"its chain does not hold behind record {self.last.number if self.last else 0}"
            elif torn:
                yield NOTE, "its end is torn: what was under way when the power went, never acknowledged"
            if not newest and self.last is not None and "seal" not in self.last.told:
                yield DAMAGE, "it goes on in another segment without its end"
            if data is not None and not trouble and (rest := _rest(data)):
                text = f"{rest:,} bytes lie behind its last record"
                yield (NOTE, f"{text}: under way, and never acknowledged") if newest else (DAMAGE, text)

    def _data(self) -> BinaryIO | None:
        for _ in range(2):  # it may be packed just now
            path = data_of(self.folder, self.number)
            with contextlib.suppress(FileNotFoundError):
                return _packed.opened(path) if path is not None else None
        return None

    def _first(self, one: Record) -> Iterator[tuple[str, str]]:
        if self.before is not None and (one.before, one.number) != (self.before.sha, self.before.number + 1):
            yield DAMAGE, f"its first record, {one.number}, does not follow record {self.before.number} before it"
        told = one.told.get("as")
        if not isinstance(told, dict) or told.get("id") != self.own.id:
            yield DAMAGE, "its first record does not say that it is of this stream"

    def _block(self, data: BinaryIO | None, one: Record) -> str | None:
        """What is wrong with a record's bytes."""
        size = one.end - (self.last.end if self.last is not None else 0)
        if data is None or (not size and not one.block):
            return None
        sha, rest = hashlib.sha256(), size
        try:
            while rest and (piece := data.read(min(rest, _PIECE))):
                sha.update(piece)
                rest -= len(piece)
        except _packed.BadPackError as error:
            return f"what is packed cannot be read: {error}"
        self.bytes += size - rest
        if rest:
            return f"{rest:,} bytes of record {one.number} are missing"
        return None if sha.hexdigest() == one.block else f"the bytes of record {one.number} are not those that were written"


def _rest(data: BinaryIO) -> int:
    out = 0
    while piece := data.read(_PIECE):
        out += len(piece)
    return out
