"""From inputs to the lake: read, leave out what the lake has, look up country and AS, store in whole batches.

Every line is stored once however often its input comes back: as the same file, grown, renamed, rotated, compressed (its
bytes are compared by SHA-256), or as another window of the same log (its lines are compared: `lake.overlap`). The lake
remembers where each batch ended, so a run that was interrupted goes on from there.

Not known by its bytes alone: a last line without a line end may have been caught while it was being written. When its
input comes back with the line grown, and the short form had made an event, that event stays as it is.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten import coverage, enrich, event, periods, readers, retention
from teiten.errors import InputError, TeitenError
from teiten.lake import BOUNDS, Batch, Lake, Made, Writer, activity, packets
from teiten.lake import batch as batches
from teiten.lake.history import History, Known, Resume, compare_tail, farther
from teiten.lake.seen import Seen
from teiten.readers import _frames, _input, _kept, _likeness, _parquet
from teiten.readers._base import EVENT, EXPIRED, Chunk, ReadOptions, Rejected, Rows, Tally, unit
from teiten.readers._digest import Digest, Piped, first_line, line_at
from teiten.readers._marks import Marked
from teiten.readers._memory import settle_memory
from teiten.readers._rows import Some, integers
from teiten.settings import DEFAULT_SENSOR, Settings

if TYPE_CHECKING:
    from teiten import classify, rollup
    from teiten.lake.overlap import Alignment

BATCH_EVENTS: Final = {"lines": 250_000, "packets": 1_000_000, "records": 1_000_000}
"""of which only the encoded pages are held, some 20 bytes each: of two batches, one being gathered and one being written"""
BATCH_BYTES: Final = 1 << 30
PIECE_EVENTS: Final = 100_000
"""what is compared with the lake's lines at once, and then bounds memory; where there is nothing to compare, a chunk is"""
PIECE_BYTES: Final = 64 << 20
_SAMPLES: Final = 3
_SAMPLE_TEXT: Final = 200
_QUARTER: Final = dt.timedelta(minutes=15)
"""zones are whole quarters of an hour apart, and years whole days"""
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

OnRejected = Callable[[str, Sequence[Rejected]], None]
OnProgress = Callable[[int, int], None]
"""called with the bytes read so far (of all inputs, on disk) and the events stored or about to be"""


@dataclass(frozen=True, slots=True)
class Run:
    """What the inputs of one intake have in common. together: their batches are stored when the writer is told to `settle`."""

    lake: Lake
    history: History
    writer: Writer
    encoders: _parquet.Workers
    rejected: OnRejected | None = None
    together: bool = False


