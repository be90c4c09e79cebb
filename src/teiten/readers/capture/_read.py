"""Records of a capture in blocks, looked into side by side; they come out in order, with the outcome of each."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.errors import InputError
from teiten.readers import _blocks, _jit
from teiten.readers._base import FIRST_IGNORED, Chunk, ReadOptions, Rejected
from teiten.readers._input import Input
from teiten.readers._ordered import in_order
from teiten.readers.capture import _codes as k
from teiten.readers.capture import _columns, _frames, _packet, _told, _walk
from teiten.readers.capture._frames import Interface, Layout

Ints = npt.NDArray[np.int64]

BLOCK: Final = 2 << 20
_ROWS: Final = 1 << 16
"""records in a block at most"""
_KEPT_TEXT: Final = 4096
_LAST_TIME: Final = 253_402_300_800 * 10**6
"""the year 10000"""
COMPILE_SECONDS: Final = 10
_USUAL: Final = True


class _Pool:
    """Memory that is used again once nobody looks at it any more: new pages cost more than what is written to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # what the count is where nobody looks depends on the Python: it is asked
        self._kept = [np.empty(1, np.uint8)]
        (self._alone,) = self._references()

    def _references(self) -> list[int]:
        return [sys.getrefcount(memory) for memory in self._kept]

    def take(self, size: int) -> npt.NDArray[np.uint8]:
        """So many bytes, with whatever they hold. Free again when the array and all that look into it are gone."""
        with self._lock:
            for i, references in enumerate(self._references()):
                if references == self._alone and size <= len(self._kept[i]) <= 2 * size:
                    return self._kept[i][:size]
            self._kept = [*self._kept[-(_KEPT - 1) :], np.empty(size + (size >> 3), np.uint8)]
            return self._kept[-1][:size]


_KEPT: Final = 16
_pool: Final = _Pool()


@dataclass(slots=True)
class Block:
    """Records that were walked over, not yet looked into: `count` of them, from `begin` to `end` of `data`, which begins at
    byte `offset` of the input. `table` has the columns of `_walk`, with places in `data`; records first..first + count are this
    block's. Of pcap there is no table."""

    data: npt.NDArray[np.uint8]
    offset: int
    begin: int
    end: int
    count: int
    layout: Layout
    interfaces: tuple[Interface, ...] = ()
    table: Ints | None = None
    first: int = 0
    damage: int = 0
    """bytes of the input from `end` on that cannot be read, as one more record"""

    def column(self, which: int) -> Ints:
        """A column of the block's records."""
        assert self.table is not None
        return self.table[which, self.first : self.first + self.count]


