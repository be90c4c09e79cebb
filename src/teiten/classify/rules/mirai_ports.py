"""Mirai's variants: the set of ports that a Mirai host tried within the day."""

from __future__ import annotations

from typing import Final

import polars as pl

from teiten.classify.rules import Material, Rule, answer, nothing

RULE = Rule(
    id="mirai_ports",
    order=170,
    label="mirai_ports",
    because={
        "en": "a Mirai host (rule tool_mirai) that tried these TCP ports with Mirai's mark within the day",
        "ja": "Miraiホスト(規則 tool_mirai)が、その日のうちにMiraiの特徴を持つパケットで試したTCPポートの組",
    },
    source="NICTER (NICT), observation statistics: variants of Mirai by the set of ports that a host tries",
    needs=("sources", "events"),
    over="chosen",
    counts=("mirai",),
    knows=("tool",),
)
SHOWN: Final = 16
"""ports that a value names; of a host that tried more the lowest, and how many more there are"""
_SETS: Final = f"""
SELECT src_ip, day, count(*) AS ports,
       array_to_string(list(port::VARCHAR ORDER BY port)[:{SHOWN}], ',')
         || CASE WHEN count(*) > {SHOWN} THEN ',+' || (count(*) - {SHOWN}) ELSE '' END AS tried,
       array_to_string(list(port || ': ' || sent ORDER BY sent DESC, port)[:{SHOWN}], ', ') AS by_port
FROM (SELECT e.src_ip, e.day, e.dst_port AS port, count(*) AS sent
      FROM judged e SEMI JOIN chosen c ON e.src_ip = c.src_ip AND e.day = c.day
      WHERE e.mark_mirai GROUP BY ALL)
GROUP BY src_ip, day"""


def choose(material: Material) -> str:
    """Sources with the mark."""
    return "mirai > 0"


def judge(material: Material) -> pl.DataFrame:
    """Of hosts that are Mirai's by their verdict. As sure as that is."""
    known = material.found.filter((pl.col("label") == "tool") & (pl.col("value") == "mirai"))
    if not known.height:
        return nothing()
    sets = material.ask(_SETS).with_columns(pl.col("day").cast(pl.Date))
    found = sets.join(known.select("src_ip", "day", "confidence"), on=["src_ip", "day"])
    found = found.join(material.sources, on=["src_ip", "day"])
    return answer(found, pl.col("tried"), pl.col("confidence"), "packets", "mirai", "ports", "by_port")
