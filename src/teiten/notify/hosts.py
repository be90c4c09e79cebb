"""Hosts that operators may be told of: by which rules, what they sent when, and how many are left out because of what.

A host is one that a rule of [notify] `rules` names on some day of the span, as surely as `least` asks. Left out are sources
that are a research scanner's, forged, or send backscatter on any of these days; addresses that packets were sent to (the
sensors' own: whoever bears one was forged, or looks in a mirror), and those that are one backwards; and addresses that no
operator on the Internet has. Every host is counted in exactly one of these, or is told of.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from teiten.engine.filters import Filters
from teiten.notify.contacts import one_line
from teiten.notifying import RULES, Notifying
from teiten.publish import hosts as listed

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

LEFT_OUT: Final = ("own", "research", "forged", "backscatter", "reserved", "quiet")
"""why a host is not told of, the first that fits: see above; 'quiet': no packet of its is kept that was an attempt"""
MOST_ROWS: Final = 20
"""ports of a host and day that are told one by one, those with most packets; the others together, as one row"""
LABELS: Final[dict[str, str]] = {
    "tool_mirai": "(v.label = 'tool' AND v.value = 'mirai')",
    "mirai_wide": "v.label = 'mirai_wide'",
    "telnet_without_mirai": "v.label = 'telnet_without_mirai'",
}
_JUDGED: Final = """
SELECT v.src_ip, v.day, v.label, max(v.confidence) AS confidence
FROM _verdicts v
WHERE v.scope = 'all' AND v.prefix_len = 8 * octet_length(v.src_ip) AND v.confidence >= {least}
  AND v.day >= DATE '{first}' AND v.day <= DATE '{last}' AND ({labels})
GROUP BY v.src_ip, v.day, v.label"""
_ABOUT: Final = """
WITH judged AS ({judged}), wanted AS (SELECT DISTINCT src_ip FROM judged)
SELECT e.src_ip, bool_or(e.research_scanner) AS research, bool_or(e.spoofed) AS forged
FROM raw_events e SEMI JOIN wanted w ON e.src_ip = w.src_ip
WHERE {span}
GROUP BY e.src_ip"""
_ANSWERING: Final = """
SELECT DISTINCT v.src_ip FROM _verdicts v
WHERE v.scope = 'all' AND v.label = 'backscatter' AND v.day >= DATE '{first}' AND v.day <= DATE '{last}'"""
_ROWS: Final = """
WITH judged AS ({judged}), wanted AS (SELECT DISTINCT src_ip, day FROM judged),
counted AS (
  SELECT e.src_ip, day_of(e.time) AS day, e.protocol, e.dst_port, min(e.time) AS first,
         max(coalesce(e.time_end, e.time)) AS last, arg_min(e.src_port, e.time) AS src_port, sum(e.packets)::BIGINT AS packets,
         coalesce(sum(e.packets) FILTER (e.mark_mirai), 0)::BIGINT AS marked,
         max(e.asn) AS asn, max(e.as_name) AS as_name, max(e.country) AS country
  FROM raw_events e SEMI JOIN wanted w ON e.src_ip = w.src_ip AND day_of(e.time) = w.day
  WHERE {where}
  GROUP BY ALL
), placed AS (
  SELECT *, row_number() OVER (PARTITION BY src_ip, day ORDER BY packets DESC, protocol, dst_port NULLS LAST) AS place
  FROM counted
)
SELECT src_ip, day, CASE WHEN place <= {most} THEN protocol END AS protocol,
       CASE WHEN place <= {most} THEN dst_port END AS dst_port, place <= {most} AS alone,
       min(first) AS first, max(last) AS last, arg_min(src_port, first) AS src_port,
       sum(packets)::BIGINT AS packets, sum(marked)::BIGINT AS marked, count(*) AS ports,
       max(asn) AS asn, max(as_name) AS as_name, max(country) AS country
FROM placed
GROUP BY src_ip, day, CASE WHEN place <= {most} THEN place END, 3, 4, 5
ORDER BY octet_length(src_ip), src_ip, day, alone DESC, packets DESC, protocol, dst_port"""


@dataclass(frozen=True, slots=True)
class Row:
    """What a host sent to one port within one day of the zone; `alone` False: to `ports` further ones together."""

    day: dt.date
    protocol: int | None
    dst_port: int | None
    first: dt.datetime
    last: dt.datetime
    src_port: int | None
    """of the first packet: behind an address that several share, it leads to the device"""
    packets: int
    marked: int
    """packets with Mirai's mark"""
    ports: int = 1
    alone: bool = True


