"""Hosts that scan Telnet without Mirai's mark."""

from __future__ import annotations

import polars as pl

from teiten.classify.rules import Material, Rule, answer

RULE = Rule(
    id="telnet_without_mirai",
    order=180,
    label="telnet_without_mirai",
    because={
        "en": "it sent {telnet_packets} TCP SYN or more to 23 or 2323 within the day, and no packet with Mirai's mark; it is "
        "no announced scanner",
        "ja": "その日のうちに23/tcpか2323/tcpへTCP SYNを{telnet_packets}個以上送ったが、Miraiの特徴を持つパケットがない"
        "(公表スキャナを除く)",
    },
    source="NICTER (NICT), observation report 2025: hosts that scan Telnet without Mirai's mark, beside Mirai's; number ours",
    needs=("sources",),
    thresholds=("telnet_packets",),
    over="chosen",
    counts=("telnet", "mirai", "mirai_wide", "syn"),
    knows=("announced_scanner",),
)


def choose(material: Material) -> str:
    """Whose sequence numbers are known, and none of whose packets has the mark, not even by the wider rule."""
    return f"telnet >= {material.settings.threshold('telnet_packets'):g} AND mirai = 0 AND mirai_wide = 0"


def judge(material: Material) -> pl.DataFrame:
    """A count, so that the confidence is 1. Announced scanners are known for what they are."""
    announced = material.found.filter(pl.col("label") == "announced_scanner")
    hosts = material.sources.join(announced, on=["src_ip", "day"], how="anti")
    least = pl.lit(material.settings.threshold("telnet_packets")).alias("threshold")
    return answer(hosts, None, 1.0, "packets", "syn", "telnet", least)
