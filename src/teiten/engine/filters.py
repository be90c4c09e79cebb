"""The contract's filters, the same in every command: text in, conditions of SQL out.

A condition comes in two forms: for the view `events`, where addresses are text, as a user would write and read it; and
for `raw_events`, where they are bytes, which is quicker. Both mean the same.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from teiten import event, periods
from teiten.data import countries
from teiten.errors import UsageError
from teiten.settings import Settings

PROTOCOLS: Final[dict[str, int]] = {
    "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "dccp": 33, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51,
    "icmpv6": 58, "ospf": 89, "pim": 103, "sctp": 132, "udplite": 136,
}  # fmt: skip
PROTOCOL_NAMES: Final = {number: name for name, number in PROTOCOLS.items()}
SCANNERS: Final = ("in", "out", "only")
SPOOFED: Final = ("in", "out", "only")
UNKNOWN: Final = ("unknown", "不明")
WITH_PORTS: Final = (6, 17, 33, 132, 136)
"""protocols whose packets have ports; a null port there is unknown (a later fragment), elsewhere there is none"""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def protocol_number(text: str) -> int:
    """'tcp', 'ICMPv6', '47' -> the IANA number. UsageError."""
    key = text.strip().lower()
    if key in PROTOCOLS:
        return PROTOCOLS[key]
    if key.isascii() and key.isdigit() and int(key) <= 255:
        return int(key)
    raise UsageError(f"'{text}' is no protocol that I know.", hint=f"Name one of {', '.join(PROTOCOLS)}, or a number.")


def thing_text(protocol: int | None, port: int | None) -> str:
    """How a port is written: '23/tcp', 'ICMP', 'GRE', 'protocol 99'; 'unknown' where the source does not say."""
    if protocol is None:
        return "unknown"
    name = PROTOCOL_NAMES.get(protocol)
    if port is not None:
        return f"{port}/{name or protocol}"
    if name is None:
        return f"protocol {protocol}"
    return "ICMPv6" if name == "icmpv6" else name.upper()


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ports first..last of a protocol, or of any (None)."""

    first: int
    last: int
    protocol: int | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked about. Empty = everything; several values of one filter are alternatives.

    `start` inclusive, `end` exclusive. `country` and `asn` may hold None for unknown. By default events that are no
    attempts are left out: accepted and audited ones, unless `action` names some, and outgoing ones (lines with IN= empty).
    """

    start: dt.datetime | None = None
    end: dt.datetime | None = None
    port: tuple[PortRange, ...] = ()
    protocol: tuple[int, ...] = ()
    country: tuple[str | None, ...] = ()
    asn: tuple[int | None, ...] = ()
    src: tuple[Network, ...] = ()
    sensor: tuple[str, ...] = ()
    action: tuple[str, ...] = ()
    scanner: tuple[str, ...] = ()
    """organisations of announced scanners, in any case"""
    scanners: str = "in"
    """research scanners (announced and large ones): 'in', 'out' or 'only'"""
    kind: tuple[str | None, ...] = ()
    """what packets are by themselves, of `event.KINDS`; None for unknown"""
    tool: tuple[str | None, ...] = ()
    """tools that sources use by the day's verdict, in any case; None for those of which none is known"""
    spoofed: str = "in"
    """sources taken for forged: 'in', 'out' or 'only'"""
    all_events: bool = False
    """True: accepted, audited and outgoing ones too"""
    words: dict[str, str] = field(default_factory=dict)
    """what the user wrote, for footers"""

    @property
    def asks_verdicts(self) -> bool:
        """Do they need to know what sources are taken for?"""
        return bool(self.scanner or self.tool or self.scanners != "in" or self.spoofed != "in")

    def between(self, start: dt.datetime | None, end: dt.datetime | None) -> Filters:
        """The same filters over another span of time."""
        return replace(self, start=start, end=end)

    def conditions(self, *, raw: bool, attempts: bool | None = None) -> list[str]:
        """Conditions to be joined with AND. `raw`: for `raw_events`; else for `events`, to be shown and pasted."""
        out = self.span() + self._what(raw)
        if attempts is None:
            attempts = not self.all_events
        return out + self.attempts() if attempts else out

    def span(self) -> list[str]:
        """The conditions on time."""
        out = []
        if self.start is not None:
            out.append(f"time >= {timestamp(self.start)}")
        if self.end is not None:
            out.append(f"time < {timestamp(self.end)}")
        return out

    def attempts(self) -> list[str]:
        """The conditions that leave out what is no attempt from outside."""
        out = []
        if not self.action:
            out.append(f"(action IS NULL OR action NOT IN ({_texts(event.NOT_AN_ATTEMPT)}))")
        out.append("(interface IS NULL OR interface <> '')")
        return out

    def _what(self, raw: bool) -> list[str]:
        out = []
        if self.port:
            out.append(_any(_port(p) for p in self.port))
        if self.protocol:
            out.append(_in("protocol", self.protocol))
        if self.country:
            out.append(_in_or_null("country", self.country))
        if self.asn:
            out.append(_in_or_null("asn", self.asn))
        if self.src:
            out.append(_any(_source(n, raw) for n in self.src))
        if self.sensor:
            out.append(f"sensor IN ({_texts(self.sensor)})")
        if self.action:
            out.append(f"action IN ({_texts(self.action)})")
        if self.kind:
            out.append(_in_or_null("kind", self.kind))
        if self.scanner:
            out.append(f"lower(scanner) IN ({_texts(s.lower() for s in self.scanner)})")
        if self.scanners != "in":
            out.append("research_scanner" if self.scanners == "only" else "NOT research_scanner")
        if self.tool:
            out.append(_in_or_null("tool", self.tool))
        if self.spoofed != "in":
            out.append("spoofed" if self.spoofed == "only" else "NOT spoofed")
        return out


