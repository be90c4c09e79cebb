"""Dionaea's JSON log (its handler log_json), also as T-Pot keeps it: a line a connection, written when it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

from teiten.readers import _honeypots, _lines
from teiten.readers._base import ReadOptions

NAME: Final = "dionaea"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED}
KINDS: Final = {**_lines.IGNORED, 129: "its own listening", 130: "a connection of its own"}

_HEAD: Final = re.compile(
    rb'^\{[^\n]{0,4000}"connection": ?\{[^{}\n]{0,300}"transport": ?"(?:tcp|udp|tls)"[^{}\n]{0,300}\}', re.MULTILINE
)
_OURS: Final = re.compile(rb'"type": ?"(?:accept|reject|listen|connect)"')
_TRANSPORTS: Final = {"tcp": _honeypots.TCP, "tls": _honeypots.TCP, "udp": _honeypots.UDP}


def recognise(head: bytes) -> float:
    """0.9 where a line has a connection as Dionaea describes it."""
    found = _HEAD.search(head)
    return 0.9 if found and _OURS.search(found[0]) else 0.0


def parse(line: bytes, options: ReadOptions) -> list[_lines.Event] | int:
    """One line."""
    try:
        found = _honeypots.told(line)
        connection = found["connection"]
        protocol, kind = _TRANSPORTS[connection["transport"]], connection["type"]
        if kind == "listen":
            return 129
        if kind == "connect" and protocol == _honeypots.TCP:
            return 130  # what it opened itself: a datagram's first one is told as `connect`, too
        if kind not in ("accept", "reject", "connect"):
            return 1
        base = {**_honeypots.ends(found), "time": _honeypots.time(found.get("timestamp", found.get("@timestamp")))}
        return _honeypots.heard(base, [*_logins(found), _commands(found)], protocol=protocol)
    except _honeypots.WRONG:
        return 1


def _logins(found: dict[str, Any]) -> Iterator[bytes]:
    """Logins: as they came, put into columns (flat_data), or as T-Pot has them."""
    for one in _rows(found.get("credentials", {})):
        yield _honeypots.login(one.get("username"), one.get("password"))
    yield _honeypots.login(found.get("username"), found.get("password"))


def _commands(found: dict[str, Any]) -> bytes:
    """FTP's commands, a line each."""
    out = b""
    for one in _rows(found.get("ftp", {}).get("commands", {})):
        given = one.get("arguments") or []
        words = [one.get("command"), *(given if isinstance(given, list) else [given])]
        out += b" ".join(_honeypots.plain(word) for word in words if word) + b"\r\n"
    return out


def _rows(told: Any) -> list[dict[str, Any]]:
    """Objects, or an object of columns, as objects. One of `WRONG`."""
    if isinstance(told, dict):
        columns = {name: value if isinstance(value, list) else [value] for name, value in told.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip_longest(*columns.values())]
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise TypeError("no objects")
    return told


read = _lines.reader(parse, REASONS)
