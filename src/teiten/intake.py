"""From inputs to the lake: read, leave out what the lake has, look up country and AS, store in whole batches.

Every line is stored once however often its input comes back: as the same file, grown, renamed, rotated, compressed (its
bytes are compared by SHA-256), or as another window of the same log (its lines are compared: `lake.overlap`). The lake
remembers where each batch ended, so a run that was interrupted goes on from there.

Not known by its bytes alone: a last line without a line end may have been caught while it was being written. When its
input comes back with the line grown, and the short form had made an event, that event stays as it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten import enrich, frame, marks, periods, readers
from teiten.errors import InputError, TeitenError
from teiten.lake import Batch, Lake, Writer
from teiten.lake.history import History, Resume, compare_tail
from teiten.readers import _input
from teiten.readers._base import EVENT, Chunk, ReadOptions, Rejected, Tally
from teiten.settings import DEFAULT_SENSOR, Settings

if TYPE_CHECKING:
    from teiten import classify
    from teiten.lake.overlap import Alignment

BATCH_EVENTS: Final = 100_000
"""what bounds memory: two batches are held, one being read and one being written"""
BATCH_BYTES: Final = 250_000_000
_SAMPLES: Final = 3
_SAMPLE_TEXT: Final = 200
_TAIL: Final = 1 << 16
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""of malloc.h"""

OnRejected = Callable[[str, Sequence[Rejected]], None]
OnProgress = Callable[[int, int], None]
"""called with the bytes read so far (of all inputs, on disk) and the events stored or about to be"""


@dataclass(slots=True)
class InputResult:
    """What became of one input. `error` says why it, or its rest, could not be read; what came before is stored."""

    name: str
    sensor: str = ""
    format: str = ""
    tally: Tally = field(default_factory=Tally)
    notes: list[str] = field(default_factory=list)
    error: InputError | None = None
    source_id: int | None = None
    batches: int = 0


@dataclass(slots=True)
class Result:
    """What became of all inputs."""

    inputs: list[InputResult] = field(default_factory=list)
    judged: classify.Result | None = None
    """what became of the verdicts of the days that got new events; None where there were none"""

    @property
    def total(self) -> Tally:
        whole = Tally()
        for one in self.inputs:
            whole.add(one.tally)
        return whole

    @property
    def failed(self) -> list[InputResult]:
        """Inputs that could not be read, or not to their end."""
        return [one for one in self.inputs if one.error is not None]


def ingest(
    lake: Lake,
    inputs: Sequence[_input.Input | str],
    settings: Settings,
    *,
    sensor: str | None = None,
    fmt: str = readers.AUTO,
    zone: str | None = None,
    year: int | None = None,
    boot_time: dt.datetime | None = None,
    rejected: OnRejected | None = None,
    progress: OnProgress | None = None,
    judge: bool = True,
) -> Result:
    """Stores what is new in the inputs (files, folders, globs, '-', or opened `Input`s), each under the lake's lock.

    Then the days that got new events are judged (`classify`), unless `judge` is False.

    The sensor of an input: `sensor`, else the configured one whose globs match, else 'home'. An input that cannot be read is
    told in the result, and the others go on. LakeError where the lake cannot be written: what was stored is whole.
    """
    _settle_memory()
    result = Result()
    opened = list(_opened(inputs, settings, result))
    done = 0
    if judge:
        _check_lists(settings)
    with lake.writer() as writer:
        history, first = History(lake), writer.last
        for source in opened:
            chosen = settings.sensor_of(source.path) if source.path is not None and sensor is None else None
            zone_name = zone or (chosen.zone if chosen else None) or settings.zone_name
            options = ReadOptions(
                zone=periods.zone(zone_name),
                sensor=sensor or (chosen.name if chosen else DEFAULT_SENSOR),
                year=year,
                boot_time=boot_time,
                hash_key=lake.hash_key,
                reading=settings.reading,
            )
            one = InputResult(source.name, options.sensor)
            result.inputs.append(one)
            before, stored = done, result.total.events

            def told(end: int, events: int, before: int = before, stored: int = stored) -> None:
                if progress is not None:
                    progress(before + end, stored + events)

            try:
                reader = readers.pick(source.head(), fmt, source.name)
                one.format = reader.NAME
                _OneInput(history, writer, source, reader, options, one, rejected, told).run()
            except InputError as error:
                one.error = error
            one.tally.check()
            done += source.size or 0
    if judge and writer.last > first:
        result.judged = _judge(lake, settings, first)
    return result


