"""Tool: nmap -sS, by its window, its one option and the one sequence number of a whole round of probes."""

from __future__ import annotations

import math
from typing import Final

import polars as pl

from teiten.classify.material import SHORT
from teiten.classify.rules import Material, Rule, _marks, answer

RULE = Rule(
    id="tool_nmap",
    order=140,
    label="tool",
    because={
        "en": "it sent TCP SYN with a window of 1024 (2048, 3072, 4096) and an MSS alone, one sequence number for a whole "
        "round of destinations and ports, as nmap -sS does; the chance of equal numbers by accident is at most {tool_chance}",
        "ja": "ウィンドウが1024(2048・3072・4096)でオプションがMSSだけのTCP SYNを、複数の宛先やポートに"
        "同じシーケンス番号で送った(nmap -sSの特徴。番号が偶然一致する確率は{tool_chance}以下)",
    },
    source="nmap/nmap, scan_engine_raw.cc (seq32_encode: one mask a scan); measured with nmap 7.93",
    needs=("sources", "events"),
    thresholds=("tool_packets", "tool_chance", "tool_share"),
    over="chosen",
    counts=("short", "syn"),
)
_ROUNDS: Final = f"""
SELECT src_ip, day, sum(probes)::BIGINT AS shaped, max(probes) AS round, coalesce(sum(probes) FILTER (probes > 1), 0)::BIGINT
       AS marked, count_if(probes > 1) AS rounds
FROM (SELECT src_ip, day, tcp_seq, count(*) AS probes FROM (
  SELECT DISTINCT e.src_ip, e.day, e.tcp_seq, e.dst_ip, e.dst_port
  FROM judged e SEMI JOIN chosen c ON e.src_ip = c.src_ip AND e.day = c.day WHERE {SHORT}
) GROUP BY src_ip, day, tcp_seq) GROUP BY src_ip, day"""


def choose(material: Material) -> str:
    """Several packets of that shape."""
    return f"short >= {material.settings.threshold('tool_packets'):g}"


def judge(material: Material) -> pl.DataFrame:
    """Sources of which several probes, to different destinations or ports, share one sequence number."""
    least = material.settings.threshold("tool_packets")
    frame = material.ask(_ROUNDS).filter(pl.col("round") >= least)
    frame = frame.with_columns(pl.col("day").cast(pl.Date), pl.col("shaped", "round", "marked", "rounds").cast(pl.Int64))
    chances = [_chance(n, k) for n, k in frame.select("shaped", "round").iter_rows()]
    whole = _marks.with_counts(material, frame.with_columns(pl.Series("chance", chances, dtype=pl.Float64)))
    found = _marks.kept(material, whole.with_columns(pl.col("syn").alias("tried")))
    return answer(
        found, "nmap", 1.0 - pl.col("chance"),
        "packets", "syn", "shaped", "marked", "round", "rounds", "share", "chance", "threshold",
    )  # fmt: skip


def _chance(shaped: int, equal: int) -> float:
    """Chance that of so many random numbers of 32 bits so many are equal; never less than it is."""
    term = _marks.log_ways(shaped, equal) + (equal - 1) * math.log(_marks.IN_32_BITS)
    return math.exp(min(0.0, term))
