"""masscan's identification; one chance hit among thousands; the same marked packet again and again; a shared address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.classify.examples import DARK, Example, event, telescope


def scan(n: int, src: str, **more: Any) -> dict[str, Any]:
    dst, port, seq = DARK + n * 7919 % 65536, 80, (n * 2654435761 + 99) % (1 << 32)
    row = event(n, src, dst, dst_port=port, tcp_seq=seq, tcp_window=1024, tcp_opt_len=0, ttl=240)
    return row | {"ip_id": (dst ^ port ^ seq) & 0xFFFF} | more


def example(folder: Path) -> Example:
    rows = [scan(n, "192.0.2.1") for n in range(30)]
    rows += [scan(n, "192.0.2.2", tcp_opt_len=4, tcp_window=1025) for n in range(3)]  # newer
    rows += [scan(1, "192.0.2.3")] + [event(n, "192.0.2.3", DARK + n) for n in range(600)]  # by chance
    rows += [scan(1, "192.0.2.4", source_pos=n) for n in range(200)]  # one packet, again and again
    rows += [scan(n, "192.0.2.5") for n in range(20)] + [event(n, "192.0.2.5", DARK + n) for n in range(500)]
    return Example(rows, {src: {"masscan"} for src in ("192.0.2.1", "192.0.2.2", "192.0.2.5")}, telescope())
