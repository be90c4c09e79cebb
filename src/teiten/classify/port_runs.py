"""Long runs of consecutive ports at one destination in order of time, by one source or carried by several of one country.

The daily overview that this follows takes them for the possible reflection of traffic with a forged source, rather than for
scans ("連続的なポート範囲への着信", "IP詐称によるリフレクションの可能性"): a tool that forges one address counts
its source port up by one with each packet, and the answers come to port after port. So they are told apart from scans,
and how many of a run's packets are answers (SYN-ACK, RST...) is told with it.

Where a port follows the one before within `reach` (lost packets leave gaps), up or down, not later than `idle` after it, a
run goes on; a port that comes again, or somewhat late, does not end it, nor do packets to other ports between. A run is told
of with `ports` distinct ports or more of which so many of its range were there (`density`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from teiten.engine.filters import Filters

if TYPE_CHECKING:
    from teiten.settings import Settings

EVENTS_AT_ONCE: Final = 1_000_000
"""events whose blocks of ports are counted in one go; of more, a part of the blocks is taken at a time"""
BLOCK: Final = 16
"""ports that are looked at together before a key's events are: a run of 31 holds at least one whole block"""
POPULAR: Final = 1000
"""packets of a port, or a two-thousandth of all, beyond which it is left out where dense blocks are looked for: of such ports
there are few, and a run through one of them has its neighbours"""
SEVERAL: Final = 0.5
"""a run is carried by several sources where the source changes at this share of its steps or more"""
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Rule:
    """The levels; see `settings.THRESHOLDS` for each. `reach`: ports from one to the next that is seen."""

    ports: int = 30
    density: float = 0.7
    idle: int = 300
    reach: int = 6

    @classmethod
    def of(cls, settings: Settings) -> Rule:
        get = settings.threshold
        return cls(round(get("port_run_ports")), get("port_run_density"), round(get("port_run_idle_seconds")))


@dataclass(slots=True)
class Run:
    """One run. `sources`: packed address -> its packets in the run; `dst_ip` never leaves the house."""

    dst_ip: bytes
    protocol: int
    country: str | None
    first: int
    last: int
    start: int
    end: int
    packets: int
    answers: int
    ports: int
    changes: int
    down: bool
    sources: dict[bytes, int] = field(default_factory=dict)

    @property
    def value(self) -> str:
        """'first-last', the lower port first."""
        return f"{self.first}-{self.last}"

    @property
    def span(self) -> tuple[dt.datetime, dt.datetime]:
        return tuple(_EPOCH + dt.timedelta(microseconds=t) for t in (self.start, self.end))  # type: ignore[return-value]

    @property
    def several(self) -> bool:
        return len(self.sources) > 1


_BLOCK: Final = "hash(dst_ip, protocol, dst_port // {block})"
"""SQL: a number for the block of ports of a destination; the columns themselves as keys cost several times as much"""
_PORTS: Final = """
SELECT protocol * 65536 + dst_port AS port, count(*) AS n FROM {events}
WHERE {where} AND protocol IN (6, 17) AND dst_port IS NOT NULL GROUP BY protocol * 65536 + dst_port
"""
_DENSE: Final = """
SELECT block FROM (
  SELECT {hashed} AS block, dst_port % {block} AS place FROM {events}
  WHERE {where} AND protocol IN (6, 17) AND dst_port IS NOT NULL
    AND protocol * 65536 + dst_port NOT IN (SELECT unnest($popular)){part}
) GROUP BY block
HAVING bit_count(bit_or(1::INTEGER << place)) >= {least}
"""
_KEYS: Final = """
SELECT dst_ip, country, protocol, list(block) AS blocks FROM (
  SELECT dst_ip, country, protocol, dst_port // {block} AS block FROM {events}
  WHERE {where} AND protocol IN (6, 17) AND dst_port IS NOT NULL AND {hashed} IN (SELECT unnest($blocks))
  GROUP BY dst_ip, country, protocol, dst_port // {block}
  HAVING bit_count(bit_or(1::INTEGER << (dst_port % {block}))) >= {least}
) GROUP BY dst_ip, country, protocol
"""
_EVENTS: Final = """
WITH wanted AS (
  SELECT unnest($dst) AS dst_ip, unnest($country) AS country, unnest($protocol) AS protocol, unnest($block) AS block,
         unnest($key) AS key
)
SELECT w.key, epoch_us(e.time) AS t, e.src_ip, e.dst_port AS port, e.kind = 'backscatter' AS answer, e.packets
FROM (
  SELECT time, src_ip, dst_ip, country, protocol, dst_port, kind, packets, source_id, source_pos FROM {events}
  WHERE {where} AND protocol IN (6, 17) AND dst_port IS NOT NULL
) e JOIN wanted w
  ON e.dst_ip = w.dst_ip AND e.protocol = w.protocol AND e.country IS NOT DISTINCT FROM w.country
 AND e.dst_port // {block} = w.block
ORDER BY w.key, e.time, e.source_id, e.source_pos
"""


