"""OpenCanary's log: a line an attempt, told by its number (logtype), with what was said in `logdata`.

A login of a service that does not log the connection before it stands for that connection, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from teiten.readers import _honeypots, _lines
from teiten.readers._base import ReadOptions

NAME: Final = "opencanary"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED}
KINDS: Final = {**_lines.IGNORED, 129: "about the program", 130: "a connection whose login is counted", 131: "its own question"}

_HEAD: Final = re.compile(rb'^\{[^\n]{0,8000}"logtype": ?"?\d{4,5}"?[,}\s]', re.MULTILINE)
_NODE: Final = re.compile(rb'"node_id": ?"|"logdata": ?\{')
_WITHOUT_LOGIN: Final = frozenset((2001, 6002, 9003))
"""connections that are told besides their login"""
_ON_A_CONNECTION: Final = frozenset((4001, 4002, 18003, 18004, 18005))
"""what is said on a connection that has a line of its own"""
_DATAGRAMS: Final = frozenset((10001, 11001, 13001, 15001))
_SCANS: Final = {5001: 2, 5002: 0b101011, 5003: 0, 5004: 0b101001, 5005: 1}
"""a packet of a scan, and its flags: SYN; nmap's for the system, without any, FIN PSH URG, FIN"""
_PROTOCOLS: Final = {"TCP": _honeypots.TCP, "UDP": _honeypots.UDP, "ICMP": 1, "ICMPV6": 58}
_KERNELS: Final = {"TTL": "ttl", "ID": "ip_id", "LEN": "ip_len", "WINDOW": "tcp_window"}
_SAID: Final = ("REMOTEVERSION", "DATA", "SECRET_STRING", "FILENAME", "REPO", "NTP CMD", "REQUESTS")


def recognise(head: bytes) -> float:
    """0.9 where a line has a number of OpenCanary's, and its node or data."""
    return 0.9 if _HEAD.search(head) and _NODE.search(head) else 0.0


def parse(line: bytes, options: ReadOptions) -> list[_lines.Event] | int:
    """One line."""
    try:
        found = _honeypots.told(line)
        number, data = found["logtype"], found.get("logdata") or {}
        number = int(number) if isinstance(number, str) else number
        if type(number) is not int:
            return 1
        if 1000 <= number < 2000:
            return 129
        if number in _WITHOUT_LOGIN:
            return 130
        if number == 19001:
            return 131
        data = data if isinstance(data, dict) else {"DATA": data}
        base = {
            **_honeypots.ends({**found, "src_ip": found["src_host"], "dst_ip": found.get("dst_host")}),
            "time": _honeypots.time(found.get("utc_time", found.get("local_time", found.get("@timestamp")))),
        }
        if number in _SCANS:
            return [_packet(base, number, data)]
        protocol = _honeypots.UDP if number in _DATAGRAMS else _honeypots.TCP
        return _honeypots.heard(base, list(_words(data)), counted=number not in _ON_A_CONNECTION, protocol=protocol) or [
            {**base, "protocol": protocol, "tcp_flags": 24, "packets": 0}
        ]
    except _honeypots.WRONG:
        return 1


def _packet(base: Mapping[str, Any], number: int, data: Mapping[str, Any]) -> _lines.Event:
    """A packet that the kernel logged for it."""
    out = {**base, "protocol": _PROTOCOLS[str(data.get("PROTO", "TCP")).upper()]}
    if out["protocol"] == _honeypots.TCP:
        out["tcp_flags"] = _SCANS[number]
    for theirs, ours in _KERNELS.items():
        if str(data.get(theirs, "")).isdecimal():
            out[ours] = int(data[theirs])
    return out


def _words(data: Mapping[str, Any]) -> Iterator[bytes]:
    """What was said, as bytes: a request, a login, a command, or the bytes themselves."""
    plain = _honeypots.plain
    if "PATH" in data:
        head = [(b"POST " if "USERNAME" in data else b"GET ") + plain(data["PATH"]) + b" HTTP/1.1"]
        head += [b"Host: " + plain(data["HOSTNAME"])] if data.get("HOSTNAME") else []
        head += [b"User-Agent: " + plain(data["USERAGENT"])] if data.get("USERAGENT") else []
        yield b"".join(line + b"\r\n" for line in head) + b"\r\n"
    user, password = data.get("USERNAME"), data.get("PASSWORD", data.get("VNC Password"))
    yield _honeypots.login(user, password)
    if "CMD" in data:
        yield b" ".join(plain(data[name]) for name in ("CMD", "ARGS") if data.get(name)) + b"\r\n"
    if isinstance(data.get("HEADERS"), dict):
        rows = ((name, value if isinstance(value, list) else [value]) for name, value in data["HEADERS"].items())
        yield b"".join(plain(name) + b": " + plain(one) + b"\r\n" for name, values in rows for one in values)
    if "COMMUNITY_STRING" in data:
        yield _honeypots.login("", data["COMMUNITY_STRING"])
    for name in _SAID:
        # (a login names the client's version once more)
        if data.get(name) and (name != "REMOTEVERSION" or "USERNAME" not in data):
            yield plain(data[name])


read = _lines.reader(parse, REASONS)
