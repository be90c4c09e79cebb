"""How long events are kept ([lake] keep_events, disk), and what is made of a day before its events go.

Evidence of devices has a time of its own ([lake] keep_devices): it outlives the events that it was gathered for.

Whole finished days of the settings' zone go, the oldest first, and only when verdicts, aggregates (`rollup`), cells and
coverage of these days are in the lake: these stay for good. What is dropped never comes back by an input that is read again.

    found = retention.plan(lake, settings)      what is to go, and why; None where nothing is
    retention.carry_out(lake, settings, found)  makes what is missing, then drops
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from teiten import coverage, rollup
from teiten.errors import LakeError, TeitenError
from teiten.lake import activity, retention
from teiten.rollup import cells

if TYPE_CHECKING:
    from teiten.lake import Lake
    from teiten.settings import Settings

ASIDE_DAYS: Final = 7
"""days that a writer drops by itself at most, after it stored something: what there is more of goes the next time"""
TOLD: Final = 0.8
"""share of the disk that the lake may take from which on it is told what would go"""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to go: events before `since`, the first moment of the day `first_kept`; the days, what it takes out, and why."""

    first_kept: dt.date
    since: dt.datetime
    days: tuple[dt.date, ...]
    weight: retention.Weight
    because: str
    """'keep_events' or 'disk'"""


def plan(lake: Lake, settings: Settings, now: dt.datetime | None = None) -> Plan | None:
    """What the settings let go now; None where nothing is to go. Nothing is written."""
    keeping = settings.keeping
    at = (now or dt.datetime.now(dt.UTC)).astimezone(settings.zone)
    days = _days(lake, settings)
    found = []
    if keeping.keep_events is not None:
        found.append((at.date() - dt.timedelta(days=keeping.keep_events), "keep_events"))
    if keeping.disk is not None and (over := size(lake) - keeping.disk) > 0 and days:
        found.append((_freeing(lake, settings, [day for day in days if day < at.date()], over), "disk"))
    if not found:
        return None
    first, because = max(found)
    gone = tuple(day for day in days if day < min(first, at.date()))
    if not gone:
        return None
    since = _midnight(settings, gone[-1] + dt.timedelta(days=1))
    return Plan(gone[-1] + dt.timedelta(days=1), since, gone, retention.weigh(lake.path, since), because)


def carry_out(
    lake: Lake, settings: Settings, wanted: Plan, progress: Progress | None = None, *, grace: float | None = None
) -> int:
    """Makes what is missing of those days, then drops their events; how many went.

    LakeError where what stays for good cannot be made, or the lake not be written: then nothing is dropped.
    grace: seconds that files which were replaced stay for those who read them.
    """
    rollup.ensure(lake, settings, wanted.days, progress)
    cells.ensure(lake, settings, wanted.days)
    coverage.refresh(lake, settings, wanted.days)
    missing = set(wanted.days) - _kept(lake, settings, wanted.days)
    if missing:
        raise LakeError(
            f"No events were dropped: the aggregates of {min(missing)} are not in the lake {lake.path}.",
            hint="Run teiten lake retain again; somebody may have stored events of that day meanwhile.",
        )
    return lake.drop_before(wanted.since, lambda: _unchanged(lake, settings, wanted), grace=grace)


def old_devices(lake: Lake, settings: Settings, now: dt.datetime | None = None) -> tuple[dt.datetime, int] | None:
    """The moment before which evidence of devices is to go, and how much of it is older; None where none is."""
    age = settings.keeping.keep_devices
    if age is None:
        return None
    at = (now or dt.datetime.now(dt.UTC)).astimezone(settings.zone)
    before = _midnight(settings, _days_before(at.date(), age))
    count = lake.devices(["time"]).filter(pl.col("time") < before).height
    return (before, count) if count else None


