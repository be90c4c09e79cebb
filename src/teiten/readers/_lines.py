"""A reader of lines in some thirty lines: it says what one line means; places, hashes, times, accounting are made here.

    def parse(line: bytes, options: ReadOptions) -> Event | Sequence[Event] | int: ...

    read = _lines.reader(parse, REASONS)

An `Event` is a mapping of the event's columns to plain values: `time` microseconds since 1970 (UTC), addresses 4 or 16 bytes,
what is not said left out; a number is the line's outcome (a key of the module's REASONS or KINDS). What raises ValueError,
KeyError and the like is "not of this format", `_fields.Bad` the reason that it names: no line ends a run.

    def parse(line: Line) -> Event | Sequence[Event] | int: ...

    read = _lines.texts(parse, REASONS, stamps=True)

is the same for text; `sessions` hands over a `Line`, too, undecoded. With `stamps` each line's time stamp (`_stamp`) has been
read already, and is the event's time where `parse` gives none: years that are not stated, zones, summer time, "last message
repeated" are settled here, as netfilter's are.
It is plain Python, some 50,000 lines a second. Formats of which a telescope has billions of lines have kernels (`netfilter`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from teiten import event
from teiten.event import READ_COLUMNS
from teiten.readers import _blocks, _fields, _jit, _recognise, _stamp, _survey
from teiten.readers._base import EVENT, FIRST_IGNORED, Chunk, ReadOptions, Rejected
from teiten.readers._blocks import Block, Pool, Stream
from teiten.readers._clock import Ints
from teiten.readers._input import Input
from teiten.readers._times import Times

Event = Mapping[str, Any]

REJECTED: Final = {1: "not of this format", 2: "line too long", 3: "a field is out of its range"}
"""outcomes that every such reader has"""
TOO_OFTEN: Final = 9
REASONS: Final = {**REJECTED, **_fields.REASONS, TOO_OFTEN: "repeated too often"}
"""those of readers of texts"""
BLANK, OTHER, HEADER, NO_PACKET, REPEAT = 128, 129, 130, 131, 132
IGNORED: Final = {BLANK: "blank"}
KINDS: Final = {**IGNORED, OTHER: "other", HEADER: "header", NO_PACKET: "tells of no packet", REPEAT: "repeat"}
"""those of readers of texts: other daemons' lines, lines of the same device that tell of no packet"""
_KEPT_TEXT: Final = 4096
LONGEST: Final = 16384
"""bytes of a line with a stamp (syslog's receivers cut at 8 KiB): no pattern is asked about more"""
_RANGES: Final = {"int16": 1 << 15, "int32": 1 << 31, "int64": (1 << 63)}
_MOST: Final = {c.name: _RANGES.get(c.kind, -1) for c in READ_COLUMNS if c.kind in _RANGES or c.kind == "address"}
"""below what a column's numbers are; -1: it holds addresses"""
_TIMES: Final = frozenset(c.name for c in READ_COLUMNS if c.kind == "time")
_REPEATED: Final = re.compile(r"(?:^|: |\s)(?:---? )?last message repeated (\d+) times?(?: ---)?\s*$")
_WRONG: Final = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OverflowError)


class Line:
    """One line. raw: its bytes without the line end; text: what follows its stamp (all of it where stamps are not looked for);
    style: `_stamp`'s word on what follows; state: whatever the lines before it left there (a header's columns); at: the byte
    of the input where it begins."""

    __slots__ = ("at", "options", "raw", "state", "style", "text")

    def __init__(self, raw: bytes, text: str, style: int, options: ReadOptions, state: dict[str, Any], at: int = 0) -> None:
        self.raw, self.text, self.style, self.options, self.state, self.at = raw, text, style, options, state, at


Parse = Callable[[bytes, ReadOptions], Event | Sequence[Event] | int]
ParseText = Callable[[Line], Event | Sequence[Event] | int]
Read = Callable[[Input, ReadOptions], Iterator[Chunk]]

recogniser = _recognise.recogniser


def reader(parse: Parse, reasons: Mapping[int, str]) -> Read:
    """The `read` of a module whose lines mean what `parse` says. reasons: its REASONS, with those of REJECTED among them."""
    return _reader(lambda line: parse(line.raw, line.options), reasons, decoded=False)


def sessions(parse: ParseText, reasons: Mapping[int, str], first: re.Pattern[bytes], reach: int) -> Read:
    """The same where lines belong to sessions. first: what stands in a line that others lean on (`parse` keeps it in `state`);
    reach: how many bytes before a line such a one counts. A read that begins in the middle is given those within that reach:
    what a line comes to depends on these bytes alone, wherever reading began."""
    return _reader(parse, reasons, header=first, reach=reach, decoded=False)


