"""Files of events put together and put in order: fewer, smaller, and quicker to ask.

A batch's file is as it came, in order of time. What is put together lies by month, where a month holds more than `ROWS` events
by days, then by hours, then in parts of an hour; within a file by protocol, port, source and time, so that what is alike lies
together: 22 % fewer bytes, and a question about one port reads a part of the file (docs/decisions/0033).

One log entry takes the new files in and the old ones out, so a reader sees the same events before and after. The old files
stay for `_delta.GRACE` seconds, for those who opened the lake before. A kill leaves files that belong to nothing; they go with
the next sweep.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten import frame
from teiten.lake import _delta
from teiten.lake._writer import BOUNDS, Writer, batch_number

ROWS: Final = 500_000
"""events that a file holds at most, more or less"""
ROWS_ASIDE: Final = 200_000
"""the same, for a writer that puts files together between two batches: it is to take little memory"""
GROUP: Final = 4
"""files' worth of events that one log entry puts together, more or less"""
SMALL: Final = 20_000
"""events below which a batch's file is small: a day of one batch a minute makes 1440 of them"""
MANY: Final = 64
"""small files that make a writer put them together by itself"""
_SPANS: Final = ("1mo", "1d", "1h")

Progress = Callable[[int, int], None]
"""called with the events put together so far, and how many there are"""


@dataclass(frozen=True, slots=True)
class File:
    """A live file, by the log's statistics."""

    name: str
    rows: int
    size: int
    low: dt.datetime
    high: dt.datetime

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
    rows = live.drop_nulls(["min.time", "max.time"]).select("path", "num_records", "size_bytes", "min.time", "max.time")
    return sorted((File(*row) for row in rows.iter_rows()), key=lambda f: (f.low, f.high, f.name))


def plan(live: Sequence[File], rows: int = ROWS, below: int | None = None) -> list[list[File]]:
    """Groups of files to be put together, each in one log entry.

    `below`: only batches' files with fewer events (and what was put together before in their months, while it is small).
    """
    fresh = [f for f in live if not f.kept and (below is None or f.rows < below)]
    touched = set().union(*(f.months() for f in fresh))
    loose = [f for f in live if f.kept and f.rows < rows // 2 and f.months() & touched]
    groups: list[list[File]] = []
    for one in sorted([*fresh, *loose], key=lambda f: (f.low, f.high, f.name)):
        held = groups[-1] if groups else []
        full = sum(f.rows for f in held) >= rows * GROUP
        later = bool(held) and not (one.months() & held[-1].months()) and sum(f.rows for f in held) >= rows
        if not held or full or later:
            groups.append([])
        groups[-1].append(one)
    return [group for group in groups if any(not f.kept for f in group)]


def run(
    writer: Writer, *, rows: int = ROWS, below: int | None = None, progress: Progress | None = None, grace: float = _delta.GRACE
) -> Result:
    """Puts the lake's files together. OSError and its like: what was put together until then stays so."""
    live = files(writer.events)
    groups = plan(live, rows, below)
    whole = sum(f.rows for group in groups for f in group)
    result = Result(files_before=len(live), bytes_before=sum(f.size for f in live))
    for group in groups:
        names = [f.name for f in group]
        made = []
        for part in _parts(writer.events.path, group, rows):
            made.append(_write(writer.events.path, part))
            result.events += part.height
            if progress is not None:
                progress(result.events, whole)
        if sum(f.rows for f in group) != sum(one.rows for one in made):
            raise OSError(f"{len(names)} files that were put together lost rows; they stay as they are")
        writer.events.commit(made, names, change=False)
    result.swept = writer.events.sweep([f.name for group in groups for f in group], grace)
    after = files(writer.events)
    result.files_after, result.bytes_after = len(after), sum(f.size for f in after)
    return result


def due(writer: Writer) -> bool:
    """Are there so many small files that questions get slow by them?"""
    return sum(not f.kept and f.rows < SMALL for f in files(writer.events)) >= MANY


def _write(folder: Path, part: pl.DataFrame) -> _delta.Written:
    return _delta.write_parquet(part[_order(part)], folder, f"kept-{uuid.uuid4()}.parquet", BOUNDS)


def _order(part: pl.DataFrame) -> npt.NDArray[np.int64]:
    """The rows' numbers by protocol, port, source, time. By numpy: polars' sort of the frame takes three times its memory."""
    source = part["src_ip"].rank("dense").to_numpy()
    ports = [part[name].cast(pl.Int32).fill_null(-1).to_numpy() for name in ("dst_port", "protocol")]
    return np.lexsort([part["time"].to_physical().to_numpy(), source, *ports])


def _parts(folder: Path, group: Sequence[File], rows: int) -> Iterator[pl.DataFrame]:
    """The group's events, a file's worth at a time; each part's files alone are read."""
    times = pl.concat([pl.read_parquet(folder / f.name, columns=["time"]) for f in group])["time"].sort()
    for start, end in _spans(times, rows):
        touched = [folder / f.name for f in group if f.low < end and f.high >= start]
        found = pl.scan_parquet(touched, schema=frame.SCHEMA, missing_columns="insert", extra_columns="ignore")
        yield found.filter((pl.col("time") >= start) & (pl.col("time") < end)).collect()


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
