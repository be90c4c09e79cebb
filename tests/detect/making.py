"""Cells of made-up lines for tests: sources of every size, ports and countries with rhythms of their own."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from teiten.detect.view import CELLS, WATCHED, View

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
PORTS = (23, 445, 22, 1433, 3389, 80, 443, 8080, 5900, 5555, 2323, 25, 6379, 8443, 81, 3306, 123, 53, 1900, 5060)
COUNTRIES = ("CN", "US", "RU", "NL", "BR", "TW", "VN", "KR", "IN", "DE", "FR", "GB", None, "ID", "TR")


def cells(days: int, a_day: float, sensors: int = 1, seed: int = 1) -> pl.DataFrame:
    """Counts of `days` days: a share of each cell comes from single sources that send much for some hours."""
    rng = np.random.default_rng(seed)
    hours = np.arange(days * 24)
    ports = np.r_[np.array(PORTS), rng.choice(np.arange(1024, 65535), 300, replace=False)]
    weights = 1 / (1 + np.arange(len(ports))) ** 1.1
    countries = 1 / (1 + np.arange(len(COUNTRIES))) ** 0.9
    offset = rng.uniform(0, 24, len(COUNTRIES))
    depth = rng.uniform(0, 0.6, len(COUNTRIES))
    rhythm = 1 + depth[:, None] * np.cos(2 * np.pi * (hours[None, :] - offset[:, None]) / 24)
    mean = (weights / weights.sum())[:, None, None] * (countries / countries.sum())[None, :, None] * rhythm[None] * a_day / 24
    drift = np.exp(np.cumsum(rng.normal(0, 0.05, (len(ports), len(COUNTRIES), days)), axis=2)).repeat(24, axis=2)
    frames = []
    for number in range(sensors):
        scatter = rng.gamma(2.0, 0.5, mean.shape)
        packets = rng.poisson(mean * drift * scatter * 0.8)
        bursts = rng.poisson(mean * 0.2 / 30) * np.ceil(rng.pareto(1.3, mean.shape) * 15).clip(1, 300).astype(int)
        at = np.nonzero(packets + bursts)
        frames.append(
            pl.DataFrame(
                {
                    "time": at[2],
                    "sensor": f"s{number}",
                    "protocol": 6,
                    "dst_port": ports[at[0]],
                    "country": pl.Series([COUNTRIES[n] for n in at[1]], dtype=pl.String),
                    "asn": at[1] + 1,
                    "scanner": False,
                    "packets": (packets + bursts)[at],
                    "hosts": packets[at] + (bursts[at] > 0),
                }
            ).with_columns((pl.lit(START) + pl.duration(hours=pl.col("time"))).alias("time"))
        )
    return pl.concat(frames).select(pl.col(name).cast(kind) for name, kind in CELLS.items())


def watched(days: int, sensors: int = 1) -> pl.DataFrame:
    """Every hour, one address each."""
    rows = [(START + dt.timedelta(hours=h), f"s{n}", 1.0, 1) for n in range(sensors) for h in range(days * 24)]
    return pl.DataFrame(rows, schema=WATCHED, orient="row")


def view(made: pl.DataFrame, seen: pl.DataFrame, days: int) -> View:
    """The last of those days."""
    return View(made, seen, START.date() + dt.timedelta(days=days - 1))


def thinned(
    made: pl.DataFrame, first: float, after: float, part: float, sensor: str | None = None, seed: int = 2
) -> pl.DataFrame:
    """The same where of every packet within [first, after) (hours) `part` remains."""
    rng = np.random.default_rng(seed)
    hours = ((made["time"] - START).dt.total_seconds() / 3600).to_numpy()
    over = (np.minimum(after, hours + 1) - np.maximum(first, hours)).clip(0, 1)
    if sensor is not None:
        over = over * (made["sensor"] == sensor).to_numpy()
    kept = rng.binomial(made["packets"].to_numpy(), 1 - over * (1 - part))
    out = made.with_columns(pl.Series("packets", kept), pl.Series("hosts", np.minimum(kept, made["hosts"].to_numpy())))
    return out.filter(pl.col("packets") > 0)
