"""Floods whose sources are forged: many new sources in some minutes, one packet each, spread evenly over the address space.

NICTER tells such spikes of hosts apart from scans ("送信元IPアドレスを詐称して送信されたと思われるSYNパケット"). Three
things are asked of a flood, each with its level among the thresholds: (1) some minutes bring many packets to one port of one
destination, to one port, or to one destination, several times what the quarter of quieter minutes do; (2) its sources sent
one packet there, and none else all day; (3) they are flat: too many lie where no source can be (special-purpose registry of
IANA; announced by no AS on that day; not asked where there are no data on ASes), and their /8s are as even as drawn ones
are. A generator may be lumpy (a run of hping3's --rand-source never makes a third of the values of a byte, measured): where
very many lie where no source can be, it is enough that their addresses' bytes were drawn one by one (`nearness`).

Packets that carry the mark of a known tool (Mirai, masscan, ZMap) are never forged ones' (a scanner's TTL of 255 says
nothing). IPv4 only.

A source is named by its own chance: how dense forged sources and other one-packet hosts are in its /8, in those minutes.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.engine.filters import Filters, thing_text

if TYPE_CHECKING:
    from teiten.settings import Settings

F64 = npt.NDArray[np.float64]
EVENTS_AT_ONCE: Final = 1_000_000
"""of a day with more, a part of the sources tells how they usually lie"""
MINUTE: Final = 60_000_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NUMBER: Final = "('0x' || hex(src_ip))::BIGINT"
SPECIAL: Final[tuple[tuple[str, int], ...]] = (
    ("0.0.0.0", 8), ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("169.254.0.0", 16), ("172.16.0.0", 12),
    ("192.0.0.0", 24), ("192.0.2.0", 24), ("192.168.0.0", 16), ("198.18.0.0", 15), ("198.51.100.0", 24),
    ("203.0.113.0", 24), ("224.0.0.0", 3),
)  # fmt: skip
"""prefixes that are no source on the Internet (IANA IPv4 Special-Purpose Address Registry; multicast; reserved)"""


def _special() -> str:
    parts = []
    for text, bits in SPECIAL:
        low = int.from_bytes(bytes(int(x) for x in text.split(".")), "big")
        parts.append(f"number BETWEEN {low} AND {low + (1 << (32 - bits)) - 1}")
    return "(" + " OR ".join(parts) + ")"


@dataclass(frozen=True, slots=True)
class Rule:
    """The levels; see `settings.THRESHOLDS` for each."""

    sources: int = 200
    per_minute: int = 30
    times_usual: float = 3.0
    one_packet: float = 0.9
    uneven: float = 0.35
    impossible_chance: float = 1e-6
    confidence: float = 0.9
    impossible: float = 0.1
    nearness: float = 2.0
    idle: int = 5

    @classmethod
    def of(cls, settings: Settings) -> Rule:
        get = settings.threshold
        return cls(
            round(get("flood_sources")), round(get("flood_packets_per_minute")), get("flood_times_usual"),
            get("flood_one_packet_share"), get("flood_unevenness"), get("flood_chance"), get("flood_confidence"),
            get("flood_impossible_share"), get("flood_nearness"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flood:
    """One flood: what it came to (`dst_ip` never leaves the house), when, and what it was judged by.

    sources       distinct ones of one packet, without the marks of tools
    one_packet    share of the sources in those minutes that sent nothing else all day
    impossible    share of the sources that lie where no source can be; `usual_impossible` of the day's other sources
    uneven        how far the /8s are from even ones (Cohen's w, less what chance alone would make); chi2 with its freedom
    odd_ttl       share of packets whose TTL is more than 40 hops below what systems begin with (32, 64, 128, 255)
    forged        share of the sources that are forged, by what the same key brings at other times
    """

    id: str
    start: dt.datetime
    end: dt.datetime
    protocol: int
    dst_port: int | None
    dst_ip: bytes | None
    sources: int
    one_packet: float
    impossible: float
    usual_impossible: float
    chi2: float
    freedom: int
    uneven: float
    odd_ttl: float
    forged: float
    flat: bool
    level: int
    confidence: tuple[float, ...]
    """that a source of that /8 is forged, for each of the 256"""
    lumpy: bool = False
    """not even, but with so many sources where none can be that `nearness` decides whether it is taken for flat"""

    @property
    def what(self) -> str:
        return thing_text(self.protocol, self.dst_port)


KEYS: Final = ("protocol", "dst_port", "dst_ip")
_UNMARKED: Final = (
    "protocol IS NOT NULL AND kind IS DISTINCT FROM 'backscatter'"
    " AND NOT coalesce(mark_mirai, false) AND NOT coalesce(mark_masscan, false) AND NOT coalesce(mark_zmap, false)"
)
_SOURCES: Final = "SELECT src_ip, count(*) AS events, sum(packets) AS packets FROM {events} WHERE {where} GROUP BY src_ip"
_LONE: Final = """
CREATE OR REPLACE TEMP TABLE d_lone AS
SELECT epoch_us(time) AS t, (epoch_us(time) // {minute})::INTEGER AS minute, src_ip, {number} AS number, protocol, dst_port,
       dst_ip, ttl, asn IS NULL AND geo_db IS NOT NULL AS unrouted, geo_db IS NOT NULL AS asked
FROM {events}
WHERE {where} AND {unmarked}
  AND src_ip IN (SELECT src_ip FROM ({counted}) WHERE events = 1 AND packets = 1 AND octet_length(src_ip) = 4)
"""
_BINS: Final = """
SELECT minute::BIGINT AS minute, {keys}, count(*) AS sources FROM d_lone GROUP BY minute, {keys} HAVING count(*) >= {least}
"""
_WANTED: Final = """
WITH wanted AS (
  SELECT unnest($id) AS id, unnest($protocol) AS protocol, unnest($port) AS port, unnest($destination) AS destination,
         unnest($first) AS first, unnest($last) AS last
)
"""
_SAME: Final = (
    "e.protocol = w.protocol AND e.dst_ip = w.destination AND e.dst_port IS NOT DISTINCT FROM w.port",
    "e.protocol = w.protocol AND e.dst_port IS NOT DISTINCT FROM w.port",
    "e.protocol = w.protocol AND e.dst_ip = w.destination",
)
_COUNTED: Final = """
SELECT id, (number >> 24)::INTEGER AS eight, count(*) AS sources, count(*) FILTER ({special} OR unrouted) AS impossible,
       bool_or(asked) AS asked, min(t) AS first, max(t) AS last, count(ttl) AS ttls,
       count(*) FILTER (NOT (ttl BETWEEN 1 AND 64 OR ttl BETWEEN 88 AND 128 OR ttl BETWEEN 215 AND 255)) AS odd
FROM d_lone e JOIN wanted w ON {same}
WHERE e.minute BETWEEN w.first AND w.last
GROUP BY id, eight
"""
_QUIET: Final = """
SELECT id, count(*) AS n FROM d_lone e JOIN wanted w ON {same}
WHERE e.minute NOT BETWEEN w.first AND w.last
GROUP BY id
"""
_NEAR: Final = """
SELECT (number >> 24)::INTEGER AS eight, ((number >> 16) & 255)::INTEGER AS second, count(*) AS alone
FROM d_lone WHERE {its} GROUP BY ALL
"""
_USUAL: Final = """
SELECT (number >> 24)::INTEGER AS eight, count(*) AS sources, count(*) FILTER ({special} OR unrouted) AS impossible
FROM (
  SELECT {number} AS number, bool_or(asn IS NULL AND geo_db IS NOT NULL) AS unrouted
  FROM {events} WHERE {where} AND octet_length(src_ip) = 4
    AND {number} * 1640531527 % 4294967296 // 65536 % {sample} = 0
  GROUP BY src_ip HAVING count(*) > 1
) GROUP BY eight
"""


def _at(level: int, flood: Flood) -> str:
    """The condition that a packet came to what the flood came to."""
    parts = [f"protocol = {flood.protocol}"]
    if level < 2:
        parts.append("dst_port IS NULL" if flood.dst_port is None else f"dst_port = {flood.dst_port}")
    if flood.dst_ip is not None:
        parts.append(f"dst_ip = unhex('{flood.dst_ip.hex()}')")
    return " AND ".join(parts)


def _its(flood: Flood) -> str:
    """The condition that a packet of `d_lone` is the flood's."""
    return f"t BETWEEN {_us(flood.start)} AND {_us(flood.end)} AND {_at(flood.level, flood)}"


def candidates(counted: pl.DataFrame, minutes: int, rule: Rule) -> pl.DataFrame:
    """Stretches of minutes of one key that stand out: protocol, dst_port, dst_ip, first and last minute, sources, usual.

    `counted`: minute, key and sources of one packet, of the minutes with enough, in a span of so many minutes. A key's minute
    stands out with `times_usual` times the sources of the first quartile of its minutes; those that are not in `counted` have
    few.
    """
    key = list(KEYS)
    # a quartile over all minutes: where less than three quarters of them are here it is below the least
    place = minutes - pl.len() - 1
    usual = pl.col("sources").sort().get((minutes // 4 - 1 - place).clip(0, None), null_on_oob=True)
    usual = pl.when(pl.len() * 4 > minutes * 3).then(usual).otherwise(0).over(key)
    told = counted.with_columns(usual.alias("usual"))
    told = told.filter(pl.col("sources") > rule.times_usual * pl.col("usual")).sort(*key, "minute", nulls_last=True)
    new = (pl.col("minute").diff().over(key) > rule.idle).fill_null(True)
    told = told.with_columns(new.cum_sum().over(key).alias("run"))
    out = told.group_by(*key, "run", maintain_order=True).agg(
        pl.col("minute").min().alias("first"), pl.col("minute").max().alias("last"), pl.col("sources").sum(),
        pl.col("usual").first(),
    )  # fmt: skip
    return out.filter(pl.col("sources") >= rule.sources).drop("run")


class Day:
    """The floods of one span (a day), and their sources: asked of `events` (SQL of a table of events), in a session.

    `counted`: SQL of src_ip, events and packets of every source of the span, where somebody has counted them already.
    """

    def __init__(
        self,
        ask: Callable[..., pl.DataFrame],
        start: dt.datetime,
        end: dt.datetime,
        rule: Rule,
        *,
        events: str = "raw_events",
        counted: str | None = None,
    ) -> None:
        self.ask, self.rule, self.events = ask, rule, events
        self.where = " AND ".join(Filters(start=start, end=end).conditions(raw=True))
        self.counted = counted or _SOURCES.format(events=events, where=self.where)
        self.minutes = max(1, round((end - start) / dt.timedelta(minutes=1)))
        self._usual: tuple[F64, float] | None = None

    def floods(self) -> Iterator[tuple[Flood, pl.DataFrame]]:
        """Each flood with those of its sources that are sure enough: src_ip, confidence.

        Floods upon one port of one destination first, then on a port, then on a destination; what one explains is not told
        again.
        """
        words = {"minute": MINUTE, "number": NUMBER, "events": self.events, "where": self.where, "unmarked": _UNMARKED}
        self.ask(_LONE.format(**words, counted=self.counted))
        try:
            for level in range(3):
                for flood in self.judged(self.candidates(level), level):
                    if flood.flat:
                        its = _its(flood)
                        yield flood, self._named(flood, its)
                        self.ask(f"DELETE FROM d_lone WHERE {its}")
        finally:
            self.ask("DROP TABLE IF EXISTS d_lone")

    def candidates(self, level: int) -> pl.DataFrame:
        """What stands out among the sources of one packet that no flood explains yet. Level 0: one port of one destination."""
        keys = ("protocol, dst_port, dst_ip", "protocol, dst_port", "protocol, dst_ip")[level]
        counted = self.ask(_BINS.format(keys=keys, least=self.rule.per_minute))
        missing = {"dst_port": pl.Int64(), "dst_ip": pl.Binary()}
        counted = counted.with_columns(
            pl.lit(None, dtype=kind).alias(name) for name, kind in missing.items() if name not in counted.columns
        )
        return candidates(counted, self.minutes, self.rule)

    def judged(self, some: pl.DataFrame, level: int) -> list[Flood]:
        """What each candidate of a level is found to be."""
        if not some.height:
            return []
        # the edges' minutes hold part of it, below the least
        some = some.with_columns(pl.col("first") - 1, pl.col("last") + 1).with_row_index("id")
        given = {
            "id": some["id"].cast(pl.Int64).to_list(), "protocol": some["protocol"].to_list(),
            "port": some["dst_port"].to_list(), "destination": some["dst_ip"].to_list(), "first": some["first"].to_list(),
            "last": some["last"].to_list(),
        }  # fmt: skip
        rows = self.ask(_WANTED + _COUNTED.format(special=_special(), same=_SAME[level]), given)
        quiet = dict(self.ask(_WANTED + _QUIET.format(same=_SAME[level]), given).iter_rows())
        out = []
        for one in some.iter_rows(named=True):
            length = one["last"] - one["first"] + 1
            own = rows.filter(pl.col("id") == one["id"])
            if own["sources"].sum() >= self.rule.sources:
                out.append(self._judge(one, own, quiet.get(one["id"], 0) / max(1, self.minutes - length) * length, level))
        return out

    def usual(self) -> tuple[F64, float]:
        """How the sources of more than one packet lie over the 256 /8s (shares, none 0), and which share cannot be any."""
        if self._usual is None:
            total = int(self.ask(f"SELECT sum(events)::BIGINT AS n FROM ({self.counted})")["n"][0] or 0)
            words = {"special": _special(), "number": NUMBER, "events": self.events, "where": self.where}
            rows = self.ask(_USUAL.format(**words, sample=max(1, total // EVENTS_AT_ONCE)))
            counts = np.full(256, 0.5)
            counts[rows["eight"].to_numpy()] += rows["sources"].to_numpy()
            share = float(rows["impossible"].sum()) / max(1.0, float(rows["sources"].sum()))
            self._usual = counts / counts.sum(), share
        return self._usual

    def _judge(self, one: dict[str, Any], own: pl.DataFrame, quiet: float, level: int) -> Flood:
        counts = np.zeros(256)
        counts[own["eight"].to_numpy()] = own["sources"].to_numpy()
        n = int(counts.sum())
        chi2, freedom, even = flatness(counts)
        uneven = math.sqrt(max(0.0, chi2 - freedom) / n)
        impossible = int(own["impossible"].sum()) / n
        start, end = (_EPOCH + dt.timedelta(microseconds=t) for t in (min(own["first"]), max(own["last"])))
        name = f"{start:%Y%m%dT%H%MZ}-{thing_text(one['protocol'], one['dst_port'])}"
        flood = Flood(
            name, start, end, one["protocol"], one["dst_port"], one["dst_ip"], n, 1.0, impossible, 0.0, chi2, freedom, uneven,
            int(own["odd"].sum()) / max(1, int(own["ttls"].sum())), max(0.0, 1.0 - quiet / n), False, level, (),
        )  # fmt: skip
        if uneven > self.rule.uneven and impossible < self.rule.impossible:
            return flood
        shape, usual_impossible = self.usual()
        # without data on ASes the few special-purpose prefixes are all that is known of where no source can be
        chance = _tail(round(impossible * n), n, max(usual_impossible, 0.01))
        one_packet = n / max(n, self._sources_at(flood))
        strange = chance <= self.rule.impossible_chance or not own["asked"].any()
        strange &= one_packet >= self.rule.one_packet
        lumpy = strange and uneven > self.rule.uneven
        flat = strange
        if lumpy:
            flat = nearness(self.ask(_NEAR.format(its=_its(flood)))) <= self.rule.nearness
        # what lies outside the even /8s, in a flood, is forged too
        dense = flood.forged * float(even.max())
        confidence = dense / np.maximum(dense + (1 - flood.forged) * shape, 1e-12)
        return replace(
            flood, flat=flat, one_packet=one_packet, usual_impossible=usual_impossible, lumpy=lumpy,
            confidence=tuple(confidence.tolist()),
        )  # fmt: skip

    def _sources_at(self, flood: Flood) -> int:
        """All sources (without a tool's mark) that sent to what the flood came to while it lasted."""
        span = Filters(start=flood.start, end=flood.end + dt.timedelta(microseconds=1)).span()
        where = " AND ".join([*span, _at(flood.level, flood), _UNMARKED, "octet_length(src_ip) = 4"])
        return int(self.ask(f"SELECT count(DISTINCT src_ip) AS n FROM {self.events} WHERE {where}")["n"][0])

    def _named(self, flood: Flood, its: str) -> pl.DataFrame:
        rows = self.ask(f"SELECT src_ip, (number >> 24)::INTEGER AS eight FROM d_lone WHERE {its}")
        sure = np.array(flood.confidence)[rows["eight"].to_numpy()]
        named = rows.select("src_ip").with_columns(pl.Series("confidence", sure, dtype=pl.Float64))
        return named.filter(pl.col("confidence") >= self.rule.confidence)


def nearness(cells: pl.DataFrame) -> float:
    """How often two sources share a /16, as a multiple of how often they would if its two bytes had been drawn one by one.

    `cells`: first and second byte (`eight`, `second`) and how many sources (`alone`). Invented ones: at most about 1, since
    three standard deviations are taken off. Real hosts share networks (the addresses on lists of scanners: 13).
    """
    grid = np.zeros((256, 256))
    np.add.at(grid, (cells["eight"].to_numpy(), cells["second"].to_numpy()), cells["alone"].to_numpy())
    n = float(grid.sum())

    def pairs(counts: F64) -> float:
        return float((counts * (counts - 1)).sum()) / 2

    expected = pairs(grid.sum(axis=0)) * pairs(grid.sum(axis=1)) / max(1.0, n * (n - 1) / 2)
    return max(0.0, pairs(grid) - 3 * math.sqrt(max(1.0, expected))) / expected if expected else math.inf


def flatness(counts: F64) -> tuple[float, int, F64]:
    """Pearson's chi-square of sources by /8 (256 counts) against even ones, its degrees of freedom, and the even shares.

    Even over all /8s, over those that are not reserved or multicast (0 to 223), or over those without 0, 10 and 127 too,
    whichever fits best. Below 5 sources a /8 on average, eight neighbouring /8s are taken together.
    """
    best: tuple[float, float, int, F64] | None = None
    whole = np.ones(256)
    unicast = np.where(np.arange(256) < 224, 1.0, 0.0)
    public = unicast.copy()
    public[[0, 10, 127]] = 0.0
    for support in (whole, unicast, public):
        inside = counts * support
        n = inside.sum()
        if n < 0.98 * counts.sum() or n == 0:
            continue
        even = support / support.sum()
        seen, expected = inside, even * n
        if n < 5 * support.sum():
            seen, expected = seen.reshape(32, 8).sum(1), expected.reshape(32, 8).sum(1)
        there = expected > 0
        chi2 = float(((seen[there] - expected[there]) ** 2 / expected[there]).sum())
        freedom = int(there.sum()) - 1
        if best is None or chi2 / freedom < best[0]:
            best = chi2 / freedom, chi2, freedom, even
    if best is None:
        return math.inf, 1, whole / 256
    return best[1], best[2], best[3]


def _tail(hits: int, n: int, p: float) -> float:
    """At most this is the chance of so many hits of n, each of chance p (Chernoff's bound)."""
    share = hits / n
    if share <= p:
        return 1.0
    divergence = share * math.log(share / p) + ((1 - share) * math.log((1 - share) / (1 - p)) if share < 1 else 0.0)
    return math.exp(-n * divergence)


def _us(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)
