"""Tool: masscan, by the identification that it makes from destination, port and sequence number."""

from __future__ import annotations

import polars as pl

from teiten.classify.rules import Material, Rule, _marks, answer

RULE = Rule(
    id="tool_masscan",
    order=120,
    label="tool",
    because={
        "en": "its TCP SYN have as IP identification the destination's address, port and sequence number combined (XOR), as "
        "masscan makes it; the chance that any source has so many by accident is at most {tool_chance}",
        "ja": "TCP SYNのIP識別子が、masscanと同じく宛先アドレス・ポート・シーケンス番号のXORである"
        "(見た送信元のいずれかが偶然そうなる確率は{tool_chance}以下)",
    },
    source="robertdavidgraham/masscan, src/templ-pkt.c; Durumeric, Bailey, Halderman, USENIX Security 2014",
    needs=("sources", "events"),
    thresholds=("tool_packets", "tool_chance", "tool_share"),
    over="chosen",
    counts=("masscan", "syn"),
)


def choose(material: Material) -> str:
    """Several packets: one in 65,536 has the mark by chance."""
    return f"masscan >= {material.settings.threshold('tool_packets'):g}"


def judge(material: Material) -> pl.DataFrame:
    """Sources with more marked packets than chance gives."""
    frame = _marks.different(material, "mark_masscan", "kind = 'syn'", "dst_ip, dst_port, tcp_seq, ip_id")
    several = frame.filter(pl.col("marked") >= material.settings.threshold("tool_packets"))
    found = _marks.with_counts(material, _marks.held(material, several, _marks.IN_16_BITS))
    return answer(
        found, "masscan", 1.0 - pl.col("chance"),
        "packets", "syn", "masscan", "tried", "marked", "share", "chance", "threshold",
    )  # fmt: skip
