"""What something had by hour and by day, beside what is usual: for charts and for `teiten explain`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import polars as pl

from teiten.detect import baseline, ground
from teiten.detect.baseline import Floats

if TYPE_CHECKING:
    from teiten.detect.model import About
    from teiten.detect.view import View


_PRIOR: Final = 2.0
"""dispersion that is expected where counts are few"""


@dataclass(frozen=True, slots=True)
class Hour:
    """Count of an hour (UTC beginning), what the baseline expects of it (None: there is none), and which share was watched."""

    time: dt.datetime
    count: float
    usual: float | None
    watched: float


@dataclass(frozen=True, slots=True)
class Day:
    """Count of a day, and which share of it was watched."""

    day: dt.date
    count: float
    watched: float


@dataclass(frozen=True, slots=True)
class Usual:
    """The hours of a view's day, and all days of the view."""

    hours: tuple[Hour, ...]
    days: tuple[Day, ...]


def of(view: View, about: About, measure: Literal["packets", "hosts"] = "packets") -> Usual | None:
    """Of what a detection is about; None where the view has no hours. Counts are as they came, whatever was watched."""
    from teiten.detect import own

    if not view.hours:
        return None
    counted = view.series(only=cells_of(about, view.groups))
    counts = counted.packets if measure == "packets" else counted.hosts
    exposure = view.exposure if about.sensor is None else view.exposure_of(about.sensor)
    seen, _ = own.look(view)
    skip, clock = ground.clock_of(seen, about.sensor)
    expected: Floats | None = None
    if clock.before >= 24 * view.threshold("detect_days"):
        base = baseline.expect(counts[:, skip:], clock, _PRIOR)
        expected = base.mu[0][len(base.mu[0]) - (len(view.hours) - view.today.start) :]
    hours = tuple(
        Hour(
            view.hours[at],
            float(counts[0, at]),
            None if expected is None else float(expected[n]),
            float(min(1.0, exposure[at])),
        )
        for n, at in enumerate(range(view.today.start, len(view.hours)))
    )
    by_day: dict[dt.date, list[int]] = {}
    for at, moment in enumerate(view.local):
        by_day.setdefault(moment.date(), []).append(at)
    days = tuple(
        Day(day, float(counts[0, places].sum()), float(np.minimum(1.0, exposure[places]).sum() / 24))
        for day, places in by_day.items()
    )
    return Usual(hours, days)


def cells_of(about: About, groups: Mapping[str, str] | None = None) -> pl.Expr:
    """The condition on cells (`view.CELLS`) that they are of what a detection is about. groups: sensor -> its group."""
    wanted = [pl.lit(True)]
    if about.ports:
        ports = [
            (pl.col("protocol") == p) & pl.col("dst_port").eq_missing(pl.lit(port, dtype=pl.Int32)) for p, port in about.ports
        ]
        wanted.append(pl.any_horizontal(ports))
    if about.country is not None:
        wanted.append(pl.col("country").eq_missing(pl.lit(about.country or None, dtype=pl.String)))
    if about.asn is not None:
        wanted.append(pl.col("asn").eq_missing(pl.lit(about.asn or None, dtype=pl.Int64)))
    if about.sensor is not None:
        wanted.append(pl.col("sensor") == about.sensor)
    if about.group is not None:
        wanted.append(pl.col("sensor").is_in([name for name, group in (groups or {}).items() if group == about.group]))
    return pl.all_horizontal(wanted)
