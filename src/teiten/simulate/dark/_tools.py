"""The header fields of each tool's packets: exact marks, as measured on real scanners and written in the tools' sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.simulate.dark._batch import I64, SYN, U64, UDP, below
from teiten.simulate.dark._wire import (
    DNS_ASK,
    LINUX,
    MEMCACHED,
    MSS,
    NETBIOS,
    NONE,
    NTP,
    OLD_WINDOWS,
    PING,
    SIP,
    SNMP,
    SSDP,
    SYSLOG,
    WINDOWS,
)

Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of packets before their fields: addresses as numbers, ports, and numbers that stay the same for all
    packets of a source, of one process (a run, a visit), and of one packet."""

    src: I64
    dst: I64
    port: I64
    time: I64
    source: U64
    process: U64
    packet: U64
    salt: int
    turn: I64 | int = 0
    """which time a connection is tried: 0 for the first"""

    def own(self, top: int, bottom: int = 0, kind: int = 0, of: str = "process") -> I64:
        """bottom <= x < top, one for each source, process or packet; `kind` tells drawings apart."""
        return below(getattr(self, of), self.salt * 64 + kind, top, bottom)


def routers(source: U64, salt: int) -> I64:
    """7 to 24 routers on the way, 15 more often than others, the same for all packets of a source."""
    return below(source, salt * 64 + 1, 12, 3) + below(source, salt * 64 + 60, 14, 4)


def hops(g: Given, initial: int) -> I64:
    """TTL as it arrives."""
    return initial - routers(g.source, g.salt)


def is_linux(source: U64, salt: int) -> npt.NDArray[np.bool_]:
    """Which of ordinary machines run Linux; the others Windows."""
    return below(source, salt * 64 + 9, 10) < 7


def mirai(g: Given) -> Columns:
    """Source port (1024 and above) and window are drawn once for a process; the sequence number is the destination."""
    return {
        "ttl": hops(g, 64),
        "ip_id": g.own(65536, 0, 2, "packet"),
        "seq": g.dst,
        "sport": g.own(65536, 1024, 3),
        "window": g.own(65536, 0, 4),
    }


def telnet(g: Given) -> Columns:
    """A bot without Mirai's mark: a random sequence number."""
    seq = g.own(1 << 32, 0, 5, "packet")
    return mirai(g) | {"seq": np.where(seq == g.dst, seq ^ 1, seq)}


def zmap_old(g: Given) -> Columns:
    return {
        "ttl": hops(g, 255),
        "ip_id": 54321,
        "seq": g.own(1 << 32, 0, 5, "packet"),
        "sport": g.own(61001, 32768, 6, "packet"),
        "window": 65535,
    }


def zmap_new(g: Given) -> Columns:
    """Since 4.1: an ordinary Windows host's options, a random identification; its order alone gives it away."""
    return zmap_old(g) | {"ttl": hops(g, 64), "ip_id": g.own(65536, 0, 2, "packet"), "extra": WINDOWS}


def masscan(g: Given) -> Columns:
    seq = g.own(1 << 32, 0, 5, "packet")
    return {
        "ttl": hops(g, 255),
        "ip_id": (g.dst ^ g.port ^ seq) & 0xFFFF,
        "seq": seq,
        "sport": g.own(61000, 40000, 6),
        "window": 1024,
    }


def masscan_new(g: Given) -> Columns:
    return masscan(g) | {"window": 1025, "extra": MSS}


def nmap_syn(g: Given) -> Columns:
    """One sequence number and source port for a whole round (`process`); a TTL of its own for every packet."""
    return {
        "ttl": g.own(60, 37, 7, "packet") - routers(g.source, g.salt),
        "ip_id": g.own(65536, 0, 2, "packet"),
        "seq": g.own(1 << 32, 0, 5),
        "sport": g.own(65000, 33000, 6),
        "window": 1024,
        "extra": MSS,
    }


def linux(g: Given) -> Columns:
    """The identification begins anew with each connection and goes on by one."""
    return {
        "ttl": hops(g, 64),
        "ip_id": g.own(65536, 0, 2, "packet") + g.turn,
        "df": 1,
        "seq": g.own(1 << 32, 0, 5, "packet"),
        "sport": g.own(61000, 32768, 6, "packet"),
        "window": np.where(g.own(3, 0, 8, "source") == 0, 29200, 64240),
        "extra": LINUX,
    }


