"""Mailoney's log of commands (commands.log, JSON), also as T-Pot keeps it: a line that a client of SMTP sent.

It does not say to which address they came, nor to which port (T-Pot adds 25). The first line of a client's port stands for its
connection.
"""

from __future__ import annotations

import re
from typing import Final

from teiten.readers import _honeypots, _lines, _sessions

NAME: Final = "mailoney"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED}
KINDS: Final = {**_lines.IGNORED}

_HEAD: Final = re.compile(
    rb'^\{"timestamp": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z", "src_ip": "[\da-fA-F.:]+", "src_port": \d+, "data": "',
    re.MULTILINE,
)


def recognise(head: bytes) -> float:
    """0.9 where a line has its four fields in its order, and nothing before them."""
    return 0.9 if _HEAD.search(head) else 0.0


def parse(line: _lines.Line) -> list[_lines.Event] | int:
    """One line."""
    try:
        found = _honeypots.told(line.raw)
        base = {**_honeypots.ends(found), "time": _honeypots.time(found.get("timestamp", found.get("@timestamp")))}
        said = found["data"]
        if not isinstance(said, str) or "eventid" in found:
            return 1
        new = _sessions.first(line.state, (base["src_ip"], base["src_port"]), line.at)
        return _honeypots.heard(base, [_honeypots.plain(said) + b"\r\n"], counted=new)
    except _honeypots.WRONG:
        return 1


read = _lines.sessions(parse, REASONS, re.compile(rb'"data"'), _sessions.REACH)
