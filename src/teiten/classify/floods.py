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
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.engine.filters import Filters, thing_text

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.settings import Settings

F64 = npt.NDArray[np.float64]
EVENTS_AT_ONCE: Final = 1_000_000
"""events that are binned, or sources that are counted, in one go"""
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
    packets: int
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
_BINS: Final = """
SELECT (epoch_us(time) // {minute})::BIGINT AS minute, protocol, dst_port, dst_ip,
       GROUPING(dst_port)::INTEGER AS any_port, GROUPING(dst_ip)::INTEGER AS any_destination, count(*) AS events
FROM raw_events
WHERE {where}
GROUP BY GROUPING SETS ((1, protocol, dst_port, dst_ip), (1, protocol, dst_port), (1, protocol, dst_ip))
HAVING count(*) >= {least}
"""
_UNMARKED: Final = (
    "octet_length(src_ip) = 4 AND protocol IS NOT NULL AND kind IS DISTINCT FROM 'backscatter'"
    " AND NOT coalesce(mark_mirai, false) AND NOT coalesce(mark_masscan, false) AND NOT coalesce(mark_zmap, false)"
)


def _where(start: dt.datetime, end: dt.datetime) -> str:
    return " AND ".join([*Filters(start=start, end=end).conditions(raw=True), _UNMARKED])