def _judge(lake: Lake, settings: Settings, first: int) -> classify.Result:
    """Judges the days that batches after `first` touch. What hinders that is told in the result: the events are stored."""
    from teiten import classify

    days = classify.touched_days(lake, settings, first)
    try:
        return classify.refresh(lake, settings, days, wait=None)
    except TeitenError as error:
        return classify.Result(trouble=error, stale=days)


def _check_lists(settings: Settings) -> None:
    """The user's own lists and names are read once before a long log is, so that what is wrong in them is told at once."""
    if settings.watchlists or settings.ptr_names:
        from teiten import classify

        classify.Basis.load(settings)


def _settle_memory() -> None:
    """Tells glibc to keep few arenas and to give large pieces back at once: some 40 MiB less are held while batches come and
    go on several threads. Nothing where the C library is another."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_MMAP_THRESHOLD, 1 << 20)


def _opened(inputs: Sequence[_input.Input | str], settings: Settings, result: Result) -> Iterator[_input.Input]:
    """The inputs behind names; where one of several cannot be had, that is told, and the others go on."""
    yield from (one for one in inputs if not isinstance(one, str))
    names = [one for one in inputs if isinstance(one, str)]
    try:
        yield from _input.inputs(names, settings.reading) if names else []
        return
    except InputError:
        if len(names) == 1:
            raise
    for name in names:
        try:
            yield from _input.inputs([name], settings.reading)
        except InputError as error:
            result.inputs.append(InputResult(name, error=error))


class _Digest:
    """SHA-256 of an input's bytes from its beginning, on a thread of its own, at the places where batches end.

    Where the input can be opened again, its bytes are read a second time (they are in the page cache); a pipe's bytes are
    taken as the reader reads them.
    """

    def __init__(self, source: _input.Input, resume: Resume) -> None:
        self._sha = resume.sha.copy()
        self._at = resume.start
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="teiten-hash")
        self._stream: Any = None
        self._ahead = bytearray()
        if source.seekable:
            self._stream = source.open()
            if source.compression is None:
                self._stream.seek(resume.start)
            else:
                left = resume.start
                while left and (piece := self._stream.read(min(left, 1 << 20))):
                    left -= len(piece)

    def feed(self, data: bytes) -> None:
        """Bytes of a pipe, as they are read."""
        self._ahead += data

    def advance(self, end: int) -> None:
        """Goes on to that byte, in the background."""
        self._pool.submit(self._to, end)

    def at(self, end: int) -> tuple[str, bytes]:
        """The digest of [0, end) in hexadecimal, and some bytes from there on."""
        return self._pool.submit(self._digest, end).result()

    def _more(self, n: int) -> bytes:
        if self._ahead or self._stream is None:
            piece = bytes(self._ahead[:n])
            del self._ahead[:n]
            return piece
        out: bytes = self._stream.read(n)
        return out or b""

    def _to(self, end: int) -> None:
        while self._at < end:
            piece = self._more(min(1 << 20, end - self._at))
            if not piece:
                return
            self._sha.update(piece)
            self._at += len(piece)

    def _digest(self, end: int) -> tuple[str, bytes]:
        self._to(end)
        while len(self._ahead) < _TAIL and self._stream is not None and (piece := self._stream.read(_TAIL)):
            self._ahead += piece
        return self._sha.hexdigest(), bytes(self._ahead[:_TAIL])

    def close(self) -> None:
        self._pool.shutdown()
        if self._stream is not None:
            self._stream.close()


class _Piped:
    """An input that can be opened once, whose bytes are shown to the digest as they are read."""

    def __init__(self, source: _input.Input, digest: _Digest) -> None:
        self._source, self._digest = source, digest

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def open(self) -> Any:
        return _Shown(self._source.open(), self._digest)


class _Shown:
    def __init__(self, stream: Any, digest: _Digest) -> None:
        self._stream, self._digest = stream, digest

    def read(self, n: int = -1) -> bytes:
        data: bytes = self._stream.read(n) or b""
        self._digest.feed(data)
        return data

    def readinto(self, target: Any) -> int:
        n = int(self._stream.readinto(target) or 0)
        self._digest.feed(bytes(memoryview(target)[:n]))
        return n

    def close(self) -> None:
        self._stream.close()

    @property
    def trouble(self) -> str | None:
        return getattr(self._stream, "trouble", None)


class _OneInput:
    """The intake of one input: chunks gathered to batches, their new lines told from known ones, one batch in flight."""

    def __init__(
        self,
        history: History,
        writer: Writer,
        source: _input.Input,
        reader: Any,
        options: ReadOptions,
        result: InputResult,
        rejected: OnRejected | None,
        progress: OnProgress,
    ) -> None:
        self.writer, self.source, self.reader, self.result = writer, source, reader, result
        self.rejected, self.progress = rejected, progress
        result.tally.unit = "lines" if reader.LINES else "packets"
        self.history = history
        self.first_line = _first_line(source.head(), reader.LINES)
        self.resume = Resume()
        if source.seekable:
            self.resume = history.resume(options.sensor, self.first_line, source.open)
        self.known = self.resume.known
        self.source_id = self.known.source_id if self.known else history.last_source + 1
        self.options = replace(options, start=self.resume.start, source_id=self.source_id)
        self.start = self.resume.start
        self.held: list[Chunk] = []
        self.part = _Part()
        self.reached: dict[int, int] = dict(self.known.reached) if self.known else {}
        self.cursor: tuple[int, int] | None = None
        self.compared: tuple[tuple[int, ...], Alignment] | None = None
        self.first = True
        self.flying: Future[tuple[int, Batch]] | None = None
        self.limit_events = int(os.environ.get("TEITEN_BATCH_EVENTS", BATCH_EVENTS))

    def run(self) -> None:
        tally = self.result.tally
        if self.known is not None:
            tally.lines += self.known.lines
            tally.had_already += self.known.lines
            self.result.source_id = self.source_id
        digest = _Digest(self.source, self.resume)
        source: Any = self.source if self.source.seekable else _Piped(self.source, digest)
        with ThreadPoolExecutor(1, thread_name_prefix="teiten-write") as self.pool:
            try:
                for chunk in self.reader.read(source, self.options):
                    self.result.notes += chunk.notes
                    self.part.notes += chunk.notes
                    if len(chunk.line_pos):
                        digest.advance(int(chunk.line_pos[-1]))
                        self.held.append(chunk)
                    events = sum(c.events.height for c in self.held)
                    self.progress(chunk.end if self.source.compression is None else 0, tally.events + events)
                    if events >= self.limit_events or chunk.end - self.start >= BATCH_BYTES:
                        self._flush(digest)
                self._flush(digest)
            finally:
                try:
                    self._landed()
                finally:
                    digest.close()

    def _flush(self, digest: _Digest) -> None:
        """What was gathered becomes a batch, if anything in it is new."""
        chunks, self.held = self.held, []
        if not chunks:
            return
        end = chunks[-1].end
        tail = b""
        # a last line without its end may be in any batch that turns out to be the last
        begin = int(chunks[-1].line_pos[-1])
        sha256, ahead = digest.at(begin)
        if self.reader.LINES and b"\n" not in ahead and begin + len(ahead) == end:
            end, tail = begin, ahead
        else:
            sha256, _ = digest.at(end)
        had = self._had_already(chunks, bool(tail))
        frames = self.part.add(chunks, had, self.reader, self.result, self.rejected)
        if not self.part.hashes:
            return
        events = pl.concat(frames) if frames else pl.DataFrame(schema=frame.READ_SCHEMA)
        self._landed()
        batch = self.part.batch(self, end, sha256, tail, bool(tail) and bool(chunks[-1].outcome[-1] == EVENT))
        self.result.source_id = self.source_id
        self.start, self.part = end, _Part()
        self.flying = self.pool.submit(self._store, batch, events)

    def _had_already(self, chunks: list[Chunk], tail: bool) -> list[npt.NDArray[np.bool_]]:
        """For each chunk, which of its lines the lake has."""
        low, high = _span(chunks)
        numbers = self.history.near(self.options.sensor, low, high, self.source_id)
        lines = np.concatenate([c.line_hash for c in chunks])
        had = np.zeros(len(lines), np.bool_)
        if numbers:
            if self.compared is None or self.compared[0] != numbers:
                self.compared = (numbers, self.history.alignment(numbers, self.reached, self.cursor))
            alignment = self.compared[1]
            cut = self.first and self.start == 0 and not bool(chunks[0].stamped[0])
            had = alignment.match(lines, cut=cut, cut_end=tail)
            self.reached |= alignment.reached()
            self.cursor = alignment.cursor
        if self.first and self.known is not None and self.known.tail:
            had[0] = self._tail_again(self.known.tail, self.known.tail_made, had[0])
        self.first = False
        return np.split(had, np.cumsum([len(c.line_hash) for c in chunks])[:-1])

    def _tail_again(self, tail: bytes, made: bool, had: bool) -> bool:
        """Is the first line after what is known the one that was read before without its line end?"""
        with self.source.open() as stream:
            line = _line_at(stream, self.resume.start, self.source.compression is None)
        same, begins = compare_tail(tail, line, self.options.hash_key)
        return same or bool(had) or (made and begins)

    def _store(self, batch: Batch, events: pl.DataFrame) -> tuple[int, Batch]:
        """Runs beside the reading."""
        if events.height:
            rich = enrich.enrich(marks.add(events))
            del events
            batch.t_min, batch.t_max = rich["time"].min(), rich["time"].max()  # type: ignore[assignment]
            batch.geo_db = sorted(rich["geo_db"].drop_nulls().unique().to_list())
            return self.writer.commit(batch, rich), batch
        return self.writer.commit(batch), batch

    def _landed(self) -> None:
        """Waits for the batch in flight."""
        if self.flying is not None:
            flying, self.flying = self.flying, None
            self.history.add(*flying.result())
            self.result.batches += 1


@dataclass(slots=True)
class _Part:
    """The accounting of a batch while it is gathered."""

    tally: Tally = field(default_factory=Tally)
    hashes: list[bytes] = field(default_factory=list)
    samples: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        chunks: list[Chunk],
        had: list[npt.NDArray[np.bool_]],
        reader: Any,
        result: InputResult,
        rejected: OnRejected | None,
    ) -> list[pl.DataFrame]:
        """Counts the chunks' lines; returns the events of the new ones."""
        frames = []
        for chunk, known in zip(chunks, had, strict=True):
            new = ~known
            tally = Tally(lines=len(known), had_already=int(known.sum()), unit=result.tally.unit)
            tally.count(chunk.outcome[new], reader)
            events = (
                chunk.events if not known.any() else chunk.events.filter(pl.Series(new[chunk.event_line], dtype=pl.Boolean))
            )
            tally.events = events.height
            tally.check()
            refused = [r for r in chunk.rejected if new[np.searchsorted(chunk.line_pos, r.pos)]]
            for one in refused:
                kept = self.samples.setdefault(one.reason, [])
                if len(kept) < _SAMPLES:
                    kept.append(one.text[:_SAMPLE_TEXT].decode("utf-8", "backslashreplace"))
            if rejected is not None and refused:
                rejected(result.name, refused)
            self.tally.add(tally)
            result.tally.add(tally)
            if new.any():
                self.hashes.append(chunk.line_hash[new].astype("<u8").tobytes())
            if events.height:
                frames.append(events)
        return frames

    def batch(self, run: _OneInput, end: int, sha256: str, tail: bytes, tail_made: bool) -> Batch:
        return Batch(
            source_id=run.source_id,
            source=run.source.name,
            path=str(run.source.path.resolve()) if run.source.path is not None else None,
            sensor=run.options.sensor,
            format=run.reader.NAME,
            start=run.start,
            end=end,
            sha256=sha256,
            first_line=run.first_line,
            lines=self.tally.lines,
            made_events=self.tally.made_events,
            events=self.tally.events,
            had_already=self.tally.had_already,
            rejected=self.tally.rejected,
            ignored=self.tally.ignored,
            samples=self.samples,
            line_hashes=b"".join(self.hashes),
            tail=tail,
            tail_made=tail_made,
            reached={str(k): v for k, v in run.reached.items()},
            notes=self.notes,
        )


