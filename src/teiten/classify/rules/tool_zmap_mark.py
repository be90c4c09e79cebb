"""Tool: ZMap before 4.1, by its identification 54321."""

from __future__ import annotations

import polars as pl

from teiten.classify.rules import Material, Rule, _marks, answer

RULE = Rule(
    id="tool_zmap_mark",
    order=130,
    label="tool",
    because={
        "en": "its packets have the IP identification 54321, which ZMap wrote into every packet before version 4.1; the chance "
        "that any source has so many by accident is at most {tool_chance}",
        "ja": "IP識別子が54321である(4.1より前のZMapがすべてのパケットに書いていた値。"
        "見た送信元のいずれかが偶然そうなる確率は{tool_chance}以下)",
    },
    source="zmap/zmap, src/probe_modules/packet.c; Durumeric, Bailey, Halderman, USENIX Security 2014",
    needs=("sources", "events"),
    thresholds=("tool_packets", "tool_chance", "tool_share"),
    over="chosen",
    counts=("zmap",),
)


def choose(material: Material) -> str:
    """Several packets: one in 65,536 has the mark by chance."""
    return f"zmap >= {material.settings.threshold('tool_packets'):g}"


def judge(material: Material) -> pl.DataFrame:
    """Sources with more marked packets than chance gives."""
    packet = "protocol, dst_ip, dst_port, src_port, tcp_seq, ip_id"
    frame = _marks.different(material, "mark_zmap", "kind IN ('syn', 'udp', 'icmp') AND mark_zmap IS NOT NULL", packet)
    several = frame.filter(pl.col("marked") >= material.settings.threshold("tool_packets"))
    found = _marks.with_counts(material, _marks.held(material, several, _marks.IN_16_BITS))
    return answer(found, "zmap", 1.0 - pl.col("chance"), "packets", "zmap", "tried", "marked", "share", "chance", "threshold")
