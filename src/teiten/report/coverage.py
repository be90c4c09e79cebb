"""When were the sensors watching? The engine's gaps, summed up for a period: no events is not the same as nothing observed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from teiten.engine.gaps import DOWN, NOT_OBSERVED, OUTAGE
from teiten.periods import Period

COMPARABLE = 0.95
"""setting `thresholds.comparable_coverage`: two periods are compared where both were observed for this share of them"""
Reason = Literal["silent", "before", "after", "outage", "down"]
HOUR = dt.timedelta(hours=1)
LEAST = dt.timedelta(minutes=5)
"""What of a gap reaches less than this into the period is left out: the seconds from midnight to the first event, say."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nothing was observed. `before`/`after`: it lies before the first, or after the last, of all events."""

    start: dt.datetime
    end: dt.datetime
    reason: Reason
    because: str = ""
    """of an outage: what its operator says in teiten.toml"""

    @property
    def length(self) -> dt.timedelta:
        return self.end.astimezone(dt.UTC) - self.start.astimezone(dt.UTC)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of a period: which sensors were watching, how much of the time, and when none of them did."""

    sensors: tuple[str, ...]
    share: float
    """0..1: observed sensor-hours of those that the period has, for the sensors that were watching in it at all"""
    gaps: tuple[Gap, ...]
    """no sensor was watching"""
    partial: int
    """gaps of single sensors while others watched"""

    def observed(self) -> bool:
        return self.share > 0


def coverage(sensors: Iterable[str], gaps: Iterable[Mapping[str, Any]], period: Period) -> Coverage:
    """The coverage of a period by the sensors of the lake, from rows of `engine.gaps.gaps` over a span that holds it."""
    start, end = period.start.astimezone(dt.UTC), period.end.astimezone(dt.UTC)
    rows = list(gaps)
    seen, single = [], []
    for sensor in sorted(sensors):
        mine = [g for g in (_inside(row, start, end) for row in rows if row["sensor"] == sensor) if g is not None]
        if sum((g.length for g in mine), dt.timedelta()) < end - start:
            seen.append(sensor)
            single.append(mine)
    if not seen:
        return Coverage((), 0.0, (Gap(period.start, period.end, "silent"),), 0)
    common = single[0]
    for other in single[1:]:
        common = _both(common, other)
    missing = sum((g.length for mine in single for g in mine), dt.timedelta())
    zone = period.tz
    shown = tuple(Gap(g.start.astimezone(zone), g.end.astimezone(zone), g.reason, g.because) for g in common)
    alone = sum(len(mine) for mine in single) - len(single) * len(common)
    return Coverage(tuple(seen), 1 - missing / ((end - start) * len(seen)), shown, max(0, alone))


def _inside(row: Mapping[str, Any], start: dt.datetime, end: dt.datetime) -> Gap | None:
    """The part of a gap that lies in [start, end), if any."""
    first, last = row["start"].astimezone(dt.UTC), row["end"].astimezone(dt.UTC)
    low, high = max(first, start), min(last, end)
    if high - low < LEAST:
        return None
    if row["reason"] == OUTAGE:
        return Gap(low, high, "outage", row["because"])
    reason: Reason = "down" if row["reason"] == DOWN else "silent"
    if row["reason"] == NOT_OBSERVED:
        # what is not known ends with the first event, or begins with the last
        reason = "before" if last < end else "after"
    return Gap(low, high, reason)


def _both(one: list[Gap], other: list[Gap]) -> list[Gap]:
    """The times that lie in a gap of both."""
    found = []
    for a in one:
        for b in other:
            start, end = max(a.start, b.start), min(a.end, b.end)
            if start < end:
                same = a.reason == b.reason
                found.append(Gap(start, end, a.reason if same else "silent", a.because if a.because == b.because else ""))
    return found
