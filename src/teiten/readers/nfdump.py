"""nfdump's text forms: line, long, extended, biline, pipe, csv with its header line, as 1.6 and 1.7 write them.

A flow in one direction, of so many packets. Of ICMP the destination port is type and code ('8.0', or type * 256 + code in pipe
and csv). Times without a zone are the clock of whoever ran nfdump (`--tz`).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

from teiten.readers import _fields, _lines

NAME: Final = "nfdump"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REASONS, 10: "another number of fields than its header"}
KINDS: Final = {**_lines.KINDS, 140: "summary", 141: "event of a NAT or firewall"}

_TEXT: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)\s+(?:(?P<event>[A-Z]\w+)\s+(?:\S+\s+)?)?"
    r"(?P<duration>[\d:]+\.\d{1,6})\s+"
    r"(?P<protocol>[\w.-]+)\s+(?P<src>\S+)\s+(?:<?->|<-|\?>)\s+(?P<dst>\S+)\s+(?:(?P<flags>[.A-Z0-9x]{6,8})\s+(?P<tos>\d{1,3})\s+)?"
    r"(?P<packets>[\d.]+(?: [KMGT])?)\s+(?P<bytes>[\d.]+(?: [KMGT])?)(?:\s|$)"
)
_CSV: Final = {
    "ts": "time", "te": "time_end", "td": "duration", "sa": "src_ip", "da": "dst_ip", "sp": "src_port", "dp": "dst_port",
    "pr": "protocol", "flg": "tcp_flags", "ipkt": "packets", "ibyt": "bytes",
    "firstseen": "time", "duration": "duration", "proto": "protocol", "srcip4addr": "src_ip", "dstip4addr": "dst_ip",
    "srcip6addr": "src_ip", "dstip6addr": "dst_ip", "srcaddr": "src_ip", "dstaddr": "dst_ip", "srcport": "src_port",
    "dstport": "dst_port", "flags": "tcp_flags", "packets": "packets", "bytes": "bytes", "lastseen": "time_end",
}  # fmt: skip
_UNITS: Final = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SUMMARY: Final = re.compile(
    r"(?:Summary|Time window|Total flows|Sys|Wall|No matching|flows,bytes,packets|\d+(?:,\d+){5}$|Command line)"
)

recognise = _lines.recogniser(
    rb"^(?:Date first seen .*Src IP Addr|ts,te,td,sa,da,sp,dp,pr,|firstSeen,.*[Ss]rc|"
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?\s.{0,80}?"
    rb"\S+[.:]\d+\s+(?:<?->|<-)\s+\S+\s|(?:2|10)\|\d{9,10}\|\d{1,3}\|\d{9,10}\|\d{1,3}\|\d{1,3}\|(?:\d+\|){15,}\d*$)"
)


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    text = line.text.strip()
    if text.startswith(("Date first seen", "ts,te,", "firstSeen,", "# ")):
        line.state["columns"] = text.lower().split(",")
        return _lines.HEADER
    if _SUMMARY.match(text):
        return 140
    if text.count("|") >= 15:
        return _pipe(text.split("|"))
    if text.count(",") >= 5:
        columns, words = line.state.get("columns"), text.split(",")
        if not columns:
            return 1
        if len(words) != len(columns):
            return 10
        names = {_CSV[name]: word.strip() for name, word in zip(columns, words, strict=True) if name in _CSV}
        if {"time_end", "duration"} <= names.keys():
            del names["time_end"]
        names["tcp_flags"] = names.get("tcp_flags", "").lstrip(".") or ""
        return _flow(names)
    found = _TEXT.match(text)
    if not found:
        return 1
    if found["event"] and found["event"] not in ("IGNORE", "Ignore"):
        return 141
    texts: dict[str, Any] = {name: found[name] for name in ("time", "duration", "protocol")}
    texts["src_ip"], texts["src_port"] = _end(found["src"])
    texts["dst_ip"], texts["dst_port"] = _end(found["dst"])
    texts |= {name: _scaled(found[name]) for name in ("packets", "bytes")}
    return _flow({**texts, "tcp_flags": (found["flags"] or "").replace(".", "")})


def _end(text: str) -> tuple[str, str]:
    """'A:port' of IPv4, 'A.port' of IPv6."""
    if text.count(":") > 1:  # '2001:db8::1.22', ICMP's '2001:db8::1.128.0'; an address that ends like IPv4 has three dots more
        ip, _, port = text.partition(".") if text.count(".") < 4 else text.rpartition(".")
    else:
        ip, _, port = text.partition(":")
    return ip, port


def _scaled(text: str) -> str:
    """'1.2 M' -> '1200000'."""
    amount, _, unit = text.partition(" ")
    return amount if not unit else str(round(float(amount) * _UNITS[unit]))


def _flow(texts: dict[str, Any]) -> _lines.Event:
    kind = _fields.protocol(texts["protocol"])
    port = str(texts.pop("dst_port", "") or "")
    if kind in (_fields.ICMP, _fields.ICMPV6) and port:
        icmp, dot, code = port.partition(".")
        whole = _fields.number(icmp)
        pair = (whole, _fields.number(code)) if dot else (whole >> 8, whole & 255)
        return {**_fields.event(texts), "icmp_type": pair[0], "icmp_code": pair[1]}
    return _fields.event({**texts, "dst_port": port if kind in _fields.PORTED else None})


def _pipe(words: list[str]) -> _lines.Event:
    """af|first|ms|last|ms|prot|4 x src|port|4 x dst|port|src as|dst as|in|out|flags|tos|packets|bytes."""
    numbers = [_fields.number(word) for word in words[:24]]
    first, last = (numbers[at] * 1_000_000 + numbers[at + 1] * 1000 for at in (1, 3))
    six = numbers[0] == 10
    src, dst = (sum(numbers[at + i] << 32 * (3 - i) for i in range(4)) for at in (6, 11))
    make = ipaddress.IPv6Address if six else ipaddress.IPv4Address
    texts = {
        "protocol": str(numbers[5]), "src_ip": str(make(src)), "src_port": str(numbers[10]), "dst_ip": str(make(dst)),
        "dst_port": str(numbers[15]), "tcp_flags": str(numbers[20]), "packets": str(numbers[22]), "bytes": str(numbers[23]),
    }  # fmt: skip
    return {**_flow(texts), "time": first, "time_end": last}


read = _lines.texts(parse, REASONS, header=re.compile(rb"[^\n]{0,80}?(?:ts,te,|firstSeen,|Date first seen|# )"))
