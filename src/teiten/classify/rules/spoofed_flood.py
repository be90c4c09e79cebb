"""Spoofed flood: a source that was forged: one of many new ones in some minutes, of one packet, even over the address space."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import polars as pl

from teiten import periods
from teiten.classify import floods
from teiten.classify.rules import Material, Rule, answer

RULE = Rule(
    id="spoofed_flood",
    order=120,
    label="spoofed_flood",
    because={
        "en": "its one packet of the day is part of a flood of {flood_sources} or more such sources, which lie as evenly over "
        "the address space as forged ones do (unevenness of at most {flood_unevenness}, or lumps as of a poor generator), "
        "addresses of no network among them",
        "ja": "その日唯一のパケットが、{flood_sources}以上の送信元からの短時間の集中の一部であり、"
        "それらの送信元は詐称された場合のようにアドレス空間に一様に散らばっている"
        "(偏り{flood_unevenness}以下、または質の低い乱数に特有の偏り。どのネットワークにも属さないアドレスを含む)",
    },
    source="NICTER (NICT), observation statistics: spikes of hosts by SYN packets with a forged source; docs/decisions/0028",
    needs=("events",),
    thresholds=(
        "flood_sources", "flood_packets_per_minute", "flood_times_usual", "flood_one_packet_share", "flood_unevenness",
        "flood_chance", "flood_confidence", "flood_impossible_share", "flood_nearness",
    ),
    over="days",
    knows=("tool", "announced_scanner"),
)  # fmt: skip


def judge(material: Material) -> Iterator[pl.DataFrame]:
    """The sources of each day's floods; the confidence is the chance that this source is forged, given its /8."""
    for day in material.days:
        zone = periods.zone(material.settings.zone_name)
        start = dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone).astimezone(dt.UTC)
        known = material.found.filter(pl.col("day") == day).select("src_ip").unique()
        counted = f"SELECT src_ip, events, packets FROM counted WHERE day = DATE '{day}'"
        judged = floods.Day(material.ask, start, end, floods.Rule.of(material.settings), events="judged", counted=counted)
        for flood, sources in judged.floods():
            # a tool that is known by its packets comes first
            named = sources.join(known, on="src_ip", how="anti").with_columns(pl.lit(day).alias("day"))
            told = {"packets": 1, "flood": flood.id, "start": f"{flood.start:%H:%M:%SZ}", "end": f"{flood.end:%H:%M:%SZ}"}
            told |= {"sources": flood.sources, "uneven": round(flood.uneven, 3), "impossible": round(flood.impossible, 3)}
            columns = [pl.lit(value).alias(name) for name, value in told.items()]
            yield answer(named, flood.what, pl.col("confidence"), *columns)
