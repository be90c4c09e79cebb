"""ADBHoney's JSON log, also as T-Pot keeps it: connections for 5555/tcp, what was typed into a shell, where it fetched from.

As Cowrie's, only the line of a connection says to which address and port it came (docs/decisions/0090).
"""

from __future__ import annotations

import re
from typing import Any, Final

from teiten.readers import _honeypots, _lines, _sessions

NAME: Final = "adbhoney"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED}
KINDS: Final = {**_lines.IGNORED, 129: "about a session", 130: "a file without its address", 131: "what it fetched itself"}

FIRST: Final = re.compile(rb'"adbhoney\.session\.connect"')
_HEAD: Final = re.compile(rb'"eventid": ?"adbhoney\.')
_DOWNLOAD: Final = "adbhoney.session.file_download"


def recognise(head: bytes) -> float:
    """0.9 where a line names an event of ADBHoney's."""
    return 0.9 if _HEAD.search(head) else 0.0


def parse(line: _lines.Line) -> list[_lines.Event] | int:
    """One line."""
    try:
        found, name = _honeypots.named(line.raw, NAME)
        if name == _DOWNLOAD:
            return 131  # the link stands in the command before it; this line names no source
        if name == "adbhoney.session.file_upload":
            return 130
        if name not in ("adbhoney.session.connect", "adbhoney.command.input"):
            return 129
        ends, kept = _honeypots.ends(found), line.state.setdefault("sessions", {})
        time = {"time": _honeypots.time(found.get("timestamp", found.get("@timestamp")))}
        key = (_sessions.name(found.get("session")), ends["src_ip"])
        if name == "adbhoney.session.connect":
            if key[0]:
                _sessions.keep(kept, key, line.at, ends, _sessions.REACH)
            return _honeypots.heard({**ends, **time})
        known: dict[str, Any] = _sessions.find(kept, key, line.at, _sessions.REACH) or ends
        return _honeypots.heard({**known, **time}, [_honeypots.plain(found["input"]) or b"\n"], counted=False)
    except _honeypots.WRONG:
        return 1


read = _lines.sessions(parse, REASONS, FIRST, _sessions.REACH)
