"""Which days lack aggregates, and the making of them: a day at a time, one pass over its events for each table."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from teiten.engine import offers, rolled
from teiten.engine.filters import timestamp
from teiten.errors import TeitenError
from teiten.lake import rollup

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.lake import Lake, LiveFile
    from teiten.settings import Settings

MEMORY_MB: Final = 256
SETTLED: Final = dt.timedelta(hours=1)
"""after its end a day is finished for what is made by itself; what comes later makes it be counted again"""
PAUSE: Final = 10.0
"""seconds for which a writer makes aggregates at its end, at least"""
SHARE: Final = 0.5
"""and, of the time that it has worked, this share"""
Progress = Callable[[int, int], None]
"""called with the days made so far, and how many there are to make"""


@dataclass(slots=True)
class Result:
    """What a run did: the days that it made, rows and bytes of each table for them, and the days that it could not make."""

    days: list[dt.date] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    stale: list[dt.date] = field(default_factory=list)
    trouble: TeitenError | None = None
    """why days stayed as they were: only `tidy` says so, `ensure` raises it"""


def stale(lake: Lake, settings: Settings, days: Iterable[dt.date] | None = None) -> dict[dt.date, rollup.Basis]:
    """Days (of the settings' zone; None: all) with events whose aggregates are not there, or do not hold -> their basis now.

    Days of which events are no longer kept are not among them: nothing can be counted there.
    """
    wanted = rollup.wanted(lake, settings.zone_name, days=None if days is None else set(days))
    gone = lake.dropped_days(settings.zone_name)
    had = [rolled.stored(lake, name, settings.zone_name) for name in rollup.TABLES]
    return {
        day: basis
        for day, basis in wanted.items()
        if day not in gone and not all(day in state and state[day].same(basis) for state in had)
    }


def kept(lake: Lake, settings: Settings, days: Iterable[dt.date]) -> set[dt.date]:
    """Those of the days whose aggregates are all there and hold; of days without events nothing need be there."""
    asked = set(days)
    return asked - stale(lake, settings, asked).keys()


def due(lake: Lake, settings: Settings, now: dt.datetime | None = None) -> list[dt.date]:
    """The stale days that are finished and have so many events that aggregates pay (setting `aggregate_events`)."""
    at = now or dt.datetime.now(dt.UTC)
    files, _ = lake.live_files()
    out = []
    for day in stale(lake, settings):
        start, end = _bounds(day, settings)
        if end + SETTLED <= at and _events(files, start, end) >= settings.aggregate_events:
            out.append(day)
    return sorted(out)


def ensure(lake: Lake, settings: Settings, days: Iterable[dt.date], progress: Progress | None = None) -> Result:
    """Makes the aggregates of those days where they are not there or do not hold. Verdicts are brought up to date first.

    LakeError where the lake cannot be written (LakeBusyError: somebody else is), UsageError and DataError for lists.
    """
    from teiten import classify
    from teiten.engine import open_session

    asked = sorted(set(days))
    if not asked:
        return Result()
    judged = classify.refresh(lake, settings, asked, wait=None)
    if judged.trouble is not None:
        raise judged.trouble
    result = Result()
    # what the lake is now is looked at before it is opened: what comes between makes the days stale again
    wanted = stale(lake, settings, asked)
    for day in sorted(wanted):
        start, end = _bounds(day, settings)
        with open_session(lake, settings, start=start, end=end, memory_mb=MEMORY_MB, counted=False) as session:
            for name, rows in _make(lake, session, day, wanted[day]).items():
                result.rows[name] = result.rows.get(name, 0) + rows
        result.days.append(day)
        if progress is not None:
            progress(len(result.days), len(wanted))
    return result


def tidy(lake: Lake, settings: Settings, worked: float = 0.0) -> Result:
    """What a writer does by itself at its end: the newest days that are due, for a short while; the others stay for later.

    worked: the seconds that it has taken so far. What hinders it is told in the result.
    """
    result = Result()
    try:
        until = time.monotonic() + max(PAUSE, SHARE * worked)
        for day in reversed(due(lake, settings)):
            if time.monotonic() >= until:
                result.stale.append(day)
                continue
            one = ensure(lake, settings, [day])
            result.days += one.days
    except TeitenError as error:
        result.trouble = error
    return result


def _make(lake: Lake, session: Session, day: dt.date, basis: rollup.Basis) -> dict[str, int]:
    """Counts the day into every table; rows of each."""
    start, end = _bounds(day, session.settings)
    where = f"time >= {timestamp(start)} AND time < {timestamp(end)}"
    counts = {}
    for relation in offers.COUNTED:
        name = relation.table or ""
        held = rolled.stored(lake, name, session.zone_name).get(day)
        if held is not None and held.same(basis):
            continue  # of an older lake's days a table that is new is all that is missing
        columns = ", ".join(("day", *rollup.TABLES[name]))
        query = f"SELECT {columns} FROM ({offers.count(session, relation, where)})"
        told = basis
        if relation.estimates:
            told = replace(basis, thinned=int(session.work("SELECT count(*) AS n FROM _thetas")["n"][0]))
        frames = _Counted(_frames(session, query, name))
        lake.replace_rollup(name, {day: told.text()}, session.zone_name, frames, last_batch=session.last_batch)
        counts[name] = frames.rows
    return counts


class _Counted:
    """Frames that are counted while they go by."""

    def __init__(self, frames: Iterator[pl.DataFrame]) -> None:
        self._frames, self.rows = frames, 0

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for frame in self._frames:
            self.rows += frame.height
            yield frame


def _frames(session: Session, query: str, name: str) -> Iterator[pl.DataFrame]:
    """The rows of a query in order of the table, in pieces of the table's types."""
    schema = {"day": pl.Date(), **rollup.TABLES[name]}
    for part in session.frames(f"{query} ORDER BY {', '.join(rollup.ORDER[name])}"):
        yield part.select(pl.col(column).cast(dtype) for column, dtype in schema.items())


def _bounds(day: dt.date, settings: Settings) -> tuple[dt.datetime, dt.datetime]:
    """First instant of the day and of the next, in UTC."""
    start, end = (dt.datetime.combine(d, dt.time(), settings.zone) for d in (day, day + dt.timedelta(days=1)))
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


def _events(files: Sequence[LiveFile], start: dt.datetime, end: dt.datetime) -> int:
    """Events of the files that may hold some of [start, end): never fewer than there are."""
    return sum(f.rows for f in files if f.t_min and f.t_max and f.t_min < end and f.t_max >= start)
