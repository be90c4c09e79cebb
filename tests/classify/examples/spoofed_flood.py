"""A flood from drawn addresses upon one dark address; in the same minute, at the same port, a Mirai host and a scanner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tests.classify.examples import DARK, Example, address, event

WHAT = "80/tcp"


def drawn(count: int, seed: int = 1) -> list[str]:
    """Addresses drawn evenly from all that are not multicast or reserved."""
    rng = np.random.default_rng(seed)
    return [address(int(n)) for n in rng.choice(np.arange(0x01000000, 0xE0000000, 977), count, replace=False)]


def flood(sources: list[str], begin: float = 0.0, dst: int = DARK + 77, **more: Any) -> list[dict[str, Any]]:
    """A packet of each within two minutes, TTLs at random."""
    rng = np.random.default_rng(2)
    ttls = rng.integers(30, 256, len(sources)).tolist()
    return [
        event(n, src, dst, seconds=begin + 120 * n / len(sources), dst_port=80, ttl=ttls[n], tcp_opt_len=0, **more)
        for n, src in enumerate(sources)
    ]


def example(folder: Path) -> Example:
    sources = drawn(1000)
    rows = flood(sources)
    mirai = {"tcp_seq": DARK + 77, "dst_port": 80, "src_port": 40000}
    rows += [event(5000, "198.18.7.7", DARK + 77, seconds=30, **mirai)]
    rows += [event(6000 + n, "203.0.113.7", DARK + 77 + n, seconds=20 + n, dst_port=80) for n in range(30)]
    # whoever comes back is no forged source
    rows += [event(7000 + n, sources[0], DARK + n, seconds=4000 + n) for n in range(3)]
    return Example(rows, {src: {WHAT} for src in sources[1:]})
