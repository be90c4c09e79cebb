"""hping3: window 512 and a needless acknowledgement number; the same window with none; numbers above 2^31."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.classify.examples import DARK, Example, event, telescope


def example(folder: Path) -> Example:
    def syn(n: int, src: str, **more: Any) -> dict[str, Any]:
        shape: dict[str, Any] = {"tcp_window": 512, "tcp_opt_len": 0, "src_port": 2000 + n, "tcp_seq": n * 48271 % 2147483647}
        return event(n, src, DARK + n % 256, **shape | {"tcp_ack": 1 + n * 16807 % 2147483646} | more)

    rows = [syn(n, "192.0.2.1") for n in range(20)]
    rows += [syn(n, "192.0.2.2", tcp_ack=0) for n in range(20)]
    rows += [syn(n, "192.0.2.3", tcp_ack=3_000_000_000 + n) for n in range(20)]
    rows += [syn(n, "192.0.2.4", tcp_opt_len=20) for n in range(20)]
    return Example(rows, {"192.0.2.1": {"hping3"}}, telescope())