def windows(g: Given) -> Columns:
    """One counter of identifications for all that the machine sends."""
    old = g.own(2, 0, 8, "source") == 0
    return {
        "ttl": hops(g, 128),
        "ip_id": g.own(65536, 0, 11, "source") + g.time // 50_000,
        "df": 1,
        "seq": g.own(1 << 32, 0, 5, "packet"),
        "sport": g.own(65536, 49152, 6, "packet"),
        "window": np.where(old, 8192, 64240),
        "extra": np.where(old, OLD_WINDOWS, WINDOWS),
    }


def host(g: Given) -> Columns:
    """Ordinary machines of both kinds."""
    some, others = linux(g), windows(g)
    one = is_linux(g.source, g.salt)
    return {name: np.where(one, some[name], others[name]) for name in some}


def hping3(g: Given) -> Columns:
    """Even a SYN carries a random acknowledgement number."""
    return {
        "ttl": hops(g, 64),
        "ip_id": g.own(65536, 0, 2, "packet"),
        "seq": g.own(1 << 31, 0, 5, "packet"),
        "ack": g.own(1 << 31, 0, 10, "packet"),
        "sport": g.own(3000, 1024, 6),
        "window": 512,
    }


def announced(g: Given) -> Columns:
    """NOTICE's, as one household saw it in 2019: TTL 244, window 1024, no options."""
    return {
        "ttl": 244,
        "ip_id": g.own(65536, 0, 2, "packet"),
        "seq": g.own(1 << 32, 0, 5, "packet"),
        "sport": g.own(61000, 40000, 6),
        "window": 1024,
    }


def own_stack(g: Given) -> Columns:
    """A raw-socket scanner that nobody knows: no options, a window that it always says."""
    return {
        "ttl": hops(g, 255),
        "ip_id": g.own(65536, 0, 2, "packet"),
        "seq": g.own(1 << 32, 0, 5, "packet"),
        "sport": g.own(65000, 30000, 6),
        "window": 14600,
    }


def nearly(g: Given) -> Columns:
    """Raw-socket scanners that share all but one thing with a known tool: nmap's window and options with a sequence number
    for each packet, old ZMap's window with another constant identification, hping3's window with options and no number to
    acknowledge, masscan's window with an identification that no sum gives."""
    kind = g.own(4, 0, 12, "source")
    drawn = g.own(65536, 0, 2, "packet")
    return {
        "ttl": hops(g, 255),
        "ip_id": np.where(kind == 1, g.own(50_000, 0, 13, "source"), drawn),
        "seq": g.own(1 << 32, 0, 5, "packet"),
        "sport": g.own(65000, 30000, 6),
        "window": np.array([1024, 65535, 512, 1024])[kind],
        "extra": np.array([MSS, NONE, MSS, NONE])[kind],
    }


UDP_PAYLOADS: Final = {
    123: NTP, 1900: SSDP, 53: DNS_ASK, 5060: SIP, 161: SNMP, 162: SNMP, 11211: MEMCACHED, 137: NETBIOS, 514: SYSLOG,
}  # fmt: skip


def udp(g: Given) -> Columns:
    extra = np.full(len(g.src), MEMCACHED)
    for port, payload in UDP_PAYLOADS.items():
        extra[g.port == port] = payload
    return {
        "protocol": UDP,
        "flags": 0,
        "ttl": hops(g, 64),
        "ip_id": g.own(65536, 0, 2, "packet"),
        "sport": g.own(65000, 1025, 6),
        "extra": extra,
    }


def ping(g: Given) -> Columns:
    return {
        "protocol": 1,
        "flags": 0,
        "ttl": hops(g, 64),
        "ip_id": g.own(65536, 0, 2, "packet"),
        "icmp_type": 8,
        "extra": PING,
        "sport": g.own(65536, 0, 6),
        "seq": g.own(65536, 0, 5, "packet"),
        "dport": 0,
    }


SHAPES: Final[dict[str, Callable[[Given], Columns]]] = {
    f.__name__: f
    for f in (
        mirai, telnet, zmap_old, zmap_new, masscan, masscan_new, nmap_syn, linux, windows, host, hping3, announced, own_stack,
        nearly, udp, ping,
    )
}  # fmt: skip


def filled(shape: str, given: Given) -> Columns:
    """(n) packets' columns as that tool sends them."""
    return {"src": given.src, "dst": given.dst, "dport": given.port, "time": given.time, "flags": SYN} | SHAPES[shape](given)
