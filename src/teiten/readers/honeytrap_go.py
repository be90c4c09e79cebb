"""The honeytrap of honeytrap.io (written in Go): what its channel `file` writes, a JSON object an event.

Its services write a line for what was said; few write one for the connection. The first line of two ends stands for their
connection. (Its console's lines are not read: values stand in them unquoted, so that a payload can write fields of its own.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from teiten.readers import _honeypots, _lines, _sessions

NAME: Final = "honeytrap_go"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED, 10: "the bytes are not as long as they are said to be"}
KINDS: Final = {**_lines.IGNORED, 129: "about the program", 130: "a scan of ports, summed up", 131: "of no packet of IP"}

_HEAD: Final = re.compile(rb'^\{"(?:[a-z]+\.[\w.-]+|category)":', re.MULTILINE)
_FIELDS: Final = tuple(re.compile(one) for one in (rb'"category":"', rb'"date":"\d{4}-', rb'"sensor":"', rb'"source-ip":"'))
_SUMMED: Final = "portscan"
_DATAGRAMS: Final = frozenset(
    ("udp", "ssdp", "sip", "snmp", "snmp-trap", "ntp", "dns-query", "dns-other", "dns", "counterstrike")
)
_EITHER: Final = frozenset(("echo", "copy", "memcached", "dns-proxy"))
"""services that are offered over TCP and UDP, and do not say which it was"""
_COMMANDS: Final = ("command", "line")


def recognise(head: bytes) -> float:
    """0.9 where a line begins as Go writes its map (names in order), with a category, a date, a sensor and a source."""
    return 0.9 if _HEAD.search(head) and all(one.search(head) for one in _FIELDS) else 0.0


def parse(line: _lines.Line) -> list[_lines.Event] | int:
    """One line."""
    try:
        found = _honeypots.told(line.raw)
        category, _ = found["category"], found["date"]
        if not isinstance(category, str):
            return 1
        if category == _SUMMED:
            return 130
        if category == "arp":
            return 131
        if "source-ip" not in found:
            return 129
        ends = _honeypots.ends({
            "src_ip": found["source-ip"], "dst_ip": found.get("destination-ip"),
            "src_port": found.get("source-port"), "dst_port": found.get("destination-port"),
        })  # fmt: skip
        base = {**ends, "time": _honeypots.time(found["date"])}
        words = [one for one in _words(category, found) if one]
        if type(length := found.get("payload-length", 0)) is not int or length < 0:
            return 10
        if "payload-hex" in found and length != len(bytes.fromhex(found["payload-hex"])):
            return 10
        if category in _DATAGRAMS:
            return _honeypots.heard(base, words, protocol=_honeypots.UDP)
        new = _sessions.first(line.state, tuple(ends.values()), line.at)
        events = _honeypots.heard(base, words, counted=new)
        if category in _EITHER:
            events = [{name: value for name, value in one.items() if name not in _OF_TCP} for one in events]
        return events or [{**base, "protocol": _honeypots.TCP, "tcp_flags": 24, "packets": 0}]
    except _honeypots.WRONG:
        return 1


_OF_TCP: Final = ("protocol", "tcp_flags")


def _words(category: str, found: Mapping[str, Any]) -> Iterator[bytes]:
    """What was said: a request, a login, a command, or the bytes themselves."""
    body = bytes.fromhex(found.get("payload-hex") or "")
    if "http.url" in found:
        headers = [("Host", found.get("http.host")), ("User-Agent", found.get("http.user-agent"))]
        yield _honeypots.request(found.get("http.method"), found["http.url"], headers, body)
        return
    yield body
    yield _honeypots.login(found.get(f"{category}.username"), found.get(f"{category}.password"))
    for name in _COMMANDS:
        said = _honeypots.plain(found.get(f"{category}.{name}"))
        yield said and said + b"\r\n"


read = _lines.sessions(parse, REASONS, re.compile(rb'"source-ip"'), _sessions.REACH)
