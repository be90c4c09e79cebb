"""My own side: does what goes out of the log's own network look like a machine that scans? The same rules, turned round.

A packet is outgoing where the log's line has no IN=, or has one and its source is a LAN's own (RFC 1918, unique local,
link-local) and its destination is neither such an address, nor multicast, nor one at which packets from outside arrive.
Only what begins a connection counts (TCP SYN without ACK), and only to ports at which a server or a device would be
found: what browsers, mail programs, clocks and telephones use every day is left out, and so is file sharing, whose
ports are high and everywhere. So thousands of connections to 443/tcp say nothing, and thirty to 23/tcp do.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.engine.questions import Rows, where
from teiten.settings import THRESHOLDS

TCP: Final = 6
LAN: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
"""addresses of a LAN: RFC 1918, RFC 3927, RFC 4193, RFC 4291"""
NOWHERE: Final = (*LAN, "0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "224.0.0.0/3", "ff00::/8", "::/127")
"""destinations that are not out in the Internet: the LAN, multicast (mDNS, SSDP), broadcast (DHCP), shared, loopback"""

ORDINARY: Final = (20, 43, 53, 80, 88, 110, 119, 143, 389, 443, 465, 563, 587, 631, 636, 843, 853, 873, 989, 990, 993, 995)
"""TCP ports below 1024 that clients use every day"""
FAMILIAR: Final = (21, 22, 25, 554, 3389, 5900, 8000, 8001, 8081, 8088, 8888, 49152)
"""TCP ports that people use now and then, or that file sharing meets by chance: to many addresses they say something, as one
more kind of port they do not"""
SERVED: Final = (
    1080, 1433, 1521, 2222, 2223, 2323, 2375, 2376, 3306, 3389, 4786, 5038, 5358, 5432, 5555, 5900, 5984, 6379, 6443, 6789,
    7001, 7547, 8000, 8001, 8009, 8081, 8088, 8090, 8181, 8291, 8545, 8728, 8888, 9000, 9200, 9527, 9530, 10000, 11211, 23023,
    27017, 34567, 37215, 37777, 49152, 52869, 60001,
)  # fmt: skip
"""TCP ports from 1024 on at which servers and devices are sought, and clients seldom have business"""
BOTS: Final = (23, 26, 2223, 2323, 5358, 5555, 6789, 7547, 9527, 9530, 23023, 34567, 37215, 52869, 60001)
"""TCP ports that bots of devices try: Telnet and its substitutes, ADB, TR-069, recorders, UPnP of routers (the table of ports
tells which malware uses which); no household machine has business there with many addresses"""
UDP_SOUGHT: Final = (69, 111, 137, 161, 389, 427, 1434, 1900, 5060, 11211, 53413)
"""UDP ports at which devices and amplifiers are sought"""
MIRAI_PORT: Final = 1024
"""a Mirai host's source port is above it (NICTER)"""


@dataclass(frozen=True, slots=True)
class Activity:
    """What a machine sent to one port on one day."""

    day: dt.date
    machine: bytes
    protocol: int
    port: int
    destinations: int
    packets: int
    mirai: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A machine of one's own that met a rule. `machine` is its address, packed: never to be published."""

    rule: str
    machine: bytes
    name: str
    """A, B, ... in order of what they sent"""
    first: dt.date
    last: dt.date
    days: int
    ports: tuple[tuple[int, int], ...]
    """(protocol, port), the most used first"""
    destinations: int
    """the most on one day"""
    packets: int
    score: int
    """what the rule counts, on the day with the most of it"""
    threshold: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What a machine's activity of one day is held against. `chosen`: the activity it looks at; `score`: what it counts."""

    id: str
    threshold: str
    """name of the setting"""
    chosen: Callable[[Activity], bool]
    score: Callable[[Sequence[Activity]], int]
    each: bool = False
    """every port by itself"""


