"""What the rules on tools share: how often chance makes so many marked packets, and which of a source's packets differ."""

from __future__ import annotations

import math
from typing import Final

import polars as pl

from teiten.classify.material import Material

IN_16_BITS: Final = 2.0**-16
"""chance that a packet has a mark that compares 16 bits (masscan, ZMap)"""
IN_32_BITS: Final = 2.0**-32
"""chance that a packet has a mark that compares 32 bits (Mirai; two equal sequence numbers)"""
FEW: Final = 5_000
"""events of a source and day up to which packets that are the same are counted once"""
THRESHOLDS: Final = ("tool_chance", "tool_share")


def tail(tried: int, marked: int, chance: float) -> float:
    """Chance that of `tried` packets at least `marked` have a mark that each has with that chance; never less than it is.

    The first term of the binomial tail, and a geometric series for the rest.
    """
    if marked <= 0:
        return 1.0
    if marked > tried:
        return 0.0
    ratio = (tried - marked) * chance / ((marked + 1) * (1.0 - chance))
    if ratio >= 1.0:
        return 1.0
    term = log_ways(tried, marked) + marked * math.log(chance) + (tried - marked) * math.log1p(-chance)
    return min(1.0, math.exp(min(0.0, term - math.log1p(-ratio))))


def log_ways(n: int, k: int) -> float:
    """Logarithm of the number of ways to choose k of n."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def held(material: Material, frame: pl.DataFrame, chance: float) -> pl.DataFrame:
    """Those rows of a frame (`tried`, `marked`: packets) that are no chance, with what a verdict tells of them.

    Adds `chance` (that any of the sources looked at would have as many), `share` (marked of tried), `threshold`.
    A source is kept where the chance is at most `tool_chance` and the share at least `tool_share`.
    """
    pairs = frame.select("tried", "marked").unique()
    known = {(n, k): tail(n, k, chance) for n, k in pairs.iter_rows()}
    single = [known[pair] for pair in frame.select("tried", "marked").iter_rows()]
    return kept(material, frame.with_columns(pl.Series("chance", single, dtype=pl.Float64)))


def kept(material: Material, frame: pl.DataFrame) -> pl.DataFrame:
    """`held` for a frame that has the chance of each source alone (`chance`) already."""
    least, share = (material.settings.threshold(name) for name in THRESHOLDS)
    told = frame.with_columns(
        (pl.col("chance") * max(1, material.looked)).clip(0.0, 1.0).alias("chance"),
        (pl.col("marked") / pl.col("tried")).round(6).alias("share"),
        pl.lit(least).alias("threshold"),
    )
    return told.filter((pl.col("chance") <= least) & (pl.col("share") >= share))


def different(material: Material, mark: str, among: str, packet: str) -> pl.DataFrame:
    """src_ip, day, tried, marked: packets of the chosen sources that differ in `packet` (columns), and those with the mark.

    `among`: SQL, the packets that can have the mark. Packets that are the same count once: a program that sends one packet
    again and again has shown its mark once. Of sources with more than FEW events all packets are counted as they come.
    """
    mine = "judged e SEMI JOIN {0} c ON e.src_ip = c.src_ip AND e.day = c.day"
    few = f"(SELECT src_ip, day FROM chosen WHERE events <= {FEW})"
    many = f"(SELECT src_ip, day FROM chosen WHERE events > {FEW})"
    return material.ask(
        f"SELECT src_ip, day, count(*) AS tried, count_if(marked) AS marked FROM ("
        f"SELECT DISTINCT src_ip, day, {packet}, coalesce({mark}, false) AS marked FROM {mine.format(few)} WHERE {among}"
        f") GROUP BY src_ip, day UNION ALL "
        f"SELECT src_ip, day, count(*) AS tried, count_if({mark}) AS marked FROM {mine.format(many)} WHERE {among}"
        f" GROUP BY src_ip, day"
    ).select("src_ip", pl.col("day").cast(pl.Date), pl.col("tried", "marked").cast(pl.Int64))


def with_counts(material: Material, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame beside what is counted of its sources (`Material.sources`)."""
    return frame.join(material.sources, on=["src_ip", "day"])
