"""A reader of lines in some thirty lines: it says what one line means; places, hashes, accounting and frames are made here.

    def parse(line: bytes, options: ReadOptions) -> Event | Sequence[Event] | int: ...

    read = _lines.reader(parse, REASONS)

An `Event` is a mapping of the event's columns to plain values: `time` microseconds since 1970 (UTC), addresses 4 or 16 bytes,
what is not said left out; a number is the line's outcome (a key of the module's REASONS or KINDS). It is plain Python, some
50,000 lines a second. Formats of which a telescope has billions of lines have kernels (`netfilter`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from teiten.event import READ_COLUMNS
from teiten.readers import _blocks, _jit
from teiten.readers._base import EVENT, FIRST_IGNORED, Chunk, ReadOptions, Rejected
from teiten.readers._blocks import Block, Pool, Stream
from teiten.readers._input import Input

Event = Mapping[str, Any]
Parse = Callable[[bytes, ReadOptions], Event | Sequence[Event] | int]

REJECTED: Final = {1: "not of this format", 2: "line too long", 3: "a field is out of its range"}
"""outcomes that every such reader has"""
IGNORED: Final = {128: "blank"}
_KEPT_TEXT: Final = 4096
_RANGES: Final = {"int16": 15, "int32": 31, "int64": 63}
_BITS: Final = {c.name: _RANGES[c.kind] for c in READ_COLUMNS if c.kind in _RANGES}
_TIMES: Final = tuple(c.name for c in READ_COLUMNS if c.kind == "time")
_ADDRESSES: Final = tuple(c.name for c in READ_COLUMNS if c.kind == "address")


def reader(parse: Parse, reasons: Mapping[int, str]) -> Callable[[Input, ReadOptions], Iterator[Chunk]]:
    """The `read` of a module whose lines mean what `parse` says. reasons: its REASONS, with those of REJECTED among them."""

    def read(source: Input, options: ReadOptions) -> Iterator[Chunk]:
        """The input's chunks in order. InputError only for the input itself."""
        pool, stream = Pool(), Stream(source.open())
        try:
            if options.start:
                _blocks.skip_to(stream, options.start, source.seekable and source.compression is None)  # type: ignore[arg-type]
            end = options.start
            for block in _blocks.blocks(stream, options.start, options.reading.max_line, pool):
                yield _chunk(block, parse, reasons, options)
                end = block.end
                pool.give(block.raw)
            if stream.trouble:
                yield _made([], [], [], [], np.empty(0, np.uint64), end, [], options, [stream.trouble])
        finally:
            stream.close()

    return read


def _chunk(block: Block, parse: Parse, reasons: Mapping[int, str], options: ReadOptions) -> Chunk:
    data = bytes(memoryview(block.raw)[: block.size])
    key = options.hash_key - (1 << 64) if options.hash_key >> 63 else options.hash_key
    events: list[Event] = []
    event_line: list[int] = []
    places: list[int] = []
    ends: list[int] = []
    outcomes: list[int] = []
    rejected: list[Rejected] = []
    lines = [data] if block.long else _split(data)
    at = 0
    for number, raw in enumerate(lines):
        line = raw.rstrip(b"\r\n")
        code = 2 if block.long or len(line) > options.reading.max_line else EVENT
        if not code:
            found = parse(line, options) if line.strip() else 128
            if isinstance(found, int):
                code = found
            else:
                made = [found] if isinstance(found, Mapping) else found
                if all(map(_right, made)):
                    events += ({**one, "source_pos": block.offset + at} for one in made)
                    event_line += [number] * len(made)
                else:
                    code = 3
        places.append(block.offset + at)
        ends.append(at + len(line))
        outcomes.append(code)
        if EVENT < code < FIRST_IGNORED:
            rejected.append(Rejected(block.offset + at, reasons[code], line[:_KEPT_TEXT]))
        at += len(raw)
    hashes = np.zeros(len(lines), np.uint64)
    if options.hashed:
        view = _jit.view(block.data)
        own = [_jit.hash_bytes(view, place - block.offset, end, key) for place, end in zip(places, ends, strict=True)]
        hashes = np.array(own, np.int64).view(np.uint64)
    return _made(events, event_line, places, outcomes, hashes, block.end, rejected, options, [])


def _split(data: bytes) -> list[bytes]:
    """Lines by their line feeds alone: a carriage return within a line is part of it."""
    parts = data.split(b"\n")
    out = [part + b"\n" for part in parts[:-1]]
    return [*out, parts[-1]] if parts[-1] else out


def _right(event: Event) -> bool:
    """Does every number fit its column, and has every address 4 or 16 bytes?"""
    for name, bits in _BITS.items():
        value = event.get(name)
        if value is not None and not 0 <= value < 1 << bits:
            return False
    if any(event.get(name) is not None and not -(1 << 60) < event[name] < 1 << 60 for name in _TIMES):
        return False
    return all(event.get(name) is None or len(event[name]) in (4, 16) for name in _ADDRESSES)


def _made(
    events: Sequence[Event], event_line: Sequence[int], places: Sequence[int], outcomes: Sequence[int], hashes: Any, end: int,
    rejected: list[Rejected], options: ReadOptions, notes: list[str],
) -> Chunk:  # fmt: skip
    import polars as pl

    from teiten.frame import READ_SCHEMA

    always = {"sensor": options.sensor, "source_id": options.source_id, "packets": 1, "time_basis": "stated"}
    columns = {name: [one.get(name, always.get(name)) for one in events] for name in READ_SCHEMA}
    frame = pl.DataFrame(
        {
            name: pl.Series(name, values, dtype=pl.Int64, strict=True).cast(kind) if name in _TIMES else values
            for (name, values), kind in zip(columns.items(), READ_SCHEMA.values(), strict=True)
        },
        schema=READ_SCHEMA,
    )
    return Chunk(
        made=frame,
        event_line=np.array(event_line, np.int32),
        line_pos=np.array(places, np.int64),
        line_hash=hashes,
        outcome=np.array(outcomes, np.uint8),
        stamped=np.ones(len(places), np.bool_),
        end=end,
        rejected=rejected,
        notes=notes,
    )
