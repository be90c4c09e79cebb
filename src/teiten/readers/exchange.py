"""What `teiten respond` writes down (respond/record.py): connections, and what was said on them.

A line that opens a connection is an event of one packet, its SYN. A line of what the other side said is an event of none, with
these bytes as its payload: the connection has been counted. Where it was closed, and why, is no event.
"""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
import re
from typing import Any, Final

from teiten.readers import _lines
from teiten.readers._base import ReadOptions

NAME: Final = "exchange"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED, 10: "another version of this format"}
KINDS: Final = {**_lines.IGNORED, 129: "closed"}

_TCP: Final = 6
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MICRO: Final = dt.timedelta(microseconds=1)
_SYN, _SAID = 2, 24
"""flags: SYN; PSH and ACK"""
_HEAD: Final = re.compile(rb'^\{"teiten":"exchange","v":\d+,', re.MULTILINE)


def recognise(head: bytes) -> float:
    """1 where a line begins as the responder's do."""
    return 1.0 if _HEAD.search(head) else 0.0


def parse(line: bytes, options: ReadOptions) -> _lines.Event | int:
    """One line."""
    try:
        found: dict[str, Any] = json.loads(line)
        if found["teiten"] != "exchange":
            return 1
        if found["v"] != 1:
            return 10
        kind = found["kind"]
        out = {
            "time": (dt.datetime.fromisoformat(found["time"]) - _EPOCH) // _MICRO,
            "src_ip": ipaddress.ip_address(found["src"]).packed,
            "dst_ip": ipaddress.ip_address(found["dst"]).packed,
            "src_port": _port(found["sport"]),
            "dst_port": _port(found["dport"]),
            "protocol": _TCP,
        }
        if kind == "said":
            said = base64.b64decode(found["data"], validate=True)
            return {**out, "tcp_flags": _SAID, "packets": 0, "payload": said, "payload_len": len(said)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return 1
    if kind == "open":
        return {**out, "tcp_flags": _SYN}
    return 129 if kind == "closed" else 1


def _port(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 65536:
        raise ValueError("no port")
    return value


read = _lines.reader(parse, REASONS)