def texts(
    parse: ParseText, reasons: Mapping[int, str], *, stamps: bool = False, header: re.Pattern[bytes] | None = None
) -> Read:
    """The same for text. header: what a line that says how others are to be read begins with (`parse` keeps that in `state`):
    a read that begins in the middle is given all of them that lie before."""
    return _reader(parse, reasons, stamps=stamps, header=header)


def _reader(
    parse: ParseText, reasons: Mapping[int, str], *, stamps: bool = False, header: re.Pattern[bytes] | None = None,
    reach: int | None = None, decoded: bool = True,
) -> Read:  # fmt: skip
    def read(source: Input, options: ReadOptions) -> Iterator[Chunk]:
        """The input's chunks in order. InputError only for the input itself."""
        begin = _survey.context(source, options) if stamps else options.start
        run = _Run(parse, reasons, source, options, begin, stamps, decoded)
        if header is not None and begin and source.seekable:
            run.replay(header, begin, reach)
        pool, stream = Pool(), Stream(source.open())
        try:
            if begin:
                _blocks.skip_to(stream, begin, source.seekable and source.compression is None)  # type: ignore[arg-type]
            end = options.start
            for block in _blocks.blocks(stream, begin, options.reading.max_line, pool):
                chunk = run.chunk(block)
                pool.give(block.raw)
                if chunk is not None:
                    yield chunk
                    end = block.end
            if stream.trouble:
                yield _made([], [], [], [], np.empty(0, np.uint64), end, [], options, [stream.trouble], [])
        finally:
            stream.close()

    return read


