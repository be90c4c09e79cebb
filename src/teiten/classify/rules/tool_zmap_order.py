"""Tool: ZMap from 4.1 on, which marks no packet, by the order in which it visits addresses (`classify.zmap_order`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.classify.rules import Material, Rule, answer, nothing

RULE = Rule(
    id="tool_zmap_order",
    order=160,
    label="tool",
    because={
        "en": "it visits addresses in the order of a walk through ZMap's cyclic group: {zmap_order_destinations} destinations "
        "or more on one port lie on a line that chance would give once in 1,000,000,000 times at most",
        "ja": "宛先を訪れる順序が、ZMapの巡回群の順序に一致する({zmap_order_destinations}個以上の宛先。"
        "偶然そう並ぶ確率は10億分の1以下)",
    },
    source="zmap/zmap, src/cyclic.c, src/shard.c; Durumeric, Wustrow, Halderman, USENIX Security 2013; concepts/zmap-order",
    needs=("sources", "events"),
    thresholds=("zmap_order_destinations", "zmap_order_tries", "zmap_order_others", "tool_packets"),
    over="chosen",
    counts=("mirai", "masscan", "zmap", "bare", "short", "open"),
    knows=("tool",),
)
WINDOW: Final = 65535
"""TCP window that ZMap writes into every SYN (src/probe_modules/packet.c): such sources are tried first, others by number"""
AHEAD: Final = 4
"""others whose destinations are counted, for each that is tried"""
_KEPT: Final = 72
"""destinations that are looked at, the first: three windows of `zmap_order` for likely sources, one for others"""

# where a source's packets to one port went, each destination once
_VISITS: Final = f"""
CREATE OR REPLACE TEMP TABLE _visits AS
SELECT e.src_ip, e.day, e.protocol, coalesce(e.dst_port, -1) AS port, e.dst_ip, min(e.time) AS time, count(*) AS packets,
       bool_and(coalesce(e.tcp_window = {WINDOW}, false)) AS likely
FROM judged e SEMI JOIN chosen c ON e.src_ip = c.src_ip AND e.day = c.day
WHERE e.kind IN ('syn', 'udp', 'icmp') AND octet_length(e.dst_ip) = 4
GROUP BY ALL"""
_SCANS: Final = """
SELECT src_ip, day, protocol, port, destinations, packets, likely, ports FROM (
  SELECT *, count(*) OVER (PARTITION BY src_ip, day, protocol) AS ports,
         row_number() OVER (PARTITION BY src_ip, day ORDER BY destinations DESC, protocol, port) AS place
  FROM (SELECT src_ip, day, protocol, port, count(*) AS destinations, sum(packets)::BIGINT AS packets,
               avg(likely::INTEGER) > 0.5 AS likely
        FROM _visits GROUP BY ALL HAVING count(*) >= $least)
) WHERE place = 1"""
_SIGHTS: Final = """
SELECT v.src_ip, v.day, v.dst_ip, v.time
FROM _visits v JOIN (SELECT unnest($src) AS src_ip, unnest($day) AS day, unnest($protocol) AS protocol, unnest($port) AS port) s
  ON v.src_ip = s.src_ip AND v.day = s.day AND v.protocol = s.protocol AND v.port = s.port
QUALIFY row_number() OVER (PARTITION BY v.src_ip, v.day ORDER BY v.time, v.dst_ip) <= $most"""

_SEEN: Final = """
SELECT coalesce(max(n), 0)::BIGINT AS n FROM (
  SELECT count(DISTINCT told_address(dst_ip)) AS n FROM judged WHERE octet_length(dst_ip) = 4 GROUP BY day)"""


def folder() -> Path:
    """Where the table of generators is kept (13 MB, 26 with that of two ports): $TEITEN_DATA, else the user's cache."""
    named = os.environ.get("TEITEN_DATA")
    if named:
        return (Path(named) / "zmap").resolve()  # the tables are kept in memory by this name
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "teiten/zmap"


def choose(material: Material) -> str:
    """IPv4 sources with packets enough and no tool's mark: the likely ones, and of the others those with most packets."""
    possible = _possible(material)
    some = AHEAD * int(material.settings.threshold("zmap_order_others"))
    busiest = (
        f"SELECT (src_ip, day) FROM counted WHERE {possible}"
        f" QUALIFY row_number() OVER (PARTITION BY day ORDER BY events DESC, src_ip) <= {some}"
    )
    return f"{possible} AND (open >= 0.5 * events OR (src_ip, day) IN ({busiest}))"


