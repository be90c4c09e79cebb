"""Windows' firewall log (pfirewall.log), versions 1.5 and 2: columns as its `#Fields` line names them, times local or UTC.

DROP, and ALLOW or OPEN (let through); what the machine sent (`path` SEND) or opened itself (OPEN) has an empty interface.
A CLOSE ends a connection that was told of when it was opened, and INFO-EVENTS-LOST tells of no packet: counted as such.
"""

from __future__ import annotations

import re
from typing import Final

from teiten.readers import _fields, _lines, _stamp

NAME: Final = "windows_firewall"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = _lines.REASONS
KINDS: Final = {**_lines.KINDS, 140: "closed"}

_COLUMNS: Final = (
    "date", "time", "action", "protocol", "src-ip", "dst-ip", "src-port", "dst-port", "size", "tcpflags", "tcpsyn", "tcpack",
    "tcpwin", "icmptype", "icmpcode", "info", "path",
)  # fmt: skip
_NAMES: Final = {
    "action": "action", "protocol": "protocol", "src-ip": "src_ip", "dst-ip": "dst_ip", "src-port": "src_port",
    "dst-port": "dst_port", "size": "ip_len", "tcpflags": "tcp_flags", "tcpsyn": "tcp_seq", "tcpack": "tcp_ack",
    "tcpwin": "tcp_window", "icmptype": "icmp_type", "icmpcode": "icmp_code",
}  # fmt: skip
_UTC: Final = re.compile(r"#Time Format:\s*(?:UTC|GMT)", re.IGNORECASE)

recognise = _lines.recogniser(
    rb"^(?:#Software: Microsoft Windows Firewall|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d "
    rb"(?:DROP|ALLOW|OPEN|OPEN-INBOUND|CLOSE|INFO-EVENTS-LOST) )"
)


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    text = line.raw.decode("utf-8", "replace").lstrip("\ufeff")
    if text.startswith("#"):
        if text.startswith("#Fields:"):
            line.state["columns"] = text[8:].split()
        elif text.startswith("#Time Format:"):
            line.state["utc"] = bool(_UTC.match(text))
        return _lines.HEADER
    fields = dict(zip(line.state.get("columns") or _COLUMNS, text.split(), strict=False))
    if fields["action"] == "CLOSE":
        return 140
    if fields["action"].startswith("INFO"):
        return _lines.NO_PACKET
    if fields["action"] not in ("DROP", "ALLOW", "OPEN", "OPEN-INBOUND", "BLOCK"):
        return 1
    texts = {_NAMES[name]: value for name, value in fields.items() if name in _NAMES}
    if fields.get("tcpflags") == "-":  # zeros then say that it was not noted
        texts = {name: value for name, value in texts.items() if not name.startswith("tcp_")}
    if texts.get("ip_len") == "0":
        del texts["ip_len"]
    event = _fields.event({**texts, "action": texts["action"].partition("-")[0]})
    if fields.get("path") == "SEND" or fields["action"] == "OPEN":
        event["interface"] = ""
    when = _fields.when(f"{fields['date']} {fields['time']}")
    if line.state.get("utc") and isinstance(when, _fields.Stamp):
        when = when.value
    return {**event, "time": when if isinstance(when, _fields.Stamp | int) else _fields.Stamp(_stamp.BAD, 0)}


read = _lines.texts(parse, REASONS, stamps=True, header=re.compile(rb"(?:\xef\xbb\xbf)?#(?:Fields|Time Format):"))