@dataclass(slots=True)
class Host:
    """A host that may be told of. `findings`: rule -> how sure, the surest of its days."""

    packed: bytes
    findings: dict[str, float]
    days: tuple[dt.date, ...]
    rows: list[Row] = field(default_factory=list)
    asn: int | None = None
    as_name: str = ""
    country: str | None = None

    @property
    def address(self) -> str:
        return str(ipaddress.ip_address(self.packed))

    @property
    def packets(self) -> int:
        return sum(row.packets for row in self.rows)

    @property
    def marked(self) -> int:
        return sum(row.marked for row in self.rows)

    @property
    def first(self) -> dt.datetime:
        return min(row.first for row in self.rows)

    @property
    def last(self) -> dt.datetime:
        return max(row.last for row in self.rows)

    @property
    def claim(self) -> str:
        """The most that may be claimed of it: 'infected', 'suspected' or 'scanned'."""
        return min((RULES[rule] for rule in self.findings), key=("infected", "suspected", "scanned").index)

    @property
    def evidence(self) -> str:
        """What speaks of it: its rules. A host with another rule than before is told again."""
        return " ".join(sorted(self.findings))


@dataclass(slots=True)
class Found:
    """The hosts, and how many others there are by the first reason of LEFT_OUT that fits; `own`: every address that packets
    were sent to, packed, which nothing may name."""

    hosts: list[Host]
    left_out: Counter[str]
    own: set[bytes]


def find(session: Session, wanted: Filters, rules: Notifying) -> Found:
    """The hosts of that span (its start and end must be set), in order of address.

    The filters narrow what hosts are listed by what they sent. UsageError, TeitenError as those of the session.
    """
    if wanted.start is None or wanted.end is None:
        raise ValueError("a span has a start and an end")
    zone = session.zone
    first = wanted.start.astimezone(zone).date()
    last = (wanted.end.astimezone(zone) - dt.timedelta(microseconds=1)).date()
    own = listed.own(session, wanted.between(None, None))
    words = {
        "judged": _JUDGED.format(
            least=repr(float(rules.least)), first=first, last=last, labels=" OR ".join(LABELS[rule] for rule in rules.rules)
        ),
        "span": " AND ".join(wanted.span()),
        "where": " AND ".join(listed.usual(wanted).conditions(raw=True)),
        "most": str(MOST_ROWS), "first": str(first), "last": str(last),
    }  # fmt: skip
    hosts = _judged(session.frame(words["judged"]).iter_rows(named=True))
    answering = set(session.frame(_ANSWERING.format(**words))["src_ip"].to_list())
    about = {row[0]: row[1:] for row in session.frame(_ABOUT.format(**words)).iter_rows()}
    for row in session.frame(_ROWS.format(**words)).iter_rows(named=True):
        _take(hosts[row["src_ip"]], row)
    out, left = [], Counter[str]()
    for packed, host in hosts.items():
        research, forged = about.get(packed, (False, False))
        # an address that reads backwards as a sensor's would be taken for it by every search, ours too
        why = _why(host, packed in own or packed[::-1] in own, bool(research), bool(forged), packed in answering)
        if why:
            left[why] += 1
        else:
            out.append(host)
    out.sort(key=lambda one: (len(one.packed), one.packed))
    return Found(out, left, own)


def _judged(rows: Iterable[dict[str, Any]]) -> dict[bytes, Host]:
    found: dict[bytes, tuple[dict[str, float], set[dt.date]]] = {}
    for row in rows:
        findings, days = found.setdefault(row["src_ip"], ({}, set()))
        rule = "tool_mirai" if row["label"] == "tool" else row["label"]
        findings[rule] = max(findings.get(rule, 0.0), row["confidence"])
        days.add(row["day"] if type(row["day"]) is dt.date else row["day"].date())
    return {packed: Host(packed, dict(sorted(f.items())), tuple(sorted(d))) for packed, (f, d) in found.items()}


def _take(host: Host, row: dict[str, Any]) -> None:
    day = row["day"] if type(row["day"]) is dt.date else row["day"].date()
    host.rows.append(
        Row(day, row["protocol"], row["dst_port"], row["first"], row["last"], row["src_port"], row["packets"], row["marked"],
            row["ports"], row["alone"])
    )  # fmt: skip
    # the newest day's data say where it is
    host.asn, host.as_name, host.country = row["asn"], one_line(row["as_name"] or ""), row["country"]


def _why(host: Host, own: bool, research: bool, forged: bool, answering: bool) -> str:
    """Why it is not told of; nothing where it is."""
    if own:
        return "own"
    if research:
        return "research"
    if forged:
        return "forged"
    if answering:
        return "backscatter"
    if not ipaddress.ip_address(host.packed).is_global:
        return "reserved"
    return "" if host.rows else "quiet"
