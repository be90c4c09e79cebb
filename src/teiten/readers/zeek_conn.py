"""Zeek's conn.log: tab-separated with its header (or zeek-cut's), and JSON lines. An event is a connection's first side.

`packets` and `bytes` (IP's) are the originator's alone; `tcp_flags` those that its half of `history` shows, all together. A
connection whose packets all came from the other side has 0. Where Zeek was told which networks are local, a
connection that began in them went out: its `interface` is empty.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from teiten.readers import _fields, _lines

NAME: Final = "zeek_conn"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REASONS, 10: "another number of fields than its header"}
KINDS: Final = {**_lines.KINDS, 140: "another log of Zeek's"}

_COLUMNS: Final = (
    "ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "duration", "orig_bytes", "resp_bytes",
    "conn_state", "local_orig", "local_resp", "missed_bytes", "history", "orig_pkts", "orig_ip_bytes", "resp_pkts",
    "resp_ip_bytes", "tunnel_parents", "ip_proto",
)  # fmt: skip
_NAMES: Final = {
    "ts": "time", "id.orig_h": "src_ip", "id.orig_p": "src_port", "id.resp_h": "dst_ip", "id.resp_p": "dst_port",
    "proto": "protocol", "duration": "duration", "orig_pkts": "packets", "orig_ip_bytes": "bytes",
}  # fmt: skip
_HISTORY: Final = {"S": 2, "H": 18, "A": 16, "F": 1, "R": 4, "Q": 2}
"""Zeek's letters of flags that the originator sent"""

recognise = _lines.recogniser(
    rb'^(?:#(?:path\tconn\b|fields\t.*\bid\.orig_h\t)|.*"id\.orig_h" ?:|(?:\w[\w.]*\t)*(?:id\.orig_h|conn_state)(?:\t|$)'
    rb"|\d{9,10}\.\d{6}\tC\w{10,20}\t[\da-fA-F:.]+\t\d{1,5}\t[\da-fA-F:.]+\t\d{1,5}\t(?:tcp|udp|icmp|unknown_transport)\t)"
)


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    text, state = line.text, line.state
    if text.startswith("{"):
        entry: dict[str, Any] = json.loads(text)
        if (
            "id.orig_h" not in entry
            or entry.get("_path", "conn") != "conn"
            or ("conn_state" not in entry and "proto" not in entry)
        ):
            return 140
        return _event({name: None if value is None else str(value) for name, value in entry.items()})
    if text.startswith("#"):
        if text.startswith("#fields\t"):
            state["columns"] = text[8:].split("\t")
        elif text.startswith("#path"):
            state["path"] = text[5:].strip()
        return _lines.HEADER
    words = text.split("\t")
    if words[0] == "ts" or ("uid" in words and "history" in words):
        state["columns"], state["path"] = words, "conn"
        return _lines.HEADER
    if state.get("path", "conn") != "conn":
        return 140
    columns = state.get("columns") or _COLUMNS
    if len(words) != len(columns) and ("columns" in state or len(words) not in range(len(_COLUMNS) - 2, len(_COLUMNS))):
        return 10
    return _event(dict(zip(columns, words, strict=False)))


def _event(fields: dict[str, Any]) -> _lines.Event:
    texts = {_NAMES[name]: value for name, value in fields.items() if name in _NAMES}
    if str(fields.get("ip_proto") or "").isdecimal():
        texts["protocol"] = fields["ip_proto"]
    event = _fields.event(texts)
    if "time" not in event:
        raise _fields.Bad(_fields.NO_STAMP)
    kind = event.get("protocol")
    if kind in (_fields.ICMP, _fields.ICMPV6):  # Zeek writes type and code, or the answer's type, as ports
        event["icmp_type"] = _fields.number(fields["id.orig_p"])
        if event["icmp_type"] in ((3, 4, 5, 11, 12) if kind == _fields.ICMP else (1, 2, 3, 4)):
            event["icmp_code"] = _fields.number(fields["id.resp_p"])
    history = fields.get("history")
    if kind == _fields.TCP and history not in _fields.EMPTY:
        bits = 0
        for letter in str(history):
            bits |= _HISTORY.get(letter, 0)
        event["tcp_flags"] = bits or None
    local = [str(fields.get(name)).lower()[:1] == "t" for name in ("local_orig", "local_resp")]
    return {**event, "interface": ""} if local == [True, False] else event


# no line that `parse` takes for a header may be missed; what it does not take for one does no harm
read = _lines.texts(parse, REASONS, header=re.compile(rb"#(?:fields|path)|ts|[^\n]*uid"))
