"""Heralding's logs: attempts to log in (log_auth.csv), sessions (log_session.csv, .json), attempts also as T-Pot keeps them.

An attempt is what was said on a connection; the first of a session stands for the connection, too. The logs tell the same
connections: bring one of them, log_session.json or log_auth.csv.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from typing import Any, Final

from teiten.readers import _honeypots, _lines, _sessions

NAME: Final = "heralding"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED, 10: "another number of fields than its log has"}
KINDS: Final = {**_lines.IGNORED, 129: "header", 130: "a session that has not ended", 131: "an attempt that tells no words"}

_ENDS: Final = ("source_ip", "source_port", "destination_ip", "destination_port", "protocol")
_AUTH: Final = ("timestamp", "auth_id", "session_id", *_ENDS, "username", "password", "password_hash")
_SESSION: Final = ("timestamp", "duration", "session_id", *_ENDS, "num_auth_attempts")
_NAMES: Final = {
    "source_ip": "src_ip", "source_port": "src_port", "destination_ip": "dest_ip", "destination_port": "dest_port",
}  # fmt: skip
"""as T-Pot names them"""
_UUID: Final = r"[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}"
_LINE: Final = rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+,(?:{_UUID}|\d+),{_UUID},[\da-fA-F.:]+,\d+,"
_HEAD: Final = re.compile(
    rf'^(?:timestamp,(?:auth_id|duration),session_id,source_ip,|{_LINE}|\{{[^\n]{{0,2000}}"num_auth_attempts": ?\d)'.encode(),
    re.MULTILINE,
)
_ATTEMPT: Final = re.compile(rf",{_UUID},{_UUID},".encode())


def recognise(head: bytes) -> float:
    """0.9 where a line is one of its logs' headers, or has its two names."""
    return 0.9 if _HEAD.search(head) else 0.0


def parse(line: _lines.Line) -> list[_lines.Event] | int:
    """One line."""
    try:
        if line.raw.startswith(b"{"):
            return _told(line, _honeypots.told(line.raw))
        if line.raw.startswith((b"timestamp,auth_id,", b"timestamp,duration,")):
            return 129
        (words,) = csv.reader([line.raw.decode("utf-8", "replace")], strict=True)
        columns = _AUTH if _ATTEMPT.search(line.raw) else _SESSION
        if len(words) != len(columns) and (columns is _SESSION or len(words) != len(columns) - 1):
            return 10  # (older ones have no password_hash)
        return _told(line, dict(zip(columns, words, strict=False)))
    except (*_honeypots.WRONG, csv.Error):
        return 1


def _told(line: _lines.Line, found: Mapping[str, Any]) -> list[_lines.Event] | int:
    flat = {_NAMES.get(name, name): None if value == "" else value for name, value in found.items()}
    if flat.get("session_ended") is False:
        return 130
    base = {**_honeypots.ends(flat), "time": _honeypots.time(flat.get("timestamp", flat.get("@timestamp")))}
    if "num_auth_attempts" in flat:
        events = _honeypots.heard(base)
        for one in flat.get("auth_attempts") or []:
            said = [_honeypots.login(one.get("username"), one.get("password"))]
            events += _honeypots.heard({**base, "time": _honeypots.time(one["timestamp"])}, said, counted=False)
        return events
    key = (_sessions.name(flat["session_id"]), base["src_ip"])
    new = _sessions.first(line.state, key, line.at)
    return _honeypots.heard(base, [_honeypots.login(flat["username"], flat["password"])], counted=new) or 131


read = _lines.sessions(parse, REASONS, re.compile(rb"."), _sessions.REACH)
