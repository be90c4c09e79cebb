"""Courses by day of a view: what each day of the zone had of every port, country, AS, and how much of that day was watched."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.detect.model import About
from teiten.detect.view import OTHERS, Floats, View

LEAST_WATCHED: Final = 0.3
"""of a day, below which it says nothing: not observed"""
PORT: Final = ("protocol", "dst_port")
_HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True)
class Calendar:
    """The days of a view, the last of them its own."""

    dates: list[dt.date]
    of: npt.NDArray[np.int64]
    """of each hour of the view: the place of its day"""
    watched: Floats
    """of each day: what of a usual day was watched, hours weighted by what usually comes in them; nan: too little"""
    frame: pl.DataFrame
    """the view's cells summed over the hours of a day: `day` (its place) in place of `time`"""
    tails: tuple[pl.DataFrame, ...] = ()
    """the same of the view's tails"""

    @property
    def weekdays(self) -> npt.NDArray[np.int64]:
        return np.array([one.weekday() for one in self.dates])


@dataclass(frozen=True)
class Courses:
    """A row for each key, a column for each day; counts as they are."""

    by: tuple[str, ...]
    keys: list[tuple[Any, ...]]
    packets: Floats
    hosts: Floats
    """distinct sources of each hour, cell by cell, summed: hours of sources, not sources of the day"""


def calendar(view: View) -> Calendar:
    """The view's days. A view without an hour has its own day, unwatched."""
    dates = [one.date() for one in view.local]
    names = sorted({*dates, view.day})
    places = {date: place for place, date in enumerate(names)}
    of = np.array([places[date] for date in dates], dtype=np.int64)
    tails = tuple(_frame(view, of, tail) for tail in view.tails) if len(of) else ()
    return Calendar(names, of, _watched(view, of, len(names)), _frame(view, of, view.cells), tails)


def _watched(view: View, of: npt.NDArray[np.int64], days: int) -> Floats:
    """Exposure of each day's hours, weighted by the usual course of a day."""
    if not len(of):
        return np.full(days, np.nan)
    clock = np.array([one.hour for one in view.local])
    exposure = view.exposure
    counts = view.series().packets[0]
    came = np.bincount(clock, weights=counts, minlength=24)
    hours = np.bincount(clock, weights=exposure, minlength=24)
    usual = np.divide(came, hours, out=np.zeros(24), where=hours > 0)
    # an hour of the day that nobody ever watched weighs as the others do; nothing at all came: all weigh alike
    weight = np.where(hours > 0, usual, usual[hours > 0].mean() if (hours > 0).any() else 0.0)
    weight = weight + (0.1 * weight.mean() if weight.any() else 1.0)
    out = np.bincount(of, weights=exposure * weight[clock], minlength=days) / weight.sum()
    return np.where(out >= LEAST_WATCHED, out, np.nan)


def _frame(view: View, of: npt.NDArray[np.int64], cells: pl.DataFrame) -> pl.DataFrame:
    """Cells, or a tail of them, summed over the hours of each day."""
    keys = [name for name in (*PORT, "country", "asn", "sensor") if name in cells.columns]
    if not len(of):
        return cells.head(0).with_columns(pl.lit(0, pl.Int64).alias("day")).select("day", *keys, "packets", "hosts")
    first = (view.start - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    cells = cells.with_columns(((pl.col("time").to_physical() - first) // _HOUR_US).alias("_place"))
    cells = cells.filter(pl.col("_place").is_between(0, len(of) - 1))
    cells = cells.with_columns(pl.Series("day", of[cells["_place"].to_numpy()]))
    return cells.group_by(["day", *keys]).agg(pl.col("packets", "hosts").sum())


def courses(days: Calendar, *by: str, least: float = 1.0, only: pl.Expr | None = None) -> Courses:
    """Counts by day of every value of those columns that has `least` packets on one day at least. `()`: of all together.

    `only`: of which cells. Keys are in order of packets, most first; unknown is None.
    """
    cells = days.frame if only is None else days.frame.filter(only)
    tail = next((one for one in days.tails if only is None and set(by) <= {*one.columns}), None)
    if tail is not None:
        names = [*by, "day", "packets", "hosts"]
        for name in {"dst_port", "asn"} & set(by):
            tail = tail.filter((pl.col(name) != OTHERS).fill_null(True))
        cells = pl.concat([cells.select(names), tail.select(names)])
    summed = cells.group_by(*by, "day").agg(pl.col("packets", "hosts").sum())
    keys: list[tuple[Any, ...]] = [()]
    if by:
        order = summed.group_by(*by).agg(pl.col("packets").sum().alias("_all"), pl.col("packets").max().alias("_most"))
        order = order.filter(pl.col("_most") >= least).sort("_all", *by, descending=[True, *[False] * len(by)])
        order = order.with_row_index("_row")
        summed = summed.join(order, on=list(by), nulls_equal=True)
        keys = order.select(by).rows()
    else:
        summed = summed.with_columns(pl.lit(0).alias("_row"))
    shape = (len(keys), len(days.dates))
    packets, hosts = np.zeros(shape), np.zeros(shape)
    at = summed["_row"].to_numpy(), summed["day"].to_numpy()
    packets[at] = summed["packets"].to_numpy()
    hosts[at] = summed["hosts"].to_numpy()
    return Courses(by, keys, packets, hosts)


def within(about: About) -> pl.Expr:
    """The cells of what a detection is about (a group of sensors is not told apart)."""
    out = [pl.lit(True)]
    if about.ports:
        out.append(
            pl.any_horizontal(*[(pl.col("protocol") == p) & pl.col("dst_port").eq_missing(pl.lit(n)) for p, n in about.ports])
        )
    if about.country is not None:
        out.append(pl.col("country").eq_missing(pl.lit(about.country or None)))
    if about.asn is not None:
        out.append(pl.col("asn").eq_missing(pl.lit(about.asn or None)))
    if about.sensor is not None:
        out.append(pl.col("sensor") == about.sensor)
    return pl.all_horizontal(*out)