def _destinations(day: Sequence[Activity]) -> int:
    return max((a.destinations for a in day), default=0)


def _sought(a: Activity) -> bool:
    if a.protocol != TCP:
        return a.port in UDP_SOUGHT
    return (a.port < 1024 and a.port not in ORDINARY) or a.port in SERVED


RULES: Final = (
    Rule("own_mirai", "own_mirai_packets", lambda a: a.mirai > 0, lambda day: sum(a.mirai for a in day)),
    Rule("own_bot_ports", "own_bot_destinations", lambda a: a.protocol == TCP and a.port in BOTS, _destinations),
    Rule("own_one_port", "own_port_destinations", _sought, _destinations, each=True),
    Rule("own_many_ports", "port_scanner_ports", lambda a: _sought(a) and a.protocol == TCP and a.port not in FAMILIAR, len),
)
"""in order: what an earlier rule has told of a machine and port, a later one does not tell again"""


def letter(n: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA."""
    out = ""
    n += 1
    while n:
        n, rest = divmod(n - 1, 26)
        out = chr(ord("A") + rest) + out
    return out


def findings(
    session: Session, start: dt.datetime, end: dt.datetime, thresholds: Mapping[str, float] | None = None
) -> list[Finding]:
    """The machines of one's own that met a rule on some day of [start, end), the gravest rule first."""
    given = thresholds or {}
    rows = [Activity(*(row[c] for c in Activity.__slots__)) for row in activity(session, start, end)]
    sent: dict[bytes, int] = {}
    for a in rows:
        sent[a.machine] = sent.get(a.machine, 0) + a.packets
    found: list[tuple[Rule, bytes, dict[dt.date, list[Activity]], int]] = []
    told: set[tuple[bytes, int, int]] = set()
    for rule in RULES:
        least = int(given.get(rule.threshold, THRESHOLDS[rule.threshold].default))
        mine: list[tuple[bytes, dict[dt.date, list[Activity]]]] = []
        for machine, days in _days(rule, (a for a in rows if (a.machine, a.protocol, a.port) not in told and rule.chosen(a))):
            met = {day: acts for day, acts in days.items() if rule.score(acts) >= least}
            if met:
                mine.append((machine, met))
        found += [(rule, machine, met, least) for machine, met in mine]
        told |= {(m, a.protocol, a.port) for m, met in mine for acts in met.values() for a in acts}
    order = sorted({machine for _, machine, _, _ in found}, key=lambda m: (-sent[m], m))
    names = {machine: letter(i) for i, machine in enumerate(order)}
    return [_finding(rule, machine, names[machine], met, least) for rule, machine, met, least in found]


def _days(rule: Rule, rows: Iterable[Activity]) -> list[tuple[bytes, dict[dt.date, list[Activity]]]]:
    """By machine (and port, where the rule looks at each by itself), then by day."""
    grouped: dict[Any, dict[dt.date, list[Activity]]] = {}
    for a in rows:
        key = (a.machine, a.protocol, a.port) if rule.each else (a.machine, 0, 0)
        grouped.setdefault(key, {}).setdefault(a.day, []).append(a)
    return [(key[0], days) for key, days in sorted(grouped.items())]


def _finding(rule: Rule, machine: bytes, name: str, met: dict[dt.date, list[Activity]], least: int) -> Finding:
    every = [a for acts in met.values() for a in acts]
    ports: dict[tuple[int, int], int] = {}
    for a in every:
        ports[a.protocol, a.port] = ports.get((a.protocol, a.port), 0) + a.packets
    return Finding(
        rule.id,
        machine,
        name,
        min(met),
        max(met),
        len(met),
        tuple(sorted(ports, key=lambda p: (-ports[p], p))),
        max(a.destinations for a in every),
        sum(a.packets for a in every),
        max(rule.score(acts) for acts in met.values()),
        least,
    )


def activity(session: Session, start: dt.datetime, end: dt.datetime) -> Rows:
    """What went out to ports that are sought, or with Mirai's mark: a row a day, machine, protocol and port.

    Rows: day, machine (packed), protocol, port, destinations, packets, mirai (packets with its mark).
    """
    span = Filters(start=start, end=end, all_events=True)
    if not session.query(f"SELECT 1 AS one FROM raw_events WHERE {_candidates(span, raw=True)} LIMIT 1"):
        return Rows([], _text(span, raw=False))
    return Rows(session.query(_text(span, raw=True)), _text(span, raw=False))


def counted(session: Session, filters: Filters) -> int:
    """Packets from LAN addresses that the filters count as attempts: their lines have an IN=, the LAN's own side."""
    conditions = [*filters.conditions(raw=True), _inside("src_ip", LAN, raw=True)]
    return int(
        session.query(f"SELECT coalesce(sum(packets), 0)::BIGINT AS n FROM raw_events WHERE {where(conditions)}")[0]["n"]
    )


def sql(start: dt.datetime, end: dt.datetime) -> str:
    """The question of `activity`, over the view `events`."""
    return _text(Filters(start=start, end=end, all_events=True), raw=False)


def _candidates(span: Filters, *, raw: bool) -> str:
    conditions = [
        *span.conditions(raw=raw, attempts=False),
        # where the source does not say where a packet came in (a capture), a LAN's address may be forged by anybody outside
        f"(interface = '' OR (interface <> '' AND {_inside('src_ip', LAN, raw)}))",
        f"NOT {_inside('dst_ip', NOWHERE, raw)}",
    ]
    return where(conditions)


def _text(span: Filters, *, raw: bool) -> str:
    dst = "dst_ip" if raw else "address_bytes(dst_ip)"
    sought = f"(dst_port < 1024 AND dst_port NOT IN {ORDINARY}) OR dst_port IN {SERVED}"
    return f"""
WITH arriving AS (
  SELECT DISTINCT dst_ip FROM {"raw_events" if raw else "events"}
  WHERE {where([*span.conditions(raw=raw, attempts=False), "interface <> ''", f"NOT {_inside('src_ip', LAN, raw)}"])}
), outgoing AS (
  SELECT time, src_ip, dst_ip, protocol, dst_port, packets,
         coalesce(protocol = {TCP} AND tcp_flags & 18 = 2 AND src_port > {MIRAI_PORT}
                  AND hex({dst}) = format('{{:08X}}', tcp_seq), false) AS mark
  FROM {"raw_events" if raw else "events"}
  WHERE {_candidates(span, raw=raw)}
    AND (interface = '' OR dst_ip NOT IN (SELECT dst_ip FROM arriving))
    AND ((protocol = {TCP} AND (tcp_flags IS NULL OR tcp_flags & 18 = 2)) OR (protocol = 17 AND dst_port IN {UDP_SOUGHT}))
)
SELECT day_of(time) AS day, src_ip AS machine, protocol, dst_port AS port,
       count(DISTINCT dst_ip) AS destinations, sum(packets)::BIGINT AS packets,
       coalesce(sum(packets) FILTER (WHERE mark), 0)::BIGINT AS mirai
FROM outgoing
WHERE dst_port IS NOT NULL AND (mark OR protocol = 17 OR {sought})
GROUP BY ALL
ORDER BY day, machine, protocol, port
""".strip()


def _inside(column: str, prefixes: Sequence[str], raw: bool) -> str:
    parts = []
    for prefix in prefixes:
        network = ipaddress.ip_network(prefix)
        low, high = network[0], network[-1]
        if raw:
            parts.append(
                f"(octet_length({column}) = {len(low.packed)}"
                f" AND {column} BETWEEN unhex('{low.packed.hex()}') AND unhex('{high.packed.hex()}'))"
            )
        else:
            parts.append(f"in_range({column}, '{low}', '{high}')")
    return f"({' OR '.join(parts)})"
