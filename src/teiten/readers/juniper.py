"""Juniper's sessions (RT_FLOW of SRX) as structured syslog (key="value") and as plain text, and filters' PFE_FW_SYSLOG_IP.

A denied session is a packet that was dropped. A session is told of twice, when it is created and when it is closed; the close
tells its packets and bytes, and is the event. Addresses are those before translation: what the packet carried.
"""

from __future__ import annotations

import re
from typing import Any, Final

from teiten.readers import _fields, _lines

NAME: Final = "juniper"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = _lines.REASONS
KINDS: Final = {**_lines.KINDS, 140: "session created (its close tells it)"}

_NAME: Final = re.compile(
    r"\b(RT_FLOW_SESSION_(?:DENY|CREATE|CLOSE)(?:_LS)?|PFE_FW_SYSLOG_(?:ETH_)?IP6?(?:_GEN)?|RT_SCREEN_\w+|APPTRACK_\w+)\b"
)
_PAIRS: Final = re.compile(r'(?<![\w-])([\w-]{1,64})="([^"]*)"')
_NAMES: Final = {
    "source-address": "src_ip", "source-port": "src_port", "destination-address": "dst_ip", "destination-port": "dst_port",
    "protocol-id": "protocol", "packet-incoming-interface": "interface", "interface-name": "interface",
    "packets-from-client": "packets", "bytes-from-client": "bytes",
}  # fmt: skip
_PLAIN: Final = re.compile(
    r"(?:session \w+[^:]{0,60}(?::|(?= )) ?|source: )(?P<src_ip>[\da-fA-F.:]+?)(?:[/:](?P<src_port>\d{1,5}))?"
    r"(?:->|, destination: )"
    r"(?P<dst_ip>[\da-fA-F.:]+?)(?:[/:](?P<dst_port>\d{1,5}))?(?=[\s,]|$)"
)
_PROTOCOL: Final = re.compile(r"\s(?P<protocol>\d{1,3})(?:\((?P<icmp>\d{1,3})\))?(?=\s)")
_SCREEN: Final = re.compile(r"RT_SCREEN_(TCP|UDP|ICMP)")
_COUNTS: Final = re.compile(r"\s(?P<packets>\d+)\((?P<bytes>\d+)\) \d+\(\d+\) (?P<lasted>\d+)\b")
_FILTER: Final = re.compile(
    r"FW: (?P<interface>\S+) +(?P<action>[ADR]) +(?P<protocol>\w+) (?P<src_ip>[\da-fA-F.:]+) (?P<dst_ip>[\da-fA-F.:]+) +"
    r"(?P<src_port>\d+) +(?P<dst_port>\d+)(?: \((?P<packets>\d+) packets?\))?"
)

recognise = _lines.recogniser(rb"\bRT_FLOW(?:_SESSION_\w+|: )|\bPFE_FW_SYSLOG_|\bRT_SCREEN_\w+")


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    named = _NAME.search(line.text[:400])
    if not named:
        return _lines.NO_PACKET if "RT_FLOW" in line.text[:200] else _lines.OTHER
    name, text = named[1], line.text[named.end() :]
    if name.startswith(("PFE", "APPTRACK")):
        return _filter(text) if name.startswith("PFE") else _lines.NO_PACKET
    if "_CREATE" in name:
        return 140
    pairs = dict(_PAIRS.findall(text))
    texts: dict[str, Any]
    if pairs:
        texts = {
            _NAMES[key]: value for key, value in pairs.items() if key in _NAMES and value not in ("N/A", "UNKNOWN", "None")
        }
        texts["lasted"] = pairs.get("elapsed-time")
        icmp = pairs.get("icmp-type")
        if "attack-name" in pairs and "protocol" not in texts:
            word = pairs["attack-name"].split(" ")[0]
            texts["protocol"] = word if _fields.protocol(word) is not None else None
    else:
        plain = _PLAIN.search(text)
        if not plain:
            raise _fields.Bad(_fields.NO_ADDRESS)
        number, screen = _PROTOCOL.search(text, plain.end()), _SCREEN.match(name)
        texts = {**plain.groupdict(), "protocol": screen[1] if screen else number["protocol"] if number else None}
        counts = _COUNTS.search(text, plain.end()) if "_CLOSE" in name else None
        texts |= counts.groupdict() if counts else {}
        icmp = number["icmp"] if number else None
    event = _fields.event(texts)
    if event.get("protocol") in (_fields.ICMP, _fields.ICMPV6) and icmp:
        event["icmp_type"] = _fields.number(icmp)
    event["action"] = "accept" if "_CLOSE" in name else "drop"
    return event


def _filter(text: str) -> _lines.Event:
    found = _FILTER.search(text)
    if not found:
        raise _fields.Bad(_fields.NO_ADDRESS)
    texts = {**found.groupdict(), "action": None}
    event = {**_fields.event(texts), "action": {"A": "accept", "D": "drop", "R": "reject"}[found["action"]]}
    if event.get("protocol") in (_fields.ICMP, _fields.ICMPV6):  # its type and code stand where ports do
        event |= {"icmp_type": int(found["src_port"]), "icmp_code": int(found["dst_port"])}
    return event


read = _lines.texts(parse, REASONS, stamps=True)
