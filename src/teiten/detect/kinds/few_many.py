"""A handful of hosts of one country that try very many ports, told apart from many hosts that try few: where that is new.

The daily overview suspects somebody's own search behind them. Hosts are those with the verdict many_ports, without announced
scanners (who say that they scan); the country's pattern is that of `classify.few_many` on the day.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import polars as pl

from teiten.classify.few_many import FEW_HOSTS
from teiten.detect.kinds import _judged
from teiten.detect.model import FEW_MANY, About, Detection, Part
from teiten.detect.view import View

KINDS: Final = (FEW_MANY,)
ORDER: Final = 62


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """One for each country where more hosts than usual try very many ports, and make most of its tries."""
    if view.asked is None or not view.hours[view.today]:
        return []
    rows = view.asked.judged(["many_ports", "announced_scanner"], _judged.first_day(view), view.day)
    said = rows.filter(pl.col("label") == "announced_scanner").select("day", "src_ip").unique()
    rows = rows.filter(pl.col("label") == "many_ports").join(said, on=["day", "src_ip"], how="anti")

    def hosts(some: pl.DataFrame) -> pl.DataFrame:
        return some.group_by("day", "country").agg(pl.col("src_ip").n_unique().alias("n"))

    candidates = list(_judged.above(view, rows, hosts, "country"))
    if not candidates:
        return []
    start, end = view.bounds(view.day)
    patterns = view.asked.few_many(start, min(end, view.upto) if view.upto else end)
    few = {row["country"]: row for row in patterns.iter_rows(named=True) if row["pattern"] == FEW_HOSTS}
    return [_told(view, one, few[one.country]["hosts"]) for one in candidates if one.country in few]


def _told(view: View, one: _judged.Above, of: int) -> Detection:
    told = [json.loads(text) for text in one.rows["evidence"]]
    packets = [int(row["packets"]) for row in told]
    by_as = one.rows.with_columns(pl.Series("n", packets)).group_by("asn").agg(pl.col("n").sum())
    parts = by_as.sort(["n", "asn"], descending=[True, False], nulls_last=True).head(3).rows()
    return Detection(
        FEW_MANY,
        About(country=one.country or ""),
        view.day,
        _judged.hour(view.bounds(view.day)[0]),
        None,
        packets=float(sum(packets)),
        hosts=float(one.count),
        usual=one.usual.mean,
        times=one.count / one.usual.mean if one.usual.mean else None,
        measure="hosts",
        score=one.score,
        confidence="sure",
        parts=tuple(Part("asn", str(asn or 0), float(n), n / max(1, sum(packets))) for asn, n in parts),
        sources="few",
        reason={
            "series": "hosts a day that try very many ports, by country (verdict many_ports)", "hosts": one.count,
            "hosts_of_country": int(of), "ports": max(int(row["ports"]) for row in told),
            "many_ports": view.threshold("many_ports"), **_judged.reason(view, one),
        },
    )  # fmt: skip
