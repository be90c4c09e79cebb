"""Tool: Mirai, by the sequence number that is the destination's address."""

from __future__ import annotations

import polars as pl

from teiten.classify.rules import Material, Rule, _marks, answer

RULE = Rule(
    id="tool_mirai",
    order=110,
    label="tool",
    because={
        "en": "it sent TCP SYN whose sequence number is the destination's address, from source ports above 1024; the chance "
        "that any source did so by accident is at most {tool_chance}",
        "ja": "シーケンス番号が宛先アドレスと等しいTCP SYNを1024より大きい送信元ポートから送った"
        "(見た送信元のいずれかが偶然そうなる確率は{tool_chance}以下)",
    },
    source="NICTER (NICT), observation statistics: Mirai hosts",
    needs=("sources", "events"),
    thresholds=("tool_chance", "tool_share"),
    over="chosen",
    counts=("mirai", "mirai_wide", "syn"),
)


def choose(material: Material) -> str:
    """One packet with the mark may be enough: it is a chance of one in 2^32."""
    return "mirai > 0"


def judge(material: Material) -> pl.DataFrame:
    """NICTER's count decides; the wider one (any source port) stands apart in the evidence."""
    # a packet whose fields are filled with one byte has the mark as well; its ports are equal, too
    frame = _marks.different(material, "(mark_mirai AND src_port <> dst_port)", "kind = 'syn'", "dst_ip, tcp_seq")
    frame = frame.filter(pl.col("marked") > 0)
    found = _marks.with_counts(material, _marks.held(material, frame, _marks.IN_32_BITS))
    return answer(
        found, "mirai", 1.0 - pl.col("chance"),
        "packets", "syn", "mirai", "mirai_wide", "tried", "marked", "share", "chance", "threshold",
    )  # fmt: skip
