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
        "en": "of its day's packets {backscatter_share} or more, or {backscatter_packets} whatever else it sent, are answers "
        "(SYN-ACK, RST, ICMP errors and replies, UDP from port 53) to packets that nobody here sent: their source was forged",
        "ja": "その日のパケットの{backscatter_share}以上、またはほかに何を送っていても{backscatter_packets}以上が、"
        "こちらが送っていないパケットへの応答である"
        "(SYN-ACK・RST・ICMPのエラーや応答・53/udpからのUDP。送信元を詐称したパケットの跳ね返り)",
    },
    source="CAIDA corsaro3, libcorsaro_filtering.c: backscatter",
    needs=("sources", "events"),
    thresholds=("backscatter_share", "backscatter_packets"),
    over="chosen",
    counts=("backscatter",),
)


def choose(material: Material) -> str:
    share, least = (material.settings.threshold(name) for name in RULE.thresholds)
    return f"backscatter > 0 AND (backscatter >= {share!r} * events OR backscatter >= {least!r})"


def judge(material: Material) -> pl.DataFrame:
    """Sources with that share of answers, or so many (a server that is attacked may scan besides, once it is taken over).

    Confidence: Laplace's rule of succession, (answers + 1) / (packets + 2), over those that have the form of answers.
    """
    share, least = (material.settings.threshold(name) for name in RULE.thresholds)
    rows = answers.counted(material)
    if not rows.height:
        return nothing()
    found = rows.join(material.sources.select("src_ip", "day", "packets"), on=["src_ip", "day"])
    enough = (pl.col("answers") >= share * pl.col("packets")) | (pl.col("answers") >= least)
    found = found.filter((pl.col("answers") > 0) & enough)
    sure = (pl.col("answers") + 1) / (pl.sum_horizontal(answers.FORMS) + 2)
    of = (pl.col("answers") / pl.col("packets")).round(3).alias("share")
    return answer(found, None, sure, "packets", "answers", of, *answers.FORMS, pl.lit(share).alias("threshold"))