def _possible(material: Material) -> str:
    """SQL over `counted`: sources that may have tried so many destinations, and have no tool's mark."""
    few = material.settings.threshold("tool_packets")
    marked = " AND ".join(f"{name} < {few:g}" for name in ("masscan", "zmap", "bare", "short"))
    least = material.settings.threshold("zmap_order_destinations")
    return f"events >= {least:g} AND octet_length(src_ip) = 4 AND mirai = 0 AND {marked}"


def judge(material: Material) -> pl.DataFrame:
    """The sources whose order is ZMap's. Those that are tried: likely ones first, then by destinations, within the budget."""
    least = int(material.settings.threshold("zmap_order_destinations"))
    # a household line sees too few; a sensor that nobody configured observes what was sent to it
    if max(map(material.observed, material.days), default=0) < least and int(material.ask(_SEEN)["n"][0]) < least:
        return nothing()
    material.ask(_VISITS)
    try:
        scans = material.ask(_SCANS, {"least": least}).with_columns(pl.col("day").cast(pl.Date))
        scans = scans.join(material.found.filter(pl.col("label") == "tool"), on=["src_ip", "day"], how="anti")
        tried = _budget(material, scans)
        if not tried.height:
            return nothing()
        named = {name: tried[name].to_list() for name in ("src_ip", "day", "protocol", "port")}
        sights = material.ask(_SIGHTS, {"src": named.pop("src_ip"), **named, "most": _KEPT})
    finally:
        material.ask("DROP TABLE IF EXISTS _visits")
    rows = list(_verdicts(tried, sights))
    if not rows:
        return nothing()
    found = pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col("day").cast(pl.Date))
    return answer(
        found, "zmap", 1.0 - pl.col("chance") * tried.height,
        "packets", "protocol", "dst_port", "destinations", "looked_at", "generator", "subshards", "ports", "exclusions",
        "chance", "hypotheses", pl.lit(float(least)).alias("threshold"),
    )  # fmt: skip


def _budget(material: Material, scans: pl.DataFrame) -> pl.DataFrame:
    """The scans that are tried, day by day; how many sources are left is told."""
    parts = [scans.clear()]
    most = {True: "zmap_order_tries", False: "zmap_order_others"}
    ordered = scans.sort("likely", "destinations", "src_ip", descending=[True, True, False])
    for (_, likely), some in ordered.group_by("day", "likely", maintain_order=True):
        parts.append(some.head(int(material.settings.threshold(most[bool(likely)]))))
    tried = pl.concat(parts)
    number = int(material.ask(f"SELECT count(*) AS n FROM counted WHERE {_possible(material)}")["n"][0])
    # of those that were looked at, one that has too few destinations is none that was left
    left = number - material.sources.height + scans.height - tried.height
    if left > 0:
        material.notes.append(
            f"{left:,} sources with packets enough were not tried for ZMap's order (settings zmap_order_tries, "
            "zmap_order_others)."
        )
    return tried


def _verdicts(tried: pl.DataFrame, sights: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """For each scan whose order is ZMap's: what there is to tell of it."""
    from teiten.classify import zmap_order

    where = folder()
    seen = sights.sort("time", "dst_ip").partition_by("src_ip", "day", as_dict=True)
    for scan in tried.iter_rows(named=True):
        mine = seen[scan["src_ip"], scan["day"]]
        numbers = np.frombuffer(b"".join(mine["dst_ip"].to_list()), dtype=">u4").astype(np.int64)
        # two ports of one scan walk through another group
        ports = (1, 2) if scan["ports"] == 2 else (1,)
        tries = zmap_order.Options(folder=where, windows=3 if scan["likely"] else 1, ports=ports)
        said = zmap_order.judge(numbers, mine["time"].to_numpy(), tries)
        if said.zmap:
            yield {
                "src_ip": scan["src_ip"],
                "day": scan["day"],
                "packets": scan["packets"],
                "protocol": scan["protocol"],
                "dst_port": scan["port"] if scan["port"] >= 0 else None,
                "destinations": scan["destinations"],
                "looked_at": said.destinations,
                "generator": said.generator,
                "subshards": said.subshards,
                "ports": said.ports,
                "exclusions": said.exclusions,
                "chance": said.p,
                "hypotheses": said.hypotheses,
            }
