"""pf's log as pfSense and OPNsense write it (filterlog): IPv4 and IPv6, TCP, UDP, ICMP, every other protocol.

The fields and their order: Netgate's "Raw Filter Log Format" and OPNsense's filterlog. A packet that goes out did not come in:
its `interface` is empty, as netfilter's `IN=` is. What an ICMP error quotes is not told whole, and left out.
"""

from __future__ import annotations

from typing import Any, Final

from teiten.readers import _fields, _lines, _syslog

NAME: Final = "filterlog"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = _lines.REASONS
KINDS: Final = {**_lines.KINDS, 140: "carp"}

_ACTIONS: Final = {"block": "drop", "pass": "accept", "reject": "reject", "unkn(0)": None}
_IPV4: Final = ("tos", "ecn", "ttl", "ip_id", "frag_offset", "flags", "protocol", "name", "ip_len", "src_ip", "dst_ip")
_IPV6: Final = ("class", "flow", "ttl", "name", "protocol", "ip_len", "src_ip", "dst_ip")
_TCP: Final = ("src_port", "dst_port", "payload_len", "tcp_flags", "tcp_seq", "tcp_ack", "tcp_window", "urgent", "options")
_ICMP: Final = {
    "request": 8, "reply": 0, "unreach": 3, "unreachproto": 3, "unreachport": 3, "needfrag": 3, "timexceed": 11,
    "redirect": 5, "tstamp": 13, "tstampreply": 14, "paramprob": 12, "maskreply": 18,
}  # fmt: skip
_CODES: Final = {"unreachproto": 2, "unreachport": 3, "needfrag": 4}
_DF, _MF = 2, 1
_NO_EVENT: Final = ("tos", "ecn", "flags", "name", "class", "flow", "length", "urgent", "options")

recognise = _lines.recogniser(rb"\bfilterlog(?:\[\d{1,10}\])?(?:: | \S+ \S+ (?:-|\[.{0,200}?\]) )\d*,\d*,[^,\n]*,")


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    found = _syslog.message(line)
    if found.app != "filterlog":
        return _lines.OTHER
    fields = found.text.strip().split(",")
    names, rest = (_IPV4, fields[9:]) if fields[8] == "4" else (_IPV6, fields[9:])
    if fields[8] not in ("4", "6"):
        return 1
    texts: dict[str, Any] = dict(zip(names, rest, strict=False))
    if len(rest) < len(names):
        return 1
    tail = rest[len(names) :]
    if fields[8] == "6":  # the length of its payload
        texts["ip_len"] = str(40 + _fields.number(texts["ip_len"]))
    else:
        texts["ip_flags"] = str(sum(bit for bit, word in ((_DF, "DF"), (_MF, "+"), (_MF, "MF")) if word in texts["flags"]))
    kind = _fields.number(texts["protocol"])
    if kind == _fields.TCP:
        texts |= dict(zip(_TCP, tail, strict=False))
        texts["tcp_seq"] = texts.get("tcp_seq", "").partition(":")[0]
    elif kind in _fields.PORTED:
        texts |= dict(zip(("src_port", "dst_port", "length"), tail, strict=False))
        if kind == _fields.UDP and len(tail) > 2:  # UDP's own length, its header among it
            texts["payload_len"] = str(max(0, _fields.number(tail[2]) - 8))
    elif kind in (_fields.ICMP, _fields.ICMPV6) and tail and tail[0] in _ICMP and fields[8] == "4":
        texts |= {"icmp_type": str(_ICMP[tail[0]]), "icmp_code": str(_CODES.get(tail[0], "")) or None}
    elif kind == 112:
        return 140
    texts["action"], texts["interface"] = None, fields[4]
    event = _fields.event({name: text for name, text in texts.items() if name not in _NO_EVENT})
    if fields[7] == "out":
        event["interface"] = ""
    return {**event, "action": _ACTIONS.get(fields[6])}


read = _lines.texts(parse, REASONS, stamps=True)
