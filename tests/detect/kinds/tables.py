"""What single sources did, given as tables: `Asked` without a lake."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from teiten.classify.arrivals import ARRIVAL
from teiten.detect import singles
from teiten.detect.model import About
from teiten.detect.view import CELLS, WATCHED, View

DAY = dt.date(2026, 3, 29)
"""the day that is looked at: 28 days after the first that was watched"""
FIRST = DAY - dt.timedelta(days=28)


def at(hour: float, day: dt.date = DAY) -> dt.datetime:
    """That hour of the day (UTC)."""
    return dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(hours=hour)


def verdict(day: dt.date, label: str, src: int, country: str | None, value: str | None = None, **told: Any) -> dict[str, Any]:
    """A row of `singles.JUDGED`."""
    return {
        "day": day, "label": label, "src_ip": src.to_bytes(4, "big"), "value": value, "confidence": 1.0,
        "evidence": json.dumps(told), "country": country, "asn": 64500, "as_name": "EXAMPLE",
    }  # fmt: skip


@dataclass
class Tables:
    """Answers from tables. `allotted`: source -> its name; `origins`: country -> packets of arrivals."""

    verdicts_: list[dict[str, Any]] = field(default_factory=list)
    stretches: list[dict[str, Any]] = field(default_factory=list)
    origins: dict[str | None, int] = field(default_factory=dict)
    patterns: dict[str | None, str] = field(default_factory=dict)
    allotted: dict[bytes, str] = field(default_factory=dict)
    tried: dict[About, list[bytes]] = field(default_factory=dict)
    broad: singles.Breadth = field(default_factory=lambda: singles.Breadth(0, 0, 0, 0))

    def hosts(self, about: About, start: dt.datetime, end: dt.datetime) -> int:
        return len(self.tried.get(about, []))

    def sources(self, about: About, start: dt.datetime, end: dt.datetime, most: int) -> pl.DataFrame:
        some = self.tried.get(about, [])[:most]
        return pl.DataFrame({"src_ip": some, "packets": [2] * len(some)}, schema={"src_ip": pl.Binary(), "packets": pl.Int64()})

    def pairs(self, start: dt.datetime, end: dt.datetime, least: int) -> pl.DataFrame:
        return pl.DataFrame()

    def verdicts(self, day: dt.date) -> pl.DataFrame:
        return pl.DataFrame()

    def gaps(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        return pl.DataFrame()

    def hole(self, sensors: Sequence[str], start: dt.datetime, end: dt.datetime) -> None:
        return None

    def breadth(self, about: About, start: dt.datetime, end: dt.datetime) -> singles.Breadth:
        return self.broad

    def judged(self, labels: Sequence[str], first: dt.date, last: dt.date) -> pl.DataFrame:
        some = [row for row in self.verdicts_ if row["label"] in labels and first <= row["day"] <= last]
        return pl.DataFrame(some, schema=singles.JUDGED, orient="row")

    def arrivals(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        some = [row for row in self.stretches if start <= row["start"] < end]
        return pl.DataFrame(some, schema=ARRIVAL, orient="row")

    def arriving(self, about: About, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        rows = [(c, n, 3) for c, n in self.origins.items()]
        return pl.DataFrame(rows, schema={"country": pl.String(), "packets": pl.Int64(), "hosts": pl.Int64()}, orient="row")

    def few_many(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        rows = [{"country": c, "pattern": p, "hosts": 50} for c, p in self.patterns.items()]
        return pl.DataFrame(rows, schema=singles.FEW_MANY, orient="row")

    def names(self, addresses: Sequence[bytes], day: dt.date) -> pl.DataFrame:
        rows = [(a, self.allotted[a]) for a in addresses if a in self.allotted]
        return pl.DataFrame(rows, schema=singles.NAMED, orient="row")


def view(asked: Tables | None, days: int = 28, sensors: Sequence[str] = ("home",)) -> View:
    """The day, with so many watched days before it, and no cells."""
    first = DAY - dt.timedelta(days=days)
    hours = [
        (at(h, first), name, 1.0, 1) for h in range(24 * (days + 1)) for name in sensors
    ]  # fmt: skip
    watched = pl.DataFrame(hours, schema=WATCHED, orient="row")
    return View(pl.DataFrame(schema=CELLS), watched, DAY, "UTC", asked=asked)