def _slices(session: Session, start: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
    """The span in stretches of whole minutes with about `EVENTS_AT_ONCE` events each."""
    where = " AND ".join(Filters(start=start, end=end).span())
    n = session.query(f"SELECT count(*) AS n FROM raw_events WHERE {where}")[0]["n"]
    minutes = max(1, round((end - start) / dt.timedelta(minutes=1)))
    parts = min(minutes, max(1, -(-n // EVENTS_AT_ONCE)))
    edges = [start + dt.timedelta(minutes=minutes * i // parts) for i in range(parts)] + [end]
    return list(itertools.pairwise(edges))


def bins(session: Session, start: dt.datetime, end: dt.datetime, least: int) -> pl.DataFrame:
    """Minutes in which a port of a destination, a port, or a destination got that many packets without a tool's mark."""
    found = [
        session.frame(_BINS.format(minute=MINUTE, where=_where(*some), least=least)) for some in _slices(session, start, end)
    ]
    return pl.concat([f for f in found if f.height] or found[:1])


def candidates(counted: pl.DataFrame, minutes: int, rule: Rule) -> pl.DataFrame:
    """Stretches of minutes of one key that stand out: level, key, first and last minute, events, minutes.

    `counted`: `bins` of a span of so many minutes. A key's minute stands out with `times_usual` times the packets of the
    first quartile of its minutes (those that are not in `counted` have few). Level 0 is one port of one destination, 1 one
    port, 2 one destination.
    """
    key = ["level", *KEYS]
    told = counted.with_columns((pl.col("any_destination") + 2 * pl.col("any_port")).alias("level"))
    # a quartile over all minutes: where less than three quarters of them are here it is below the least
    place = minutes - pl.len() - 1
    usual = pl.col("events").sort().get((minutes // 4 - 1 - place).clip(0, None), null_on_oob=True)
    usual = pl.when(pl.len() * 4 > minutes * 3).then(usual).otherwise(0).over(key)
    told = told.with_columns(usual.alias("usual"))
    told = told.filter(pl.col("events") > rule.times_usual * pl.col("usual")).sort(*key, "minute", nulls_last=True)
    new = (pl.col("minute").diff().over(key) > rule.idle).fill_null(True)
    told = told.with_columns(new.cum_sum().over(key).alias("run"))
    out = told.group_by(*key, "run", maintain_order=True).agg(
        pl.col("minute").min().alias("first"), pl.col("minute").max().alias("last"), pl.col("events").sum(),
        pl.col("usual").first(),
    )  # fmt: skip
    return out.filter(pl.col("events") >= rule.sources).drop("run")


_CHOSEN: Final = """
WITH wanted AS (
  SELECT unnest($id) AS id, unnest($level) AS level, unnest($protocol) AS protocol, unnest($port) AS port,
         unnest($destination) AS destination, unnest($first) AS first, unnest($last) AS last
), chosen AS (
  SELECT w.id, e.src_ip, count(*) AS n, min(epoch_us(time)) AS t_first, max(epoch_us(time)) AS t_last,
         any_value(e.ttl) AS ttl, bool_or(e.asn IS NULL) AS unrouted, bool_or(e.geo_db IS NOT NULL) AS asked
  FROM (
    SELECT time, (epoch_us(time) // {minute})::BIGINT AS minute, src_ip, protocol, dst_port, dst_ip, ttl, asn, geo_db
    FROM raw_events WHERE {where}{part}
  ) e
  JOIN wanted w ON e.protocol = w.protocol AND {same}
  WHERE e.minute BETWEEN w.first AND w.last
  GROUP BY w.id, e.src_ip
), whole AS (
  SELECT src_ip, count(*) AS all_day FROM raw_events
  WHERE {day} AND src_ip IN (SELECT src_ip FROM chosen) GROUP BY src_ip
)
"""
_SAME: Final = (
    "e.dst_port IS NOT DISTINCT FROM w.port AND e.dst_ip = w.destination",
    "e.dst_port IS NOT DISTINCT FROM w.port",
    "e.dst_ip = w.destination",
)
_COUNTED: Final = """
SELECT id, (number >> 24)::INTEGER AS eight, count(*) AS sources, count(*) FILTER (alone) AS alone, sum(n)::BIGINT AS packets,
       count(*) FILTER (alone AND (impossible OR unrouted AND asked)) AS impossible, bool_or(asked) AS asked,
       min(t_first) FILTER (alone) AS t_first, max(t_last) FILTER (alone) AS t_last,
       count(*) FILTER (alone AND ttl IS NOT NULL) AS ttls,
       count(*) FILTER (alone AND NOT (ttl BETWEEN 1 AND 64 OR ttl BETWEEN 88 AND 128 OR ttl BETWEEN 215 AND 255)) AS odd
FROM (
  SELECT *, all_day = 1 AS alone, {special} AS impossible
  FROM (SELECT c.*, all_day, ('0x' || hex(src_ip))::BIGINT AS number FROM chosen c JOIN whole USING (src_ip))
) GROUP BY id, eight
"""
_NEAR: Final = """
SELECT id, (number >> 24)::INTEGER AS eight, ((number >> 16) & 255)::INTEGER AS second, count(*) AS alone
FROM (SELECT id, ('0x' || hex(src_ip))::BIGINT AS number FROM chosen JOIN whole USING (src_ip) WHERE all_day = 1)
GROUP BY ALL
"""
_NAMED: Final = """
SELECT id, src_ip, (('0x' || hex(src_ip))::BIGINT >> 24)::INTEGER AS eight
FROM chosen JOIN whole USING (src_ip) WHERE all_day = 1
"""
_USUAL: Final = """
SELECT (number >> 24)::INTEGER AS eight, count(*) AS sources, count(*) FILTER ({special} OR unrouted AND asked) AS impossible
FROM (
  SELECT {number} AS number, bool_or(asn IS NULL) AS unrouted, bool_or(geo_db IS NOT NULL) AS asked
  FROM raw_events WHERE {where} AND hash(src_ip) % {sample} = 0
  GROUP BY src_ip HAVING count(*) > 1
) GROUP BY eight
"""
_TOTALS: Final = """
SELECT protocol, dst_port, dst_ip, GROUPING(dst_port)::INTEGER AS any_port, GROUPING(dst_ip)::INTEGER AS any_destination,
       count(*) AS events
FROM raw_events WHERE {where} AND (protocol, dst_port) IN (SELECT unnest($protocol), unnest($port))
GROUP BY GROUPING SETS ((protocol, dst_port, dst_ip), (protocol, dst_port))
"""


class Day:
    """The floods of one span (a day), and their sources."""

    def __init__(self, session: Session, start: dt.datetime, end: dt.datetime, rule: Rule) -> None:
        self.session, self.start, self.end, self.rule = session, start, end, rule
        self.minutes = max(1, round((end - start) / dt.timedelta(minutes=1)))
        self._usual: tuple[F64, float] | None = None

    def floods(self) -> list[Flood]:
        """Those of one port of one destination first; what these explain is not told again as one of a port."""
        counted = bins(self.session, self.start, self.end, self.rule.per_minute)
        if not counted.height:
            return []
        found: list[Flood] = []
        for level in range(3):
            left = _without(counted, found)
            some = candidates(left, self.minutes, self.rule).filter(pl.col("level") == level)
            found += [f for f in self.judged(some, level, found) if f.flat]
        return found

    def judged(self, some: pl.DataFrame, level: int, told: Sequence[Flood] = ()) -> list[Flood]:
        """What each candidate of a level was found to be, without the packets of floods that are told already."""
        if not some.height:
            return []
        # the edges' minutes hold part of it, below the least
        some = some.with_columns(pl.col("first") - 1, pl.col("last") + 1).with_row_index("id")
        rows = self._ask(_COUNTED.format(special=_special()), some, level, told)
        quiet = self._quiet(some, level)
        out: dict[int, Flood] = {}
        for number, one in enumerate(some.iter_rows(named=True)):
            own = rows.filter(pl.col("id") == one["id"])
            if own.height:
                flood = self._judge(one, own, quiet[number])
                if flood is not None:
                    out[one["id"]] = flood
        if lumpy := [n for n, flood in out.items() if flood.lumpy]:
            cells = self._ask(_NEAR, some.filter(pl.col("id").is_in(lumpy)), level, told)
            for n in lumpy:
                near = nearness(cells.filter(pl.col("id") == n))
                out[n] = replace(out[n], flat=near <= self.rule.nearness)
        return list(out.values())

    def _given(self, some: pl.DataFrame) -> dict[str, Any]:
        return {
            "id": some["id"].cast(pl.Int64).to_list(), "level": some["level"].to_list(), "protocol": some["protocol"].to_list(),
            "port": some["dst_port"].to_list(), "destination": some["dst_ip"].to_list(), "first": some["first"].to_list(),
            "last": some["last"].to_list(),
        }  # fmt: skip

    def _ask(self, what: str, some: pl.DataFrame, level: int, told: Sequence[Flood] = ()) -> pl.DataFrame:
        """A question about the sources of candidates, a part of the sources at a time where there are many."""
        parts = max(1, -(-int(some["events"].sum()) // EVENTS_AT_ONCE))
        low, high = (dt.datetime.fromtimestamp(int(m) * 60, dt.UTC) for m in (some["first"].min(), some["last"].max() + 1))  # type: ignore
        where = _where(max(low, self.start), min(high, self.end)) + _not_in(told)
        found = []
        for n in range(parts):
            part = f" AND hash(src_ip) % {parts} = {n}" if parts > 1 else ""
            sql = _CHOSEN.format(minute=MINUTE, where=where, part=part, same=_SAME[level], day=self._day)
            found.append(self.session.frame(sql + what, self._given(some)))
        rows = pl.concat(found)
        return (
            rows
            if {"src_ip", "second"} & {*rows.columns}
            else rows.group_by("id", "eight").agg(
                pl.exclude("asked", "t_first", "t_last").sum(),
                pl.col("asked").any(),
                pl.col("t_first").min(),
                pl.col("t_last").max(),
            )
        )

    @property
    def _day(self) -> str:
        return " AND ".join(Filters(start=self.start, end=self.end).conditions(raw=True))

    def _quiet(self, some: pl.DataFrame, level: int) -> list[float]:
        """Packets that each candidate's key brings in as many minutes at other times."""
        if level == 2:
            return (some["usual"] * (some["last"] - some["first"] + 1)).to_list()
        sql = _TOTALS.format(where=_where(self.start, self.end))
        told = self.session.frame(sql, {"protocol": some["protocol"].to_list(), "port": some["dst_port"].to_list()})
        told = told.filter(pl.col("any_destination") == (1 if level else 0)).rename({"events": "whole"})
        joined = some.join(
            told, on=list(KEYS) if level == 0 else list(KEYS[:2]), how="left", nulls_equal=True, maintain_order="left"
        )
        length = (joined["last"] - joined["first"] + 1).to_numpy()
        rest = (joined["whole"].fill_null(0) - joined["events"]).clip(0).to_numpy()
        quiet: F64 = rest / np.maximum(1, self.minutes - length) * length
        return [float(n) for n in quiet]

    def usual(self) -> tuple[F64, float]:
        """How the sources of more than one packet lie over the 256 /8s (shares, none 0), and which share cannot be any."""
        if self._usual is None:
            total = self.session.query(f"SELECT count(*) AS n FROM raw_events WHERE {self._day}")[0]["n"]
            sample = max(1, total // EVENTS_AT_ONCE)
            rows = self.session.frame(
                _USUAL.format(special=_special(), number=NUMBER, where=_where(self.start, self.end), sample=sample)
            )
            counts = np.full(256, 0.5)
            counts[rows["eight"].to_numpy()] += rows["sources"].to_numpy()
            share = float(rows["impossible"].sum()) / max(1.0, float(rows["sources"].sum()))
            self._usual = counts / counts.sum(), share
        return self._usual

    def _judge(self, one: dict[str, Any], own: pl.DataFrame, quiet: float) -> Flood | None:
        counts = np.zeros(256)
        counts[own["eight"].to_numpy()] = own["alone"].to_numpy()
        n, sources = int(counts.sum()), int(own["sources"].sum())
        if n < self.rule.sources:
            return None
        shape, usual_impossible = self.usual()
        chi2, freedom, even = flatness(counts)
        uneven = math.sqrt(max(0.0, chi2 - freedom) / n)
        impossible = int(own["impossible"].sum())
        forged = max(0.0, 1.0 - quiet / n)
        chance = _tail(impossible, n, max(usual_impossible, 0.01))
        one_packet = n / sources
        # without data on ASes the few special-purpose prefixes are all that is known of where no source can be
        strange = chance <= self.rule.impossible_chance or not own["asked"].any()
        strange &= one_packet >= self.rule.one_packet
        flat = strange and uneven <= self.rule.uneven
        lumpy = strange and not flat and impossible / n >= self.rule.impossible
        # what lies outside the even /8s, in a flood, is forged too
        dense = forged * float(even.max())
        confidence = dense / np.maximum(dense + (1 - forged) * shape, 1e-12)
        first, last = (pl.Series(own[name]).drop_nulls() for name in ("t_first", "t_last"))
        start, end = (_EPOCH + dt.timedelta(microseconds=t) for t in (min(first), max(last)))
        name = f"{start:%Y%m%dT%H%MZ}-{thing_text(one['protocol'], one['dst_port'])}"
        return Flood(
            name, start, end, one["protocol"], one["dst_port"], one["dst_ip"], int(own["packets"].sum()), n, one_packet,
            impossible / n, usual_impossible, chi2, freedom, uneven, int(own["odd"].sum()) / max(1, int(own["ttls"].sum())),
            forged, flat, one["level"], tuple(confidence.tolist()), lumpy,
        )  # fmt: skip

    def named(self, floods: Sequence[Flood]) -> Iterator[tuple[Flood, pl.DataFrame]]:
        """For each flood, in some parts, its sources: `src_ip` and `confidence`, those that are sure enough."""
        for level in range(3):
            own = [f for f in floods if f.level == level]
            if not own:
                continue
            some = pl.DataFrame(
                {
                    "id": range(len(own)), "level": [level] * len(own), "protocol": [f.protocol for f in own],
                    "dst_port": [f.dst_port for f in own], "dst_ip": [f.dst_ip for f in own],
                    "first": [_minute(f.start) for f in own], "last": [_minute(f.end) for f in own],
                    "events": [f.packets for f in own],
                },
                schema_overrides={"dst_ip": pl.Binary(), "dst_port": pl.Int64()},
            )  # fmt: skip
            rows = self._ask(_NAMED, some, level)
            for number, flood in enumerate(own):
                sure = np.array(flood.confidence)[rows.filter(pl.col("id") == number)["eight"].to_numpy()]
                told = rows.filter(pl.col("id") == number).select("src_ip").with_columns(pl.Series("confidence", sure))
                yield flood, told.filter(pl.col("confidence") >= self.rule.confidence)


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


def _minute(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(minutes=1)


def _not_in(floods: Sequence[Flood]) -> str:
    """The condition that leaves out the packets of those floods (of one port of one destination)."""
    out = []
    for f in floods:
        if f.dst_ip is not None and f.level == 0:
            port = "IS NULL" if f.dst_port is None else f"= {f.dst_port}"
            span = " AND ".join(Filters(start=f.start, end=f.end + dt.timedelta(microseconds=1)).span())
            out.append(
                f" AND NOT (dst_ip = unhex('{f.dst_ip.hex()}') AND protocol = {f.protocol} AND dst_port {port} AND {span})"
            )
    return "".join(out)


def _without(counted: pl.DataFrame, found: Sequence[Flood]) -> pl.DataFrame:
    """The bins less the packets of floods that are told already."""
    for flood in found:
        mine = (pl.col("minute").is_between(_minute(flood.start) - 1, _minute(flood.end) + 1)) & (
            pl.col("protocol") == flood.protocol
        )
        if flood.level == 0:
            its = counted.filter(
                mine & (pl.col("any_port") + pl.col("any_destination") == 0)
                & pl.col("dst_port").eq_missing(flood.dst_port) & (pl.col("dst_ip") == flood.dst_ip)
            )  # fmt: skip
            taken = its.select("minute", pl.col("events").alias("taken"))
            same = (pl.col("dst_port").eq_missing(flood.dst_port) & (pl.col("any_destination") == 1)) | (
                (pl.col("dst_ip") == flood.dst_ip) & (pl.col("any_port") == 1)
            )
            counted = counted.join(taken, on="minute", how="left", maintain_order="left")
            less = pl.when(mine & same).then(pl.col("events") - pl.col("taken").fill_null(0)).otherwise(pl.col("events"))
            counted = counted.with_columns(less.alias("events")).drop("taken")
    return counted.filter(pl.col("events") > 0)
