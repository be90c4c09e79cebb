"""A walk as ZMap's with an empty list, gone step by step, that a dark /12 sees; random, sorted and consecutive destinations."""

from __future__ import annotations

import random
from pathlib import Path

from tests.classify.examples import Example, event, telescope

P = 4294967311
GENERATOR = 1_748_966
"""a primitive root below 2^22"""
NET = 44 << 24


def seen(count: int) -> list[tuple[int, int]]:
    """(step, address) of the first visits to the /12; the /18 of 0.0.0.0 is left out, so that an index is 16,384 less."""
    out, element = [], 2_500_000_000
    for step in range(4096 * count * 3):
        element = element * GENERATOR % P
        address = element - 1 + 16384
        if NET <= address < NET + (1 << 20):
            out.append((step, address))
            if len(out) == count:
                break
    return out


def example(folder: Path) -> Example:
    visits = seen(30)
    rows = [event(n, "192.0.2.1", dst, seconds=step / 1000, tcp_window=65535) for n, (step, dst) in enumerate(visits)]
    rows += [event(n, "192.0.2.4", dst, seconds=step / 1000, dst_port=80) for n, (step, dst) in enumerate(visits)]
    rows += [event(n, "192.0.2.5", dst, seconds=step / 1000) for n, (step, dst) in enumerate(visits[:4])]
    draw = random.Random(7)
    others = [NET + draw.randrange(1 << 20) for _ in visits]
    for src, order in (("192.0.2.2", others), ("192.0.2.3", sorted(others)), ("192.0.2.6", range(NET, NET + 30))):
        rows += [event(n, src, dst, seconds=n, tcp_window=65535) for n, dst in enumerate(order)]
    return Example(rows, {"192.0.2.1": {"zmap"}, "192.0.2.4": {"zmap"}}, telescope(1 << 20))
