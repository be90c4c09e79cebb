"""What is usual and looks like a change: rare ports, scanners that come by the clock, heavy sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from teiten.bench._changes.world import World

_SURVEYORS: Final = ["US", "US", "US", "US", "NL", "GB", "RU", "DE", "RO", "CN", "BG", "FR"]
_TRICKLES: Final = 1200
"""ports that stand for all those rarely tried, where there are very many packets"""


def frames(world: World) -> list[pl.DataFrame]:
    """Cells (not yet summed) of the rare ports, and of the scanners' rounds."""
    return [_rare(world), *_rounds(world)]


def _rare(world: World) -> pl.DataFrame:
    """Ports anywhere: some are tried every few days, most hardly ever, a few visits at a time."""
    from teiten.bench._changes.world import _RARE, generator

    rng = generator("rare", world.scale.name, world.seed)
    hours = world.watching.shape[1]
    known = generator("ports anywhere", world.seed).permutation(np.arange(1, 65536))
    if world.scale.a_day > 1_000_000:
        # so many that every port has its steady trickle: some hundreds stand for all of them
        rate = rng.gamma(1.0, 1.0, _TRICKLES)
        rate *= world.visits_an_hour * _RARE / rate.sum()
        visits = rng.poisson(np.broadcast_to(rate[:, None], (_TRICKLES, hours)))
        place, hour = np.nonzero(visits)
        visits = visits[place, hour]
        who = (place + rng.integers(0, 2, len(place))) % len(_SURVEYORS)
    else:
        count = rng.poisson(world.visits_an_hour * _RARE * hours)
        visits = np.ones(count, np.int64)
        # half of them among some thousand ports, the others anywhere
        place = np.where(rng.random(count) < 0.5, rng.zipf(1.3, count) % 1500, rng.integers(0, 65535, count))
        who = rng.integers(0, len(_SURVEYORS), count)
        hour = rng.integers(0, hours, count)
    country = np.array(_SURVEYORS)[who]
    asn = np.array([world.systems(c)[0] for c in _SURVEYORS], np.int64)[who]
    return world.frame(rng, hour, np.full(len(hour), 6), known[place], country, asn, visits)


def _rounds(world: World) -> list[pl.DataFrame]:
    """Scanners that come at their hour, every day or every week, some announced: always as many."""
    from teiten.bench._changes.world import DAYS, PORTS, generator

    rng = generator("rounds", world.scale.name, world.seed)
    out = []
    for number in range(12):
        rows = rng.choice(len(PORTS), int(rng.integers(1, 4)), replace=False)
        country = str(rng.choice(["US", "NL", "GB", "DE", "RU"]))
        period, length = (1, 2) if number % 3 else (7, 3)
        at = int(rng.integers(0, 22))
        days = np.arange(int(rng.integers(0, period)), DAYS, period)
        hour = (days[:, None] * 24 + at + np.arange(length)).ravel()
        for row in rows:
            usual = float(world.expected(int(row)).mean())
            # as much again as is usual on that port in that hour
            visits = rng.poisson(max(0.3, usual * rng.uniform(0.3, 1.0) / 1.9), len(hour))
            full = np.full(len(hour), row)
            place, asn = np.full(len(hour), world.countries.index(country)), np.full(len(hour), world.systems(country)[1])
            out.append(world.rows(rng, hour, full, place, asn, visits, scanner=number % 2 == 0))
    return out
