"""Payloads of the lake: each once, by its hash, with who sent it when to which ports; alike ones under one group.

The observer's own addresses are covered in each (`own`) before anything else is done with it: what was sent to two sensors
and differs in their addresses alone is one payload.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from teiten.engine.filters import Filters
from teiten.engine.questions import Query
from teiten.payloads import drawn, known
from teiten.payloads.drawn import Drawn
from teiten.payloads.groups import groups
from teiten.payloads.known import Exploit
from teiten.payloads.logins import port_text
from teiten.payloads.own import covered
from teiten.respond import hello

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

MOST: Final = 20_000
"""payloads that are looked at, those of the most hosts first"""
LONGEST: Final = 1 << 16
"""bytes of a payload that are looked at"""
_SQL: Final = """
SELECT payload, list(DISTINCT src_ip) AS sources,
  list(DISTINCT struct_pack(protocol := protocol, dst_port := dst_port)) AS ports, count(*) AS times,
  min(time) AS first, max(time) AS last, histogram(day_of(time)) AS days
FROM {events}
WHERE {where} AND payload IS NOT NULL AND octet_length(payload) > 0
GROUP BY payload
ORDER BY array_length(sources) DESC, times DESC, payload
LIMIT {n}
"""
_OWN: Final = "SELECT DISTINCT dst_ip FROM {events} WHERE {where} AND payload IS NOT NULL"
_DAYS: Final = """
SELECT day_of(time) AS day, count(*) AS times, count(DISTINCT src_ip) AS hosts
FROM {events}
WHERE {where} AND sha256(payload) IN ({hashes})
GROUP BY day ORDER BY day
"""
_COURSES: Final = """
SELECT {step}_start(time) AS start, one.place AS place, count(DISTINCT src_ip) AS hosts
FROM {events} JOIN (VALUES {members}) one(hash, place) ON sha256(payload) = one.hash
WHERE {where} AND payload IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2
"""
_SENDERS: Final = """
SELECT {src_text} AS src_ip, max(country) AS country, max(asn) AS asn, max(as_name) AS as_name, count(*) AS times,
  min(time) AS first, max(time) AS last
FROM {events}
WHERE {where} AND sha256(payload) IN ({hashes})
GROUP BY src_ip
ORDER BY times DESC, src_ip
LIMIT {n}
"""


@dataclass(slots=True)
class Payload:
    """One payload. `data`: its bytes, own addresses covered, at most `LONGEST`; `size`: how many there were; `hash`: SHA-256 of
    `data`, hexadecimal; `raw`: hashes of what it was before; `group`: the hash of its group's first; `days`: times by day."""

    hash: str
    data: bytes
    hosts: int
    times: int
    ports: list[str]
    first: dt.datetime
    last: dt.datetime
    size: int = 0
    group: str = ""
    sources: frozenset[bytes] = frozenset()
    raw: list[str] = field(default_factory=list)
    days: Counter[dt.date] = field(default_factory=Counter)


@dataclass(slots=True)
class Group:
    """Payloads that are alike; the one of the most hosts stands for them."""

    hash: str
    members: list[Payload] = field(default_factory=list)
    hosts: int = 0
    times: int = 0
    ports: list[str] = field(default_factory=list)
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    exploits: tuple[Exploit, ...] = ()
    ja4: str | None = None
    drawn: Drawn = field(default_factory=Drawn)
    sources: frozenset[bytes] = frozenset()
    days: Counter[dt.date] = field(default_factory=Counter)
    """times by day; a day without is 0 where the sensor watched, else nothing is known of it"""


def own(session: Session, wanted: Filters) -> frozenset[bytes]:
    """Addresses that payloads of the span were sent to, packed: not to be told. (0.0.0.0 is nobody's.)"""
    rows = Query(_OWN, {"where": beyond(wanted)}).rows(session)
    return frozenset(one for row in rows if any(one := bytes(row["dst_ip"])))


def beyond(wanted: Filters) -> Filters:
    """The span alone: whatever sensor or port is asked about, no other one's address is told."""
    return Filters(start=wanted.start, end=wanted.end, all_events=True)