def parse(settings: Settings, *, start: str | None = None, end: str | None = None, **texts: Any) -> Filters:
    """Filters from what a user wrote: each a text, or several, with commas between alternatives. UsageError.

    Known: port (23, 23/tcp, 8000-8100/tcp, icmp), protocol, country (code, name, 'unknown'), asn (AS4134, 'unknown'),
    src (address or prefix), sensor, group (of sensors, from the configuration), action, scanner (an organisation), scanners
    (in, out or only: announced and large ones), kind (syn, backscatter, ..., 'unknown'), tool (mirai, zmap, ..., 'unknown'),
    spoofed (in, out or only).
    """
    zone = settings.zone
    words = {key: _joined(value) for key, value in texts.items() if value}
    ports = _split(texts.get("port"))
    protocols = [protocol_number(t) for t in _split(texts.get("protocol"))]
    if ports and all(t.lower() in PROTOCOLS for t in ports):
        # 'icmp' is a row of a ranking of ports, so it may be asked for as one
        protocols, ports = protocols + [PROTOCOLS[t.lower()] for t in ports], []
    sensors = _sensors(settings, _split(texts.get("sensor")), _split(texts.get("group")))
    if bare := next((t for t in ports if t.lower() in PROTOCOLS), None):
        raise UsageError(
            f"'{bare}' has no ports, and is not asked for together with ports.", hint="Ask for the ports and for it apart."
        )
    found = Filters(
        start=periods.moment(start, zone) if start else None,
        end=periods.moment(end, zone) if end else None,
        port=tuple(_port_range(t) for t in ports),
        protocol=tuple(protocols),
        country=tuple(_country(t) for t in _split(texts.get("country"))),
        asn=tuple(_asn(t) for t in _split(texts.get("asn"))),
        src=tuple(_network(t) for t in _split(texts.get("src"))),
        sensor=sensors,
        action=tuple(_action(t) for t in _split(texts.get("action"))),
        scanner=tuple(_split(texts.get("scanner"))),
        scanners=_side(texts.get("scanners") or "in", SCANNERS, "scanners"),
        kind=tuple(_kind(t) for t in _split(texts.get("kind"))),
        tool=tuple(None if t.lower() in UNKNOWN else t.lower() for t in _split(texts.get("tool"))),
        spoofed=_side(texts.get("spoofed") or "in", SPOOFED, "forged sources"),
        words=words,
    )
    if found.start and found.end and found.start >= found.end:
        raise UsageError(f"--from {start} is not before --to {end}.", hint="--from is included, --to is not.")
    return found


