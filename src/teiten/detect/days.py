"""Courses by day of a view: what each day of the zone had of every port, country, AS, and how much of that day was watched.

A day's cells are summed over its hours and sensors once (`summed`); who makes many views hands the sums on (`View.sums`), since
each day is in the views of 36.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.detect.model import About
from teiten.detect.view import OTHERS, Floats, View

if TYPE_CHECKING:
    from teiten.detect.coded import Piece

LEAST_WATCHED: Final = 0.3
"""of a day, below which it says nothing: not observed"""
PORT: Final = ("protocol", "dst_port")
_KEYS: Final = (*PORT, "country", "asn", "sensor")


@dataclass(frozen=True)
class Calendar:
    """The days of a view, the last of them its own."""

    dates: list[dt.date]
    of: npt.NDArray[np.int64]
    """of each hour of the view: the place of its day"""
    watched: Floats
    """of each day: what of a usual day was watched, hours weighted by what usually comes in them; nan: too little"""
    frame: pl.DataFrame
    """the view's cells summed over the hours of a day and its sensors: `day` (its place) in place of `time`"""
    tails: tuple[pl.DataFrame, ...] = ()
    """the same of the view's tails; that of sensors with these"""
    sums: tuple[Sums, ...] = ()
    """each day's; none where the frame is a part of what there is"""
    _pivots: dict[tuple[str, ...], tuple[pl.DataFrame, pl.DataFrame]] = field(default_factory=dict)

    def of_sensors(self, view: View, *sensors: str) -> Floats:
        """As `watched`, of some sensors, beside their own usual day."""
        return _watched(view, self.of, len(self.dates), view.exposure_of(*sensors))

    @property
    def weekdays(self) -> npt.NDArray[np.int64]:
        return np.array([one.weekday() for one in self.dates])


@dataclass(frozen=True)
class Sums:
    """A day's cells and tails, without hours and sensors (a tail of sensors has these); and by hour and country."""

    cells: pl.DataFrame
    tails: tuple[pl.DataFrame, ...]
    hours: pl.DataFrame
    """time, country, packets, hosts: of all that there is"""
    raw: tuple[pl.DataFrame, ...]
    """the day's cells, and its tails, as they are"""
    _by: dict[tuple[str, ...], pl.DataFrame] = field(default_factory=dict)

    def by(self, *by: str) -> pl.DataFrame:
        """Packets and hosts of every value of those columns, what was put together by them reckoned in."""
        if by not in self._by:
            cells = self.raw[0] if "sensor" in by else self.cells
            tail = next((one for one in self.tails if {*by} <= {*one.columns}), None)
            names = [*by, "packets", "hosts"]
            if tail is not None:
                cells = pl.concat([cells.select(names), _named(tail, by).select(names)])
            self._by[by] = cells.group_by(by).agg(pl.col("packets", "hosts").sum()) if by else cells.select(names[-2:]).sum()
        return self._by[by]

    @cached_property
    def coded(self) -> Piece:
        """The same as numbers."""
        from teiten.detect.coded import piece

        return piece(self.raw[0], self.raw[1:])


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
    by_day = view.by_day
    frame = pl.concat([_numbered(by_day[name].cells, place) for name, place in places.items()])
    some = {place: by_day[name].tails for name, place in places.items() if by_day[name].tails}
    tails = [pl.concat([_numbered(tails[n], place) for place, tails in some.items()]) for n in range(len(view.tails))]
    return Calendar(names, of, _watched(view, of, len(names)), frame, tuple(tails), tuple(by_day[name] for name in names))


def sums(view: View) -> dict[dt.date, Sums]:
    """Of each of the view's days: those that it was given, and the others'."""
    names = sorted({*(one.date() for one in view.local), view.day})
    # what is before the first hour watched is not looked at
    given = {day: one for day, one in (view.sums or {}).items() if view.bounds(day)[0] >= view.start}
    return {name: given[name] if name in given else _of_day(view, name) for name in names}


def _of_day(view: View, day: dt.date) -> Sums:
    first, after = view.bounds(day)
    within = pl.col("time").is_between(pl.lit(max(first, view.start)), pl.lit(after), closed="left")
    return summed(view.cells.filter(within), tuple(tail.filter(within) for tail in view.tails))


