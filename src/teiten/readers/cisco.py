"""Cisco's firewalls and routers: ASA, FTD, PIX, FWSM (%ASA-4-106023 ...), access lists of IOS and IOS XE (%SEC-6-IPACCESSLOGP).

Which of the two ends came first, and by which interface, is as each message says. A connection that was built from within has
an empty interface. Where an address was translated, that one counts which the packet carried outside (the mapped one). What
tells of the end of a connection, of translations, logins, the device itself is no event; it is counted by kind.
"""

from __future__ import annotations

import re
from typing import Any, Final

from teiten.readers import _fields, _lines

NAME: Final = "cisco"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = _lines.REASONS
KINDS: Final = {**_lines.KINDS, 140: "end of a connection", 141: "translation"}

_HEAD: Final = re.compile(
    r'^[^"%]{0,200}?%{1,2}(?:(?P<box>ASA|PIX|FWSM|FTD)-(?:[a-z]+-)?\d-(?P<id>\d{6}):?|(?P<ios>[A-Z0-9_]+-\d-[A-Z0-9_]+):) +'
)
_ENDS: Final = re.compile(
    r"(?: from| src| for| [Ff]low from|packet:)(?: laddr)? (?P<src>[^\s,;]+?)(?: \((?P<src_mapped>[\w.:/]+)\))?(?:\([^)]*\))*"
    r"(?: on interface (?P<on>[\w.-]+))? (?:to|dst|=|==>) "
    r"(?P<dst>[^\s,;]+?)(?: \((?P<dst_mapped>[\w.:/]+)\))?(?:\([^)]*\))*[:;,.]?(?:\s|$)"
)
_ICMP_ENDS: Final = re.compile(r" faddr (?P<f>[^\s/(]+)\S*(?: \S+)*? gaddr (?P<g>[^\s/(]+)\S* laddr (?P<l>[^\s/(]+)")
_HITS: Final = re.compile(
    r"access-list \S+ (?P<action>\w+(?:-\w+)?) (?P<protocol>\w+)(?: for user '[^']*')? "
    r"(?P<interface>[^\s/]+)/(?P<src_ip>[\w.:]+)"
    r"\((?P<src_port>\d+)\)\S* -> [^\s/]+/(?P<dst_ip>[\w.:]+)\((?P<dst_port>\d+)\)\S*(?:\(.*?\))? hit-cnt (?P<packets>\d+)"
)
_IOS: Final = re.compile(
    r".{0,80}?list \S+ (?P<action>denied|permitted) (?P<protocol>\w+) (?P<src_ip>[\da-fA-F.:]+)(?:\((?P<src_port>\d+)\))?"
    r"(?: ?\((?P<interface>[^\s)]+)[^)]*\))? -> (?P<dst_ip>[\da-fA-F.:]+)(?:\((?P<dst_port>\d+)\))?(?: \((?P<icmp>\d+/\d+)\))?"
    r"(?:, (?P<packets>\d+) packets?)?"
)
_FRAGMENT: Final = re.compile(
    r"src = (?P<src_ip>[\w.:]+), dest = (?P<dst_ip>[\w.:]+), proto = (?P<protocol>\w+), id = (?P<ip_id>\d{1,5})"
)
_SIGNATURE: Final = re.compile(r"\[(?P<src_ip>[\d.]+):(?P<src_port>\d+) -> (?P<dst_ip>[\d.]+):(?P<dst_port>\d+)\]")
_PROTOCOL: Final = re.compile(
    r"\b(?:protocol (\d{1,3})|(tcp|udp|icmp6|icmp|gre|esp|ah|sctp|igmp|ospf|eigrp|pim))\b", re.IGNORECASE
)
_ICMP: Final = re.compile(r"type[ =](\d{1,3})(?:,? code[ =](\d{1,3}))?")
_FLAGS: Final = re.compile(r" flags:? ((?:(?:FIN|SYN|RST|PSH|ACK|URG)\b ?)+)")
_INTERFACE: Final = re.compile(r" on interface ([\w.-]+)")
_DROPPED: Final = re.compile(r"\b(?:[Dd]en(?:y|ied)|[Dd]ropped|[Dd]iscarded|[Ss]hunned|requested to drop|Discard)\b")
_TOLD: Final = re.compile(
    r"106(?!101)\d{3}|20[29]0(?:10|05)|338008|42000[12]|43400[24]|50000[34]|"
    r"313\d{3}|30201[357]|302020|302303|710\d{3}|410001|418001|419002|421\d{3}|401004|322001"
)

