"""Traffic told by dates: flows with a rate for each day, shots within hours, stretches of steady packets, runs of ports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.simulate._mix import Component, Trend
from teiten.simulate._sources import draw
from teiten.simulate._traffic import DAY, Span, frame, generator, visits

Rate = float | tuple[tuple[int, float], ...]
"""packets a day: always the same, or (month * 100 + day, packets) in order, straight lines between, flat before and after"""
ZONE: Final = dt.timezone(dt.timedelta(hours=9))


@dataclass(frozen=True, slots=True)
class Flow:
    """What comes every day. `spread`: hosts that are active, for each packet a day."""

    label: str
    shape: str
    ports: Mapping[int, float]
    rates: Mapping[str, Rate]
    """country -> packets a day"""
    spread: float = 0.5
    per_visit: float = 1.5
    gap: float = 60.0
    night: float = 0.9
    """activity at night in the source's country, of the day's"""
    because: str = ""
    churn: float = 0.3
    """share of its hosts that are new each day"""


@dataclass(frozen=True, slots=True)
class Shot:
    """Many packets within hours. `start`: (month * 100 + day, hour by Japan's clock)."""

    label: str
    start: tuple[int, float]
    hours: float
    country: str
    ports: tuple[int, ...]
    packets: int
    hosts: int
    shape: str = "linux"
    because: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steady packets: so many a second at each of the ports, from hosts of these countries."""

    label: str
    start: tuple[int, float]
    hours: float
    countries: Mapping[str, float]
    ports: tuple[int, ...]
    per_second: float
    hosts: int
    because: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive ports, one after the other, from several hosts of a country."""

    label: str
    start: tuple[int, float]
    country: str
    first: int
    ports: int
    hosts: int
    because: str = ""


def moment(span: Span, when: tuple[int, float]) -> float:
    """(month * 100 + day, hour) of the span's year -> seconds since 1970."""
    year = dt.datetime.fromtimestamp(span.start, ZONE).year
    day = dt.datetime(year, when[0] // 100, when[0] % 100, tzinfo=ZONE)
    return day.timestamp() + when[1] * 3600


def by_day(rate: Rate, span: Span) -> list[float]:
    """Packets on each day of the span."""
    if isinstance(rate, int | float):
        return [float(rate)] * span.days
    days = [(moment(span, (day, 0)) - span.start) / DAY for day, _ in rate]
    return [float(x) for x in np.interp(np.arange(span.days), days, [n for _, n in rate])]


def flow(what: Flow, seed: int, span: Span, scale: float) -> Iterator[pl.DataFrame]:
    """The packets of a flow, country by country."""
    for country, rate in what.rates.items():
        days = by_day(rate, span)
        most = max(days) * scale
        component = Component(
            f"{what.label} {country}", 1, what.shape, what.ports, {country: 1.0}, max(2, round(most * what.spread)),
            max(0.1, most * what.spread * what.churn), what.per_visit, what.gap, what.night, _trend(days),
        )  # fmt: skip
        yield visits(component, seed, span, span.days * scale, 1).with_columns(pl.lit(what.label).alias("label"))


def _trend(days: list[float]) -> Trend:
    return lambda passed: days[min(len(days) - 1, int(passed * len(days)))]


def shot(what: Shot, seed: int, span: Span, scale: float) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The packets of a shot, and its truth."""
    rng = generator(seed, f"{what.label} {what.start} {what.country}")
    begin, count = moment(span, what.start), max(20, round(what.packets * scale))
    hosts = draw(what.country, what.hosts, rng)
    seconds = begin + rng.uniform(0.01, 0.99, count) * what.hours * 3600
    packets = _packets(seconds, hosts[rng.integers(0, len(hosts), count)], rng.choice(np.array(what.ports), count), what, rng)
    story = _story("burst", what, begin, begin + what.hours * 3600, count)
    return packets, story | {"country": what.country, "ports": list(what.ports), "hosts": what.hosts}


def stretch(what: Stretch, seed: int, span: Span) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The packets of a stretch, and its truth. Rates are those of a real server: not scaled."""
    rng = generator(seed, f"{what.label} {what.start}")
    begin, length = moment(span, what.start), what.hours * 3600
    hosts, lands = [], []
    for country, share in what.countries.items():
        some = draw(country, max(1, round(what.hosts * share)), rng)
        hosts.append(some)
        lands += [country] * len(some)
    every = np.concatenate(hosts)
    parts = []
    for port in what.ports:
        count = int(rng.poisson(what.per_second * length))
        chosen = rng.integers(0, len(every), count)
        rows = _packets(begin + np.sort(rng.uniform(0, length, count)), every[chosen], np.full(count, port), what, rng)
        parts.append(rows.with_columns(pl.Series("country", lands).gather(pl.Series(chosen))))
    packets = pl.concat(parts)
    story = _story("arrivals", what, begin, begin + length, len(packets))
    return packets, story | {"countries": list(what.countries), "ports": list(what.ports), "per_second": what.per_second}


def run(what: Run, seed: int, span: Span) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The packets of a run of ports, and its truth."""
    rng = generator(seed, f"{what.label} {what.start}")
    begin = moment(span, what.start)
    seconds = begin + np.cumsum(rng.uniform(2, 14, what.ports))
    hosts = draw(what.country, what.hosts, rng)
    ports = what.first + np.arange(what.ports)
    packets = _packets(seconds, hosts[rng.integers(0, len(hosts), what.ports)], ports, what, rng)
    story = _story("port run", what, begin, float(seconds[-1]) + 1, what.ports)
    return packets, story | {"country": what.country, "port_range": [int(ports[0]), int(ports[-1])], "hosts": what.hosts}


def _packets(seconds: Any, sources: Any, ports: Any, what: Shot | Stretch | Run, rng: np.random.Generator) -> pl.DataFrame:
    return frame(
        {
            "time": (seconds * 1e6).astype(np.int64),
            "sensor": 0,
            "src": sources,
            "country": getattr(what, "country", None),
            "port": ports,
            "shape": getattr(what, "shape", "masscan" if isinstance(what, Run) else "linux"),
            "label": what.label,
            "visit": rng.integers(0, 1 << 40, len(sources)).astype(np.uint64),
        }
    )


def _story(kind: str, what: Shot | Stretch | Run, begin: float, end: float, packets: int) -> dict[str, Any]:
    return {
        "kind": kind, "label": what.label, "from": int(begin), "to": int(end), "packets": packets, "because": what.because,
    }  # fmt: skip
