"""At 3,000 addresses the number is 3,000 packets (here 400): enough packets and ports; too few of either; answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.classify.examples import Example, event, telescope

UDP: dict[str, Any] = {
    "protocol": 17,
    "tcp_flags": None,
    "tcp_seq": None,
    "tcp_ack": None,
    "tcp_window": None,
    "tcp_opt_len": None,
}


def example(folder: Path) -> Example:
    rows = [event(n, "192.0.2.1", dst_port=1 + n * 7 % 30) for n in range(400)]
    rows += [event(n, "192.0.2.2", dst_port=1 + n * 7 % 29) for n in range(400)]
    rows += [event(n, "192.0.2.3", dst_port=1 + n * 7 % 30) for n in range(399)]
    rows += [event(n, "192.0.2.4", dst_port=1 + n * 7 % 400, tcp_flags=18) for n in range(400)]
    rows += [event(n, "192.0.2.5", dst_port=1 + n * 7 % 40, **(UDP if n % 2 else {})) for n in range(400)]
    return Example(rows, {"192.0.2.1": {None}, "192.0.2.5": {None}}, telescope(4000, large_scanner_packets=30_000.0))
