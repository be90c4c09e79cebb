"""What views of a lake's days are made of: cells kept or counted now, hours watched; and whether that has changed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import polars as pl

from teiten.detect import asking, taught
from teiten.detect.days import Sums, summed
from teiten.detect.view import CELLS, HISTORY, WATCHED, View
from teiten.errors import LakeError
from teiten.lake import activity, changes
from teiten.rollup import cells
from teiten.settings import THRESHOLDS

if TYPE_CHECKING:
    from teiten.lake import Lake
    from teiten.settings import Settings

ROWS: Final = 600_000
"""cells that are read ahead, about: those of a month lie in few files, and a /16 has 200,000 a day"""
OWN: Final = "detect_"
"""how names of thresholds of detection begin"""
_DAY: Final = dt.timedelta(days=1)


class Material:
    """Of the days from `HISTORY` before the first to the last of `days`. A context manager: it holds a session of the lake."""

    def __init__(
        self,
        lake: Lake,
        settings: Settings,
        days: Iterable[dt.date],
        *,
        upto: int | None = None,
        keep: bool = True,
        wait: float | None = None,
    ) -> None:
        """upto: the last batch that counts (None: all). keep: are cells that must be counted put into the lake, where it can
        be written within `wait` seconds?"""
        from teiten.engine import open_session

        self._lake, self._settings, self._wait, self._keep = lake, settings, wait, keep and upto is None
        wanted = sorted(set(days))
        self._ahead = [first + n * _DAY for first in wanted[:1] for n in range(-HISTORY, (wanted[-1] - first).days + 1)]
        # what the lake is now is looked at before it is opened: what comes between makes the days stale again
        self.basis = cells.wanted(lake, settings, self._ahead, upto)
        self._stale = cells.stale(lake, settings, self._ahead, upto)
        held = cells.stored(lake, settings.zone_name)
        self._least = {day: held[day].least for day in self.basis if day in held and day not in self._stale}
        self._dropped = lake.dropped_days(settings.zone_name)
        self.thresholds: dict[str, float] = {name: settings.threshold(name) for name in THRESHOLDS if name.startswith(OWN)}
        self._taught = taught.lessons(lake.notes().iter_rows(named=True))
        self._groups = {one.name: one.group for one in settings.sensors if one.group}
        self._held: dict[dt.date, tuple[pl.DataFrame, tuple[pl.DataFrame, ...]]] = {}
        self._sums: dict[dt.date, Sums] = {}
        start, end = (cells.bounds(day, settings.zone)[n] for n, day in enumerate((self._ahead[0], self._ahead[-1])))
        self.session = open_session(lake, settings, start=start, end=end, upto=upto, counted=False)
        try:
            self.until = asking.known_until(self.session)
            self._watched = self._watching()
        except BaseException:
            self.session.close()
            raise
        self._seen = {day: _digest(frame.write_csv()) for day, frame in self._watched.items()}

    def __enter__(self) -> Material:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def _watching(self) -> dict[dt.date, pl.DataFrame]:
        if not self._ahead or self.until is None:
            return {}
        start = cells.bounds(self._ahead[0], self.session.zone)[0]
        end = min(self.until, cells.bounds(self._ahead[-1], self.session.zone)[1])
        return asking.watched(self.session, start, end) if start < end else {}

    def digest(self, day: dt.date) -> str:
        """Equal where a view of the day would be equal."""
        near = [day - n * _DAY for n in range(HISTORY + 1)]
        upto = self._upto(day)
        told = {
            "cells": [self.basis[one].text() if one in self.basis else "" for one in near],
            "watched": [self._seen.get(one, "") for one in near],
            "upto": upto and upto.isoformat(),
            "thresholds": self.thresholds,
            "configured": self._configured(day),
            "watches": repr(self._settings.alerts.watches),
            "taught": repr([one for one in self._taught if one.holds(day, self._taught_days)]),
        }
        return _digest(json.dumps(told, sort_keys=True))

    @property
    def _taught_days(self) -> float:
        return self.thresholds["detect_taught_days"]

    def marks(self, day: dt.date) -> str:
        """What the analyst says of stories, as far as it may be about one of this day: equal where it is the same."""
        days = dt.timedelta(days=self._taught_days)
        return _digest(repr([one for one in self._taught if -HISTORY * _DAY <= day - one.day <= days]))

    def view(self, day: dt.date, upto: dt.datetime | None = None) -> View:
        """The day, with what came before it; with `upto`, as it was known then."""
        near = [day - n * _DAY for n in range(HISTORY, -1, -1)]
        self._load(near)
        for old in [one for one in self._held if one < near[0]]:
            del self._held[old]
            self._sums.pop(old, None)
        own = [self._held[one] for one in near if one in self._held]
        tails = (
            [pl.concat([tails[n] for _, tails in own if tails]) for n in range(len(changes.PARTS))]
            if any(t for _, t in own)
            else []
        )
        seen = [self._watched[one] for one in near if one in self._watched]
        least = [self._least[one] for one in near if one in self._least]
        made = View(
            cells=pl.concat([pl.DataFrame(schema=CELLS), *(frame for frame, _ in own)]),
            watched=pl.concat([pl.DataFrame(schema=WATCHED), *seen]).sort("time", "sensor"),
            day=day,
            zone_name=self.session.zone_name,
            upto=self._upto(day),
            thresholds=self.thresholds,
            asked=None if day in self._dropped else asking.Sources(self.session),
            tails=tuple(tails),
            watches=self._settings.alerts.watches,
            groups=self._groups,
            taught=self._taught,
            sums={one: self._sum(one) for one in near if one in self._held},
            least=_over_one(one.cell for one in least),
            least_alone=_over_one(one.alone for one in least),
        )
        return made if upto is None or (made.upto is not None and made.upto <= upto) else made.until(upto)

    def count_ahead(self) -> bool:
        """Puts cells of all days that have none, or stale ones, into the lake; whether all are there then."""
        for run in cells.runs([day for day in self._ahead if day in self._stale]):
            for part in cells.pieces(self.session, run):
                if not self._keep:
                    return False
                _, least = self._count(part)
                self._least.update(least)
                if self._keep:
                    self._stale = {day: one for day, one in self._stale.items() if day not in part}
        return not self._stale

    def _sum(self, day: dt.date) -> Sums:
        """The day's cells, summed once for all views that it is in."""
        if day not in self._sums:
            self._sums[day] = summed(*self._held[day])
        return self._sums[day]

    def _configured(self, day: dt.date) -> list[list[object]]:
        """What kinds may go by besides thresholds and cells: what the configuration says of sensors."""
        bounds = cells.bounds(day, self.session.zone)
        return [
            [one.name, one.group, one.country, list(one.services), [why for *_, why in one.off(*bounds, self.session.zone)]]
            for one in self._settings.sensors
        ]

    def _upto(self, day: dt.date) -> dt.datetime | None:
        """Where what is known of the day ends before the day does; None where the whole day is known."""
        after = cells.bounds(day, self.session.zone)[1]
        return self.until if self.until is not None and self.until < after else None

    def _load(self, near: list[dt.date]) -> None:
        missing = [day for day in near if day not in self._held and day in self.basis]
        if not missing:
            return
        rows = max((frame.height + sum(tail.height for tail in tails) for frame, tails in self._held.values()), default=ROWS)
        more = [day for day in self._ahead if day > near[-1] and day in self.basis][: min(31, ROWS // max(1, rows))]
        counted = [day for day in [*missing, *more] if day in self._stale]
        for run in cells.runs(counted):
            for part in cells.pieces(self.session, run):
                frame, least = self._count(part)
                self._least.update(least)
                self._take(part, frame)
        kept = [day for day in [*missing, *more] if day not in self._stale and day not in self._held]
        if kept:
            self._take(kept, self._lake.changes("cells", self.session.zone_name, kept))

    def _count(self, days: list[dt.date]) -> tuple[pl.DataFrame, dict[dt.date, cells.Least]]:
        if self._keep:
            try:
                return cells.put(self._lake, self.session, days, self._stale, wait=self._wait)
            except LakeError:
                self._keep = False  # somebody writes, or nobody may: what is counted serves all the same
        return cells.count(self.session, days)

    def _take(self, days: Iterable[dt.date], frame: pl.DataFrame) -> None:
        by_day = {day: own for (day,), own in frame.partition_by("day", as_dict=True).items()}
        for day in days:
            own = by_day.get(day, frame.head(0))
            tails = tuple(
                own.filter(pl.col("part") == part).select(*columns, "packets", "hosts")
                for part, columns in changes.PARTS.items()
            )
            whole = own.filter(pl.col("part") == changes.WHOLE).select(
                pl.col(name).cast(dtype) for name, dtype in CELLS.items()
            )
            self._held[day] = whole, tails if any(tail.height for tail in tails) else ()


def days(lake: Lake, settings: Settings, upto: int | None = None) -> list[dt.date]:
    """The days (of the settings' zone) on which something was recorded, in order, and those between two of them that are not
    farther apart than a view looks back: what lies in a longer gap than that is not made."""
    rows = lake.batches(["t_min", "t_max", "events", "activity"], upto).filter(pl.col("events") > 0)
    if rows["activity"].null_count():  # an older lake that could not be brought up to date: by the batches' spans
        low, high = (pl.col(name).dt.convert_time_zone(settings.zone_name).dt.date() for name in ("t_min", "t_max"))
        found = rows.select(pl.date_ranges(low, high)).to_series().explode().unique().drop_nulls().sort().to_list()
    else:
        first, _ = activity.times(activity.merged([activity.unpacked(rows["activity"])]))
        local = pl.Series(first, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(settings.zone_name)
        found = local.dt.date().unique().sort().to_list()
    out: list[dt.date] = []
    for day in found:
        gap = (day - out[-1]).days if out else 1
        out += [day - n * _DAY for n in range(gap - 1 if gap <= HISTORY else 0, -1, -1)]
    return out


def _over_one(counts: Iterable[int]) -> float:
    """The largest of those that are over 1; 0 where none is."""
    return float(max((one for one in counts if one > 1), default=0))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