class Walker:
    """Bytes in, blocks out. Holds what of the capture's layout was met so far."""

    def __init__(self, layout: Layout, start: int) -> None:
        self.layout = layout
        self.start = start
        self.notes: list[str] = []
        self._interfaces: list[Interface] = []
        self._state = np.zeros(_walk.STATE, np.int64)

    def blocks(self, stream: Any) -> Iterator[Block]:
        """Every whole record from byte `start` on. What comes after the last whole one is noted."""
        offset = self.layout.begin
        if self.layout.kind == "pcap" and self.start > offset:
            offset = self.start
        _skip(stream, offset)
        data = _pool.take(BLOCK + _blocks.PAD)
        filled = 0
        ended = False
        while True:
            want = len(data) - _blocks.PAD
            while filled < want and not ended:
                n = stream.readinto(data[filled:want])
                ended = not n
                filled += n or 0
            at, why = 0, _walk.ROOM
            while why == _walk.ROOM or why == _walk.HEADER:
                if why == _walk.HEADER:
                    at, why = self._header(data, at, filled)
                    continue
                block, at, why = self._walk(data, at, filled, offset)
                if block.count:
                    yield block
                del block
            if why == _walk.DAMAGE:
                yield self._damaged(stream, data, at, filled, offset, ended)
                return
            if ended:
                if at < filled:
                    self.notes.append(
                        f"the record at byte {offset + at} is not whole: {filled - at} bytes of it are there; the file was cut,"
                        " or is still written"
                    )
                return
            # what is left moves to another buffer: this one may still be looked into
            left = filled - at
            other = _pool.take((BLOCK if left < BLOCK else 2 * left) + _blocks.PAD)
            other[:left] = data[at:filled]
            data, offset, filled = other, offset + at, left

    def unknown_links(self) -> list[int]:
        """Link types that were met so far and have no name here."""
        met = {self.layout.link_type} if self.layout.kind == "pcap" else {i.link_type for i in self._interfaces}
        return sorted(number for number in met if number >= 0 and number not in k.READ and number not in k.NAMED)

    def _walk(self, data: npt.NDArray[np.uint8], at: int, filled: int, offset: int) -> tuple[Block, int, int]:
        layout, state = self.layout, self._state
        flat = _jit.view(data), at, filled
        if layout.kind == "pcap":
            n = _walk.ends(*flat, int(layout.big), layout.header, _frames.MAX_RECORD, _ROWS, _jit.view(state))
            after, why = state[:2].tolist()
            return Block(data, offset, at, after, n, layout), after, why
        room = min(_ROWS, (filled - at) // 16 + 1)
        table = np.empty((_walk.COLUMNS, room), np.int64)
        out = _jit.view(table.reshape(-1)), room, _jit.view(state)
        if layout.kind == "erf":
            n = _walk.erf(*flat, *out)
        else:
            n = _walk.pcapng(*flat, int(layout.big), _frames.MAX_BLOCK, *out)
        after, why = state[:2].tolist()
        first = int(np.searchsorted(table[_walk.PLACE, :n], self.start - offset)) if self.start > offset else 0
        return Block(data, offset, at, after, n - first, layout, tuple(self._interfaces), table, first), after, why

    def _header(self, data: npt.NDArray[np.uint8], at: int, filled: int) -> tuple[int, int]:
        """A section's or an interface's header at `at`: where it ends, and how to go on."""
        if at + 12 > filled:
            return at, _walk.MORE
        head = data[at : at + 12].tobytes()
        kind = head[:4]
        if kind == _frames.SECTION:
            big = _frames.section(head)
            if big is None:
                return at, _walk.DAMAGE
            self.layout = Layout("pcapng", big)
        total = int.from_bytes(head[4:8], "big" if self.layout.big else "little")
        if total < 12 or total > _frames.MAX_BLOCK:
            return at, _walk.DAMAGE
        after = at + ((total + 3) & ~3)
        if after > filled:
            return at, _walk.MORE
        if kind == _frames.SECTION:
            self._interfaces = []
        else:
            self._interfaces.append(_frames.interface(data[at:after].tobytes(), self.layout.big))
        return after, _walk.ROOM

    def _damaged(
        self, stream: Any, data: npt.NDArray[np.uint8], at: int, filled: int, offset: int, ended: bool
    ) -> Block:  # fmt: skip
        """The rest of the input as one rejected record."""
        begin = data[at : min(filled, at + _KEPT_TEXT)].tobytes()
        lost = filled - at
        while not ended and (piece := stream.read(1 << 20)):
            # what is kept of it, and so its hash, must not depend on where a block ended
            begin += piece[: _KEPT_TEXT - len(begin)]
            lost += len(piece)
        self.notes.append(f"damaged at byte {offset + at}: no record can begin so; {lost} bytes from there on cannot be read")
        return Block(np.frombuffer(begin, np.uint8), offset + at, 0, 0, 0, self.layout, damage=lost)


def _skip(stream: Any, n: int) -> None:
    while n > 0:
        piece = stream.read(min(n, 1 << 20))
        if not piece:
            return
        n -= len(piece)


def _times(block: Block, mtime: int) -> tuple[Ints, npt.NDArray[np.bool_], npt.NDArray[np.bool_] | None]:
    """Microseconds UTC, which of them are within range, and which are the input's time for want of their own. Of a table."""
    layout, high, low = block.layout, block.column(_walk.HIGH), block.column(_walk.LOW)
    if layout.kind != "pcapng":
        return high * 10**6 + (low * 10**6) // layout.parts, np.ones(len(high), np.bool_), None
    links = block.column(_walk.LINK)
    times = np.full(len(high), mtime, np.int64)
    good = np.ones(len(times), np.bool_)
    received = links < 0
    count = (high.astype(np.uint64) << np.uint64(32)) | low.astype(np.uint64)
    for number in np.unique(links[~received]).tolist():
        if number < len(block.interfaces):
            rows = links == number
            times[rows], good[rows] = _of_interface(block.interfaces[number], count[rows])
    return times, good, received if received.any() else None


def _of_interface(one: Interface, count: npt.NDArray[np.uint64]) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Microseconds UTC of an interface's time stamps, and which of them are within range."""
    far = 2 * 10**11
    if one.parts > 10**12 or abs(one.offset) > far:
        exact = [int(c) * 10**6 // one.parts + one.offset * 10**6 for c in count.tolist()]
        good = np.array([-_LAST_TIME < value < _LAST_TIME for value in exact], np.bool_)
        return np.array([value if ok else 0 for value, ok in zip(exact, good.tolist(), strict=True)], np.int64), good
    parts = np.uint64(one.parts)
    seconds = (count // parts).astype(np.int64)
    rest = (count % parts) * np.uint64(10**6) // parts
    near = seconds < far
    times = (np.where(near, seconds, 0) + one.offset) * 10**6 + rest.astype(np.int64)
    return times, near & (np.abs(times) < _LAST_TIME)


def _link_types(block: Block) -> tuple[npt.NDArray[np.uint8], Ints | None]:
    """What is known of each record's outcome already, and its interface; LINK becomes the link type."""
    links = block.column(_walk.LINK)
    outcome = np.zeros(len(links), np.uint8)
    inside = None
    if block.layout.kind == "pcapng":
        known = block.interfaces
        number = np.maximum(links, 0)
        outcome[number >= len(known)] = k.NO_INTERFACE
        inside = np.minimum(number, max(len(known), 1) - 1)
        limit = np.array([i.snaplen or _frames.MAX_RECORD for i in known] or [0], np.int64)[inside]
        size = block.column(_walk.SIZE)
        size[:] = np.where(links < 0, np.minimum(size, limit), size)
        links[:] = np.array([i.link_type for i in known] or [-1], np.int64)[inside]
    for kind in np.unique(links).tolist():
        if kind not in k.READ:
            outcome[(links == kind) & (outcome == 0)] = k.unsupported(kind)
    return outcome, inside


class _Store:
    """Arrays for what a block makes of n records, in one piece of memory that is used again."""

    def __init__(self, n: int) -> None:
        # columns must not begin at multiples of 4 KiB from each other: they would fall on the same lines of the cache
        self.room = room = (n | 511) + 9
        wanted = (  # the widest first, so that each lies where it must
            ("places", np.int64, 1), ("hashes", np.int64, 1), ("quotes", np.int64, _packet.WIDTH_QUOTED),
            ("c64", np.int64, _packet.WIDTH64), ("c32", np.int32, _packet.WIDTH32), ("c16", np.int16, _packet.WIDTH16),
            ("outcome", np.uint8, 1),
        )  # fmt: skip
        sizes = [(np.dtype(kind).itemsize * columns * room + 63) & ~63 for _, kind, columns in wanted]
        memory = _pool.take(sum(sizes))
        place = 0
        self.of: dict[str, Any] = {}
        for (name, kind, columns), size in zip(wanted, sizes, strict=True):
            self.of[name] = memory[place : place + size].view(kind)[: columns * room]
            place += size

    def columns(self, name: str, n: int) -> Any:
        """The first n of each column."""
        return self.of[name].reshape(-1, self.room)[:, :n]


def look_into(block: Block, options: ReadOptions, mtime: int) -> Chunk:
    """The events of a block."""
    if block.damage:
        return _one_rejected(block, options)
    n = block.count
    store = _Store(n)
    outcome = store.of["outcome"][:n]
    state = np.zeros(_walk.STATE, np.int64)
    most = options.reading.payload_bytes
    usual = int(_USUAL)
    hashed = (_packet.ALL if options.hash_events else _packet.REST) if options.hashed else _packet.NONE
    out = [_jit.view(store.of[name]) for name in ("places", "hashes", "outcome", "c16", "c32", "c64", "quotes")]
    data, big = _jit.view(block.data), int(block.layout.big)
    how: Any = usual, block.offset, _signed(options.hash_key), hashed, int(most > 0)
    times, received, interfaces = None, None, None
    if block.layout.kind == "pcap":
        layout = block.layout
        known = 0 if layout.link_type in k.READ else k.unsupported(layout.link_type)
        given: Any = data, block.begin, n, big, layout.header, layout.parts, layout.link_type, known
        made = _packet.pcap(*(*given, *how, *out, store.room, _jit.view(state)))
    else:
        times, good, received = _times(block, mtime)
        outcome[:], interfaces = _link_types(block)
        outcome[~good & (outcome == 0)] = k.BAD_TIME
        assert block.table is not None
        walked: Any = block.first, block.first + n, _jit.view(block.table.reshape(-1)), block.table.shape[1]
        made = _packet.table(*(data, *walked, big, *how, *out, store.room, _jit.view(state)))
    c64, c32 = store.columns("c64", made), store.columns("c32", made)
    lines, positions = c32[_packet.LINE], store.of["places"][:n]
    chosen = positions
    if times is not None:
        c64[_packet.TIME] = times[lines]
    if made < n:
        chosen = positions[lines]
        received = received[lines] if received is not None else None
        interfaces = interfaces[lines] if interfaces is not None else None
    names = tuple(i.name or "" for i in block.interfaces)
    if interfaces is not None:
        without = np.array([not name for name in names] or [True])
        interfaces = None if without.all() else np.where(without[interfaces], -1, interfaces)
    rows = _columns.Columns(
        store.columns("c16", made), c32, c64, int(state[_walk.SIX]), store.columns("quotes", int(state[_walk.QUOTED])), chosen,
        received, interfaces, names, options.sensor, options.source_id,
        _payload(block.data, store, made, most) if most else None,
    )  # fmt: skip
    return Chunk(
        made=rows,
        event_line=lines,
        line_pos=positions,
        line_hash=_hashes(store.of["hashes"][:n].view(np.uint64), outcome, hashed),
        outcome=outcome,
        stamped=np.ones(n, np.bool_),
        end=block.offset + block.end,
        rejected=_rejected(block, outcome, positions),
    )


def _hashes(
    made: npt.NDArray[np.uint64], outcome: npt.NDArray[np.uint8], hashed: int
) -> npt.NDArray[np.uint64]:  # fmt: skip
    if hashed == _packet.ALL:
        return made
    return np.where(outcome == k.EVENT, np.uint64(0), made) if hashed and outcome.any() else np.zeros(len(made), np.uint64)


def _payload(data: npt.NDArray[np.uint8], store: _Store, rows: int, most: int) -> tuple[Ints, Ints, npt.NDArray[np.uint8]]:
    """Starts, lengths and bytes of what is above the transport headers, at most so many of each."""
    starts, lengths = np.empty(rows, np.int64), np.empty(rows, np.int64)
    held = store.columns("c32", rows)[_packet.HELD]
    packed = np.empty(int(np.clip(held, 0, most).sum()) + _blocks.PAD, np.uint8)
    given = _jit.view(data), rows, _jit.view(store.of["c32"]), store.room, most
    size = _packet.above(*given, _jit.view(starts), _jit.view(lengths), _jit.view(packed))
    return starts, lengths, packed[:size]


def _rejected(block: Block, outcome: npt.NDArray[np.uint8], positions: Ints) -> list[Rejected]:
    if not outcome.any():
        return []
    places = positions - block.offset
    stops = block.column(_walk.STOP) if block.table is not None else np.append(places[1:], block.end)
    return [
        Rejected(
            int(positions[i]),
            k.REASONS[int(outcome[i])],
            block.data[places[i] : min(stops[i], places[i] + _KEPT_TEXT)].tobytes(),
        )
        for i in np.flatnonzero((outcome > 0) & (outcome < FIRST_IGNORED)).tolist()
    ]


def _signed(key: int) -> int:
    return ((key & ((1 << 64) - 1)) ^ (1 << 63)) - (1 << 63)


def _one_rejected(block: Block, options: ReadOptions) -> Chunk:
    data = np.concatenate([block.data, np.zeros(_blocks.PAD, np.uint8)])
    digest = _jit.hash_bytes(_jit.view(data), 0, len(block.data), _signed(options.hash_key))
    chunk = _only_notes(block.offset + block.damage, [])
    chunk.line_pos = np.array([block.offset])
    chunk.line_hash = np.array([digest], np.int64).view(np.uint64)
    chunk.outcome, chunk.stamped = np.array([k.DAMAGED], np.uint8), np.ones(1, np.bool_)
    chunk.rejected = [Rejected(block.offset, k.REASONS[k.DAMAGED], block.data.tobytes())]
    return chunk


def read(source: Input, options: ReadOptions) -> Iterator[Chunk]:
    """The capture's chunks (see `_base.Chunk`), in order."""
    head = source.head()
    found = _frames.layout(head)
    if whole := _frames.header_cut(head):
        note = f"the file's own header is not whole: {len(head)} of {whole} bytes are there; it was cut, or is still written"
        yield _only_notes(0, [note])
        return
    if found is None:
        raise InputError(f"{source.name} is no capture that I can read.", hint="pcap, pcapng and ERF are read.")
    _jit.announce(_packet.pcap, COMPILE_SECONDS)
    mtime = int(source.mtime.timestamp() * 1e6) if source.mtime else time.time_ns() // 1000
    stream: Any = source.open()
    walker = Walker(found, options.start)
    told = _told.Told(mtime, walker.unknown_links)
    end = max(options.start, found.begin)
    try:
        for chunk in in_order(walker.blocks(stream), lambda block: look_into(block, options, mtime), source, BLOCK):
            end = chunk.end
            told.look(chunk)
            yield chunk
        trouble = getattr(stream, "trouble", None)
        notes = walker.notes + ([trouble] if trouble else [])
        if notes:
            yield _only_notes(end, notes)
    finally:
        stream.close()


def _only_notes(end: int, notes: list[str]) -> Chunk:
    none = np.empty(0, np.int64)
    nothing = _columns.Columns(
        np.empty((_packet.WIDTH16, 0), np.int16), np.empty((_packet.WIDTH32, 0), np.int32),
        np.empty((_packet.WIDTH64, 0), np.int64), 0, np.empty((_packet.WIDTH_QUOTED, 0), np.int64), none, None, None, (), "", 0,
    )  # fmt: skip
    return Chunk(
        nothing,
        none.astype(np.int32),
        none,
        none.astype(np.uint64),
        none.astype(np.uint8),
        none.astype(np.bool_),
        end,
        [],
        notes,
    )