def runs(
    ask: Callable[..., pl.DataFrame], start: dt.datetime, end: dt.datetime, rule: Rule, events: str = "raw_events"
) -> list[Run]:
    """The runs among the TCP and UDP packets of [start, end), in order of their starts; `events`: a table of events in SQL."""
    where = " AND ".join(Filters(start=start, end=end).conditions(raw=True))
    words: dict[str, Any] = {"block": BLOCK, "hashed": _BLOCK.format(block=BLOCK), "events": events, "where": where}
    ports = ask(_PORTS.format(**words))
    # what everybody tries makes no block dense, and is most of all packets
    many = max(POPULAR, int(ports["n"].sum()) // 2000)
    given = {"popular": ports.filter(pl.col("n") > many)["port"].to_list()}
    parts = max(1, -(-int(ports.filter(pl.col("n") <= many)["n"].sum()) // EVENTS_AT_ONCE))
    words["least"] = max(2, round(BLOCK * rule.density))
    dense: list[int] = []
    for n in range(parts):
        part = f" AND {words['hashed']} % {parts} = {n}" if parts > 1 else ""
        dense += ask(_DENSE.format(**words, part=part), given)["block"].to_list()
    if not dense:
        return []
    found = _of(ask, words, ask(_KEYS.format(**words), {"blocks": dense}), rule)
    return sorted(found, key=lambda run: (run.start, run.dst_ip, run.first))


def _of(ask: Callable[..., pl.DataFrame], words: dict[str, Any], keys: pl.DataFrame, rule: Rule) -> list[Run]:
    """The runs of keys (destination, country, protocol) that have dense blocks of ports."""
    if not keys.height:
        return []
    keys = keys.with_row_index("key")
    # a run begins and ends in blocks that it does not fill
    near = pl.concat([keys.explode("blocks").with_columns(pl.col("blocks") + d) for d in (-1, 0, 1)])
    near = near.unique(["key", "blocks"]).sort("key", "blocks")
    given = {
        "dst": near["dst_ip"].to_list(), "country": near["country"].to_list(), "protocol": near["protocol"].to_list(),
        "block": near["blocks"].to_list(), "key": near["key"].to_list(),
    }  # fmt: skip
    events = ask(_EVENTS.format(**words), given)
    out = []
    for (number,), own in events.group_by(["key"], maintain_order=True):
        dst, country, protocol = keys.row(int(str(number)))[1:4]
        for run in found_in(own, rule):
            run.dst_ip, run.country, run.protocol = dst, country, protocol
            out.append(run)
    return out


def found_in(events: pl.DataFrame, rule: Rule) -> list[Run]:
    """The runs among events of one key in order of time: columns t (µs), src_ip, port, answer, packets.

    Each source by itself first; what is left then, of all of them together.
    """
    rows = events.with_row_index("row")
    out: list[Run] = []
    taken: list[int] = []
    for _, own in rows.group_by("src_ip", maintain_order=True):
        if own["port"].n_unique() >= rule.ports:
            for run, members in _chains(own, rule):
                out.append(run)
                taken += members
    rest = rows.filter(~pl.col("row").is_in(taken)) if taken else rows
    if rest["port"].n_unique() >= rule.ports and rest["src_ip"].n_unique() > 1:
        out += [run for run, _ in _chains(rest, rule) if run.changes >= SEVERAL * run.ports]
    return out


def _chains(rows: pl.DataFrame, rule: Rule) -> list[tuple[Run, list[int]]]:
    """Runs upwards, then those downwards of what is left, each with its rows' numbers."""
    out = _walk(rows, rule, 1)
    taken = {n for _, members in out for n in members}
    left = rows.filter(~pl.col("row").is_in(list(taken))) if taken else rows
    return out + (_walk(left, rule, -1) if left["port"].n_unique() >= rule.ports else [])


class _Chain:
    """A run that is being followed: its events' places, the port it has reached, when."""

    __slots__ = ("at", "head", "members", "seen")

    def __init__(self, port: int, t: int, place: int) -> None:
        self.head, self.at, self.members, self.seen = port, t, [place], {port}


def _walk(rows: pl.DataFrame, rule: Rule, step: int) -> list[tuple[Run, list[int]]]:
    """Follows every possible run in one pass over the events: a packet goes on with the one whose head is nearest behind it."""
    times, ports = rows["t"].to_list(), rows["port"].to_list()
    idle = rule.idle * 1_000_000
    heads: dict[int, _Chain] = {}
    chains: list[_Chain] = []
    for place, (t, port) in enumerate(zip(times, ports, strict=True)):
        for back in range(1, rule.reach + 1):
            chain = heads.get(port - step * back)
            if chain is not None and t - chain.at <= idle:
                del heads[chain.head]
                chain.head, chain.at = port, t
                _join_overtaken(heads, chain, back, rule, step)
                break
        else:
            chain = _late(heads, port, t, rule, step)
            if chain is None:
                chain = _Chain(port, t, place)
                chains.append(chain)
                heads[port] = chain
                continue
            chain.members.append(place)
            chain.seen.add(port)
            continue
        chain.members.append(place)
        chain.seen.add(port)
        heads[port] = chain
    out = []
    for chain in chains:
        if len(chain.seen) < rule.ports:
            continue
        wide = max(chain.seen) - min(chain.seen) + 1
        if len(chain.seen) >= rule.density * wide:
            out.append((_run(rows, chain, step), rows["row"].gather(chain.members).to_list()))
    return out


def _join_overtaken(heads: dict[int, _Chain], chain: _Chain, back: int, rule: Rule, step: int) -> None:
    """The few ports farther behind were overtaken when the run began; followed for themselves they would take ports from it."""
    for more in range(back + 1, rule.reach + 1):
        few = heads.get(chain.head - step * more)
        if few is not None and len(few.seen) < rule.reach and chain.at - few.at <= rule.idle * 1_000_000:
            del heads[few.head]
            chain.members = sorted(chain.members + few.members)
            chain.seen |= few.seen
            few.members, few.seen = [], set()


def _late(heads: dict[int, _Chain], port: int, t: int, rule: Rule, step: int) -> _Chain | None:
    """The run that this port belongs to although its head has passed it: said again, or overtaken by others."""
    for ahead in range(rule.reach + 1):
        chain = heads.get(port + step * ahead)
        if chain is not None and len(chain.seen) > 1 and t - chain.at <= rule.idle * 1_000_000:
            return chain
    return None


def _run(rows: pl.DataFrame, chain: _Chain, down: int) -> Run:
    own = rows[chain.members]
    sources = own.group_by("src_ip").agg(pl.col("packets").sum()).iter_rows()
    times = own["t"]
    changes = int((own["src_ip"] != own["src_ip"].shift()).fill_null(False).sum())
    return Run(
        b"", 0, None, min(chain.seen), max(chain.seen), times[0], times[-1], int(own["packets"].sum()),
        int(own.filter(pl.col("answer").fill_null(False))["packets"].sum()), len(chain.seen), changes, down < 0,
        dict(sources),
    )  # fmt: skip
