"""Many ports: one of the few sources that try very many ports in a day, beside the many that try few."""

from __future__ import annotations

import polars as pl

from teiten.classify.rules import Material, Rule, answer

RULE = Rule(
    id="many_ports",
    order=150,
    label="many_ports",
    because={
        "en": "it tried {many_ports} ports or more (protocol and port, TCP and UDP) within the day: a search by few hosts "
        "rather than by a worm's many; runs of consecutive ports are told apart from it",
        "ja": "その日のうちに{many_ports}個以上のポート(TCP・UDP)を試した"
        "(少数のホストによる広範な探索。連続したポートへの着信とは区別する)",
    },
    source="the daily port-scan overview (2019-10-21): very few hosts that scan very widely; the number is ours",
    needs=("sources",),
    thresholds=("many_ports",),
    over="days",
    counts=("ports",),
    knows=("port_run",),
)


def judge(material: Material) -> pl.DataFrame:
    """Every source with that many ports, beside those of its longest run. The rule is a count, so its confidence is 1."""
    least = material.settings.threshold("many_ports")
    many = material.ask(f"SELECT src_ip, day, packets, ports FROM counted WHERE ports >= {least!r}")
    ends = (pl.col("value").str.extract(pattern).cast(pl.Int64) for pattern in (r"-(\d+)$", r"^(\d+)-"))
    first_last = [end.alias(name) for end, name in zip(ends, ("last", "first"), strict=True)]
    runs = material.found.filter(pl.col("label") == "port_run").with_columns(first_last)
    runs = runs.group_by("src_ip", "day").agg((pl.col("last") - pl.col("first") + 1).max().alias("explained"))
    many = many.join(runs, on=["src_ip", "day"], how="left").with_columns(pl.col("explained").fill_null(0))
    many = many.filter(pl.col("ports") - pl.col("explained") >= least)
    return answer(many, None, 1.0, "packets", "ports", pl.lit(least).alias("threshold"))
