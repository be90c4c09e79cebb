"""FortiGate's traffic log: key=value; a session's line comes at its end. CONTRIBUTING's example of a new format."""

from __future__ import annotations

import re
from typing import Final

from teiten.readers import _fields, _lines

NAME, STATUS, LINES, ROWS = "fortigate", "trial", True, False
REASONS: Final = _lines.REASONS
KINDS: Final = _lines.KINDS

_PAIR: Final = re.compile(r'\b(\w{1,40})=("[^"]*"|\S*)')
_NAMES: Final = {
    "srcip": "src_ip", "srcport": "src_port", "srcintf": "interface", "dstip": "dst_ip", "dstport": "dst_port",
    "proto": "protocol", "sentpkt": "packets", "sentbyte": "bytes", "duration": "lasted",
}  # fmt: skip

recognise = _lines.recogniser(rb'\bdate=\d{4}-\d\d-\d\d time=[\d:]{8} .{0,300}?\btype="?traffic"?')


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    pairs = {name: text.strip('"') for name, text in _PAIR.findall(line.raw.decode("utf-8", "replace"))}
    if "logid" not in pairs or pairs.get("type") != "traffic":
        return _lines.NO_PACKET if "logid" in pairs else _lines.OTHER
    event = _fields.event({_NAMES[name]: text for name, text in pairs.items() if name in _NAMES})
    own = pairs.get("eventtime", "")[:16]
    zone = pairs.get("tz", "")
    event["time"] = _fields.when(own if own.isdecimal() else f"{pairs['date']} {pairs['time']}{zone}")
    return {**event, "action": "drop" if pairs.get("action") in ("deny", "ip-conn", "dns", "blocked") else "accept"}


read = _lines.texts(parse, REASONS)
