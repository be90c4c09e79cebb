"""Texts of a log as the values of an event's columns: addresses, ports, protocols, flags, actions, times. For readers of lines.

A declaration says which of a line's fields is which column; `event` makes the values. What the line leaves empty stays null;
what is no value of its column raises `Bad`, which is the line's outcome. Names of protocols: IANA's, in the spellings of the
devices that write them.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Mapping
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any, Final, NamedTuple

from teiten.event import TCP_FLAGS
from teiten.readers import _stamp

NO_ADDRESS: Final = 4
BAD_ADDRESS: Final = 5
NO_STAMP: Final = 6
BAD_STAMP: Final = 7
BAD_NUMBER: Final = 8
REASONS: Final = {
    NO_ADDRESS: "no addresses", BAD_ADDRESS: "bad address", NO_STAMP: "no time stamp", BAD_STAMP: "bad time stamp",
    BAD_NUMBER: "bad number",
}  # fmt: skip
"""what is said of a line whose field is not what its column holds"""

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
PORTED: Final = frozenset({TCP, UDP, 33, 132, 136})
"""TCP, UDP, DCCP, SCTP, UDP-Lite: those that have ports. A 0 in a flow record of any other is no port"""
PROTOCOLS: Final[dict[str, int]] = {
    "hopopt": 0, "icmp": 1, "icmpv4": 1, "igmp": 2, "ipip": 4, "ipencap": 4, "ip-encap": 4, "ipv4": 4, "ipinip": 4, "tcp": 6,
    "egp": 8, "igp": 9, "igrp": 9, "udp": 17, "rdp": 27, "dccp": 33, "ipv6": 41, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51,
    "icmpv6": 58, "icmp6": 58, "ipv6-icmp": 58, "icmp-v6": 58, "58icmpv6": 58, "no-next": 59, "ipv6-nonxt": 59, "eigrp": 88,
    "ospf": 89, "ospfigp": 89, "pim": 103, "carp": 112, "vrrp": 112, "pfsync": 240, "l2tp": 115, "sctp": 132, "udplite": 136,
    "udp-lite": 136,
}  # fmt: skip
ACTIONS: Final[dict[str, str]] = {
    **dict.fromkeys(("drop", "dropped", "block", "blocked", "deny", "denied", "discard", "shunned", "nodrop drop"), "drop"),
    **dict.fromkeys(("reject", "rejected", "reset", "rst"), "reject"),
    **dict.fromkeys(("accept", "accepted", "pass", "permit", "permitted", "allow", "allowed", "open", "built"), "accept"),
}  # fmt: skip
"""a device's word -> `action`"""
EMPTY: Final = frozenset({None, "", "-", "(empty)"})
"""what says that there is nothing"""

_LETTERS: Final = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128, "W": 128, "e": 256}
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICRO: Final = dt.timedelta(microseconds=1)


class Bad(ValueError):
    """The line is rejected: `code` is a key of its reader's REASONS."""

    def __init__(self, code: int) -> None:
        super().__init__(REASONS.get(code, ""))
        self.code = code


class Stamp(NamedTuple):
    """A time that its line does not state whole: kind (LOCAL) and value as in `_stamp`."""

    kind: int
    value: int


@lru_cache(65536)
def address(text: str) -> bytes:
    """4 or 16 bytes. Brackets and a zone ('%eth0') are left off."""
    try:
        return inet_pton(AF_INET6, text.strip("[]").partition("%")[0]) if ":" in text else inet_pton(AF_INET, text)
    except (OSError, ValueError):
        raise Bad(BAD_ADDRESS) from None


@lru_cache(65536)
def number(text: str) -> int:
    """A whole number of decimal digits, or 0x... hexadecimal. (What is none, however long, is not remembered.)"""
    if text.isdecimal() and text.isascii() and len(text) < 20:
        return int(text)
    if text[:2] in ("0x", "0X") and len(text) < 19 and text[2:].isalnum():
        try:
            return int(text, 16)
        except ValueError:
            pass
    raise Bad(BAD_NUMBER)


def port(text: str) -> int:
    """0 to 65535."""
    value = number(text)
    if value > 65535:
        raise Bad(BAD_NUMBER)
    return value


def protocol(text: str) -> int | None:
    """IANA's number of a name or a number; None for a name that is not known."""
    return number(text) if text[:1].isdigit() and text.isdecimal() else PROTOCOLS.get(text.lower())