recognise = _lines.recogniser(
    rb"%{1,2}(?:(?:ASA|PIX|FWSM|FTD)-(?:[a-z]+-)?\d-\d{6}\b|(?:SEC|FMANFP|IPV6_ACL)-\d-\w*ACCESSLOG\w*:|IPS-\d-SIGNATURE:)"
)


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    head = _HEAD.match(line.text)
    if not head:
        return _lines.OTHER
    text = line.text[head.end() :]
    if head["ios"]:
        return _ios(head["ios"], text)
    number = head["id"]
    if number.startswith("3020") and text.startswith("Teardown"):
        return 140
    if number.startswith("305"):
        return 141
    if not _TOLD.fullmatch(number):
        return _lines.NO_PACKET
    action = "accept" if "uilt " in text[:20] or "permitted" in text[:80] else "drop" if _DROPPED.search(text) else None
    hits = _HITS.match(text)
    if hits:
        return {**_fields.event({**hits.groupdict(), "action": None}), "action": _fields.action(hits["action"])}
    protocol = _PROTOCOL.search(text)
    texts: dict[str, Any] = {"protocol": (protocol[1] or protocol[2]) if protocol else None}
    ends, icmp = _ENDS.search(f" {text}"), _ICMP_ENDS.search(text)
    if icmp:
        texts |= {"src_ip": icmp["f"], "dst_ip": icmp["g"]}
        interface = "" if "outbound" in text[:20] else None
        if interface == "":
            texts |= {"src_ip": icmp["l"], "dst_ip": icmp["f"]}
    elif ends:
        first, second = _end(ends["src"], ends["src_mapped"]), _end(ends["dst"], ends["dst_mapped"])
        if text.startswith("Built outbound"):
            first, second = second, first
        texts |= {"src_ip": first[1], "src_port": first[2], "dst_ip": second[1], "dst_port": second[2]}
        on = _INTERFACE.search(text)
        interface = "" if text.startswith("Built outbound") else first[0] or (on[1] if on else None)
    else:
        fragment = _FRAGMENT.search(text)
        if not fragment:
            raise _fields.Bad(_fields.NO_ADDRESS)
        texts, interface = {**fragment.groupdict()}, None
    event = {**_fields.event(texts), "action": action, "interface": interface}
    flags, kind = _FLAGS.search(text), _ICMP.search(text)
    if flags and event.get("protocol") == _fields.TCP:
        event["tcp_flags"] = _fields.flags(flags[1].strip())
    if kind and event.get("protocol") in (_fields.ICMP, _fields.ICMPV6):
        event |= {"icmp_type": int(kind[1]), "icmp_code": None if kind[2] is None else int(kind[2])}
    return event


def _end(text: str, mapped: str | None) -> tuple[str | None, str, str | None]:
    """'outside:192.0.2.1/22' -> interface, address, port; the mapped address where there is one."""
    text, slash, port = text.rstrip(".:").partition("/")
    interface: str | None = None
    try:
        _fields.address(text)
    except _fields.Bad:
        interface, _, text = text.partition(":")
    if mapped:
        text, slash, port = mapped.partition("/")
    return interface, text, port if slash and port.isdecimal() else None


def _ios(name: str, text: str) -> _lines.Event | int:
    """Routers' lists and signatures."""
    if "ACCESSLOG" not in name and not name.endswith("SIGNATURE"):
        return _lines.NO_PACKET
    found = _IOS.match(text) if "ACCESSLOG" in name else _SIGNATURE.search(text)
    if not found:
        raise _fields.Bad(_fields.NO_ADDRESS)
    texts = found.groupdict()
    icmp = texts.pop("icmp", None)
    event = _fields.event(texts)
    if icmp and event.get("protocol") in (_fields.ICMP, _fields.ICMPV6):
        kind, _, code = icmp.partition("/")
        event |= {"icmp_type": int(kind), "icmp_code": int(code)}
    return event


read = _lines.texts(parse, REASONS, stamps=True)
