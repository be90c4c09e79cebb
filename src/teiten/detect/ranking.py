"""The ranking over three days that a daily overview begins with: of ports, or of countries, of all or of one country's."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import polars as pl

from teiten.detect.view import View

DAYS: Final = 3
"""days of a ranking, the view's day among them (seeds/003: 「過去3日間のトータル」)"""


def totals(view: View, what: str, *, back: int = 0, only: pl.Expr | None = None) -> list[tuple[Any, float]]:
    """Packets of the three days that end `back` days before the view's day ends: of each "port" as (protocol, number or None),
    or of each "country", most first. The unknown country is in none of them. `only`: of which cells."""
    by = ["protocol", "dst_port"] if what == "port" else ["country"]
    if only is None:
        names = [view.day - dt.timedelta(days=n + back) for n in range(DAYS)]
        some = [view.by_day[name].cells for name in names if name in view.by_day]
        cells = pl.concat(some) if some else view.cells.head(0)
    else:
        first = view.bounds(view.day - dt.timedelta(days=DAYS - 1 + back))[0]
        after = view.bounds(view.day - dt.timedelta(days=back))[1]
        cells = view.cells.filter(pl.col("time").is_between(pl.lit(first), pl.lit(after), closed="left")).filter(only)
    cells = cells.filter(pl.col("country").is_not_null()) if what == "country" else cells
    summed = cells.group_by(by).agg(pl.col("packets").sum()).sort("packets", *by, descending=[True, *[False] * len(by)])
    return [(row[:2] if what == "port" else row[0], float(row[-1])) for row in summed.iter_rows()]


def ranks(view: View, what: str, *, back: int = 0, only: pl.Expr | None = None) -> dict[Any, int]:
    """Places of the same, from 1 on; equal counts share the better place."""
    out: dict[Any, int] = {}
    last: tuple[int, float] = (0, -1.0)
    for place, (key, packets) in enumerate(totals(view, what, back=back, only=only), start=1):
        last = last if packets == last[1] else (place, packets)
        out[key] = last[0]
    return out