def _first_line(head: bytes, lines: bool) -> str:
    """What an input is known by at a glance: its first line, or a capture's header."""
    begin = head.partition(b"\n")[0].rstrip(b"\r") if lines else head[:24]
    return hashlib.sha256(begin).hexdigest()[:32]


def _line_at(stream: Any, offset: int, plain: bool) -> bytes:
    """The line that begins there, up to 64 KiB of it."""
    if plain:
        stream.seek(offset)
    else:
        left = offset
        while left and (piece := stream.read(min(left, 1 << 20))):
            left -= len(piece)
    out = b""
    while b"\n" not in out and len(out) < _TAIL and (piece := stream.read(_TAIL)):
        out += piece
    return out.partition(b"\n")[0]


def _span(chunks: list[Chunk]) -> tuple[dt.datetime | None, dt.datetime | None]:
    """First and last time of the chunks' events; None where there are none, or where times were not stated."""
    low: Any = None
    high: Any = None
    for chunk in chunks:
        if not chunk.events.height:
            continue
        if chunk.events["time_basis"].is_in(["boot inferred", "received"]).any():
            return None, None
        first, last = chunk.events["time"].min(), chunk.events["time"].max()
        low = first if low is None else min(low, first)
        high = last if high is None else max(high, last)
    return low, high


__all__ = ["InputResult", "Result", "ingest"]
