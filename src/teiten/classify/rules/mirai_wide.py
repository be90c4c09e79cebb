"""Mirai's sequence number from source ports that NICTER's rule leaves out: what the wider count adds to it."""

from __future__ import annotations

import polars as pl

from teiten.classify.material import NUMBER
from teiten.classify.rules import Material, Rule, _marks, answer
from teiten.marks import MIRAI_PORTS_ABOVE

RULE = Rule(
    id="mirai_wide",
    order=115,
    label="mirai_wide",
    because={
        "en": "it sent TCP SYN whose sequence number is the destination's address, but none of them from a source port above "
        "1024; the chance that any source did so by accident is at most {tool_chance}",
        "ja": "シーケンス番号が宛先アドレスと等しいTCP SYNを送ったが、1024より大きい送信元ポートからのものが1つもない"
        "(見た送信元のいずれかが偶然そうなる確率は{tool_chance}以下)",
    },
    source="Mirai's code draws source ports from 1024 on; NICTER's rule asks for ports above it. Counted apart from that",
    needs=("sources", "events"),
    thresholds=("tool_chance", "tool_share"),
    over="chosen",
    counts=("mirai", "mirai_wide", "syn"),
)
_MARK = f"(src_port <= {MIRAI_PORTS_ABOVE} AND tcp_seq = {NUMBER.format('dst_ip')} AND src_port <> dst_port)"


def choose(material: Material) -> str:
    """Those that NICTER's rule does not count."""
    return "mirai = 0 AND mirai_wide > 0"


def judge(material: Material) -> pl.DataFrame:
    """One packet may be enough, as for NICTER's; a packet whose fields are filled with one byte is none."""
    frame = _marks.different(material, _MARK, "kind = 'syn'", "dst_ip, tcp_seq").filter(pl.col("marked") > 0)
    found = _marks.with_counts(material, _marks.held(material, frame, _marks.IN_32_BITS))
    return answer(
        found, "mirai", 1.0 - pl.col("chance"),
        "packets", "syn", "mirai_wide", "tried", "marked", "share", "chance", "threshold",
    )  # fmt: skip
