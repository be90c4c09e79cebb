"""Misconfiguration: a source that sends the same to one port of one destination for hours, and nothing else."""

from __future__ import annotations

import polars as pl

from teiten.classify import misconfigured
from teiten.classify.rules import Material, Rule, answer
from teiten.engine.filters import thing_text

RULE = Rule(
    id="misconfiguration",
    order=140,
    label="misconfiguration",
    because={
        "en": "all its {misconfigured_packets} packets or more went to one port of one address, in {misconfigured_hours} hours "
        "of the day or more and not faster than {misconfigured_rate} a second: no scan, but a machine that is wrongly set up",
        "ja": "{misconfigured_packets}個以上のパケットのすべてが1つのアドレスの1つのポート宛てで、"
        "{misconfigured_hours}つ以上の時間帯にわたり、毎秒{misconfigured_rate}パケット以下だった"
        "(スキャンではなく、機器の設定誤りとみられる)",
    },
    source="docs/decisions/0028: no published rule was found; the thresholds are ours",
    needs=("sources", "events"),
    thresholds=("misconfigured_packets", "misconfigured_hours", "misconfigured_rate"),
    over="chosen",
    counts=("backscatter", "first", "last"),
)


def choose(material: Material) -> str:
    return misconfigured.candidates(misconfigured.Rule.of(material.settings))


def judge(material: Material) -> pl.DataFrame:
    """Confidence 0.9: that it keeps to one address is no chance (16^-9 at most), but why it does so is our guess."""
    rule = misconfigured.Rule.of(material.settings)
    rows = misconfigured.found(material, rule)
    text = [thing_text(p, n) for p, n in rows.select("protocol", "port").iter_rows()]
    rows = rows.with_columns(pl.Series("what", text, dtype=pl.String), pl.col("seconds").round(0).cast(pl.Int64))
    return answer(rows, pl.col("what"), 0.9, "packets", "hours", "seconds", "shortest", "longest")
