"""Visits of the mix's components as packets: when, from where, to which sensor and port."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.simulate._mix import HOURS_OFF_UTC, Component
from teiten.simulate._sources import draw

DAY: Final = 86_400
SCHEMA: Final = {
    "time": pl.Int64(),
    "sensor": pl.Int16(),
    "src": pl.UInt32(),
    "country": pl.String(),
    "port": pl.Int32(),
    "shape": pl.String(),
    "label": pl.String(),
    "visit": pl.UInt64(),
}
"""A packet before its fields are filled in. time: µs since 1970; visit: a number of the visit, for what is constant in it."""


@dataclass(frozen=True, slots=True)
class Span:
    """The simulated period: midnight in UTC+9 of its first day, and its days."""

    start: int
    """seconds since 1970"""
    days: int

    @property
    def end(self) -> int:
        return self.start + self.days * DAY


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be simulated. `events`: about that many packets in all; None: the scenario's usual number."""

    seed: int
    span: Span
    events: int | None
    sensors: int
    """how many, where the scenario has many"""
    prefix: str | None = None
    """the dark prefix, where the scenario has one"""
    kinds: tuple[str, ...] = ("log",)
    """what is written: 'pcap', 'log', the sensor's own first"""


def generator(seed: int, name: str) -> np.random.Generator:
    """A stream of its own for each name, so that one component more changes no other."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _choose(rng: np.random.Generator, weights: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    return np.searchsorted(np.cumsum(weights / weights.sum()), rng.random(count), side="right").clip(max=len(weights) - 1)


def _clock(rng: np.random.Generator, night: float, country: str, count: int) -> npt.NDArray[np.float64]:
    """(count) seconds after midnight in UTC+9, by the rhythm of day and night of that country."""
    local = np.arange(24)
    awake = np.interp(local, [0, 2, 6, 9, 12, 22, 24], [0.5, 0.05, 0.0, 0.7, 1.0, 1.0, 0.5])
    weights = night + (1 - night) * awake
    hours = (local[_choose(rng, weights, count)] - HOURS_OFF_UTC.get(country, 0) + 9) % 24
    return hours * 3600.0 + rng.random(count) * 3600


def frame(columns: dict[str, Any]) -> pl.DataFrame:
    """Columns of SCHEMA -> frame; a single value stands for all rows."""
    rows = len(columns["time"])
    return pl.DataFrame(
        {
            name: pl.Series(name, given).cast(kind)
            if isinstance(given := columns[name], np.ndarray | pl.Series | list)
            else pl.repeat(given, rows, dtype=kind, eager=True)
            for name, kind in SCHEMA.items()
        }
    )


def visits(component: Component, seed: int, span: Span, packets: float, sensors: int) -> pl.DataFrame:
    """About `packets` packets of a component over the whole span."""
    rng = generator(seed, component.label)
    days = np.arange(span.days)
    passed = (days + 0.5) / span.days
    trend = np.array([component.trend(float(p)) for p in passed])
    # a day is never like the day before
    busy = trend * np.exp(rng.normal(0, 0.12, span.days))
    expected = packets * trend.mean() / component.per_visit
    count = int(rng.poisson(expected))
    parts = []
    names, weights = list(component.countries), np.array(list(component.countries.values()))
    for country, part in zip(names, rng.multinomial(count, weights / weights.sum()), strict=True):
        when = np.where(passed >= component.arrivals.get(country, 0.0), busy, 0.0)
        if part and when.sum():
            parts.append(_of_country(component, rng, span, country, int(part), when, float(weights.sum())))
    if not parts:
        return pl.DataFrame(schema=SCHEMA)
    out = pl.concat(parts)
    return _packets(component, rng, out, sensors)


def _of_country(
    component: Component,
    rng: np.random.Generator,
    span: Span,
    country: str,
    count: int,
    when: npt.NDArray[np.float64],
    total: float,
) -> pl.DataFrame:
    """`count` visits of one country: a row each, with its time and source."""
    day = _choose(rng, when, count)
    seconds = span.start + day * DAY + _clock(rng, component.night, country, count)
    part = component.countries[country] / total
    active, churn = max(1.0, component.hosts * part), component.churn * part
    # a pool that slides: old hosts leave as new ones come; a few visit far more often than the rest
    pool = draw(country, int(active + churn * span.days) + 2, rng)
    host = day * churn + active * rng.random(count) ** 1.5
    columns = {"seconds": seconds, "src": pool[host.astype(np.int64)], "country": [country] * count}
    return pl.DataFrame(columns, schema={"seconds": pl.Float64, "src": pl.UInt32, "country": pl.String})


def _packets(component: Component, rng: np.random.Generator, found: pl.DataFrame, sensors: int) -> pl.DataFrame:
    """Visits -> their packets, a geometric number each, with gaps between them."""
    n = len(found)
    sizes = rng.geometric(1 / component.per_visit, n)
    visit = np.repeat(np.arange(n), sizes)
    gaps = rng.exponential(component.gap, len(visit))
    begins = np.cumsum(sizes) - sizes
    waited = np.cumsum(gaps)
    offset = waited - waited[begins][visit]
    ports = np.array(list(component.ports), dtype=np.int32)
    chosen = ports[_choose(rng, np.array(list(component.ports.values()), dtype=np.float64), len(visit))]
    if component.shape.startswith("windows"):
        # the same connection tried again: one port a visit
        chosen = chosen[begins][visit]
    return frame(
        {
            "time": ((found["seconds"].to_numpy()[visit] + offset) * 1e6).astype(np.int64),
            "sensor": rng.integers(0, sensors, n)[visit] if component.gap < 300 else rng.integers(0, sensors, len(visit)),
            "src": found["src"].to_numpy()[visit],
            "country": found["country"].gather(visit),
            "port": chosen,
            "shape": component.shape,
            "label": component.label,
            "visit": visit.astype(np.uint64) + np.uint64(zlib.crc32(component.label.encode()) << 32),
        }
    )


def concatenate(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All packets in the order of time."""
    return pl.concat(parts).sort("time", "label", "src", "port", "visit", maintain_order=True)
