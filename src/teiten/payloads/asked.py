"""Payloads of the lake: each once, by its hash, with who sent it when to which ports; alike ones under one group."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from teiten.engine.filters import Filters, thing_text
from teiten.engine.questions import Query
from teiten.payloads import drawn, known
from teiten.payloads.drawn import Drawn
from teiten.payloads.groups import groups
from teiten.payloads.known import Exploit
from teiten.respond import hello

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

MOST: Final = 20_000
"""payloads that are looked at, those of the most hosts first"""
_SQL: Final = """
SELECT payload, list(DISTINCT src_ip) AS sources, list(DISTINCT (protocol, dst_port)) AS ports, count(*) AS times,
  min(time) AS first, max(time) AS last
FROM {events}
WHERE {where} AND payload IS NOT NULL AND octet_length(payload) > 0
GROUP BY payload
ORDER BY len(sources) DESC, times DESC, payload
LIMIT {n}
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
    """One payload. `hash`: SHA-256 of its bytes, hexadecimal; `group`: the hash of its group's first."""

    hash: str
    data: bytes
    hosts: int
    times: int
    ports: list[str]
    first: dt.datetime
    last: dt.datetime
    group: str = ""
    sources: frozenset[bytes] = frozenset()


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


def payloads(session: Session, wanted: Filters, most: int = MOST) -> list[Payload]:
    """The span's payloads, those of the most hosts first."""
    found = Query(_SQL, {"where": wanted}, n=str(most)).rows(session)
    out = []
    for row in found:
        data, sources = bytes(row["payload"]), frozenset(bytes(one) for one in row["sources"])
        ports = [_port(one) for one in row["ports"]]
        name = hashlib.sha256(data).hexdigest()
        out.append(Payload(name, data, len(sources), row["times"], ports, row["first"], row["last"], sources=sources))
    for one, number in zip(out, groups([one.data for one in out]), strict=True):
        one.group = out[number].hash
    return out


def grouped(found: Iterable[Payload]) -> list[Group]:
    """The groups, those of the most hosts first; a host that sent several of a group's payloads counts once."""
    own: dict[str, list[Payload]] = {}
    for one in found:
        own.setdefault(one.group, []).append(one)
    return sorted((_group(name, members) for name, members in own.items()), key=lambda one: (-one.hosts, -one.times, one.hash))


def senders(session: Session, wanted: Filters, members: Sequence[Payload], most: int = 20) -> list[dict[str, Any]]:
    """Who sent any of these payloads: address, country, AS, how often, first and last."""
    hashes = ", ".join(f"'{one.hash}'" for one in members)
    return list(Query(_SENDERS, {"where": wanted}, hashes=hashes, n=str(most)).rows(session))


def _group(name: str, members: list[Payload]) -> Group:
    out = Group(name, members)
    out.hosts = len(frozenset().union(*(one.sources for one in members)))
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


def _port(one: Any) -> str:
    protocol, port = one.values() if isinstance(one, dict) else one
    return thing_text(protocol, port) if protocol is not None else "unknown"
