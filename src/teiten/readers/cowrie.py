"""Cowrie's JSON log (SSH and telnet), also as T-Pot keeps it: connections, logins, commands, versions, downloads.

Only the line of a new connection says to which address and port it came; the others name the source and a session. They are
events of no packets with what was said as their payload, and have the ends of that connection where its line stands not more
than `REACH` bytes before them; else their ports and destination are unknown (docs/decisions/0090).
"""

from __future__ import annotations

import re
from typing import Any, Final

from teiten.readers import _honeypots, _lines, _sessions

NAME: Final = "cowrie"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED}
KINDS: Final = {
    **_lines.IGNORED,
    129: "about a session",
    130: "what became of a command",
    131: "a file without its address",
    132: "a forwarding that was asked for",
}

REACH: Final = 4 << 20
"""bytes of the log: of a busy sensor, an hour; Cowrie ends a session after some minutes"""

FIRST: Final = re.compile(rb'"cowrie\.session\.connect"')
"""what stands in the lines that others lean on"""
_HEAD: Final = re.compile(rb'"eventid": ?"cowrie\.')
_FIELDS: Final = {
    "cowrie.command.input": "input",
    "cowrie.client.version": "version",
    "cowrie.session.file_download": "url",
    "cowrie.session.file_download.failed": "url",
    "cowrie.direct-tcpip.data": "data",
    "cowrie.session.input": "input",
}
"""events, and which of their fields was said"""
_OUTCOMES: Final = ("cowrie.command.success", "cowrie.command.failed")
_LOGINS: Final = ("cowrie.login.success", "cowrie.login.failed")
_FORWARD: Final = ("cowrie.direct-tcpip.request", "cowrie.direct-tcpip.ja4", "cowrie.direct-tcpip.ja4h")


def recognise(head: bytes) -> float:
    """0.9 where a line names an event of Cowrie's (T-Pot's collection of several logs is surer of its own)."""
    return 0.9 if _HEAD.search(head) else 0.0


def parse(line: _lines.Line) -> list[_lines.Event] | int:
    """One line."""
    try:
        found, name = _honeypots.named(line.raw, NAME)
        if name in _OUTCOMES:
            return 130
        if name in _FORWARD:
            return 132
        if name in _FIELDS and _FIELDS[name] == "url" and not found.get("url"):
            return 131
        if name not in _FIELDS and name not in _LOGINS and name != "cowrie.session.connect":
            return 129
        return _events(name, found, line.state.setdefault("sessions", {}), line.at)
    except _honeypots.WRONG:
        return 1


def _events(name: str, found: dict[str, Any], sessions: _sessions.Kept, at: int) -> list[_lines.Event]:
    # (of a forwarding, ports and destination are what somebody wanted to be led to)
    forwarded = name.startswith("cowrie.direct-tcpip.")
    own = {key: value for key, value in found.items() if not forwarded or key not in _LED}
    ends = _honeypots.ends(own)
    session = _sessions.name(found.get("session"))
    key = (session, ends["src_ip"])
    time = {"time": _honeypots.time(found.get("timestamp", found.get("@timestamp")))}
    if name == "cowrie.session.connect":
        if session:
            _sessions.keep(sessions, key, at, ends, REACH)
        return _honeypots.heard({**ends, **time})
    first = _sessions.find(sessions, key, at, REACH)
    if first is not None:
        told = own.get("dest_ip") or own.get("dst_ip")
        ends = {**ends, **({} if told else {"dst_ip": first["dst_ip"]}), **{one: _or(ends, first, one) for one in _PORTS}}
    if name in _LOGINS:
        said = _honeypots.login(found.get("username"), found.get("password"))
    else:
        said = _honeypots.plain(found[_FIELDS[name]])
    # (an empty line is an event too: somebody pressed a key)
    return _honeypots.heard({**ends, **time}, [said or b"\n"], counted=False)


_LED: Final = frozenset(("dst_ip", "dst_port", "dest_ip", "dest_port", "src_port"))
_PORTS: Final = ("src_port", "dst_port")


def _or(ends: dict[str, Any], first: dict[str, Any], name: str) -> Any:
    return first[name] if ends[name] is None else ends[name]


read = _lines.sessions(parse, REASONS, FIRST, REACH)
