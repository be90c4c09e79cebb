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
        "rather than by a worm's many; sources of backscatter, and runs of consecutive ports, are told apart from it",
        "ja": "その日のうちに{many_ports}個以上のポート(TCP・UDP)を試した"
        "(少数のホストによる広範な探索。跳ね返りの送信元や、連続したポートへの着信とは区別する)",
    },
    source="the daily port-scan overview (2019-10-21): very few hosts that scan very widely; the number is ours",
    needs=("sources",),
    thresholds=("many_ports",),
    over="days",
    counts=("ports", "backscatter"),
    knows=("backscatter", "port_run"),
)


def judge(material: Material) -> pl.DataFrame:
    """Every source with that many ports, beside those of its longest run. The rule is a count, so its confidence is 1."""
    least = material.settings.threshold("many_ports")
    many = material.ask(
        f"SELECT src_ip, day, packets, ports FROM counted WHERE ports >= {least!r} AND 2 * backscatter < events"
    )
    known = material.found.with_columns(
        pl.when(pl.col("label") == "port_run")
        .then(
            pl.col("value").str.extract(r"-(\d+)$").cast(pl.Int64) - pl.col("value").str.extract(r"^(\d+)").cast(pl.Int64) + 1
        )
        .otherwise(1 << 17)  # an answer's port says nothing of whom it answers
        .alias("explained")
    )
    known = known.group_by("src_ip", "day").agg(pl.col("explained").max())
    many = many.join(known, on=["src_ip", "day"], how="left").with_columns(pl.col("explained").fill_null(0))
    many = many.filter(pl.col("ports") - pl.col("explained") >= least)
    return answer(many, None, 1.0, "packets", "ports", pl.lit(least).alias("threshold"))