class _Run:
    """One reading of an input: what is carried on from block to block."""

    def __init__(
        self, parse: ParseText, reasons: Mapping[int, str], source: Input, options: ReadOptions, begin: int, stamps: bool,
        decoded: bool,
    ) -> None:  # fmt: skip
        self._parse, self._reasons, self._source, self._options = parse, reasons, source, options
        self._stamps, self._decoded = stamps, decoded
        self._state: dict[str, Any] = {}
        self._last: list[dict[str, Any]] = []  # the events of the last line that was no repeat
        key = options.hash_key
        self._key = key - (1 << 64) if key >> 63 else key
        head = source.head() if stamps else b""
        stamped = False
        if stamps and options.received is None:
            kinds = _heads(head)[0]
            stamped = bool(((kinds != _stamp.NONE) & (kinds != _stamp.BAD)).any())
        self._times = Times(
            options, source.mtime, begin, lambda: _survey.survey(source, _look, head), stamped,
            lambda first, last: _survey.look_at(source, _look, first, last),
        )  # fmt: skip

    def replay(self, header: re.Pattern[bytes], end: int, reach: int | None) -> None:
        """The headers before that byte; with a reach, whatever lines hold one within it."""
        source, most = self._source, self._options.reading.max_line
        begin = 0 if reach is None else max(0, end - reach - 1)
        cut = begin > 0  # (from the byte before the first that counts: what it begins with is the rest of a line)
        stream = Stream(source.open())
        try:
            if begin:
                _blocks.skip_to(stream, begin, source.seekable and source.compression is None)  # type: ignore[arg-type]
            for block in _blocks.blocks(stream, begin, most, Pool()):
                raw = bytes(memoryview(block.raw)[: max(0, min(block.size, end - block.offset))])
                at = block.offset
                for line in _split(raw) if not block.long and header.search(raw) else ():
                    plain = line.rstrip(b"\r\n")
                    wanted = header.match(line) if reach is None else not cut and len(plain) <= most and header.search(line)
                    if wanted:
                        self._ask(plain, _stamp.WITH_HOST, 0, at)
                    at, cut = at + len(line), False
                cut = False
                if block.end >= end:
                    return
        finally:
            stream.close()

    def _ask(self, line: bytes, style: int, after: int, at: int) -> list[dict[str, Any]] | int:
        """What a line comes to: its events, or an outcome."""
        try:
            text = line[after:].decode("utf-8", "replace") if self._decoded else ""
            found = self._parse(Line(line, text, style, self._options, self._state, at))
        except _fields.Bad as bad:
            return bad.code
        except _WRONG:
            return 1
        if isinstance(found, int):
            return found
        made = [dict(found)] if isinstance(found, Mapping) else [dict(one) for one in found]
        return made if all(map(_right, made)) else 3

    def chunk(self, block: Block) -> Chunk | None:
        """The lines of a block that do not lie before `start`."""
        data = bytes(memoryview(block.raw)[: block.size])
        lines = [data] if block.long else _split(data)
        options, n = self._options, len(lines)
        kinds, values, after, styles = np.zeros(n, np.int64), np.zeros(n, np.int64), [0] * n, [0] * n
        if self._stamps and not block.long:
            kinds, values, offsets, found_styles = _heads_of(block.data, block.size, n)
            after, styles = offsets.tolist(), found_styles.tolist()
        most = min(options.reading.max_line, LONGEST) if self._stamps else options.reading.max_line
        stated = kinds.tolist()
        told: list[list[dict[str, Any]] | int] = []
        places: list[int] = []
        ends: list[int] = []
        at = 0
        for number, raw in enumerate(lines):
            line = raw.rstrip(b"\r\n")
            if block.long or len(line) > most:
                code: list[dict[str, Any]] | int = 2
            elif not line.strip():
                code = BLANK
            else:
                code = self._ask(line, styles[number], max(0, after[number] - at) if self._stamps else 0, block.offset + at)
                if self._stamps:
                    code = self._repeated(line, code)
            if isinstance(code, list):
                code = self._stamp(code, number, stated, kinds, values)
            told.append(code)
            places.append(block.offset + at)
            ends.append(at + len(line))
            at += len(raw)
        self._settle(told, kinds, values, places, block.end)
        first = int(np.searchsorted(places, options.start)) if options.start > block.offset else 0
        if first >= n:
            return None
        return self._chunk(block, lines, told, places, ends, first, stated)

    def _repeated(self, line: bytes, code: list[dict[str, Any]] | int) -> list[dict[str, Any]] | int:
        """'last message repeated N times' -> the last line's events so often; what is another line is the last one now."""
        if not isinstance(code, list) and b"last message repeated" in line[:400]:
            again = _REPEATED.search(line[:400].decode("latin-1"))
            if again:
                if not self._last:
                    return REPEAT
                times = int(again[1]) if len(again[1]) < 9 else 1 << 30
                if times * len(self._last) > self._options.reading.max_repeat:
                    return TOO_OFTEN
                return [dict(one) for one in self._last] * times or REPEAT
        self._last = [dict(one) for one in code] if isinstance(code, list) else []
        return code

    def _stamp(
        self, events: list[dict[str, Any]], number: int, stated: list[int], kinds: Any, values: Any
    ) -> list[dict[str, Any]] | int:
        """Notes what the line's time is to be made of; an outcome where it has none."""
        own = events[0].get("time") if events else None
        if isinstance(own, int):
            kinds[number] = stated[number] = _stamp.ABSOLUTE
            values[number] = own
        elif isinstance(own, _fields.Stamp):
            kinds[number] = stated[number] = own.kind
            values[number] = own.value
        elif stated[number] == _stamp.BAD:
            return _fields.BAD_STAMP
        elif stated[number] == _stamp.NONE and (self._times.stamped or not self._stamps):
            return _fields.NO_STAMP
        return events

    def _settle(self, told: list[Any], kinds: Any, values: Any, places: list[int], end: int) -> None:
        """The times of the events, as the lines' stamps say in their order."""
        small = kinds.astype(np.uint8)
        positions: Ints = np.array(places, np.int64)
        times, good = self._times.resolve(small, values, positions, end)
        bases = np.broadcast_to(self._times.bases(kinds), len(told)).tolist()
        received = self._options.received
        came = received.of(positions) if received is not None and (kinds == _stamp.NONE).any() else None
        for number, events in enumerate(told):
            if not isinstance(events, list):
                continue
            kind = int(kinds[number])
            if kind != _stamp.NONE and not good[number]:
                told[number] = _fields.BAD_STAMP
                continue
            time = int(times[number]) if kind != _stamp.NONE or came is None else int(came[number])
            for one in events:
                if not isinstance(one.get("time"), int):
                    end_of = one.get("time_end")
                    if isinstance(end_of, _fields.Stamp):
                        one["time_end"] = time + end_of.value - int(values[number])
                    one["time"] = time
                    one["time_basis"] = event.TIME_BASES[bases[number]]
                length, lasted = one.pop("duration", None), one.pop("lasted", None)
                if lasted is not None:
                    one["time"], one["time_end"] = one["time"] - lasted, one["time"]
                if length is not None:
                    one["time_end"] = one["time"] + length

    def _chunk(
        self, block: Block, lines: list[bytes], told: list[Any], places: list[int], ends: list[int], first: int,
        stated: list[int],
    ) -> Chunk:  # fmt: skip
        events: list[Event] = []
        event_line: list[int] = []
        outcomes: list[int] = []
        rejected: list[Rejected] = []
        for number in range(first, len(lines)):
            found, place = told[number], places[number]
            code = EVENT
            if isinstance(found, list) and all(map(_timed, found)) and found:
                for one in found:
                    events.append({**one, "source_pos": place})
                    event_line.append(number - first)
            else:
                code = found if isinstance(found, int) else 3
            outcomes.append(code)
            if EVENT < code < FIRST_IGNORED:
                rejected.append(Rejected(place, self._reasons[code], lines[number].rstrip(b"\r\n")[:_KEPT_TEXT]))
        hashes = np.zeros(len(outcomes), np.uint64)
        if self._options.hashed:
            view = _jit.view(block.data)
            spans = zip(places[first:], ends[first:], strict=True)
            own = [_jit.hash_bytes(view, place - block.offset, end, self._key) for place, end in spans]
            hashes = np.array(own, np.int64).view(np.uint64)
        notes, self._times.notes = self._times.notes, []
        stamped = [kind not in (_stamp.NONE, _stamp.BAD) for kind in stated[first:]] if self._stamps else []
        return _made(events, event_line, places[first:], outcomes, hashes, block.end, rejected, self._options, notes, stamped)


