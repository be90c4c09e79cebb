"""Files of events put together and put in order: fewer, smaller, and quicker to ask.

A batch's file is as it came, in order of time. What is put together lies by month, where a month holds more than `ROWS` events
by days, then by hours, then in parts of an hour; within a file by protocol, port, source and time, so that what is alike lies
together, and a question about one port reads a part of the file (docs/decisions/0033, 0034). A file is read and written a
column at a time, by an encoder that comes from above (`Encode`), so that little is held however much there is.

One log entry takes the new files in and the old ones out, so a reader sees the same events before and after. The old files
stay for `_delta.GRACE` seconds, for those who opened the lake before. A kill leaves files that belong to nothing; they go with
the next sweep.

A writer puts files together by itself (`tidy`): many small ones, and those of finished days, never for long.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import polars as pl

from teiten.lake import _delta
from teiten.lake._gather import Gathered, Source
from teiten.lake._writer import Writer, batch_number

ROWS: Final = 1_000_000
"""events that a file holds at most, more or less"""
ROWS_ASIDE: Final = 200_000
"""the same for small files, which are put together again and again as more of them come"""
GROUP: Final = 4
"""files' worth of events that one log entry puts together, more or less"""
SMALL: Final = 20_000
"""events below which a batch's file is small: a day of one batch a minute makes 1440 of them"""
MANY: Final = 64
"""small files that make a writer put them together by itself"""
LEAST: Final = 100_000
"""events of finished days that make a writer put them together by itself"""
AGE: Final = 3600.0
"""seconds for which it leaves a batch's file as it is: so a long log is not held up, and what comes late comes with it"""
PAUSE: Final = 1.0
"""seconds that it takes for that, or `SHARE` of the time that it has worked, but for the group that it began"""
SHARE: Final = 0.1
_SPANS: Final = ("1mo", "1d", "1h")

Progress = Callable[[int, int], None]
"""called with the events put together so far, and how many there are"""


@dataclass(frozen=True, slots=True)
class File:
    """A live file, by the log's statistics. made: when it was added, milliseconds since 1970."""

    name: str
    rows: int
    size: int
    low: dt.datetime
    high: dt.datetime
    made: int = 0

    @property
    def kept(self) -> bool:
        """Was it put together already?"""
        return batch_number(self.name) is None

    def months(self) -> set[tuple[int, int]]:
        """The months that it touches."""
        first, last = self.low.year * 12 + self.low.month - 1, self.high.year * 12 + self.high.month - 1
        return {divmod(n, 12) for n in range(first, last + 1)}


@dataclass(slots=True)
class Result:
    """What was done."""

    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    events: int = 0
    swept: list[str] = field(default_factory=list)


def files(table: _delta.Table) -> list[File]:
    """The events' live files in order of time; without those whose times are not known."""
    live = table.live()
    if not live.height or "min.time" not in live.columns:
        return []
    made = pl.col("modification_time").cast(pl.Int64)
    rows = live.drop_nulls(["min.time", "max.time"])
    rows = rows.select("path", "num_records", "size_bytes", "min.time", "max.time", made)
    return sorted((File(*row) for row in rows.iter_rows()), key=_place)


def _place(file: File) -> tuple[dt.datetime, dt.datetime, str]:
    return file.low, file.high, file.name


def loose(live: Sequence[File], rows: int = ROWS) -> list[File]:
    """Batches' files, and those put together before of which two that follow each other would make half a file."""
    kept = [f for f in live if f.kept]
    pairs = [
        (a, b) for a, b in pairwise(kept) if a.rows + b.rows <= rows // 2 and a.months() == b.months() and len(a.months()) == 1
    ]
    small = {f.name for pair in pairs for f in pair}
    return [f for f in live if not f.kept or f.name in small]


