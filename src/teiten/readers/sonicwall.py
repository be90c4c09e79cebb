"""SonicWall's syslog: key=value with src=ADDRESS:PORT:INTERFACE. The time is the device's own, UTC where it says so.

A connection that was opened is an event, the line of its end is not. Dropped or not: `fw_action`, else the message.
"""

from __future__ import annotations

import re
from typing import Final

from teiten.readers import _fields, _lines

NAME: Final = "sonicwall"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = _lines.REASONS
KINDS: Final = {**_lines.KINDS, 140: "end of a connection"}

_PAIR: Final = re.compile(r'\b(\w{1,40})=("[^"]*"|\S+)')
_END: Final = re.compile(r"(\[?[\da-fA-F.:]+?\]?)(?::(\d{1,5}))?(?::([A-Z]\w*))?(?::.*)?")
_SIX: Final = re.compile(r"\[?([\da-fA-F:]{2,39})\]?(?:[.:#](\d{1,5}))?(?::([A-Z]\w*))?(?::.*)?")
_DROPPED: Final = re.compile(r"\b(?:dropped|denied|blocked|rejected)\b", re.IGNORECASE)

recognise = _lines.recogniser(rb'\bid=\S+ sn=[0-9A-F]{12} time="[^"\n]*" fw=')


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    pairs = {name: text.strip('"') for name, text in _PAIR.findall(line.raw.decode("utf-8", "replace"))}
    if not {"sn", "time", "fw"} <= pairs.keys():
        return _lines.OTHER
    if "src" not in pairs or "dst" not in pairs:
        return _lines.NO_PACKET
    if pairs.get("m") == "537" or pairs.get("msg") == "Connection Closed":
        return 140
    src, dst = ((_END if "." in pairs[end] else _SIX).fullmatch(pairs[end]) for end in ("src", "dst"))
    if not src or not dst:
        raise _fields.Bad(_fields.BAD_ADDRESS)
    texts = {
        "src_ip": src[1], "src_port": src[2], "interface": src[3], "dst_ip": dst[1], "dst_port": dst[2],
        "protocol": pairs.get("proto", "").partition("/")[0], "time": pairs["time"].removesuffix(" UTC"),
    }  # fmt: skip
    event = _fields.event(texts)
    if event.get("protocol") in (_fields.ICMP, _fields.ICMPV6):
        event |= {
            ours: _fields.number(pairs[theirs])
            for theirs, ours in (("type", "icmp_type"), ("code", "icmp_code"))
            if theirs in pairs
        }
    if pairs["time"].endswith(" UTC") and isinstance(event["time"], _fields.Stamp):
        event["time"] = event["time"].value
    word = pairs.get("fw_action", "NA")
    dropped = word == "drop" or (word == "NA" and _DROPPED.search(pairs.get("msg", "")))
    event["action"] = "drop" if dropped else "accept" if word == "forward" or "pened" in pairs.get("msg", "") else None
    return event


read = _lines.texts(parse, REASONS, stamps=True)