def _heads_of(data: Any, size: int, n: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Of the n lines of data[:size]: kind, value, offset after, style of their stamps."""
    made, out = np.zeros((4, n + 1), np.int64), np.zeros(8, np.int64)
    kinds, values, after, styles = made
    _stamp.heads(_jit.view(data), size, *map(_jit.view, (kinds, values, after, styles, out)))
    return kinds[:n], values[:n], after[:n], styles[:n]


def _heads(data: bytes) -> tuple[Ints, Ints, Ints, Ints]:
    array = np.frombuffer(data + b"\n" * _blocks.PAD, np.uint8)
    return _heads_of(array, len(data), len(_split(data)))


def _look(offset: int, data: bytes) -> tuple[Ints, Ints, Ints]:
    """Place, kind and value of every stamp in those lines (`_survey.Stamps`)."""
    lines = _split(data)
    kinds, values, _, _ = _heads(data)
    places = offset + np.cumsum([0, *map(len, lines)])[:-1]
    seen = kinds != _stamp.NONE
    return places[seen].astype(np.int64), kinds[seen], values[seen]


def _split(data: bytes) -> list[bytes]:
    """Lines by their line feeds alone: a carriage return within a line is part of it."""
    parts = data.split(b"\n")
    out = [part + b"\n" for part in parts[:-1]]
    return [*out, parts[-1]] if parts[-1] else out


def _right(one: Event) -> bool:
    """Does every number fit its column, and has every address 4 or 16 bytes?"""
    for name, value in one.items():
        most = _MOST.get(name)
        if most is None or value is None:
            continue
        if (len(value) not in (4, 16)) if most < 0 else not 0 <= value < most:
            return False
    return True


def _timed(one: Event) -> bool:
    """Can its times be kept?"""
    return all(one.get(name) is None or -(1 << 60) < one[name] < 1 << 60 for name in _TIMES)


def _made(
    events: Sequence[Event], event_line: Sequence[int], places: Sequence[int], outcomes: Sequence[int], hashes: Any, end: int,
    rejected: list[Rejected], options: ReadOptions, notes: list[str], stamped: list[bool],
) -> Chunk:  # fmt: skip
    import polars as pl

    from teiten.frame import READ_SCHEMA

    always = {"sensor": options.sensor, "source_id": options.source_id, "packets": 1, "time_basis": "stated"}
    there = set(always).union(*events)
    series = []
    for name, kind in READ_SCHEMA.items():
        if name not in there:
            series.append(pl.Series(name, [None], dtype=kind).new_from_index(0, len(events)))
            continue
        values = [one.get(name, always.get(name)) for one in events]
        whole = pl.Series(name, values, dtype=pl.Int64, strict=True).cast(kind) if name in _TIMES else None
        series.append(pl.Series(name, values, dtype=kind, strict=True) if whole is None else whole)
    return Chunk(
        made=pl.DataFrame(series),
        event_line=np.array(event_line, np.int32),
        line_pos=np.array(places, np.int64),
        line_hash=hashes,
        outcome=np.array(outcomes, np.uint8),
        stamped=np.array(stamped, np.bool_) if stamped else np.ones(len(places), np.bool_),
        end=end,
        rejected=rejected,
        notes=notes,
    )
