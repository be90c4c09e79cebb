"""Google Cloud's VPC flow logs and firewall rules' logs as JSON lines: entries of Cloud Logging, or their payload alone.

A flow is told by the side that saw it: one that its source told (`reporter` SRC) went out there, and has an empty interface.
An entry of the firewall's log is an attempt, with the rule's disposition as its action.
"""

from __future__ import annotations

import json
from typing import Any, Final

from teiten.readers import _fields, _lines

NAME: Final = "gcp_flow"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = _lines.REASONS
KINDS: Final = _lines.KINDS

_CONNECTION: Final = {
    "src_ip": "src_ip", "dest_ip": "dst_ip", "src_port": "src_port", "dest_port": "dst_port", "protocol": "protocol",
}  # fmt: skip
_DISPOSITIONS: Final = {"DENIED": "drop", "ALLOWED": "accept"}

recognise = _lines.recogniser(rb'^\s*\{.*"connection" ?: ?\{[^{}\n]*"dest_ip"')


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    entry: dict[str, Any] = json.loads(line.text)
    payload = entry.get("jsonPayload", entry)
    if not isinstance(payload, dict) or "connection" not in payload:
        return _lines.OTHER
    connection: dict[str, Any] = payload["connection"]
    texts = {ours: str(connection[theirs]) for theirs, ours in _CONNECTION.items() if connection.get(theirs) is not None}
    if "disposition" in payload:
        event = _fields.event({**texts, "time": str(entry["timestamp"])})
        event["action"] = _DISPOSITIONS.get(payload["disposition"])
        instance = payload.get("rule_details", {})
        return {**event, "interface": ""} if instance.get("direction") == "EGRESS" else event
    event = _fields.event(
        {
            **texts,
            "time": str(payload.get("start_time") or entry.get("timestamp") or ""),
            "time_end": str(payload.get("end_time") or ""),
            "packets": str(payload.get("packets_sent") or 0),
            "bytes": str(payload.get("bytes_sent") or 0),
        }
    )
    return {**event, "interface": ""} if payload.get("reporter") == "SRC" else event


read = _lines.texts(parse, REASONS)
