"""Views of made-up days: counts of ports by country, spread over the hours, with as much chance as is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from teiten.detect.view import CELLS, WATCHED, View

LAST = dt.date(2026, 4, 10)
Rates = Mapping[tuple[int, str], Any]
"""(port of TCP, country) -> packets a day: one number, or one for each day, the last of them the view's"""


def made(
    rates: Rates, days: int = 36, *, seed: int | None = 1, unwatched: tuple[int, ...] = (), per_host: float = 2.0, **rest: Any
) -> View:
    """A view of LAST with `days` days. seed None: counts as they are told; else Poisson. unwatched: days before the last."""
    random = np.random.default_rng(seed)
    first = dt.datetime.combine(LAST - dt.timedelta(days=days - 1), dt.time(), dt.UTC)
    rows: list[tuple[Any, ...]] = []
    for (port, country), told in rates.items():
        wanted = np.broadcast_to(np.asarray(told, float), (days,))
        for day in range(days):
            if days - 1 - day in unwatched:
                continue
            hourly = np.full(24, wanted[day] / 24)
            counts = random.poisson(hourly) if seed is not None else np.diff(np.floor(np.arange(25) * wanted[day] / 24 + 1e-9))
            for hour in np.flatnonzero(counts):
                n = int(counts[hour])
                time = first + dt.timedelta(days=day, hours=int(hour))
                rows.append((time, "home", 6, port, country, 64496, False, n, max(1, round(n / per_host))))
    hours = [first + dt.timedelta(hours=h) for h in range(24 * days) if days - 1 - h // 24 not in unwatched]
    watched = pl.DataFrame([(h, "home", 1.0, 1) for h in hours], schema=WATCHED, orient="row")
    return View(pl.DataFrame(rows, schema=CELLS, orient="row"), watched, LAST, **rest)


@pytest.fixture
def days_of() -> Callable[..., View]:
    """`made` as a fixture."""
    return made
