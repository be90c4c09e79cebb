"""Exactly 25 packets over exactly 60 seconds with 30 a minute is not possible: 30 are; one fewer, one second less are not."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from tests.classify.examples import DARK, Example, event

QUOTED = ipaddress.ip_address("2001:db8::80").packed


def example(folder: Path) -> Example:
    def rst(n: int, src: str, seconds: float, **more: Any) -> dict[str, Any]:
        plain = {"src_port": 443, "dst_port": 1024 + n * 7919 % 60000, "tcp_flags": 20, "seconds": seconds}
        return event(n, src, DARK + n % 65536, **(plain | more))

    def attack(src: str, count: int, last: float) -> list[dict[str, Any]]:
        """All but one within a second, and one at the end."""
        return [rst(n, src, n / 40) for n in range(count - 1)] + [rst(count, src, last)]

    rows = attack("192.0.2.1", 31, 60.0)
    rows += attack("192.0.2.2", 31, 59.9)
    rows += attack("192.0.2.3", 30, 60.0)  # 29 within any 60 seconds
    # a router's errors about an address that sent nothing itself
    icmp = {"protocol": 58, "icmp_type": 1, "icmp_code": 3, "tcp_flags": None, "src_port": None, "dst_port": None}
    icmp |= {"inner_dst_ip": QUOTED, "inner_protocol": 17, "inner_dst_port": 53, "dst_ip": "2001:db8:1::1"}
    rows += [rst(n, "2001:db8::1", n * 1.5, **icmp) for n in range(60)]
    return Example(rows, {"192.0.2.1": {None}, "2001:db8::80": {None}})