@lru_cache(4096)
def flags(text: str) -> int | None:
    """'S', '.AP.SF', 'SYN ACK', 'SYN,ACK', '19', '0x12' -> the bits of `tcp_flags`; None where it is none of these."""
    if text[:1].isdigit():
        value = number(text)
        return value if value < 512 else None
    words = text.upper().replace(",", " ").replace("|", " ").replace("-", " ").split()
    if words and all(word in TCP_FLAGS or word == "CWR" for word in words):
        return sum({TCP_FLAGS[word] for word in words})
    letters = text.replace(".", "").replace(" ", "")
    if any(letter not in _LETTERS for letter in letters):
        return None
    return sum({_LETTERS[letter] for letter in letters})


def action(text: str) -> str | None:
    """drop, accept, reject; None where the word says none of them."""
    return ACTIONS.get(text.lower())


def epoch(text: str) -> int:
    """Seconds since 1970, with a fraction or without; 13 digits are milliseconds, 16 microseconds. µs."""
    whole, _, part = text.partition(".")
    if not whole.isdecimal() or not whole.isascii() or (part and not (part.isdecimal() and part.isascii())):
        raise Bad(BAD_STAMP)
    if len(whole) in (13, 16) and not part:
        return int(whole) * (1000 if len(whole) == 13 else 1)
    if len(whole) > 11:
        raise Bad(BAD_STAMP)
    return int(whole) * 1_000_000 + int((part + "000000")[:6])


def seconds(text: str) -> int:
    """A length of time in seconds, with a fraction or without, or as H:MM:SS. µs."""
    total, _, part = text.partition(".")
    whole = 0
    for one in total.split(":"):
        if not one.isdecimal() or not one.isascii() or len(one) > 9:
            raise Bad(BAD_NUMBER)
        whole = whole * 60 + int(one)
    if part and not (part.isdecimal() and part.isascii()):
        raise Bad(BAD_NUMBER)
    return whole * 1_000_000 + int((part + "000000")[:6])


def when(text: str) -> int | Stamp:
    """ISO 8601, or seconds since 1970 -> µs UTC, or a `Stamp` where no zone is stated."""
    if text[4:5] not in ("-", "/"):
        return epoch(text)
    if len(text) > 29 and text[19] == ".":  # nanoseconds
        end = next((i for i in range(20, len(text)) if not text[i].isdecimal()), len(text))
        text = text[: min(26, end)] + text[end:]
    try:
        moment = dt.datetime.fromisoformat(text.replace("/", "-"))
        if moment.tzinfo is None:
            return Stamp(_stamp.LOCAL, (moment.replace(tzinfo=dt.UTC) - _EPOCH) // _MICRO)
        return (moment - _EPOCH) // _MICRO
    except (ValueError, OverflowError):
        raise Bad(BAD_STAMP) from None


CONVERT: Final[dict[str, Callable[[str], Any]]] = {
    **dict.fromkeys(("src_ip", "dst_ip", "inner_src_ip", "inner_dst_ip"), address),
    **dict.fromkeys(("src_port", "dst_port", "inner_src_port", "inner_dst_port"), port),
    **dict.fromkeys(("protocol", "inner_protocol"), protocol),
    "tcp_flags": flags, "action": action, "interface": str, "time": when, "time_end": when, "duration": seconds,
    "lasted": seconds,
}  # fmt: skip
"""column -> what makes its value of a text; every other column is a number. `duration` and `lasted` become `time_end`:
the line's time is the flow's beginning, or its end"""


def event(texts: Mapping[str, str | None]) -> dict[str, Any]:
    """A line's fields, named after the columns that they are (and `duration`, `lasted`) -> the event, without what is empty.

    Addresses have to be there. Ports of protocols that have none are left out, and so is anything of ICMP elsewhere. Bad."""
    out = {name: CONVERT.get(name, number)(text) for name, text in texts.items() if text not in EMPTY}  # type: ignore[arg-type]
    return settle(out)


def settle(out: dict[str, Any]) -> dict[str, Any]:
    """The rules of `event`, for values that are made already."""
    if "src_ip" not in out or "dst_ip" not in out:
        raise Bad(NO_ADDRESS)
    kind = out.get("protocol")
    if kind == ICMP and len(out["src_ip"]) == 16:
        out["protocol"] = kind = ICMPV6
    if kind is not None and kind not in PORTED:
        out.pop("src_port", None)
        out.pop("dst_port", None)
    if kind is not None and kind != TCP:
        out.pop("tcp_flags", None)
    return out


def host(text: str) -> str:
    """An address as it stands before a ':' or '/' and a port: brackets left off. ValueError where it is none."""
    return str(ipaddress.ip_address(text.strip("[]")))
