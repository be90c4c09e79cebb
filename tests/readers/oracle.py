"""What must hold when a reader reads any bytes at all: the accounting, cuts, reading on, blocks of any size, each form alike.

`tools/fuzz.py` asks this of what it invents, the tests ask it of every case. In the plain form (NUMBA_DISABLE_JIT=1) an index
below 0 is an error too: a kernel in machine code would read what lies before the buffer.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from teiten import readers
from teiten.errors import InputError
from teiten.event import READ_COLUMNS
from teiten.readers import _blocks, _frames, _input, _jit
from teiten.readers._base import EVENT, FIRST_IGNORED, Chunk, ReadOptions, Tally
from teiten.settings import Reading

MTIME = dt.datetime(2026, 4, 10, tzinfo=dt.UTC)
READING = Reading(max_line=600, max_repeat=50, payload_bytes=16)
"""limits that a fuzzer's small inputs can reach"""
SMALL = 509
"""bytes of a block, where blocks shall be small: records and lines are cut anywhere"""


class Bytes(_input.Input):
    """An input that lies in memory."""

    def __init__(self, data: bytes) -> None:
        super().__init__("bytes", None, MTIME, len(data), True, READING, compression=_input.compression(data[:16]))
        self.data = data

    def _raw(self) -> Any:
        return io.BytesIO(self.data)


