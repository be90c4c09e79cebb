"""Long runs of consecutive ports from one country: more of them than on the days before. Kept apart from scans.

The daily overview takes them for the possible reflection of traffic with forged sources. The runs are those of
`classify.port_runs` (verdict port_run); what is told is that there are more of them than usual.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from teiten.detect.kinds import _judged
from teiten.detect.model import PORT_RUN, About, Detection, Part
from teiten.detect.view import View

KINDS: Final = (PORT_RUN,)
ORDER: Final = 60


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """One for each country with more runs than usual."""
    if view.asked is None or not view.hours[view.today]:
        return []
    rows = view.asked.judged(["port_run"], _judged.first_day(view), view.day)
    rows = rows.with_columns(pl.col("evidence").str.json_path_match("$.start").alias("start"))

    def runs(some: pl.DataFrame) -> pl.DataFrame:
        return some.group_by("day", "country").agg(pl.struct("value", "start").n_unique().alias("n"))

    return [_told(view, one) for one in _judged.above(view, rows, runs, "country")]


def _told(view: View, one: _judged.Above) -> Detection:
    first, last = view.bounds(view.day)
    told: list[dict[str, Any]] = [json.loads(text) for text in one.rows["evidence"]]
    # sources of one run tell of it alike
    runs = {(value, row["start"]): row for value, row in zip(one.rows["value"], told, strict=True)}
    starts = [max(first, dt.datetime.fromisoformat(row["start"])) for row in runs.values()]
    ends = [min(last, dt.datetime.fromisoformat(row["end"])) for row in runs.values()]
    ports = [tuple(int(n) for n in value.split("-")) for value, _ in runs]
    packets = sum(int(row["packets"]) for row in told)
    longest = max(zip(runs.items(), starts, strict=True), key=lambda item: int(item[0][1]["ports"]))
    named = one.rows.group_by("asn").agg(pl.len().alias("n")).sort(["n", "asn"], descending=[True, False])
    return Detection(
        PORT_RUN,
        About(country=one.country or ""),
        view.day,
        _judged.hour(min(starts)),
        _judged.after(max(ends)),
        _judged.hour(longest[1]),
        packets=float(packets),
        hosts=float(one.rows["src_ip"].n_unique()),
        usual=one.usual.mean,
        times=one.count / one.usual.mean if one.usual.mean else None,
        score=one.score,
        confidence="sure",
        parts=tuple(
            Part("asn", str(asn or 0), float(n), n / one.rows.height) for asn, n in named.head(3).iter_rows()
        ),
        sources="few" if one.rows["src_ip"].n_unique() <= 3 else "many",
        reason={
            "series": "runs of consecutive ports a day, by country (verdict port_run)", "runs": one.count,
            "ports": sum(int(row["ports"]) for row in runs.values()), "first": min(a for a, _ in ports),
            "last": max(b for _, b in ports), "longest": longest[0][0][0],
            "answers": sum(int(row.get("answers") or 0) for row in runs.values()), **_judged.reason(view, one),
        },
    )  # fmt: skip
