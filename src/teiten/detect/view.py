"""What detection looks at: cells (counts by hour, sensor, port, country, AS), when they were watched, and series made of both.

Nothing here asks a lake: cells come from it (`detect/asking.py`), or from the bench's simulated counts.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.settings import THRESHOLDS

if TYPE_CHECKING:
    from teiten.alerting import Watch
    from teiten.detect.asking import Asked
    from teiten.detect.days import Calendar, Sums
    from teiten.detect.taught import Lesson

Floats = npt.NDArray[np.float64]

CELLS: Final[dict[str, pl.DataType]] = {
    "time": pl.Datetime("us", "UTC"),
    "sensor": pl.String(),
    "protocol": pl.Int16(),
    "dst_port": pl.Int32(),
    "country": pl.String(),
    "asn": pl.Int64(),
    "scanner": pl.Boolean(),
    "packets": pl.Int64(),
    "hosts": pl.Int64(),
}
"""a row: what one hour, sensor, port, country, AS had. dst_port null: the protocol has none. country, asn null: not known.
scanner: from research scanners. hosts: distinct sources of that cell; a source has one country and AS, so that hosts add up
over these exactly, over ports and sensors to pairs of source and port, or sensor."""
WATCHED: Final[dict[str, pl.DataType]] = {
    "time": pl.Datetime("us", "UTC"),
    "sensor": pl.String(),
    "share": pl.Float64(),
    "addresses": pl.Int64(),
}
"""a row for each hour and sensor that watched: `share` of the hour (0 to 1), with how many addresses. No row: not watched."""
OTHERS: Final = -1
"""`dst_port` or `asn` in `View.tails`: those that have no row of their own there"""
LINE: Final[dict[str, pl.DataType]] = {"time": pl.Datetime("us", "UTC"), "sensor": pl.String(), "factor": pl.Float64()}
"""a row for each hour in which a sensor's own line made `factor` of the usual. 0: it is of no use, and
its cells are left out"""
HISTORY: Final = 35
"""days before the day that are looked at, at most"""
_HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Series:
    """Counts of the hours of a view: a row for each key, a column for each hour. Counts as they are, not rates."""

    by: tuple[str, ...]
    keys: list[tuple[Any, ...]]
    packets: Floats
    hosts: Floats


@dataclass(frozen=True)
class View:
    """The hours from up to `HISTORY` days before `day` until its end, or until `upto` (exclusive) where the day is not over."""

    cells: pl.DataFrame
    watched: pl.DataFrame
    day: dt.date
    zone_name: str = "UTC"
    upto: dt.datetime | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    asked: Asked | None = None
    """the lake, for what needs single sources; None where there are counts alone"""
    factor: Floats | None = None
    """of each hour: what the observer's own line made of the usual (1: nothing; .4: it fell to that; nan: of no use)"""
    line: pl.DataFrame | None = None
    """the same of single sensors, columns of LINE; a sensor's hour without a row is as it should be"""
    tails: tuple[pl.DataFrame, ...] = ()
    """cells of rare combinations, which days with very many leave out of `cells`: all of them in each frame, put together by
    other columns (port; country; AS; sensor). `series` reckons them in where a frame has the columns that it asks for"""
    least: float = 0.0
    """packets of a day below which a combination of port, country and AS may be in `tails` alone: there, 0 is "fewer" """
    least_alone: float = 0.0
    """the same of a single port or AS: with fewer in the tails it is one of OTHERS there"""
    notes: Callable[[str], None] | None = None
    watches: tuple[Watch, ...] = ()
    """what the user asked to be told (settings.alerts.watches)"""
    groups: Mapping[str, str] = field(default_factory=dict)
    """sensor -> its group, where it has one"""
    sums: Mapping[dt.date, Sums] | None = None
    """cells and tails of whole days, summed (`days.summed`), as `cells` and `tails` have them: made once for many views"""
    taught: tuple[Lesson, ...] = ()
    """what the analyst's marks on stories teach (`taught.lessons`)"""

    def threshold(self, name: str) -> float:
        """The number that decides. KeyError for one that settings.THRESHOLDS has not."""
        return self.thresholds.get(name, THRESHOLDS[name].default)

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.zone_name)

    def bounds(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """The day's first moment and that of the next one, UTC."""
        edges = (dt.datetime.combine(d, dt.time(), self.zone) for d in (day, day + dt.timedelta(days=1)))
        first, after = (edge.astimezone(dt.UTC) for edge in edges)
        return first, after

    @cached_property
    def start(self) -> dt.datetime:
        """The first hour: where watching begins, `HISTORY` days before the day at most."""
        earliest = self.bounds(self.day - dt.timedelta(days=HISTORY))[0]
        seen = self.watched["time"].min()
        floor = max(earliest, seen) if isinstance(seen, dt.datetime) else self.bounds(self.day)[0]
        return min(floor, self.bounds(self.day)[0]).replace(minute=0, second=0, microsecond=0)

    @cached_property
    def hours(self) -> list[dt.datetime]:
        """Beginnings of the hours (UTC), from `start` to the day's end or `upto`."""
        after = self.bounds(self.day)[1]
        after = min(after, self.upto) if self.upto is not None else after
        return [self.start + n * _HOUR for n in range(max(0, -(-(after - self.start) // _HOUR)))]

    @cached_property
    def local(self) -> list[dt.datetime]:
        """The same hours by the zone's clock."""
        return [hour.astimezone(self.zone) for hour in self.hours]

    @cached_property
    def today(self) -> slice:
        """The places of the day's hours."""
        first = max(0, (self.bounds(self.day)[0] - self.start) // _HOUR)
        return slice(first, len(self.hours))

    @cached_property
    def days(self) -> Calendar:
        """The view's days, and its cells by day."""
        from teiten.detect.days import calendar

        return calendar(self)

    @cached_property
    def by_day(self) -> dict[dt.date, Sums]:
        """Of each of the view's days its cells and tails, summed."""
        from teiten.detect.days import sums

        return sums(self)

    @cached_property
    def whole(self) -> Floats:
        """Of each hour all packets."""
        packets: Floats = self.series().packets[0]
        return packets

    @cached_property
    def exposure(self) -> Floats:
        """Of each hour: address-hours watched beside the usual (median of the hours with any). 0: nobody watched.

        What the own line did (`line`, `factor`) is in it: counts / exposure are what would have been seen.
        """
        return self._exposure(self.watched, self.factor)

    def exposure_of(self, *sensors: str) -> Floats:
        """The same of one sensor, or of some together, beside their own usual."""
        if sensors not in self._exposures:
            self._exposures[sensors] = self._exposure(self.watched.filter(pl.col("sensor").is_in(sensors)), self.factor)
        return self._exposures[sensors]

    @cached_property
    def _exposures(self) -> dict[tuple[str, ...], Floats]:
        return {}

    def _exposure(self, watched: pl.DataFrame, factor: Floats | None) -> Floats:
        out = np.zeros(len(self.hours))
        if self.line is not None:
            watched = watched.join(self.line, on=["time", "sensor"], how="left")
            watched = watched.with_columns(pl.col("share") * pl.col("factor").fill_null(1.0))
        summed = watched.group_by("time").agg((pl.col("share") * pl.col("addresses")).sum().alias("n"))
        places = self._places(summed["time"])
        fine = (places >= 0) & (places < len(out))
        out[places[fine]] = summed["n"].to_numpy()[fine]
        some = out[out > 0]
        out = out / np.median(some) if some.size else out
        return out if factor is None else np.where(np.isnan(factor), 0.0, out * np.nan_to_num(factor))

    def series(self, *by: str, least: float = 1.0, only: pl.Expr | None = None) -> Series:
        """Counts by hour of every value of those columns of CELLS with `least` packets in all. `()`: of all together.

        `only`: of which cells. Keys are in order of packets, most first; unknown is None.
        """
        if only is None and by in ((), ("country",)):
            cells = pl.concat([one.hours for one in self.by_day.values()])
        else:
            cells = self._counts(by, only)
        place = ((cells["time"].to_physical() - _micros(self.start)) // 3_600_000_000).alias("_place")
        rows = cells.with_columns(place).filter(pl.col("_place").is_between(0, len(self.hours) - 1))
        summed = rows.group_by(*by, "_place").agg(pl.col("packets", "hosts").sum())
        if by:
            order = summed.group_by(*by).agg(pl.col("packets").sum().alias("_all")).filter(pl.col("_all") >= least)
            order = order.sort("_all", *by, descending=[True, *[False] * len(by)]).with_row_index("_row")
            summed = summed.join(order, on=list(by), nulls_equal=True)
            keys = order.select(by).rows()
        else:
            keys = [()]
            summed = summed.with_columns(pl.lit(0).alias("_row"))
        shape = (len(keys), len(self.hours))
        packets, hosts = np.zeros(shape), np.zeros(shape)
        at = summed["_row"].to_numpy(), summed["_place"].to_numpy()
        packets[at] = summed["packets"].to_numpy()
        hosts[at] = summed["hosts"].to_numpy()
        return Series(by, keys, packets, hosts)

    def _counts(self, by: tuple[str, ...], only: pl.Expr | None) -> pl.DataFrame:
        """Rows with the columns `by`, time and counts: of the cells, and of those put together where these can tell it."""
        asked = {*by, *(only.meta.root_names() if only is not None else ())}
        names = [*dict.fromkeys([*by, "time", "packets", "hosts"])]
        frames = [self.cells, *next(([tail] for tail in self.tails if asked <= {*tail.columns}), [])]
        if only is not None:
            frames = [frame.filter(only) for frame in frames]
        for n, tail in enumerate(frames[1:], 1):
            for name in {"dst_port", "asn"} & set(by):
                frames[n] = tail = tail.filter((pl.col(name) != OTHERS).fill_null(True))
        return pl.concat([frame.select(names) for frame in frames]) if len(frames) > 1 else frames[0]

    def until(self, upto: dt.datetime) -> View:
        """The same, as it was known then (for the bench: when is it told first?)."""
        known = pl.col("time") < upto
        cells, tails = self.cells.filter(known), tuple(tail.filter(known) for tail in self.tails)
        return replace(self, cells=cells, tails=tails, upto=upto, sums=self.sums_without([upto]))

    def sums_without(self, times: Iterable[dt.datetime]) -> dict[dt.date, Sums]:
        """The sums of the days in which none of these moments lies: those of the others hold no longer."""
        gone = {one.astimezone(self.zone).date() for one in times}
        return {day: one for day, one in (self.sums or {}).items() if day not in gone}

    def _places(self, times: pl.Series) -> npt.NDArray[np.int64]:
        return ((times.to_physical() - _micros(self.start)) // 3_600_000_000).to_numpy()


def _micros(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
