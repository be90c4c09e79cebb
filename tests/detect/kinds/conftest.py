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
    idle = np.isin(days - 1 - np.arange(days), unwatched)
    parts = []
    for (port, country), told in rates.items():
        wanted = np.where(idle, 0.0, np.broadcast_to(np.asarray(told, float), (days,)))
        if seed is None:
            counts = np.diff(np.floor(np.outer(wanted, np.arange(25)) / 24 + 1e-9), axis=1).astype(int).ravel()
        else:
            counts = random.poisson(np.repeat(wanted / 24, 24))
        at = np.flatnonzero(counts)
        packets = counts[at]
        columns = {"at": at, "dst_port": port, "country": country, "packets": packets, "hosts": np.ceil(packets / per_host)}
        parts.append(pl.DataFrame(columns, schema_overrides={"hosts": pl.Int64}, strict=False))
    cells = pl.concat(parts) if parts else pl.DataFrame(schema={"at": pl.Int64, **CELLS}).drop("time")
    cells = (
        cells.with_columns(
            (pl.lit(first) + pl.duration(hours="at")).alias("time"),
            pl.lit("home").alias("sensor"),
            pl.lit(6).alias("protocol"),
            pl.lit(64496).alias("asn"),
            pl.lit(False).alias("scanner"),
        )
        .select(*CELLS)
        .cast(CELLS)
    )  # type: ignore[arg-type]
    hours = [first + dt.timedelta(hours=h) for h in range(24 * days) if days - 1 - h // 24 not in unwatched]
    watched = pl.DataFrame([(h, "home", 1.0, 1) for h in hours], schema=WATCHED, orient="row")
    return View(cells, watched, LAST, **rest)


@pytest.fixture
def days_of() -> Callable[..., View]:
    """`made` as a fixture."""
    return made