@dataclass(slots=True)
class Said:
    """What a reader said of an input. `lines`: (place, hash, outcome) each; `events`: (line, values of all columns) each."""

    lines: list[tuple[int, int, int]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    rejected: list[tuple[int, str, bytes]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    end: int = 0

    def digest(self) -> bytes:
        # not `end`: pcapng's blocks that are no packets belong to the chunk before or after them
        told = repr((self.lines, self.events, self.rejected, self.notes))
        return hashlib.blake2b(told.encode(), digest_size=16).digest()


def careful() -> None:
    """Indexes below 0 raise in the plain form. To be called before a reader's kernels are imported."""

    def at(buf: Any, index: int) -> int:
        if index < 0:
            raise IndexError(f"a kernel reads at {index}")
        return int(buf[index])

    def put(array: Any, index: int, value: int) -> None:
        if index < 0:
            raise IndexError(f"a kernel writes at {index}")
        array[index] = value

    assert _jit.PLAIN
    _jit.at = _jit.get = _jit.get32 = at
    _jit.put = _jit.put32 = _jit.put8 = put


def _rows(chunk: Chunk, frame: bool) -> list[tuple[Any, ...]]:
    """The chunk's events from its columns, and, if asked for, from the frame that is made of them."""
    made: Any = _frames.FrameRows(chunk.made) if isinstance(chunk.made, pl.DataFrame) else chunk.made
    columns = [_values(made.column(column.name), len(made)) for column in READ_COLUMNS]
    if frame:
        assert chunk.events.height == len(made)
        for column, values in zip(READ_COLUMNS, columns, strict=True):
            if column.kind.startswith("int") or column.kind == "bytes":
                assert chunk.events[column.name].to_list() == values, column.name
    return list(zip(chunk.event_line.tolist(), *columns, strict=True))


def _values(plain: Any, count: int) -> list[Any]:
    """A column's values, None for null."""
    if plain.kind == "constant":
        return [plain.value] * count
    if plain.kind == "numbers":
        return [None if n == -1 else n for n in plain.numbers.tolist()]
    if plain.kind == "texts":
        return [plain.texts[n] if 0 <= n < len(plain.texts) else None for n in plain.numbers.tolist()]
    if plain.kind == "bytes":
        places = zip(plain.numbers.tolist(), plain.high.tolist(), strict=True)
        return [None if at == -1 else plain.data[at : at + size].tobytes() for at, size in places]
    assert plain.kind == "addresses", plain.kind
    halves = zip(plain.numbers.tolist(), plain.high.tolist(), plain.low.tolist(), strict=True)
    return [one if one[0] == 6 else (4, one[2]) if one[0] == 4 else None for one in halves]


def look(reader: Any, data: bytes, start: int = 0, frame: bool = False) -> Said | None:
    """What the reader says; None where it says, as it may, that this is no input of its kind."""
    source, said, tally = Bytes(data), Said(end=start), Tally()
    try:
        reader.recognise(source.head())
        for chunk in reader.read(source, ReadOptions(ZoneInfo("Asia/Tokyo"), start=start, hash_key=7, reading=READING)):
            _chunk(reader, chunk, said, tally, frame)
    except InputError as error:
        assert str(error).strip()
        return None
    tally.check()
    assert tally.lines == len(said.lines) and tally.events == len(said.events)
    return said


def _chunk(reader: Any, chunk: Chunk, said: Said, tally: Tally, frame: bool) -> None:
    outcome, places, before = chunk.outcome, chunk.line_pos, len(said.lines)
    assert len(places) == len(chunk.line_hash) == len(chunk.stamped) == len(outcome)
    assert (places[1:] > places[:-1]).all(), "places do not rise"
    if len(places):
        assert said.end <= places[0] and places[-1] < chunk.end, "chunks overlap"
    assert chunk.end >= said.end
    rows = _rows(chunk, frame)
    lines = [row[0] for row in rows]
    assert lines == sorted(lines)
    assert set(lines) == set(np.flatnonzero(outcome == EVENT).tolist()), "an outcome says event where there is none"
    refused = np.flatnonzero((outcome > EVENT) & (outcome < FIRST_IGNORED)).tolist()
    assert [r.pos for r in chunk.rejected] == places[refused].tolist()
    tally.lines += len(outcome)
    tally.events += len(rows)
    tally.count(outcome, reader)
    said.lines += zip(places.tolist(), chunk.line_hash.tolist(), outcome.tolist(), strict=True)
    said.events += [(said.lines[row[0] + before][0], *row[1:]) for row in rows]
    said.rejected += [(r.pos, r.reason, r.text) for r in chunk.rejected]
    # (which link types are unknown is told as far as the walk has come, and it may be ahead)
    said.notes += [re.sub(r" \([\d, ]*\); others", "; others", note) for note in chunk.notes]
    said.end = chunk.end


def small_blocks() -> None:
    """Blocks of `SMALL` bytes from now on."""
    from teiten.readers.capture import _read
    from teiten.readers.flowtuple import _read as stretches

    _read.BLOCK = _blocks.BLOCK = stretches.STRETCH = SMALL  # type: ignore[misc]


def check(name: str, data: bytes) -> Said | None:
    """Reads the bytes, and once more in a way that they themselves choose. AssertionError where something does not hold."""
    reader = readers.module(name)
    chance = int.from_bytes(hashlib.blake2b(data, digest_size=4).digest())
    said = look(reader, data, frame=chance % 4 == 0)
    if said is None or not said.lines:
        return said
    which, place = chance % 3, chance // 3
    if which == 0 and name == "capture" and _input.compression(data[:16]) is None:
        cut(reader, data, said, place % len(data))
    elif which == 1:
        read_on(reader, data, said, place % len(said.lines))
    return said


def cut(reader: Any, data: bytes, said: Said, n: int) -> None:
    """Cut at byte `n`, a capture keeps the whole packets before the cut, as they were."""
    less = look(reader, data[:n])
    if less is None or reader.recognise(data[:65536]) != reader.recognise(data[:n][:65536]):
        return
    whole = [line for line in less.lines if reader.REASONS.get(line[2]) != "impossible record length"]
    assert whole == said.lines[: len(whole)], f"cut at {n}: other records"
    kept = [line for line in said.lines if line[2] != 2]
    following = [line[0] for line in kept[1:]] + [said.end]
    ends = sum(1 for after in following if after <= n)
    assert len(whole) >= ends, f"cut at {n}: {len(whole)} records, {ends} were whole"
    assert less.events == said.events[: len(less.events)], f"cut at {n}: other events"


def read_on(reader: Any, data: bytes, said: Said, i: int) -> None:
    """From where line `i` begins on, the same as before."""
    rest = look(reader, data, start=said.lines[i][0])
    assert rest is not None and rest.lines == said.lines[i:], f"read on at line {i}: other lines"
    assert rest.events == [row for row in said.events if row[0] >= said.lines[i][0]], f"read on at line {i}: other events"