@contextlib.contextmanager
def run_of(
    lake: Lake,
    *,
    rejected: OnRejected | None = None,
    history: Callable[[Writer], History | None] | None = None,
    wait: float | None = None,
    together: bool = False,
) -> Iterator[Run]:
    """The lake's writer, for some inputs one after the other. LakeBusyError after `wait` seconds.

    history: asked under the lock for what the lake has, where that is known already (None: it is read)."""
    with lake.writer(wait) as writer, contextlib.closing(_parquet.Workers(packed=True)) as encoders:
        writer.encode = _kept.pack
        held = None if history is None else history(writer)
        yield Run(lake, held or History(lake, writer.last), writer, encoders, rejected, together)


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
    rolled: rollup.Result | None = None
    """the aggregates that were made of finished days; None where nothing new was stored"""
    notes: list[str] = field(default_factory=list)
    """what is to be said of the lake: events that are no longer kept, the disk that it takes"""

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

    Then the days that got new events are judged (`classify`), and finished ones counted (`rollup`), unless `judge` is False.

    The sensor of an input: `sensor`, else the configured one whose globs match, else 'home'. An input that cannot be read is
    told in the result, and the others go on. LakeError where the lake cannot be written: what was stored is whole.
    """
    begun = time.monotonic()
    settle_memory()
    result = Result()
    sources = list(opened(inputs, settings, result))
    done = 0
    if judge:
        _check_lists(settings)
    with run_of(lake, rejected=rejected) as run:
        writer, first = run.writer, run.writer.last
        for source in sources:
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
                OneInput(run, source, reader, options, one, told).run()
            except InputError as error:
                one.error = error
            one.tally.check()
            done += source.size or 0
        writer.tidy()
    if judge and writer.last > first:
        after(lake, settings, result, first, time.monotonic() - begun)
    return result


def after(lake: Lake, settings: Settings, result: Result, first: int, worked: float) -> None:
    """What follows when something new is stored: verdicts of the days that batches after `first` touch, aggregates, notes.

    worked: the seconds that it has taken so far."""
    from teiten import rollup

    result.judged = _judge(lake, settings, first)
    if result.judged.trouble is None:
        result.rolled = rollup.tidy(lake, settings, worked)
        result.notes += retention.aside(lake, settings)


def _judge(lake: Lake, settings: Settings, first: int) -> classify.Result:
    """Judges the days that batches after `first` touch, and puts down when sensors watched on them.

    What hinders that is told in the result: the events are stored.
    """
    from teiten import classify

    days = classify.touched_days(lake, settings, first)
    try:
        coverage.refresh(lake, settings, days)
        return classify.refresh(lake, settings, days, wait=None)
    except TeitenError as error:
        return classify.Result(trouble=error, stale=days)


def _check_lists(settings: Settings) -> None:
    """The user's own lists and names are read once before a long log is, so that what is wrong in them is told at once."""
    if settings.watchlists or settings.ptr_names:
        from teiten import classify

        classify.Basis.load(settings)


def opened(inputs: Sequence[_input.Input | str], settings: Settings, result: Result) -> Iterator[_input.Input]:
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


