"""Backscatter: a source whose packets of the day are answers to packets that nobody here sent."""

from __future__ import annotations

import polars as pl

from teiten.classify import answers
from teiten.classify.rules import Material, Rule, answer, nothing

RULE = Rule(
    id="backscatter",
    order=100,
    label="backscatter",
    because={
        "en": "of its day's packets {backscatter_share} or more are answers (SYN-ACK, RST, ICMP errors and replies, UDP from "
        "port 53) to packets that nobody here sent: their source was forged",
        "ja": "その日のパケットの{backscatter_share}以上が、こちらが送っていないパケットへの応答である"
        "(SYN-ACK・RST・ICMPのエラーや応答・53/udpからのUDP。送信元を詐称したパケットの跳ね返り)",
    },
    source="CAIDA corsaro3, libcorsaro_filtering.c: backscatter",
    needs=("sources", "events"),
    thresholds=("backscatter_share",),
    over="chosen",
    counts=("backscatter",),
)


def choose(material: Material) -> str:
    share = material.settings.threshold("backscatter_share")
    return f"backscatter > 0 AND backscatter >= {share!r} * events"


def judge(material: Material) -> pl.DataFrame:
    """Sources with that share of answers. Confidence: Laplace's rule of succession, (answers + 1) / (packets + 2)."""
    share = material.settings.threshold("backscatter_share")
    rows = answers.counted(material)
    if not rows.height:
        return nothing()
    found = rows.join(material.sources.select("src_ip", "day", "packets"), on=["src_ip", "day"])
    found = found.filter((pl.col("answers") > 0) & (pl.col("answers") >= share * pl.col("packets")))
    sure = (pl.col("answers") + 1) / (pl.col("packets") + 2)
    return answer(found, None, sure, "packets", "answers", *answers.FORMS, pl.lit(share).alias("threshold"))
