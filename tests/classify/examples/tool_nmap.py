"""nmap -sS: one number for a round; the shape with a number for each packet; the same probe sent again; another option."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.classify.examples import DARK, Example, event, telescope

SHAPE: dict[str, Any] = {"tcp_window": 1024, "tcp_opt_len": 4, "ip_flags": 0}


def example(folder: Path) -> Example:
    mask = 0x5A17C3E9
    rows = [event(n, "192.0.2.1", DARK + n, dst_port=22, **SHAPE, tcp_seq=mask ^ (n // 20 * 0x10001)) for n in range(40)]
    rows += [event(n, "192.0.2.2", DARK + 5, dst_port=1 + n, **SHAPE, tcp_seq=mask) for n in range(9)]  # one host's ports
    rows += [event(n, "192.0.2.3", DARK + n, **SHAPE) for n in range(40)]
    rows += [event(n, "192.0.2.4", DARK + 5, **SHAPE, tcp_seq=mask) for n in range(40)]
    rows += [event(n, "192.0.2.5", DARK + n, **SHAPE | {"tcp_opt_len": 0}, tcp_seq=mask) for n in range(40)]
    v6 = [event(n, "2001:db8::1", dst_ip=f"2001:db8:1::{n:x}", ip_id=None, **SHAPE, tcp_seq=mask) for n in range(6)]
    named = {"192.0.2.1": {"nmap"}, "192.0.2.2": {"nmap"}, "2001:db8::1": {"nmap"}}
    return Example([*rows, *v6], named, telescope())
