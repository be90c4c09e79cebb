"""Blocks of lines are read side by side and come out in order: events, the outcome of every line, the accounting.

What depends on the lines before (years, the pass of a repeated hour, "last message repeated") is settled in order after
the kernel. A read that begins at `start` looks at some lines before it for that, and does not return them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.readers import _blocks, _jit, _stamp, _survey
from teiten.readers._base import FIRST_IGNORED, Chunk, ReadOptions, Rejected
from teiten.readers._blocks import Block, Pool, Stream
from teiten.readers._input import Input
from teiten.readers._ordered import in_order
from teiten.readers._times import Times
from teiten.readers.netfilter import _codes as k
from teiten.readers.netfilter import _columns, _scan

Ints = npt.NDArray[np.int64]

_KEPT_TEXT: Final = 4096
_MOST_ROWS: Final = 1 << 18
"""events in a chunk, where repeats make many"""
COMPILE_SECONDS: Final = 10
CAREFUL = False
"""every line is read by the whole grammar, none by `_usual` (tests hold the two against each other)"""


@dataclass(slots=True)
class Parsed:
    """What the kernel says of a block."""

    offset: int
    end: int
    rows: Ints
    interfaces: list[str]
    pos: Ints
    hashes: npt.NDArray[np.uint64]
    outcome: npt.NDArray[np.uint8]
    kinds: npt.NDArray[np.uint8]
    values: Ints
    again: Ints
    texts: dict[int, bytes]
    """of rejected lines, and of those that may become so: line -> text"""
    simple: bool
    """every line made one row, with its own stamp"""


def parse(data: Any, size: int, offset: int, end: int, options: ReadOptions, stampless: bool) -> Parsed:
    """Runs the kernel over data[:size], whole lines that begin at byte `offset` of the input."""
    room, line_room = _room(data, size)
    counters = np.zeros(4, np.int64)
    scratch = np.zeros(_scan.SCRATCH, np.int64)
    key = _scan.signed_key(options.hash_key)
    while True:
        rows = np.empty((k.WIDTH, room), np.int64)
        for place in k.SPARSE:
            rows[place] = 0
        table = np.zeros((room, 2), np.int64)
        lines = np.zeros((_scan.LINE_WIDTH, line_room), np.int64)
        outcome, kinds = np.empty(line_room, np.uint8), np.empty(line_room, np.uint8)
        reading = options.reading
        given = (reading.max_repeat, stampless, reading.max_line, room, line_room, options.hashed, CAREFUL)
        limits = np.array(given, np.int64)
        flat = (limits, rows.reshape(-1), table.reshape(-1), lines.reshape(-1), outcome, kinds, counters, scratch)
        n = _scan.scan(_jit.view(data), size, key, *[_jit.view(array) for array in flat])
        if n >= 0:
            break
        if n == -1:
            room *= 4  # many lines run together
        else:
            line_room *= 8
    names = [
        bytes(data[at : at + length]).decode("utf-8", "replace") for at, length in table[: counters[_scan.INTERFACES]].tolist()
    ]
    made = int(counters[_scan.ROWS])
    pos, hashes, values, again = (lines[place, :n] for place in range(_scan.LINE_WIDTH))
    outcome, kinds = outcome[:n], kinds[:n]
    simple = made == n and counters[_scan.OTHERS] == 0
    texts = {}
    if not simple:
        keep = np.flatnonzero(((outcome > 0) & (outcome < FIRST_IGNORED)) | (outcome == k.REPEAT))
        ends, most = np.append(pos[1:], size), min(_KEPT_TEXT, reading.max_line)
        texts = {i: bytes(data[pos[i] : min(ends[i], pos[i] + most)]).rstrip(b"\r\n") for i in keep.tolist()}
    return Parsed(
        offset, end, rows.T[:made], names, pos + offset, hashes.view(np.uint64), outcome, kinds, values, again, texts, simple
    )  # fmt: skip


def _room(data: Any, size: int) -> tuple[int, int]:
    """How many rows and lines there may be, by the block's beginning. (Columns must not begin at multiples of 4 KiB from
    each other: a row's places would fall on the same lines of the processor's cache.)"""
    sample = min(size, 1 << 14)
    shown = bytes(data[:sample]).count(b"\n") + 1
    guess = size * shown // max(1, sample) * 5 // 4 + 512
    return (guess | 511) + 9, (guess | 511) + 9


def too_long(block: Block, options: ReadOptions) -> Parsed:
    """The one line that was streamed past."""
    n = options.reading.max_line
    one = np.array([k.LONG], np.uint8)
    digest = _jit.hash_bytes(_jit.view(block.data), 0, n, _scan.signed_key(options.hash_key))
    return Parsed(
        block.offset, block.end, np.empty((0, k.WIDTH), np.int64), [], np.array([block.offset]),
        np.array([digest], np.int64).view(np.uint64), one, np.array([_stamp.NONE], np.uint8), np.array([0]), np.array([-1]),
        {0: block.data[: min(_KEPT_TEXT, n)].tobytes().rstrip(b"\r\n")}, False,
    )  # fmt: skip


class Settler:
    """Turns what the kernel says of one block after the other into chunks."""

    def __init__(self, times: Times, options: ReadOptions) -> None:
        self._times, self._options = times, options
        self._last: Ints = np.empty((0, k.WIDTH), np.int64)  # the row of the last line that was no repeat
        self._last_interface: str | None = None

    def chunks(self, block: Parsed) -> Iterator[Chunk]:
        """Usually one; more where repeats make very many events. None for lines before `start`."""
        rows = self._repeats(block)
        times, positions, rows = self._resolve(block, rows)
        start = self._options.start
        skip = int(np.searchsorted(block.pos, start)) if start > block.offset else 0
        n = len(block.pos)
        if skip >= n:
            return
        # lines at which a chunk ends: before it holds too many events
        before = np.arange(n + 1) if block.simple else np.searchsorted(rows[:, k.LINE], np.arange(n + 1))
        first = skip
        while first < n:
            last = n
            if before[n] - before[first] > _MOST_ROWS:
                last = max(first + 1, int(np.searchsorted(before, before[first] + _MOST_ROWS, side="right")) - 1)
            yield self._chunk(block, rows, times, positions, first, last, slice(int(before[first]), int(before[last])))
            first = last

    def _chunk(
        self, block: Parsed, rows: Ints, times: Ints, positions: Ints, first: int, last: int, part: slice
    ) -> Chunk:  # fmt: skip
        lines = slice(first, last)
        outcome = block.outcome[lines]
        chosen = rows[part]
        bases = self._times.bases(chosen[:, k.KIND])
        made = _columns.Columns(
            chosen, times[part], positions[part], bases, block.interfaces, self._options.sensor, self._options.source_id
        )  # fmt: skip
        refused = np.flatnonzero((outcome > 0) & (outcome < FIRST_IGNORED))
        notes, self._times.notes = self._times.notes, []
        return Chunk(
            made=made,
            event_line=(chosen[:, k.LINE] - first).astype(np.int32),
            line_pos=block.pos[lines],
            line_hash=block.hashes[lines],
            outcome=outcome,
            stamped=(block.kinds[lines] != _stamp.NONE) & (block.kinds[lines] != _stamp.BAD),
            end=block.end if last == len(block.pos) else int(block.pos[last]),
            rejected=[
                Rejected(int(block.pos[first + i]), k.REASONS[int(outcome[i])], block.texts.get(first + i, b""))
                for i in refused.tolist()
            ],
            notes=notes,
        )

    def _resolve(self, block: Parsed, rows: Ints) -> tuple[Ints, Ints, Ints]:
        """Times and positions of the rows, and the rows that have a time; repeated ones drawn out."""
        times, positions, rows = self._stated(block, rows)
        received = self._options.received
        if received is not None and len(rows) and (without := rows[:, k.KIND] == _stamp.NONE).any():
            times = times.copy()
            times[without] = received.of(positions[without])
        return times, positions, rows

    def _stated(self, block: Parsed, rows: Ints) -> tuple[Ints, Ints, Ints]:
        """The same, with the input's time for lines that state none."""
        lines = rows[:, k.LINE]
        if block.simple:
            times, good = self._times.resolve(block.kinds, block.values, block.pos, block.end)
            right = good | (block.kinds == _stamp.NONE)
            if right.all():
                return times, block.pos, rows
            block.simple = False
        elif ((rows[:, k.KIND] == block.kinds[lines]) & (rows[:, k.STAMP] == block.values[lines])).all():
            resolved, good = self._times.resolve(block.kinds, block.values, block.pos, block.end)
            times, right = resolved[lines], good[lines] | (rows[:, k.KIND] == _stamp.NONE)
        else:  # lines run together: their own stamps come after their line's
            same = (rows[:, k.KIND] == block.kinds[lines]) & (rows[:, k.STAMP] == block.values[lines])
            extra = np.flatnonzero(~same)
            at = lines[extra] + 1
            kinds = np.insert(block.kinds, at, rows[extra, k.KIND])
            values = np.insert(block.values, at, rows[extra, k.STAMP])
            positions = np.insert(block.pos, at, block.pos[lines[extra]])
            resolved, good = self._times.resolve(kinds, values, positions, block.end)
            place = lines + np.searchsorted(at, lines, side="right")
            place[extra] = at + np.arange(len(extra))
            times, right = resolved[place], good[place] | (rows[:, k.KIND] == _stamp.NONE)
        if not right.all():  # February 29 of a common year
            wrong = np.unique(lines[~right])
            rows, times = rows[right], times[right]
            left = np.setdiff1d(wrong, rows[:, k.LINE])
            block.outcome[left] = k.BAD_STAMP
        counts = rows[:, k.COUNT]
        if (counts != 1).any():
            rows, times = np.repeat(rows, counts, axis=0), np.repeat(times, counts)
        return times, rows[:, k.POS] + block.offset, rows

    def _repeats(self, block: Parsed) -> Ints:
        """The rows, with those that "last message repeated" lines make; their lines' outcomes settled."""
        rows, n = block.rows, len(block.pos)
        if block.simple:
            if n:
                model, name = self._row_of(block, n - 1)
                assert model is not None
                self._last, self._last_interface = model[None, :].copy(), name
            return rows
        solid = (block.outcome != k.BLANK) & (block.again < 0)
        known = np.maximum.accumulate(np.where(solid, np.arange(n), -1)) if n else np.empty(0, np.int64)
        repeats = np.flatnonzero(block.again >= 0)
        new = []
        for line in repeats.tolist():
            model, name = self._row_of(block, int(known[line]))
            count = int(block.again[line])
            if model is None:
                continue
            if count > self._options.reading.max_repeat:
                block.outcome[line] = k.TOO_OFTEN
                continue
            kind = int(block.kinds[line])
            if kind == _stamp.BAD or (kind == _stamp.NONE and self._times.stamped):
                block.outcome[line] = k.BAD_STAMP if kind == _stamp.BAD else k.NO_STAMP
                continue
            if count == 0:
                continue
            row = model.copy()
            row[[k.LINE, k.POS, k.KIND, k.STAMP, k.COUNT]] = (
                line, block.pos[line] - block.offset, kind, block.values[line], count,
            )  # fmt: skip
            row[k.IFACE] = self._name(block, name)
            block.outcome[line] = k.EVENT
            new.append(row)
        if n and known[-1] >= 0:
            self._last, self._last_interface = np.empty((0, k.WIDTH), np.int64), None
            model, name = self._row_of(block, int(known[-1]))
            if model is not None:
                self._last, self._last_interface = model[None, :].copy(), name
        if new:
            rows = np.concatenate([rows, np.stack(new)])
            rows = rows[np.argsort(rows[:, k.LINE], kind="stable")]
        return rows

    def _row_of(self, block: Parsed, line: int) -> tuple[Ints | None, str | None]:
        """The last row that a line made (the last block's last line for -1), and its interface."""
        if line < 0:
            return (self._last[0], self._last_interface) if len(self._last) else (None, None)
        at = int(np.searchsorted(block.rows[:, k.LINE], line, side="right")) - 1
        if at < 0 or block.rows[at, k.LINE] != line:
            return None, None
        row = block.rows[at]
        iface = int(row[k.IFACE])
        return row, block.interfaces[iface] if iface >= 0 else None

    @staticmethod
    def _name(block: Parsed, name: str | None) -> int:
        if name is None:
            return -1
        if name not in block.interfaces:
            block.interfaces.append(name)
        return block.interfaces.index(name)


