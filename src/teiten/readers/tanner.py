"""Tanner's report (tanner_report.json, what SNARE handed it), also as T-Pot keeps it: a line a request of HTTP.

It does not say to which address and port it came (T-Pot adds port 80).
"""

from __future__ import annotations

import re
from typing import Any, Final

from teiten.readers import _honeypots, _lines, _sessions

NAME: Final = "tanner"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED}
KINDS: Final = {**_lines.IGNORED}

_HEAD: Final = re.compile(rb'^\{[^\n]{0,16000}"response_msg": ?\{', re.MULTILINE)
_PEER: Final = re.compile(rb'"peer": ?\{[^{}\n]{0,200}"ip": ?"')


def recognise(head: bytes) -> float:
    """0.9 where a line has a peer and Tanner's answer."""
    return 0.9 if _HEAD.search(head) and _PEER.search(head) else 0.0


def parse(line: _lines.Line) -> list[_lines.Event] | int:
    """One line."""
    try:
        found = _honeypots.told(line.raw)
        if "response_msg" not in found:
            return 1
        peer: dict[str, Any] = found.get("peer") or {}
        flat = {"src_ip": peer.get("ip"), "src_port": peer.get("port"), **found}
        base = {**_honeypots.ends(flat), "time": _honeypots.time(found.get("timestamp", found.get("@timestamp")))}
        headers, body = found.get("headers") or {}, found.get("post_data") or {}
        posted = "&".join(f"{name}={value}" for name, value in body.items()) if isinstance(body, dict) else body
        said = _honeypots.request(found.get("method"), found["path"], headers, _honeypots.plain(posted))
        new = _sessions.first(line.state, (base["src_ip"], base["src_port"]), line.at)
        return _honeypots.heard(base, [said], counted=new) or 1
    except _honeypots.WRONG:
        return 1


read = _lines.sessions(parse, REASONS, re.compile(rb'"response_msg"'), _sessions.REACH)
