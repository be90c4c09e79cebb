"""Large scanner (NICTER): many ports and very many packets within a day, for the number of addresses that are observed."""

from __future__ import annotations

import datetime as dt
import math
from typing import Final

import polars as pl

from teiten.classify.rules import Material, Rule, answer
from teiten.settings import Settings

RULE = Rule(
    id="large_scanner",
    order=40,
    label="large_scanner",
    because={
        "en": "within the day it sent TCP SYN and UDP to {large_scanner_ports} distinct ports or more, and "
        "{large_scanner_packets} packets or more at {large_scanner_addresses} observed addresses; in proportion at others, but "
        "never fewer than {large_scanner_floor}",
        "ja": "その日のうちにTCP SYNとUDPを{large_scanner_ports}種類以上のポートへ送り、そのパケット数が"
        "観測アドレス{large_scanner_addresses}個あたり{large_scanner_packets}以上である"
        "(観測アドレス数に比例させ、{large_scanner_floor}を下限とする)",
    },
    source="NICTER (NICT), observation statistics, note 4: 30 ports and 300,000 packets, at some 300,000 dark addresses",
    needs=("sources", "events"),
    thresholds=("large_scanner_ports", "large_scanner_packets", "large_scanner_addresses", "large_scanner_floor"),
    over="chosen",
    counts=("asks",),
)
_PORTS: Final = """
SELECT src_ip, day, count(*) AS ports FROM (
  SELECT DISTINCT e.src_ip, e.day, e.dst_port FROM judged e SEMI JOIN chosen c ON e.src_ip = c.src_ip AND e.day = c.day
  WHERE e.kind IN ('syn', 'udp') AND e.dst_port IS NOT NULL
) GROUP BY src_ip, day HAVING count(*) >= $least"""


def needed(settings: Settings, observed: int) -> int:
    """Packets a day that make a scanner large where so many addresses are observed: NICTER's number, scaled by these."""
    number = settings.threshold("large_scanner_packets")
    addresses = settings.threshold("large_scanner_addresses")
    if addresses > 0:
        number *= observed / addresses
    return max(1, math.ceil(max(number, settings.threshold("large_scanner_floor"))))


def packets_needed(material: Material, day: dt.date) -> int:
    """The same for a day that is judged."""
    return needed(material.settings, material.observed(day))


def choose(material: Material) -> str:
    """Packets enough; whose ports are counted."""
    days = (f"(day = DATE '{day}' AND asks >= {packets_needed(material, day)})" for day in material.days)
    return " OR ".join(days) or "false"


def judge(material: Material) -> pl.DataFrame:
    """A count, so that the confidence is 1; the thresholds that were used stand in the evidence."""
    least = material.settings.threshold("large_scanner_ports")
    found = material.ask(_PORTS, {"least": least}).with_columns(pl.col("day").cast(pl.Date))
    needed = {day: packets_needed(material, day) for day in material.days}
    observed = {day: material.observed(day) for day in material.days}
    whole = found.join(material.sources, on=["src_ip", "day"]).with_columns(
        pl.col("day").replace_strict(needed, return_dtype=pl.Int64).alias("threshold"),
        pl.col("day").replace_strict(observed, return_dtype=pl.Int64).alias("addresses"),
        pl.lit(least).alias("threshold_ports"),
    )
    return answer(whole, None, 1.0, "packets", "asks", "ports", "threshold", "threshold_ports", "addresses")