class OneInput:
    """The intake of one input: pieces whose new lines are told from known ones, gathered to batches, one batch in flight.

    A piece's events are encoded while the next is read; of a batch that is being gathered only its Parquet pages are held.

    An input that has an identity (a segment of a spool) is known again by that, and where it ended is kept even if nothing in
    it was new. resume: where the last intake of such an input ended (`ended`), if that was in this process.
    """

    def __init__(
        self,
        run: Run,
        source: _input.Input,
        reader: Any,
        options: ReadOptions,
        result: InputResult,
        progress: OnProgress,
        resume: Resume | None = None,
    ) -> None:
        self.encoders, self.source, self.reader, self.result = run.encoders, source, reader, result
        self.rejected, self.progress = run.rejected, progress
        result.tally.unit = unit(reader)
        self.history, self.writer, self.lake = run.history, run.writer, run.lake.path
        self.put = run.writer.add if run.together else run.writer.commit
        since = run.lake.kept_since()
        self.kept_since = None if since is None else int(since.timestamp()) * 1_000_000
        self.first_line = first_line(source.head(), reader.LINES, source.identity)
        self.segment = source.name if source.identity else ""
        self.held_resume = resume is not None
        self.resume = resume or Resume()
        if source.seekable and resume is None:
            self.resume = self.history.resume(options.sensor, self.first_line, source.open)
        self.known = self.resume.known
        if self.known is None and source.seekable:
            self._refuse_renamed(options.sensor)
        self.source_id = self.known.source_id if self.known else self.history.last_source + 1
        hash_events = reader.LINES or self.history.has_hashed(options.sensor, self.source_id, reader.NAME, self.segment)
        self.options = replace(options, start=self.resume.start, source_id=self.source_id, hash_events=hash_events)
        self.start = self.resume.start
        self.held: list[Chunk] = []
        self.held_events = 0
        self.part = _Part(self.encoders, reader.LINES)
        self.reached: dict[int, int] = dict(self.known.reached) if self.known else {}
        if self.segment and self.known is None:
            self.reached = self.history.reached_before(options.sensor, self.segment)
        self.seen: Seen | None = None
        if not reader.LINES:
            self.seen = Seen(run.lake, self.history, options.sensor, self.source_id, self.reached, self.segment)
        self.cursor: tuple[int, int] | None = None
        self.compared: tuple[tuple[int, ...], Alignment] | None = None
        self.first = True
        self.ended: Resume | None = None
        self.flying: Future[tuple[int, Batch]] | None = None
        self.batch_events = int(os.environ.get("TEITEN_BATCH_EVENTS") or BATCH_EVENTS[result.tally.unit])
        compared = self.history.has_others(options.sensor, self.source_id, self.segment)
        self.piece_events = min(PIECE_EVENTS, self.batch_events) if compared else 0

    def _refuse_renamed(self, sensor: str) -> None:
        """InputError where the lake has these bytes as another sensor's: nobody records the same twice."""
        other = self.history.elsewhere(sensor, self.first_line, self.source.open)
        if other is not None:
            raise InputError(
                f"{self.source.name} is in the lake already, as the sensor {other.sensor}'s, and this time it is {sensor}'s: "
                "stored again, every event would count twice.",
                hint=f"Go on with the name it has (--sensor {other.sensor}), or take out what is stored and ingest it again: "
                f"teiten lake take-out --lake {self.lake} --sensor {other.sensor} {self.source.name}",
            )

    def _say_if_moved(self) -> None:
        """Lines that are stored keep the times that they were read with: says so where they would be read otherwise now."""
        begun = self.history.begun(self.source_id)
        if begun is None or not self.reader.LINES:
            return
        with contextlib.closing(iter(self.reader.read(self.source, replace(self.options, start=0)))) as chunks:
            low, _ = _span(list(itertools.islice(chunks, 1)))
        # the earliest of the first lines read is the earliest stored, so many whole quarters of an hour apart
        if low is None or low == begun or (low - begun) % _QUARTER:
            return
        apart = abs(low - begun)
        length = f"{apart.days:,} days" if apart.days > 1 else f"{apart / dt.timedelta(hours=1):g} hours"
        told = (
            f"its lines are stored with times {length} {'later' if begun > low else 'earlier'} than they would be read with "
            f"now (zone {self.options.zone}); what is stored stays. To store them anew: "
            f"teiten lake take-out --lake {self.lake} {self.source.name}, then ingest it again"
        )
        self.result.notes.append(told)

    def run(self) -> None:
        tally = self.result.tally
        if self.known is not None and not self.held_resume:
            self._say_if_moved()
            tally.lines += self.known.lines
            tally.had_already += self.known.lines
            self.result.source_id = self.source_id
        digest = Digest(self.source, self.resume.sha, self.resume.start)
        source: Any = self.source if self.source.seekable else Piped(self.source, digest)
        with ThreadPoolExecutor(1, thread_name_prefix="teiten-write") as self.pool:
            try:
                for chunk in map(self._fresh, self.reader.read(source, self.options)):
                    self.result.notes += chunk.notes
                    self.part.notes += chunk.notes
                    if len(chunk.line_pos):
                        # the last chunk is treated apart: so one is held until it is known that another follows
                        self._go_on(digest)
                        digest.advance(int(chunk.line_pos[-1]))
                        self.held.append(chunk)
                        self.held_events += len(chunk.event_line)
                    self.progress(chunk.end if self.source.compression is None else 0, tally.events + self.held_events)
                if self.held:
                    self._piece(*self._tail(digest))
                self._flush(digest)
                self._landed()
            finally:
                try:
                    self._landed()
                finally:
                    digest.close()

    def _fresh(self, chunk: Chunk) -> Chunk:
        """The chunk without events of the time of which the lake keeps none any more; lines of nothing else are ignored."""
        rows = _rows(chunk)
        if self.kept_since is None or not len(rows):
            return chunk
        old = integers(rows.column("time"), len(rows)) < self.kept_since
        if not old.any():
            return chunk
        stay = np.zeros(len(chunk.outcome), np.bool_)
        stay[chunk.event_line[~old]] = True
        outcome = np.where((chunk.outcome == EVENT) & ~stay, np.uint8(EXPIRED), chunk.outcome)
        return replace(chunk, made=Some(rows, ~old), event_line=chunk.event_line[~old], outcome=outcome)

    def _go_on(self, digest: Digest) -> None:
        """Before another chunk is held: what is held becomes a piece, and the pieces a batch, where there is enough of it."""
        if not self.held:
            return
        end = self.held[-1].end
        if self.held_events >= self.piece_events or end - (self.part.end or self.start) >= PIECE_BYTES:
            self._piece()
            if self.part.tally.events >= self.batch_events or end - self.start >= BATCH_BYTES:
                self._flush(digest)

    def _tail(self, digest: Digest) -> tuple[bytes, str]:
        """The input's last line, where it has no line end yet, and the digest of what is before it."""
        if self.reader.LINES:
            begin = int(self.held[-1].line_pos[-1])
            sha256, ahead = digest.at(begin)
            if b"\n" not in ahead and begin + len(ahead) == self.held[-1].end:
                return ahead, sha256
        return b"", ""

    def _piece(self, tail: bytes = b"", sha256: str = "") -> None:
        """What is held becomes part of the batch, as far as it is new."""
        chunks, self.held, self.held_events = self.held, [], 0
        part = self.part
        part.end, part.tail, part.sha256 = chunks[-1].end, tail, sha256
        if tail:
            part.end, part.tail_made = int(chunks[-1].line_pos[-1]), bool(chunks[-1].outcome[-1] == EVENT)
        had = self._had_already(chunks, bool(tail))
        for chunk, known in zip(chunks, had, strict=True):
            part.add(chunk, known, self.reader, self.result, self.rejected)

    def _flush(self, digest: Digest) -> None:
        """What was gathered becomes a batch, if anything in it is new."""
        part = self.part
        if not part.new and (not self.segment or part.end <= self.start):
            return
        if not part.tail:
            part.sha256, _ = digest.at(part.end)
        self._landed()
        batch = part.batch(self)
        self.result.source_id = self.source_id
        if self.segment and not part.tail:
            known = Known(
                self.source_id, self.segment, part.end, part.sha256, 0, b"", False, 0, dict(self.reached), batch.sensor
            )
            self.ended = Resume(part.end, known, digest.state())
        self.start, self.part = part.end, _Part(self.encoders, self.reader.LINES)
        self.flying = self.pool.submit(self._store, batch, part)

    def _had_already(self, chunks: list[Chunk], tail: bool) -> list[npt.NDArray[np.bool_]]:
        """For each chunk, which of its lines the lake has."""
        had = np.zeros(sum(len(c.line_pos) for c in chunks), np.bool_)
        if self.options.hash_events:
            had = self._known_lines(chunks, tail, had)
        if self.seen is not None:
            had = self._known_packets(self.seen, chunks, had)
        if self.first and self.known is not None and self.known.tail:
            had[0] = self._tail_again(self.known.tail, self.known.tail_made, had[0])
        self.first = False
        return np.split(had, np.cumsum([len(c.line_pos) for c in chunks])[:-1])

    def _known_lines(
        self, chunks: list[Chunk], tail: bool, had: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:  # fmt: skip
        """Lines, and packets of an older lake, are told by the hashes of their bytes."""
        fmt = None if self.reader.LINES else self.reader.NAME
        span = _span(chunks, received=self.options.received is not None)
        numbers = self.history.near(self.options.sensor, *span, self.source_id, fmt, self.segment)
        if not numbers:
            return had
        if self.compared is None or self.compared[0] != numbers:
            self.compared = (numbers, self.history.alignment(numbers, self.reached, self.cursor))
        alignment = self.compared[1]
        cut = self.reader.LINES and self.first and self.start == 0 and not self.segment and not bool(chunks[0].stamped[0])
        had = alignment.match(np.concatenate([c.line_hash for c in chunks]), cut=cut, cut_end=tail)
        farther(self.reached, alignment.reached())
        self.cursor = alignment.cursor
        return had

    def _known_packets(
        self, seen: Seen, chunks: list[Chunk], had: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:  # fmt: skip
        """Packets are told by the columns of their events."""
        rows = [_rows(chunk) for chunk in chunks]
        times, any_received = _own_times(rows)
        spans = seen.near(times, any_received)
        if spans is None:
            return had
        told = []
        for chunk, events in zip(chunks, rows, strict=True):
            hashes = chunk.line_hash | packets.OTHER
            hashes[chunk.event_line] = _likeness.hashes(events, self.options.hash_key)
            told.append(hashes)
        return had | seen.match(np.concatenate(told), spans, had)

    def _tail_again(self, tail: bytes, made: bool, had: bool) -> bool:
        """Is the first line after what is known the one that was read before without its line end?"""
        with self.source.open() as stream:
            line = line_at(stream, self.resume.start, self.source.compression is None)
        same, begins = compare_tail(tail, line, self.options.hash_key)
        return same or bool(had) or (made and begins)

    def _store(self, batch: Batch, part: _Part) -> tuple[int, Batch]:
        """Runs beside the reading."""
        return self.put(batch, part.made(batch)), batch

    def _landed(self) -> None:
        """Waits for the batch in flight."""
        if self.flying is not None:
            flying, self.flying = self.flying, None
            self.history.add(*flying.result())
            self.result.batches += 1


class _Part:
    """A batch while it is gathered: its accounting, and its events as pages of Parquet.

    hashes: of its new lines; of packets (not `lines`), of those without an event, whose places are `places`.
    """

    def __init__(self, encoders: _parquet.Workers, lines: bool) -> None:
        self.tally = Tally()
        self.lines = lines
        self.new = 0
        self.hashes: list[npt.NDArray[np.uint64]] = []
        self.places: list[npt.NDArray[np.int64]] = []
        self.samples: dict[str, list[str]] = {}
        self.notes: list[str] = []
        self.end = 0
        self.sha256 = ""
        self.tail = b""
        self.tail_made = False
        self._geo: set[str] = set()
        self._pages: list[bytes] = []
        self._activity: list[activity.Activity] = []
        self._file = _parquet.Writer(_Sink(self._pages), event.NAMES, encoders, sort=True)

    def add(
        self, chunk: Chunk, known: npt.NDArray[np.bool_], reader: Any, result: InputResult, rejected: OnRejected | None
    ) -> None:
        """Counts a chunk's lines, and takes the events of those that are not `known`."""
        new = ~known
        tally = Tally(lines=len(known), had_already=int(known.sum()), unit=result.tally.unit)
        tally.count(chunk.outcome[new], reader)
        rows = _rows(chunk)
        if known.any():
            rows = Some(rows, new[chunk.event_line])
        tally.events = len(rows)
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
        self.new += tally.lines - tally.had_already
        told = new if self.lines else new & (chunk.outcome != EVENT) & (chunk.outcome != EXPIRED)
        if told.any():
            self.hashes.append(chunk.line_hash[told] if self.lines else chunk.line_hash[told] | packets.OTHER)
            self.places.append(chunk.line_pos[told])
        if len(rows):
            self._activity.append(_activity(rows))
            self._file.add(enrich.Enriched(Marked(rows), self._geo))

    def made(self, batch: Batch) -> Made:
        """The events' file, whole; what only it can tell of the batch is put into that."""
        self._file.close()
        low: dict[str, Any] = {}
        high: dict[str, Any] = {}
        for name in BOUNDS:
            bound = self._file.bounds[name]
            if bound.least is not None and bound.most is not None:
                low[name], high[name] = _bound(bound.least), _bound(bound.most)
        batch.t_min, batch.t_max = low.get("time"), high.get("time")
        batch.geo_db = sorted(self._geo)
        nulls = {name: bound.nulls for name, bound in self._file.bounds.items()}
        return Made(self._pages, self._file.rows, low, high, nulls)

    def _told(self, start: int) -> tuple[bytes, int | None]:
        """What `Batch.line_hashes` and `Batch.hashed` are of a batch that begins there."""
        hashes = np.concatenate([np.empty(0, np.uint64), *self.hashes])
        if self.lines:
            return hashes.astype("<u8").tobytes(), None
        return batches.pack(hashes, np.concatenate([np.empty(0, np.int64), *self.places]) - start), len(hashes)

    def batch(self, run: OneInput) -> Batch:
        line_hashes, hashed = self._told(run.start)
        return Batch(
            source_id=run.source_id,
            source=run.source.name,
            path=str(run.source.path.resolve()) if run.source.path is not None else None,
            sensor=run.options.sensor,
            format=run.reader.NAME,
            start=run.start,
            end=self.end,
            sha256=self.sha256,
            first_line=run.first_line,
            lines=self.tally.lines,
            made_events=self.tally.made_events,
            events=self.tally.events,
            had_already=self.tally.had_already,
            rejected=self.tally.rejected,
            ignored=self.tally.ignored,
            samples=self.samples,
            line_hashes=line_hashes,
            hashed=hashed,
            tail=self.tail,
            tail_made=self.tail_made,
            reached={str(k): v for k, v in run.reached.items()},
            notes=self.notes,
            activity=activity.packed(activity.merged(self._activity)),
        )


class _Sink:
    """Where a file's pages are kept until they are stored."""

    def __init__(self, pages: list[bytes]) -> None:
        self.write = pages.append


def _bound(value: int | bytes) -> Any:
    return value.decode() if isinstance(value, bytes) else _EPOCH + dt.timedelta(microseconds=value)


def _activity(rows: Rows) -> activity.Activity:
    """Events, packets, first and last time of each hour."""
    times, packets = rows.column("time"), rows.column("packets")
    same = int(packets.value) if packets.kind == "constant" and packets.value is not None else integers(packets, len(rows))
    return activity.of(integers(times, len(rows)).astype(np.int64, copy=False), same)


def _rows(chunk: Chunk) -> Rows:
    return _frames.FrameRows(chunk.made) if isinstance(chunk.made, pl.DataFrame) else chunk.made


def _own_times(rows: list[Rows]) -> tuple[npt.NDArray[np.int64], bool]:
    """Times of events that have one of their own, and whether there are others."""
    times, others = [np.empty(0, np.int64)], False
    for each in rows:
        if len(each):
            own, without = integers(each.column("time"), len(each)), _likeness.received(each)
            others = others or without is not None
            times.append(own if without is None else own[~without])
    return np.concatenate(times), others


def _span(chunks: list[Chunk], *, received: bool = False) -> tuple[dt.datetime | None, dt.datetime | None]:
    """First and last time of the chunks' events; None where there are none, or where times were not stated.

    received: the times at which lines came in are known, and stand for those that were not stated."""
    low: list[int] = []
    high: list[int] = []
    for chunk in chunks:
        rows = _rows(chunk)
        if not len(rows):
            continue
        basis = rows.column("time_basis")
        told = {basis.value} if basis.numbers is None else {basis.texts[i] for i in np.unique(basis.numbers).tolist()}
        if told & {"boot inferred", "received"} and not received:
            return None, None
        times = integers(rows.column("time"), len(rows))
        low.append(int(times.min()))
        high.append(int(times.max()))
    return (_bound(min(low)), _bound(max(high))) if low else (None, None)


__all__ = ["InputResult", "OneInput", "Result", "Run", "after", "ingest", "opened", "run_of"]
