"""NetScreen's (ScreenOS's) traffic log, and its alarms of floods and scans. A session's line comes at its end."""

from __future__ import annotations

import re
from typing import Final

from teiten.readers import _fields, _lines

NAME: Final = "netscreen"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = _lines.REASONS
KINDS: Final = _lines.KINDS

_TRAFFIC: Final = re.compile(r"system-\w+-00257\(traffic\): (.*)")
_PAIR: Final = re.compile(r'(src zone|dst zone|icmp type|src-xlated ip|(?<![\w-])[\w-]{1,40})=("[^"]*"|\S*)')
_NAMES: Final = {
    "src": "src_ip", "dst": "dst_ip", "src_port": "src_port", "dst_port": "dst_port", "proto": "protocol", "sent": "bytes",
    "duration": "lasted", "icmp type": "icmp_type",
}  # fmt: skip
_ALARM: Final = re.compile(
    r"From (?P<src_ip>[\da-fA-F.:]+?)(?::(?P<src_port>\d+))? to (?P<dst_ip>[\da-fA-F.:]+?)(?::(?P<dst_port>\d+))?, "
    r"proto (?P<protocol>\w+) \(zone \S+,? int +(?P<interface>\S+?)\)\. +Occurred (?P<packets>\d+) times"
)

recognise = _lines.recogniser(rb"\bNetScreen device_id=")


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    if "NetScreen device_id=" not in line.text[:400]:
        return _lines.OTHER
    traffic, alarm = _TRAFFIC.search(line.text), _ALARM.search(line.text)
    if alarm:
        return _fields.event(alarm.groupdict())
    if not traffic:
        return _lines.NO_PACKET
    pairs = dict(_PAIR.findall(traffic[1]))
    event = _fields.event({_NAMES[name]: text.strip('"') for name, text in pairs.items() if name in _NAMES})
    action = _fields.action(pairs.get("action", ""))
    if action != "accept":  # no session: nothing lasted, and nothing was sent on
        event = {name: value for name, value in event.items() if name not in ("bytes", "lasted")}
    return {**event, "action": action}


read = _lines.texts(parse, REASONS, stamps=True)
