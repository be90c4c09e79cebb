"""Attack's victim: an address whose answers to forged packets are many and fast enough for an attack (RSDoS)."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from teiten import periods
from teiten.classify import attacks
from teiten.classify.rules import Material, Rule, answer, nothing
from teiten.engine.filters import Filters

RULE = Rule(
    id="attack_victim",
    order=110,
    label="attack_victim",
    because={
        "en": "it answered forged packets: {attack_packets} answers or more within {attack_seconds} seconds or more, "
        "{attack_packets_per_minute} or more of them within some 60 seconds, none {attack_idle_seconds} seconds after another",
        "ja": "送信元を詐称されたパケットに応答した({attack_packets}パケット以上、{attack_seconds}秒以上、60秒間に"
        "{attack_packets_per_minute}パケット以上、{attack_idle_seconds}秒を超える間隔なし)",
    },
    source="CAIDA corsaro, corsaro_dos.c: randomly spoofed denial of service (RSDoS)",
    needs=("events",),
    thresholds=("attack_packets", "attack_seconds", "attack_packets_per_minute", "attack_idle_seconds"),
    over="days",
)
LOOK_BACK: Final = dt.timedelta(hours=1)
"""how far before midnight an attack that goes on into the day is followed: what a day's verdict rests on beside the day"""


def judge(material: Material) -> pl.DataFrame:
    """The victims of each day. The rule is a count, so its confidence is 1."""
    found = [_of_day(material, day) for day in material.days]
    return pl.concat(found) if found else nothing()


def _of_day(material: Material, day: dt.date) -> pl.DataFrame:
    zone = periods.zone(material.settings.zone_name)
    start = dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone).astimezone(dt.UTC)
    rule = attacks.Rule.of(material.settings)
    seen = Filters(start=start - LOOK_BACK, end=end)
    session = material.session
    rows = attacks.vectors(session, seen, rule).filter(pl.col("end") >= start)
    rows = attacks.described(session, seen, rows)
    if not rows.height:
        return nothing()
    idle = dt.timedelta(seconds=rule.idle)
    rows = (
        rows.sort("packets", descending=True)
        .group_by("victim", maintain_order=True)
        .agg(
            pl.len().alias("attacks"),
            pl.col("packets").sum(),
            pl.col("per_minute").max(),
            pl.col("start").min(),
            pl.col("end").max(),
            pl.col("answers", "ports", "port_count", "destinations", "responders").first(),
        )
    )
    times = [pl.col(n).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for n in ("start", "end")]
    reached = (pl.col("start") < start).alias("since_day_before"), (pl.col("end") >= end - idle).alias("until_midnight")
    told = rows.with_columns(pl.col("victim").alias("src_ip"), pl.lit(day).alias("day"), *reached).with_columns(times)
    named = ("packets", "attacks", "per_minute", "start", "end", "answers", "ports", "port_count", "destinations", "responders")
    return answer(told, None, 1.0, *named, "since_day_before", "until_midnight")
