"""What the readers of honeypots' logs share: a line's object, T-Pot's wrapping, addresses, times, and logins as words.

A connection is an event of one packet (a SYN); what was said on it is an event of none, with these bytes as its payload
(docs/decisions/0073): a log that keeps no bytes but a name and a password is read as if they had been sent as FTP sends them,
`USER name`, `PASS password` (0077). A datagram is one event. Logs that do not say to which address of theirs something came
have 0.0.0.0 (or ::) there: it is nobody's.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from teiten.readers._lines import Event

TCP: Final = 6
UDP: Final = 17
_LONGEST: Final = 48
"""characters of an address without a zone, and a few more: what is longer is not remembered"""
_SYN, _SAID = 2, 24
"""flags: SYN; PSH and ACK"""
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MICRO: Final = dt.timedelta(microseconds=1)
WRONG: Final = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""what a line that is not of its format comes to while it is read"""


def told(line: bytes) -> dict[str, Any]:
    """The line's object; of a document of Elasticsearch what is in its `_source`. One of `WRONG` where it is none."""
    found = json.loads(line)
    inner = found.get("_source")
    found = inner if isinstance(inner, dict) else found
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


def named(line: bytes, program: str) -> tuple[dict[str, Any], str]:
    """The line's object, and the name of its event; one of `WRONG` where that is not the program's."""
    found = told(line)
    name = found["eventid"]
    if not name.startswith(f"{program}."):
        raise ValueError("another program's")
    return found, name


def time(value: Any) -> int:
    """Microseconds since 1970; a time that states no zone is in UTC, as honeypots write it."""
    when = dt.datetime.fromisoformat(_text(value))
    return ((when if when.tzinfo else when.replace(tzinfo=dt.UTC)) - _EPOCH) // _MICRO


def address(value: Any) -> bytes:
    """Packed; ::ffff:192.0.2.1 is 192.0.2.1."""
    text = _text(value)
    return _packed(text) if len(text) < _LONGEST else _packed.__wrapped__(text)


@lru_cache(65536)
def _packed(text: str) -> bytes:
    found = ipaddress.ip_address(text)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).packed


def port(value: Any) -> int | None:
    """A port; None where it is not said (missing, -1). T-Pot has a few of them as texts."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6:
        value = int(value)
    if value is None or (type(value) is int and value == -1):
        return None
    if type(value) is not int or not 0 <= value < 65536:
        raise ValueError("no port")
    return value


def ends(
    found: Mapping[str, Any], *, src: str = "src_ip", dst: Sequence[str] = ("dest_ip", "dst_ip", "t-pot_ip_ext")
) -> dict[str, Any]:
    """The two ends of a connection, as most honeypots (and T-Pot) name them: src_ip, src_port, dst_ip or dest_ip, dst_port or
    dest_port."""
    source = address(found[src])
    own = next((found[name] for name in dst if found.get(name)), None)
    return {
        "src_ip": source,
        "dst_ip": address(own) if own is not None else bytes(len(source)),
        "src_port": port(found.get("src_port")),
        "dst_port": port(found.get("dest_port", found.get("dst_port"))),
    }


def heard(base: Mapping[str, Any], said: Sequence[bytes] = (), *, counted: bool = True, protocol: int = TCP) -> list[Event]:
    """The events of a connection (`counted`: it is told here), and of what was said on it; of a datagram, one."""
    own = {**base, "protocol": protocol}
    words = [one for one in said if one]
    if protocol != TCP:
        return [{**own, **_payload(b"".join(words) if words else None), "packets": int(counted)}]
    opened: list[Event] = [{**own, "tcp_flags": _SYN}] if counted else []
    return opened + [{**own, "tcp_flags": _SAID, "packets": 0, **_payload(one)} for one in words]


def _payload(data: bytes | None) -> dict[str, Any]:
    return {} if data is None else {"payload": data, "payload_len": len(data)}


def login(user: Any, password: Any) -> bytes:
    """A name and a password that a log tells, as FTP would send them; empty where it tells neither."""
    if user is None and password is None:
        return b""
    return b"USER " + _line(user) + b"\r\nPASS " + _line(password) + b"\r\n"


def _line(value: Any) -> bytes:
    return plain(value).replace(b"\\", b"\\\\").replace(b"\r", b"\\r").replace(b"\n", b"\\n")


def request(method: Any, path: Any, headers: Mapping[str, Any] | Sequence[tuple[str, Any]] = (), body: bytes = b"") -> bytes:
    """A request of HTTP whose parts a log tells, as it would have been sent; empty where it tells no path."""
    if path is None:
        return b""
    rows = headers.items() if isinstance(headers, Mapping) else headers
    head = [_line(method or "GET") + b" " + _line(path) + b" HTTP/1.1"]
    head += [_line(name) + b": " + _line(value) for name, value in rows if value is not None]
    return b"".join(line + b"\r\n" for line in head) + b"\r\n" + body


def plain(value: Any) -> bytes:
    """A text as UTF-8, numbers and truths as JSON has them; what is no text is none."""
    if value is None:
        return b""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