def payloads(session: Session, wanted: Filters, most: int = MOST) -> list[Payload]:
    """The span's payloads, those of the most hosts first."""
    rows = Query(_SQL, {"where": wanted}, n=str(most)).rows(session)
    secret = own(session, wanted) if rows else frozenset()
    found: dict[str, Payload] = {}
    for row in rows:
        data = bytes(row["payload"])
        one = _payload(data, covered(data[:LONGEST], secret), row)
        kept = found.setdefault(one.hash, one)
        if kept is not one:
            _join(kept, one)
    out = sorted(found.values(), key=lambda one: (-one.hosts, -one.times, one.data))
    for one, number in zip(out, groups([one.data for one in out]), strict=True):
        one.group = out[number].hash
    return out


def _payload(data: bytes, shown: bytes, row: dict[str, Any]) -> Payload:
    sources = frozenset(bytes(one) for one in row["sources"])
    ports = [port_text(one) for one in row["ports"]]
    days: Counter[dt.date] = Counter(row["days"])
    return Payload(
        hashlib.sha256(shown).hexdigest(), shown, len(sources), row["times"], ports, row["first"], row["last"], size=len(data),
        sources=sources, raw=[hashlib.sha256(data).hexdigest()], days=days,
    )  # fmt: skip


def _join(kept: Payload, one: Payload) -> None:
    """Two that are one once own addresses are covered."""
    kept.sources |= one.sources
    kept.hosts = len(kept.sources)
    kept.times += one.times
    kept.ports = list(dict.fromkeys([*kept.ports, *one.ports]))
    kept.first, kept.last = min(kept.first, one.first), max(kept.last, one.last)
    kept.size = max(kept.size, one.size)
    kept.raw += one.raw
    kept.days += one.days


def grouped(found: Iterable[Payload]) -> list[Group]:
    """The groups, those of the most hosts first; a host that sent several of a group's payloads counts once."""
    own: dict[str, list[Payload]] = {}
    for one in found:
        own.setdefault(one.group, []).append(one)
    return sorted((_group(name, members) for name, members in own.items()), key=lambda one: (-one.hosts, -one.times, one.hash))


def senders(session: Session, wanted: Filters, one: Group, most: int = 20) -> list[dict[str, Any]]:
    """Who sent any of a group's payloads: address, country, AS, how often, first and last."""
    return list(Query(_SENDERS, {"where": wanted}, hashes=_hashes(one), n=str(most)).rows(session))


def by_day(session: Session, wanted: Filters, one: Group) -> list[dict[str, Any]]:
    """A group's day, times, hosts; days without are not among them."""
    return list(Query(_DAYS, {"where": wanted}, hashes=_hashes(one)).rows(session))


def courses(session: Session, wanted: Filters, chosen: Sequence[Group], step: str) -> dict[int, dict[dt.datetime, int]]:
    """Hosts of each group (its place among `chosen`) by hour or day (`step`), at the beginnings of those in which there were
    any."""
    out: dict[int, dict[dt.datetime, int]] = {place: {} for place in range(len(chosen))}
    members = [f"('{name}', {place})" for place, one in enumerate(chosen) for member in one.members for name in member.raw]
    if members:
        for row in Query(_COURSES, {"where": wanted}, members=", ".join(members), step=step).rows(session):
            out[row["place"]][row["start"]] = row["hosts"]
    return out


def _hashes(one: Group) -> str:
    return ", ".join(f"'{name}'" for member in one.members for name in member.raw)


def _group(name: str, members: list[Payload]) -> Group:
    out = Group(name, members)
    out.sources = frozenset().union(*(one.sources for one in members))
    out.hosts = len(out.sources)
    for one in members:
        out.days += one.days
    out.times = sum(one.times for one in members)
    counted = Counter(port for one in members for port in one.ports)
    out.ports = [port for port, _ in counted.most_common()]
    out.first, out.last = min(one.first for one in members), max(one.last for one in members)
    exploits = {rule.id: rule for one in members[:50] for rule in known.names(one.data)}
    out.exploits = tuple(exploits.values())
    told = hello.facts(members[0].data)
    out.ja4 = None if told is None else str(told["ja4"])
    every = [drawn.of([one.data]) for one in members[:50]]
    out.drawn = Drawn(
        tuple(dict.fromkeys(one for each in every for one in each.downloads)),
        tuple(dict.fromkeys(one for each in every for one in each.commands)),
        tuple(dict.fromkeys(one for each in every for one in each.credentials)),
        len(members) > 50 or any(each.cut for each in every),
    )
    return out
