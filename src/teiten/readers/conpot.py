"""Conpot's JSON log (its logger json), also as T-Pot keeps it: a line a thing that happened in a session, with both ends.

The first line of a session stands for its connection: some of its servers write one for it, others begin with the request. Its
times are those of the session's beginning.
"""

from __future__ import annotations

import re
from typing import Any, Final

from teiten.readers import _honeypots, _lines, _sessions

NAME: Final = "conpot"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED}
KINDS: Final = {**_lines.IGNORED, 129: "about a session"}

FIRST: Final = re.compile(rb'"sensorid": ?')
_KIND: Final = re.compile(rb'"data_type": ?"')
_DATAGRAMS: Final = frozenset(("snmp", "bacnet", "tftp", "ipmi"))
"""servers of UDP; the others are of TCP"""


_ESCAPED: Final = re.compile(rb"\\x([\da-f]{2})|\\([nrt'\"\\])")
_LETTERS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"'": b"'", b'"': b'"', b"\\": b"\\"}


def recognise(head: bytes) -> float:
    """0.9 where a line names a sensor and a kind of data as Conpot does."""
    return 0.9 if FIRST.search(head) and _KIND.search(head) else 0.0


def parse(line: _lines.Line) -> list[_lines.Event] | int:
    """One line."""
    try:
        found = _honeypots.told(line.raw)
        kind, ends = found["data_type"], _honeypots.ends(found)
        if not isinstance(kind, str) or "sensorid" not in found:
            return 1
        base = {**ends, "time": _honeypots.time(found.get("timestamp", found.get("@timestamp")))}
        said = _said(found.get("request"))
        if kind in _DATAGRAMS:
            return _honeypots.heard(base, [said], protocol=_honeypots.UDP) if said else 129
        key = (_sessions.name(found.get("id")), ends["src_ip"], ends["src_port"])
        # (of a session that began before the log, how it ended is no connection)
        if not said and found.get("event_type") != "NEW_CONNECTION":
            return 129
        new = _sessions.first(line.state, key, line.at)
        return _honeypots.heard(base, [said], counted=new) or 129
    except _honeypots.WRONG:
        return 1


def _said(value: Any) -> bytes:
    """A request; bytes are told as Python writes them (b'...')."""
    text = _honeypots.plain(value)
    if len(text) > 2 and text[:2] in (b"b'", b'b"') and text[-1:] == text[1:2]:
        return _ESCAPED.sub(lambda one: bytes.fromhex(one[1].decode()) if one[1] else _LETTERS[one[2]], text[2:-1])
    return text


read = _lines.sessions(parse, REASONS, FIRST, _sessions.REACH)
