"""Verdicts of the days up to a view's day, counted by country and day, and held against the days before."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.detect import unusual
from teiten.detect.view import HISTORY, View

_HOUR: Final = dt.timedelta(hours=1)
WATCHED: Final = 0.5
"""of a day's hours, below which it is no measure of the usual"""


@dataclass(frozen=True, slots=True)
class Above:
    """A country's count that a day like those before does not show. `rows`: the day's verdicts behind it."""

    country: str | None
    count: int
    usual: unusual.Usual
    score: float
    rows: pl.DataFrame


def days_before(view: View) -> list[dt.date]:
    """The days of the view before its own that were watched for half their hours, oldest first."""
    by_day: dict[dt.date, float] = {}
    for local, there in zip(view.local, np.minimum(view.exposure, 1.0), strict=True):
        by_day[local.date()] = by_day.get(local.date(), 0.0) + float(there)
    return [day for day, hours in sorted(by_day.items()) if day < view.day and hours >= WATCHED * 24]


def above(view: View, rows: pl.DataFrame, count: Callable[[pl.DataFrame], pl.DataFrame], by: str | None) -> Iterator[Above]:
    """What stands out on the view's day, of each value of column `by` (None: of all together).

    rows: verdicts of the days; count: they -> a frame of day, `by` and `n`. Told where the chance, times the values tried,
    is at most `detect_single_chance`.
    """
    days = days_before(view)
    rows = rows.filter(pl.col("day").is_in([*days, view.day]))
    counted = count(rows)
    keys: list[Any] = sorted(set(counted[by].to_list()), key=lambda k: (k is None, str(k))) if by else [None]
    limit = view.threshold("detect_single_chance")
    for key in keys:
        own = counted.filter(pl.col(by).eq_missing(key)) if by else counted
        by_day = dict(own.select("day", "n").iter_rows())
        today = int(by_day.get(view.day, 0))
        usual = unusual.beside(today, [int(by_day.get(day, 0)) for day in days])
        if usual is None:
            continue
        anywhere = usual.chance * len(keys)
        if anywhere > limit or today < view.threshold("detect_single_times") * usual.mean:
            continue
        mine = rows.filter(pl.col("day") == view.day)
        mine = mine.filter(pl.col(by).eq_missing(key)) if by else mine
        yield Above(key, today, usual, -math.log10(max(anywhere, 1e-99)), mine)


def hour(moment: dt.datetime) -> dt.datetime:
    """The beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def after(moment: dt.datetime) -> dt.datetime:
    """The beginning of the hour after it."""
    return hour(moment) + _HOUR


def first_day(view: View) -> dt.date:
    """The first day of which verdicts are asked."""
    return view.day - dt.timedelta(days=HISTORY)


def reason(view: View, one: Above) -> dict[str, Any]:
    """The numbers of it, for the detection's reason."""
    return {
        "count": one.count, "usual_a_day": round(one.usual.mean, 3), "days": one.usual.days,
        "chance": float(f"{one.usual.chance:.3g}"), "chance_anywhere": float(f"{10**-one.score:.3g}"),
        "threshold": view.threshold("detect_single_chance"), "threshold_times": view.threshold("detect_single_times"),
    }  # fmt: skip