def _stamps(options: ReadOptions) -> _survey.Stamps:
    """Place, kind and value of every stamp in lines, which begin at a byte of the input."""

    def look(offset: int, data: bytes) -> tuple[Ints, Ints, Ints]:
        array = np.frombuffer(data + b"\n" * _blocks.PAD, np.uint8)
        parsed = parse(array, len(data), offset, offset + len(data), options, True)
        seen = parsed.kinds != _stamp.NONE
        return parsed.pos[seen], parsed.kinds[seen].astype(np.int64), parsed.values[seen]

    return look


def read(source: Input, options: ReadOptions) -> Iterator[Chunk]:
    """The input's chunks (see `_base.Chunk`), in order."""
    _jit.announce(_scan.scan, COMPILE_SECONDS)
    begin = _survey.context(source, options)
    head = source.head()
    stamped = options.received is None and _stamped(source, options, head)
    times = Times(
        options, source.mtime, begin, lambda: _survey.survey(source, _stamps(options), head), stamped,
        lambda begin, end: _survey.look_at(source, _stamps(options), begin, end),
    )  # fmt: skip
    settler = Settler(times, options)
    stream = Stream(source.open())
    pool = Pool()
    try:
        if begin:
            _blocks.skip_to(stream, begin, source.seekable and source.compression is None)  # type: ignore[arg-type]
        last_end = begin
        blocks = _blocks.blocks(stream, begin, options.reading.max_line, pool)
        for parsed in in_order(blocks, _worker(options, stamped, pool), source, _blocks.BLOCK // 4):
            last_end = parsed.end
            yield from settler.chunks(parsed)
        if stream.trouble:
            yield only_note(max(last_end, options.start), stream.trouble)
    finally:
        stream.close()


def only_note(end: int, note: str) -> Chunk:
    empty = np.empty((0, k.WIDTH), np.int64)
    none = np.empty(0, np.int64)
    return Chunk(
        _columns.Columns(empty, none, none, 0, [], "", 0), none.astype(np.int32), none, none.astype(np.uint64),
        none.astype(np.uint8), none.astype(np.bool_), end, [], [note],
    )  # fmt: skip


def _stamped(source: Input, options: ReadOptions, head: bytes) -> bool:
    """Does any line of the input carry a stamp? (The head answers, nearly always.)"""
    array = np.frombuffer(head + b"\n" * _blocks.PAD, np.uint8)
    parsed = parse(array, len(head), 0, len(head), options, True)
    if ((parsed.kinds != _stamp.NONE) & (parsed.kinds != _stamp.BAD)).any():
        return True
    if not source.seekable or len(head) < _survey.CONTEXT:
        return False
    return _survey.survey(source, _stamps(options)).stamped(_stamp.NONE, _stamp.BAD)


def _worker(options: ReadOptions, stamped: bool, pool: Pool) -> Callable[[Block], Parsed]:
    """What is done with a block; its memory goes back to the pool whatever comes of it."""

    def work(block: Block) -> Parsed:
        try:
            if block.long:
                return too_long(block, options)
            return parse(block.data, block.size, block.offset, block.end, options, not stamped)
        finally:
            pool.give(block.raw)

    return work
