"""Small worlds for tests: weeks of quiet counts, and what happens in them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from teiten.detect.view import CELLS, WATCHED, View

DAYS = 22
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DAY = START + dt.timedelta(days=DAYS - 1)
"""the last day, which is looked at"""


def quiet(seed: int = 1, a_day: int = 3000, days: int = DAYS) -> View:
    """One sensor; 40 ports, 12 countries with five ASes each; sources of a packet or a few, an hour each."""
    random = np.random.default_rng(seed)
    n = a_day * days // 2
    weights = 1 / np.arange(1, 41)
    ports = np.array([23, 445, 22, 80, 443, 8080, 1433, 3389, 5555, 2323, *range(9000, 9030)])
    lands = np.array(["CN", "US", "RU", "BR", "TW", "VN", "KR", "NL", "DE", "IN", "JP", "EE"])
    where = random.choice(12, n, p=weights[:12] / weights[:12].sum())
    frame = pl.DataFrame(
        {
            "time": random.integers(0, days * 24, n),
            "dst_port": ports[random.choice(40, n, p=weights / weights.sum())],
            "country": lands[where],
            "asn": where * 100 + random.integers(0, 5, n),
            "packets": random.geometric(0.5, n),
        }
    )
    grouped = frame.group_by("time", "dst_port", "country", "asn").agg(pl.col("packets").sum(), pl.len().alias("hosts"))
    cells = grouped.with_columns(
        (pl.lit(START) + pl.duration(hours=pl.col("time"))).alias("time"),
        pl.lit("home").alias("sensor"),
        pl.lit(6).alias("protocol"),
        pl.lit(False).alias("scanner"),
    ).select([pl.col(name).cast(kind) for name, kind in CELLS.items()])
    watched = [(START + dt.timedelta(hours=h), "home", 1.0, 1) for h in range(days * 24)]
    day = (START + dt.timedelta(days=days - 1)).date()
    return View(cells, pl.DataFrame(watched, schema=WATCHED, orient="row"), day)


def with_rows(view: View, *rows: dict[str, Any]) -> View:
    """And these cells besides; `hour` of the last day (negative: before it)."""
    plain = {"sensor": "home", "protocol": 6, "country": "US", "asn": 100, "scanner": False, "hosts": 1}
    start = dt.datetime.combine(view.day, dt.time(), dt.UTC)
    made = [{**plain, **row, "time": start + dt.timedelta(hours=row["hour"])} for row in rows]
    more = pl.DataFrame([{name: row[name] for name in CELLS} for row in made], schema=CELLS)
    return replace(view, cells=pl.concat([view.cells, more]))