def plan(live: Sequence[File], rows: int = ROWS, fresh: Sequence[File] | None = None, most: int = GROUP) -> list[list[File]]:
    """Groups of files to be put together, each in one log entry, of `most` files' worth of events, more or less.

    `fresh`: what is to be put together (default: all that is loose); what was before, in the same months, goes with it while
    it is small.
    """
    chosen = loose(live, rows) if fresh is None else list(fresh)
    names = {f.name for f in chosen}
    touched = set().union(*(f.months() for f in chosen))
    beside = [f for f in live if f.kept and f.name not in names and f.rows < rows // 2 and f.months() & touched]
    groups: list[list[File]] = []
    for one in sorted([*chosen, *beside], key=_place):
        held = groups[-1] if groups else []
        full = sum(f.rows for f in held) >= rows * most
        later = bool(held) and not (one.months() & held[-1].months()) and sum(f.rows for f in held) >= rows
        if not held or full or later:
            groups.append([])
        groups[-1].append(one)
    return [group for group in groups if any(not f.kept for f in group) or len(group) > 1]


def run(
    writer: Writer, *, rows: int = ROWS, fresh: Sequence[File] | None = None, most: int = GROUP, seconds: float | None = None,
    progress: Progress | None = None, grace: float = _delta.GRACE,
) -> Result:  # fmt: skip
    """Puts the lake's files together, with the writer's encoder. OSError and its like: what was put together until then
    stays so. rows, fresh, most: as `plan`. seconds: after so many no further group is begun."""
    live = files(writer.events)
    groups = plan(live, rows, fresh, most)
    whole = sum(f.rows for group in groups for f in group)
    result = Result(files_before=len(live), bytes_before=sum(f.size for f in live))
    began, replaced = time.monotonic(), []
    for group in groups:
        if seconds is not None and result.events and time.monotonic() - began > seconds:
            break
        made = []
        for part in _parts(writer, group, rows):
            made.append(_delta.store(writer.encode(part), writer.events.path, f"kept-{uuid.uuid4()}.parquet"))
            result.events += len(part.order)
            if progress is not None:
                progress(result.events, whole)
        names = [f.name for f in group]
        if sum(f.rows for f in group) != sum(one.rows for one in made):
            raise OSError(f"{len(names)} files that were put together lost rows; they stay as they are")
        writer.events.commit(made, names, change=False)
        replaced += names
    result.swept = writer.events.sweep(replaced, grace)
    after = files(writer.events)
    result.files_after, result.bytes_after = len(after), sum(f.size for f in after)
    return result


def tidy(writer: Writer, worked: float = 0.0) -> None:
    """What a writer does by itself, between two batches or at its end, where there is enough of it: puts small files
    together, and the files of finished days (of UTC), older than `AGE`. worked: the seconds since it did so before."""
    live = files(writer.events)
    small = [f for f in live if not f.kept and f.rows < SMALL]
    if len(small) >= MANY:
        run(writer, rows=ROWS_ASIDE, fresh=small)
        live = files(writer.events)
    now = time.time()
    today = dt.datetime.fromtimestamp(now, dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    old = [f for f in live if not f.kept and f.high < today and f.made <= (now - AGE) * 1000]
    if sum(f.rows for f in old) >= LEAST:
        run(writer, rows=ROWS, fresh=old, most=1, seconds=max(PAUSE, SHARE * worked))


def _parts(writer: Writer, group: Sequence[File], rows: int) -> Iterator[Gathered]:
    """The group's events, a file's worth at a time."""
    sources = [Source.of(path) for path in writer.events.fetched(writer.events.path / f.name for f in group)]
    times = pl.concat([pl.Series(source.times) for source in sources]).sort().cast(pl.Datetime("us", "UTC"))
    spans = list(_spans(times, rows))
    del times
    for start, end in spans:
        yield Gathered.of(sources, start, end)


def _spans(times: pl.Series, rows: int, level: int = 0) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Spans [start, end) of some times in order, each with `rows` of them at most where that can be."""
    if not len(times):
        return
    if level == len(_SPANS):
        yield from _slices(times, rows)
        return
    counts = (
        pl.DataFrame({"time": times}).group_by(pl.col("time").dt.truncate(_SPANS[level]).alias("begin")).len().sort("begin")
    )
    at = begun = 0
    for count in counts["len"]:
        if at > begun and (level == 0 or at + count - begun > rows):
            yield _span(times.slice(begun, at - begun))
            begun = at
        at += count
        if count > rows:
            yield from _spans(times.slice(begun, count), rows, level + 1)
            begun = at
    if at > begun:
        yield _span(times.slice(begun, at - begun))


def _slices(times: pl.Series, rows: int) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Equal parts; times that are equal stay together."""
    pieces = -(-len(times) // rows)
    at = 0
    while at < len(times):
        last = times[min(len(times), at + -(-len(times) // pieces)) - 1]
        end = int(times.search_sorted(last, side="right"))
        yield _span(times.slice(at, end - at))
        at = end


def _span(times: pl.Series) -> tuple[dt.datetime, dt.datetime]:
    return times[0], times[-1] + dt.timedelta(microseconds=1)
