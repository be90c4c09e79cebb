"""Records of a capture in blocks, looked into side by side; they come out in order, with the outcome of each."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.errors import InputError
from teiten.readers import _blocks, _jit
from teiten.readers._base import FIRST_IGNORED, Chunk, ReadOptions, Rejected
from teiten.readers._input import Input
from teiten.readers.capture import _codes as k
from teiten.readers.capture import _columns, _frames, _packet
from teiten.readers.capture._frames import Interface, Layout

Ints = npt.NDArray[np.int64]

BLOCK: Final = 4 << 20
_ROWS: Final = 1 << 16
"""records in a block at most"""
_AHEAD: Final = 3
_WORKERS: Final = 2
_KEPT_TEXT: Final = 4096
_LAST_TIME: Final = 253_402_300_800 * 10**6
"""the year 10000"""
COMPILE_SECONDS: Final = 10


@dataclass(slots=True)
class Block:
    """Records that were walked over, not yet looked into. Places are in `data`, which begins at byte `offset`."""

    data: npt.NDArray[np.uint8]
    offset: int
    end: int
    place: Ints
    stop: Ints
    pos: Ints
    size: Ints
    high: Ints
    low: Ints
    links: Ints
    layout: Layout
    interfaces: tuple[Interface, ...]
    damage: int = 0
    """bytes of the input from `end` on that cannot be read, as one more record"""


class Walker:
    """Bytes in, blocks out. Holds what of the capture's layout was met so far."""

    def __init__(self, layout: Layout, start: int) -> None:
        self.layout = layout
        self.start = start
        self.notes: list[str] = []
        self._interfaces: list[Interface] = []
        self._arrays: tuple[Ints, ...] = ()

    def blocks(self, stream: Any) -> Iterator[Block]:
        """Every whole record from byte `start` on. What comes after the last whole one is noted."""
        offset = self.layout.begin
        if self.layout.kind == "pcap" and self.start > offset:
            offset = self.start
        _skip(stream, offset)
        data = bytearray(BLOCK + _blocks.PAD)
        filled = 0
        ended = False
        while True:
            want = len(data) - _blocks.PAD
            while filled < want and not ended:
                n = stream.readinto(memoryview(data)[filled:want])
                ended = not n
                filled += n or 0
            array = np.frombuffer(data, np.uint8)
            at, why = 0, _frames.ROOM
            while why == _frames.ROOM or why == _frames.HEADER:
                if why == _frames.HEADER:
                    at, why = self._header(data, at, filled)
                    continue
                block, at, why = self._walk(array, at, filled, offset)
                if len(block.place):
                    yield block
            if why == _frames.DAMAGE:
                yield self._damaged(stream, array, at, filled, offset, ended)
                return
            if ended:
                if at < filled:
                    self.notes.append(
                        f"the record at byte {offset + at} is not whole: {filled - at} bytes of it are there; the file was cut,"
                        " or is still written"
                    )
                return
            # what is left moves to a new buffer: the old one may still be looked into
            rest = bytes(data[at:filled])
            room = BLOCK if len(rest) < BLOCK else 2 * len(rest)
            data = bytearray(room + _blocks.PAD)
            data[: len(rest)] = rest
            offset, filled = offset + at, len(rest)

    def _walk(self, array: Any, at: int, filled: int, offset: int) -> tuple[Block, int, int]:
        layout = self.layout
        rows = min(_ROWS, (filled - at) // 16 + 1)
        place, stop, pos, size, high, low = (np.empty(rows, np.int64) for _ in range(6))
        view = _jit.view(array)
        links = np.zeros(rows, np.int64)
        big = int(layout.big)
        if layout.kind == "pcap":
            n, after, why = _frames.pcap(
                view, at, filled, big, layout.header, _frames.MAX_RECORD, place, stop, pos, size, high, low
            )  # fmt: skip
            links[:n] = layout.link_type
        elif layout.kind == "erf":
            n, after, why = _frames.erf(view, at, filled, place, stop, pos, size, high, low, links)
        else:
            n, after, why = _frames.pcapng(
                view, at, filled, big, _frames.MAX_BLOCK, place, stop, pos, size, high, low, links
            )  # fmt: skip
        first = int(np.searchsorted(place[:n], self.start - offset)) if self.start > offset else 0
        columns = [column[first:n] for column in (place, stop, pos, size, high, low, links)]
        return Block(array, offset, offset + after, *columns, layout, tuple(self._interfaces)), int(after), int(why)

    def _header(self, data: bytearray, at: int, filled: int) -> tuple[int, int]:
        """A section's or an interface's header at `at`: where it ends, and how to go on."""
        if at + 12 > filled:
            return at, _frames.MORE
        kind = bytes(data[at : at + 4])
        if kind == _frames.SECTION:
            big = _frames.section(bytes(data[at : at + 12]))
            if big is None:
                return at, _frames.DAMAGE
            self.layout = Layout("pcapng", big)
        total = int.from_bytes(data[at + 4 : at + 8], "big" if self.layout.big else "little")
        if total < 12 or total > _frames.MAX_BLOCK:
            return at, _frames.DAMAGE
        after = at + ((total + 3) & ~3)
        if after > filled:
            return at, _frames.MORE
        if kind == _frames.SECTION:
            self._interfaces = []
        else:
            self._interfaces.append(_frames.interface(bytes(data[at:after]), self.layout.big))
        return after, _frames.ROOM

    def _damaged(self, stream: Any, array: Any, at: int, filled: int, offset: int, ended: bool) -> Block:
        """The rest of the input as one rejected record."""
        lost = filled - at
        while not ended and (piece := stream.read(1 << 20)):
            lost += len(piece)
        self.notes.append(f"damaged at byte {offset + at}: no record can begin so; {lost} bytes from there on cannot be read")
        none = np.empty(0, np.int64)
        return Block(
            array[at : at + _KEPT_TEXT], offset + at, offset + at, *(none for _ in range(7)), self.layout, (), damage=lost
        )  # fmt: skip


def _skip(stream: Any, n: int) -> None:
    while n > 0:
        piece = stream.read(min(n, 1 << 20))
        if not piece:
            return
        n -= len(piece)


def _times(block: Block, mtime: int) -> tuple[Ints, npt.NDArray[np.bool_], npt.NDArray[np.bool_] | None]:
    """Microseconds UTC, which of them are within range, and which are the input's time for want of their own."""
    layout = block.layout
    if layout.kind != "pcapng":
        # an impossible fraction must not spill into the seconds
        parts = np.where(block.low < layout.parts, block.low, 0)
        if layout.parts != 10**6:
            parts = (parts * 10**6) // layout.parts if layout.parts < 10**12 else (parts * (10**6 >> 6)) >> 26
        times = block.high * 10**6 + parts
        return times, np.ones(len(times), np.bool_), None
    times = np.full(len(block.high), mtime, np.int64)
    good = np.ones(len(times), np.bool_)
    received = block.links < 0
    count = (block.high.astype(np.uint64) << np.uint64(32)) | block.low.astype(np.uint64)
    for number in np.unique(block.links[~received]).tolist():
        rows = block.links == number
        if number >= len(block.interfaces):
            continue
        one = block.interfaces[number]
        if one.parts <= 10**12:
            parts64 = np.uint64(one.parts)
            seconds = (count[rows] // parts64).astype(np.int64)
            rest = (count[rows] % parts64) * np.uint64(10**6) // parts64
            far = (seconds > 2 * 10**11) | (abs(one.offset) > 2 * 10**11)
            value = (np.where(far, 0, seconds) + (0 if abs(one.offset) > 2 * 10**11 else one.offset)) * 10**6
            value += rest.astype(np.int64)
            times[rows], good[rows] = value, ~far & (value > -_LAST_TIME) & (value < _LAST_TIME)
        else:
            exact = [int(c) * 10**6 // one.parts + one.offset * 10**6 for c in count[rows].tolist()]
            good[rows] = [-_LAST_TIME < v < _LAST_TIME for v in exact]
            times[rows] = [v if -_LAST_TIME < v < _LAST_TIME else 0 for v in exact]
    return times, good, received if received.any() else None


def _link_types(block: Block) -> tuple[Ints, npt.NDArray[np.uint8], pl.Series | None]:
    """For each record its link type, what is known of its outcome already, and its interface's name."""
    n = len(block.links)
    outcome = np.zeros(n, np.uint8)
    names = None
    links = block.links
    if block.layout.kind == "pcapng":
        known = block.interfaces
        number = np.maximum(links, 0)
        outcome[number >= len(known)] = k.NO_INTERFACE
        table = np.array([i.link_type for i in known] or [-1], np.int64)
        inside = np.minimum(number, len(table) - 1)
        snap = np.array([i.snaplen or _frames.MAX_RECORD for i in known] or [0], np.int64)[inside]
        block.size = np.where(links < 0, np.minimum(block.size, snap), block.size)
        links = table[inside]
        if any(i.name for i in known):
            names = pl.Series([i.name for i in known], dtype=pl.String).gather(pl.Series(inside.astype(np.uint32)))
    for kind in np.unique(links).tolist():
        if kind not in k.READ:
            outcome[(links == kind) & (outcome == 0)] = k.unsupported(kind)
    return links, outcome, names


def look_into(block: Block, options: ReadOptions, mtime: int) -> Chunk:
    """The events of a block."""
    if block.damage:
        return _one_rejected(block, options)
    n = len(block.place)
    links, outcome, names = _link_types(block)
    times, good, received = _times(block, mtime)
    outcome[~good & (outcome == 0)] = k.BAD_TIME
    rows = _columns.Rows(n)
    hashes = np.empty(n, np.uint64)
    key = np.uint64(options.hash_key)
    _packet.decode(
        _jit.view(block.data), int(block.layout.big), key, block.place, block.stop, block.pos, block.size, links,
        hashes, outcome, rows.words, rows.wide, rows.middle, rows.narrow,
    )  # fmt: skip
    made = outcome == k.EVENT
    positions = block.place + block.offset
    lines: npt.NDArray[np.int32] = np.arange(n, dtype=np.int32)
    if not made.all():
        rows, times, lines = rows.only(made), times[made], lines[made]
        received = received[made] if received is not None else None
        names = names.filter(pl.Series(made)) if names is not None else None
    events = _columns.frame(rows, times, received, names, options.sensor, options.source_id, positions[lines])
    refused = np.flatnonzero((outcome > 0) & (outcome < FIRST_IGNORED)).tolist()
    return Chunk(
        events=events,
        event_line=lines,
        line_pos=positions,
        line_hash=hashes,
        outcome=outcome,
        stamped=np.ones(n, np.bool_),
        end=block.end,
        rejected=[
            Rejected(
                int(positions[i]),
                k.REASONS[int(outcome[i])],
                block.data[block.place[i] : min(block.stop[i], block.place[i] + _KEPT_TEXT)].tobytes(),
            )
            for i in refused
        ],
    )


def _one_rejected(block: Block, options: ReadOptions) -> Chunk:
    key = np.uint64(options.hash_key)
    data = np.concatenate([block.data, np.zeros(_blocks.PAD, np.uint8)])
    digest = _jit.hash_bytes(_jit.view(data), 0, len(block.data), key)
    return Chunk(
        _columns.frame(_columns.Rows(0), np.empty(0, np.int64), None, None, "", 0, np.empty(0, np.int64)),
        np.empty(0, np.int32), np.array([block.offset]), np.array([digest], np.uint64), np.array([k.DAMAGED], np.uint8),
        np.ones(1, np.bool_), block.offset + block.damage,
        [Rejected(block.offset, k.REASONS[k.DAMAGED], block.data.tobytes())],
    )  # fmt: skip


def read(source: Input, options: ReadOptions) -> Iterator[Chunk]:
    """The capture's chunks (see `_base.Chunk`), in order."""
    head = source.head()
    found = _frames.layout(head)
    if found is None:
        raise InputError(f"{source.name} is no capture that I can read.", hint="pcap, pcapng and ERF are read.")
    _jit.announce(_packet.decode, COMPILE_SECONDS)
    mtime = int(source.mtime.timestamp() * 1e6) if source.mtime else time.time_ns() // 1000
    stream: Any = source.open()
    walker = Walker(found, options.start)
    end = max(options.start, found.begin)
    try:
        for chunk in _in_order(walker.blocks(stream), options, mtime, source):
            end = chunk.end
            yield chunk
        trouble = getattr(stream, "trouble", None)
        notes = walker.notes + ([trouble] if trouble else [])
        if notes:
            yield _only_notes(end, notes)
    finally:
        stream.close()


def _only_notes(end: int, notes: list[str]) -> Chunk:
    none = np.empty(0, np.int64)
    return Chunk(
        _columns.frame(_columns.Rows(0), none, None, None, "", 0, none), none.astype(np.int32), none, none.astype(np.uint64),
        none.astype(np.uint8), none.astype(np.bool_), end, [], notes,
    )  # fmt: skip


def _in_order(blocks: Iterator[Block], options: ReadOptions, mtime: int, source: Input) -> Iterator[Chunk]:
    """Looks into blocks on two threads (the kernel holds no GIL); few are in flight."""
    if source.size is not None and source.size < BLOCK and source.compression is None:
        for block in blocks:
            yield look_into(block, options, mtime)
        return
    flying: deque[Future[Chunk]] = deque()
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="teiten-read") as workers:
        try:
            for block in blocks:
                flying.append(workers.submit(look_into, block, options, mtime))
                if len(flying) >= _AHEAD:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        finally:
            for future in flying:
                future.cancel()