def summed(cells: pl.DataFrame, tails: tuple[pl.DataFrame, ...] = ()) -> Sums:
    """One day's cells and tails."""
    by_country = next((tail for tail in tails if "country" in tail.columns), None)
    every = [frame.select("time", "country", "packets", "hosts") for frame in (cells, by_country) if frame is not None]
    hours = pl.concat(every).group_by("time", "country").agg(pl.col("packets", "hosts").sum())
    return Sums(
        _summed(cells, (*PORT, "country", "asn")), tuple(_summed(tail, _KEYS) for tail in tails), hours, (cells, *tails)
    )


def _summed(cells: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    keys = [name for name in by if name in cells.columns]
    return cells.group_by(keys).agg(pl.col("packets", "hosts").sum())


def _numbered(frame: pl.DataFrame, place: int) -> pl.DataFrame:
    return frame.select(pl.lit(place, pl.Int64).alias("day"), pl.all())


def _watched(view: View, of: npt.NDArray[np.int64], days: int, own: Floats | None = None) -> Floats:
    """Exposure (of all, or `own`) of each day's hours, weighted by the usual course of a day."""
    if not len(of):
        return np.full(days, np.nan)
    clock = np.array([one.hour for one in view.local])
    exposure = view.exposure if own is None else own
    counts = view.whole
    came = np.bincount(clock, weights=counts, minlength=24)
    hours = np.bincount(clock, weights=exposure, minlength=24)
    usual = np.divide(came, hours, out=np.zeros(24), where=hours > 0)
    # an hour of the day that nobody ever watched weighs as the others do; nothing at all came: all weigh alike
    weight = np.where(hours > 0, usual, usual[hours > 0].mean() if (hours > 0).any() else 0.0)
    weight = weight + (0.1 * weight.mean() if weight.any() else 1.0)
    out = np.bincount(of, weights=exposure * weight[clock], minlength=days) / weight.sum()
    return np.where(out >= LEAST_WATCHED, out, np.nan)


def courses(days: Calendar, *by: str, least: float = 1.0, only: pl.Expr | None = None) -> Courses:
    """Counts by day of every value of those columns that has `least` packets on one day at least. `()`: of all together.

    `only`: of which cells. Keys are in order of packets, most first; unknown is None.
    """
    if only is not None or not days.sums:
        asked = {*by, *(only.meta.root_names() if only is not None else ())}
        cells = _of_sensors(days) if "sensor" in asked else days.frame
        cells = cells if only is None else cells.filter(only)
        summed, order = _pivot(cells.group_by(*by, "day").agg(pl.col("packets", "hosts").sum()), by)
    elif by in days._pivots:
        summed, order = days._pivots[by]
    else:
        summed = pl.concat([_numbered(one.by(*by), place) for place, one in enumerate(days.sums)])
        summed, order = days._pivots[by] = _pivot(summed, by)
    keys: list[tuple[Any, ...]] = [()]
    if by:
        many, order = order.height, order.filter(pl.col("_most") >= least)
        rows = np.full(many, -1)
        rows[order["_key"].to_numpy()] = np.arange(order.height)
        keys = order.select(by).rows()
        row = rows[summed["_key"].to_numpy()]
    else:
        row = np.zeros(summed.height, dtype=np.int64)
    some = np.flatnonzero(row >= 0)
    shape = (len(keys), len(days.dates))
    packets, hosts = np.zeros(shape), np.zeros(shape)
    at = row[some], summed["day"].to_numpy()[some]
    packets[at] = summed["packets"].to_numpy()[some]
    hosts[at] = summed["hosts"].to_numpy()[some]
    return Courses(by, keys, packets, hosts)


def _pivot(summed: pl.DataFrame, by: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Counts by key and day, each key with a number (`_key`); and the keys, with those of most packets first."""
    if not by:
        return summed, summed.head(0)
    order = summed.group_by(*by).agg(pl.col("packets").sum().alias("_all"), pl.col("packets").max().alias("_most"))
    order = order.sort("_all", *by, descending=[True, *[False] * len(by)]).with_row_index("_key")
    summed = summed.join(order.select(*by, "_key"), on=list(by), nulls_equal=True)
    return summed.select("_key", "day", "packets", "hosts"), order


def _of_sensors(days: Calendar) -> pl.DataFrame:
    """The calendar's frame with sensors: few ask for it, and there it is many times as long."""
    parts = [_numbered(_summed(one.raw[0], _KEYS), place) for place, one in enumerate(days.sums)]
    return pl.concat(parts) if parts else days.frame.with_columns(pl.lit(None, pl.String).alias("sensor"))


def _named(tail: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    """Without those that have no row of their own there."""
    for name in {"dst_port", "asn"} & {*by}:
        tail = tail.filter((pl.col(name) != OTHERS).fill_null(True))
    return tail


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