def drop_devices(lake: Lake, settings: Settings, now: dt.datetime | None = None) -> int:
    """Evidence of devices that is older than it is to be kept goes, and is not taken in again: how much."""
    found = old_devices(lake, settings, now)
    return lake.drop_devices(found[0]) if found else 0


def _days_before(day: dt.date, count: int) -> dt.date:
    return day - dt.timedelta(days=count) if count < day.toordinal() - 1 else dt.date(2, 1, 1)


def _unchanged(lake: Lake, settings: Settings, wanted: Plan) -> bool:
    """Asked under the lake's lock, right before it is written down: do the aggregates still hold?"""
    return _kept(lake, settings, wanted.days) >= set(wanted.days)


def _kept(lake: Lake, settings: Settings, days: tuple[dt.date, ...]) -> set[dt.date]:
    """Those of the days of which all that is to stay is there."""
    wanting = cells.stale(lake, settings, days).keys()
    return rollup.kept(lake, settings, days) - wanting


def aside(lake: Lake, settings: Settings) -> list[str]:
    """For a writer when it has stored what it had: drops what is due, some days at a time; what is to be said of it."""
    keeping = settings.keeping
    # a lake that lasts as long as a command is none of which somebody said how long its events are kept
    if not keeping.told or lake.path.resolve() != settings.lake.resolve():
        return []
    told = []
    try:
        wanted = plan(lake, settings)
        if wanted is not None:
            few = wanted.days[:ASIDE_DAYS]
            since = _midnight(settings, few[-1] + dt.timedelta(days=1))
            some = Plan(few[-1] + dt.timedelta(days=1), since, few, retention.weigh(lake.path, since), wanted.because)
            count = carry_out(lake, settings, some)
            told.append(f"{count:,} events of {few[0]} to {few[-1]} are no longer kept ([lake] {wanted.because})")
        if count := drop_devices(lake, settings):
            told.append(f"{count:,} rows of evidence of devices are no longer kept ([lake] keep_devices)")
    except TeitenError as error:
        told.append(f"what is due to go stays: {error}")
    return told + near_the_limit(lake, settings)


def near_the_limit(lake: Lake, settings: Settings, now: dt.datetime | None = None) -> list[str]:
    """What is to be said while the lake comes near the disk that it may take: how much it holds, and what would go first."""
    limit = settings.keeping.disk
    held = size(lake)
    if limit is None or held < TOLD * limit:
        return []
    at = (now or dt.datetime.now(dt.UTC)).astimezone(settings.zone)
    days = [day for day in _days(lake, settings) if day < at.date()]
    first = f"; beyond it the events of {days[0]} would go first" if days and held <= limit else ""
    return [f"the lake takes {held / 1e9:,.2f} GB of the {limit / 1e9:,.2f} GB that it may take ([lake] disk){first}"]


def size(lake: Lake) -> int:
    """Bytes of the lake's live files."""
    return sum(lake.holdings(name).bytes for name in lake.tables())


def _days(lake: Lake, settings: Settings) -> list[dt.date]:
    """The days of which events are kept, in order."""
    kept = lake.batches(["activity"])["activity"].drop_nulls()
    low, _ = activity.times(activity.merged([activity.unpacked(kept)]))
    local = pl.Series(low, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(settings.zone_name)
    return sorted(set(local.dt.date()) - lake.dropped_days(settings.zone_name))


def _freeing(lake: Lake, settings: Settings, days: list[dt.date], wanted: int) -> dt.date:
    """The first day that may stay where so many bytes are to be freed, by the days' share of the events; the day after the last
    one where even all would not do."""
    low, high = 0, len(days)
    while low < high:
        middle = (low + high) // 2
        if retention.weigh(lake.path, _midnight(settings, days[middle] + dt.timedelta(days=1))).bytes >= wanted:
            high = middle
        else:
            low = middle + 1
    return (days[min(low, len(days) - 1)] + dt.timedelta(days=1)) if days else dt.date.min


def _midnight(settings: Settings, day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), settings.zone).astimezone(dt.UTC)
