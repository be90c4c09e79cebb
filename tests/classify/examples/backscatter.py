"""A victim's SYN-ACKs and RSTs, a router's errors; a scanner that sends SYN-ACK, one that asks from port 53, a mixed host."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from tests.classify.examples import DARK, Example, event

VICTIM = ipaddress.ip_address("192.0.2.80").packed


def example(folder: Path) -> Example:
    def answer(n: int, src: str, **more: Any) -> dict[str, Any]:
        """From port 80 to a port that somebody drew."""
        plain = {"src_port": 80, "dst_port": 1024 + n * 7919 % 60000, "tcp_flags": 18}
        return event(n, src, DARK + n * 37 % 65536, **(plain | more))

    def from_53(n: int, src: str, port: int) -> dict[str, Any]:
        return answer(n, src, protocol=17, src_port=53, dst_port=port, tcp_flags=None)

    icmp = {"protocol": 1, "icmp_type": 11, "icmp_code": 0, "tcp_flags": None, "src_port": None, "dst_port": None}
    quoted = {"inner_dst_ip": VICTIM, "inner_protocol": 6, "inner_dst_port": 443}
    rows = [answer(n, "192.0.2.80", tcp_flags=(18, 20, 4)[n % 3]) for n in range(30)]
    rows += [answer(n, "192.0.2.1", **icmp, **quoted) for n in range(3)]
    rows += [from_53(n, "192.0.2.53", 1024 + n * 7919 % 60000) for n in range(20)]
    rows += [answer(0, "192.0.2.90")]
    # who asks: to one port, from many
    rows += [answer(n, "192.0.2.81", src_port=40000 + n, dst_port=80) for n in range(30)]
    rows += [from_53(n, "192.0.2.54", 161) for n in range(30)]
    rows += [from_53(0, "192.0.2.55", 53)]
    # most of it is a scan
    rows += [answer(n, "192.0.2.82") for n in range(5)] + [event(n, "192.0.2.82", DARK + n) for n in range(5)]
    # attacked, and a scanner besides
    rows += [answer(n, "192.0.2.83") for n in range(20)] + [event(n, "192.0.2.83", DARK + n) for n in range(500)]
    return Example(rows, {s: {None} for s in ("192.0.2.80", "192.0.2.1", "192.0.2.53", "192.0.2.90", "192.0.2.83")})
