"""Tool: hping3, by its window of 512 and the acknowledgement number that it fills in without acknowledging anything."""

from __future__ import annotations

from typing import Final

import polars as pl

from teiten.classify.material import BARE
from teiten.classify.rules import Material, Rule, _marks, answer

RULE = Rule(
    id="tool_hping3",
    order=150,
    label="tool",
    because={
        "en": "it sent TCP SYN with a window of 512, no options, and an acknowledgement number although there is nothing to "
        "acknowledge, both numbers below 2^31, as hping3 does; the chance of so many by accident is at most {tool_chance}",
        "ja": "ウィンドウ512・オプションなしのTCP SYNに、不要なはずの確認応答番号が入っており、番号がどちらも2の31乗未満である"
        "(hping3の特徴。偶然これだけ揃う確率は{tool_chance}以下)",
    },
    source="antirez/hping, sendtcp.c (sequence and acknowledgement numbers by rand()) and hping2.h (window 512)",
    needs=("sources", "events"),
    thresholds=("tool_packets", "tool_chance", "tool_share"),
    over="chosen",
    counts=("bare", "syn"),
)
CHANCE: Final = 2.0**-18
"""a window of 512 among those drawn at random, and two numbers below 2^31"""


def choose(material: Material) -> str:
    """Several packets of that shape."""
    return f"bare >= {material.settings.threshold('tool_packets'):g}"


def judge(material: Material) -> pl.DataFrame:
    """Sources with several such packets."""
    packet = "dst_ip, dst_port, src_port, tcp_seq, tcp_ack, ip_id"
    frame = _marks.different(material, BARE, "kind = 'syn'", packet)
    several = frame.filter(pl.col("marked") >= material.settings.threshold("tool_packets"))
    found = _marks.with_counts(material, _marks.held(material, several, CHANCE))
    return answer(
        found, "hping3", 1.0 - pl.col("chance"),
        "packets", "syn", "bare", "tried", "marked", "share", "chance", "threshold",
    )  # fmt: skip