def timestamp(moment: dt.datetime) -> str:
    """An SQL literal of that instant, with its offset written out. ValueError for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a zone")
    text = moment.isoformat(sep=" ", timespec="microseconds" if moment.microsecond else "seconds")
    return f"TIMESTAMPTZ '{text}'"


def _split(value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else list(value or ())
    return [part.strip() for text in values for part in str(text).split(",") if part.strip()]


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(str(v) for v in value)


def _texts(values: Iterable[str]) -> str:
    return ", ".join("'" + v.replace("'", "''") + "'" for v in values)


def _any(conditions: Iterable[str]) -> str:
    found = list(conditions)
    return found[0] if len(found) == 1 else f"({' OR '.join(found)})"


def _in(column: str, values: Iterable[int]) -> str:
    found = list(values)
    return f"{column} = {found[0]}" if len(found) == 1 else f"{column} IN ({', '.join(map(str, found))})"


def _in_or_null(column: str, values: Iterable[Any]) -> str:
    found = list(values)
    known = [v for v in found if v is not None]
    parts = [f"{column} IS NULL"] if None in found else []
    if known and isinstance(known[0], str):
        parts.append(f"{column} IN ({_texts(known)})")
    elif known:
        parts.append(_in(column, known))
    return _any(parts)


def _sensors(settings: Settings, named: Sequence[str], groups: Sequence[str]) -> tuple[str, ...]:
    """The sensors named, or those of the groups; where both are given, those named that are in one of the groups."""
    members = [name for group in groups for name in _members(settings, group)]
    if not named or not groups:
        return tuple(named or members)
    both = tuple(name for name in named if name in members)
    if not both:
        raise UsageError(
            f"Of the sensors named ({', '.join(named)}) none is in {' or '.join(groups)}.",
            hint="Leave one of both out: --sensor or --group.",
        )
    return both


def _members(settings: Settings, group: str) -> tuple[str, ...]:
    members = tuple(s.name for s in settings.sensors if s.group == group)
    if not members:
        known = sorted({s.group for s in settings.sensors if s.group})
        hint = f"The configuration has: {', '.join(known)}." if known else "The configuration has no groups."
        raise UsageError(f"There is no group '{group}' of sensors.", hint=hint)
    return members


def _port_range(text: str) -> PortRange:
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?(?:/([A-Za-z0-9]+))?", text, re.ASCII)
    if match is None:
        raise UsageError(f"'{text}' is no port.", hint="Write 23, 23/tcp, 8000-8100/tcp or icmp.")
    first, last = int(match[1]), int(match[2] or match[1])
    if not first <= last <= 65535:
        raise UsageError(f"'{text}' is no port: ports go from 0 to 65535.", hint="Write 23, 23/tcp or 8000-8100/tcp.")
    return PortRange(first, last, protocol_number(match[3]) if match[3] else None)


def _port(port: PortRange) -> str:
    span = f"dst_port = {port.first}" if port.first == port.last else f"dst_port BETWEEN {port.first} AND {port.last}"
    return span if port.protocol is None else f"({span} AND protocol = {port.protocol})"


def _country(text: str) -> str | None:
    if text.lower() in UNKNOWN:
        return None
    code = countries.find(text)
    if code is None:
        raise UsageError(f"'{text}' is no country that I know.", hint="Write a code such as JP, a name, or 'unknown'.")
    return code


def _asn(text: str) -> int | None:
    if text.lower() in UNKNOWN:
        return None
    match = re.fullmatch(r"(?:AS)?(\d{1,10})", text, re.ASCII | re.IGNORECASE)
    if match is None or int(match[1]) >= 1 << 32:
        raise UsageError(f"'{text}' is no AS number.", hint="Write it like AS4134 or 4134.")
    return int(match[1])


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UsageError(f"'{text}' is no address or prefix.", hint="Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.") from None


def _source(network: Network, raw: bool) -> str:
    first, last = network[0], network[-1]
    if raw:
        low, high = (f"'{a.packed.hex()}'" for a in (first, last))
        if first == last:
            return f"src_ip = unhex({low})"
        return f"(octet_length(src_ip) = {len(first.packed)} AND src_ip BETWEEN unhex({low}) AND unhex({high}))"
    if first == last:
        return f"src_ip = '{first}'"
    return f"in_range(src_ip, '{first}', '{last}')"


def _action(text: str) -> str:
    if text.lower() not in event.ACTIONS:
        raise UsageError(f"'{text}' is no action.", hint=f"Choose among {', '.join(event.ACTIONS)}.")
    return text.lower()


def _side(text: str, sides: tuple[str, ...], of: str) -> str:
    if text.lower() not in sides:
        raise UsageError(f"'{text}' says nothing of {of}.", hint=f"Write {', '.join(sides[:-1])} or {sides[-1]}.")
    return text.lower()


def _kind(text: str) -> str | None:
    if text.lower() in UNKNOWN:
        return None
    if text.lower() not in event.KINDS:
        raise UsageError(f"'{text}' is no kind of packet.", hint=f"Choose among {', '.join(event.KINDS)} and unknown.")
    return text.lower()
