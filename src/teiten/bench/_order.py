"""ZMap's order of addresses: how many destinations it takes, by walks that the simulator goes and the library judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DESTINATIONS: Final = (5, 6, 8, 10, 12, 16, 24)
PREFIXES: Final = {"p16": (0x2C0B0000, 16), "p24": (0x2C0B2600, 24)}
LOSS: Final = 0.05
CASES: Final = {
    "p16": ("p16", 4, 0.005),
    "p24": ("p24", 4, 0.005),
    "p16_drift": ("p16", 4, 0.02),
    "p16_many": ("p16", 8, 0.005),
}
"""case -> prefix, sub-shards at most, how much slower a thread may be. The first two have goals, the others are wider"""
GOALS: Final = {"order.p16.12": (">=", 0.95), "order.p24.16": (">=", 0.95), "order.false": ("<=", 0.0)}


def _walk(rng: Any, network: int, length: int, threads: int, slower: float) -> tuple[Any, Any]:
    """Addresses and times of one run as the prefix sees them, a twentieth lost."""
    from teiten.simulate.dark._walk import ONE_PORT, Walk, generator_of

    drift = (0.0, *rng.uniform(0, slower, threads - 1).tolist())
    walk = Walk(generator_of(rng, ONE_PORT), int(rng.integers(0, 1 << 32)), 1, 0, threads, drift, 1)
    places, done = walk.visits(network, length)
    kept = rng.random(len(places)) >= LOSS
    return network + places[kept], done[kept]


def _controls(rng: Any, network: int, length: int, count: int) -> list[Any]:
    """Orders that are no walk of ZMap's: drawn at random, in a permutation, in order, in strides, by a congruence."""
    import numpy as np

    size = 1 << 32 - length
    step = int(rng.integers(3, 97)) | 1
    start, odd = int(rng.integers(0, size)), int(rng.integers(0, size // 2)) * 2 + 1
    line = np.arange(count)
    congruence = [start]
    for _ in range(count - 1):
        congruence.append((congruence[-1] * (4 * (odd // 4) + 1) + odd) % size)
    orders = (
        rng.integers(0, size, count), rng.permutation(size)[:count], (start + line) % size, (start + line * step) % size,
        np.array(congruence),
    )  # fmt: skip
    return [network + np.asarray(o) for o in orders]


def curve(quick: bool) -> dict[str, float]:
    """order.CASE.N: share of walks named, from N distinct destinations in a row, some time in the run; order.false: of
    other orders, how many were."""
    import numpy as np

    from teiten.classify import zmap_order

    rng = np.random.default_rng(20260401)
    zmap_order.prepare()
    figures: dict[str, float] = {}
    runs, false, others = (8 if quick else 60), 0, 0
    for name, (prefix, threads, slower) in CASES.items():
        network, length = PREFIXES[prefix]
        named = dict.fromkeys(DESTINATIONS, 0)
        for run in range(runs):
            addresses, times = _walk(rng, network, length, 1 + run % threads, slower)
            for count in DESTINATIONS:
                begin = int(rng.integers(0, max(1, len(addresses) - count)))
                named[count] += zmap_order.judge(addresses[begin : begin + count], times[begin : begin + count]).zmap
            if run % 4 == 0 and name in PREFIXES:
                for order in _controls(rng, network, length, 24):
                    others += 1
                    false += zmap_order.judge(order, np.arange(len(order))).zmap
        figures |= {f"order.{name}.{count}": n / runs for count, n in named.items()}
    return figures | {"order.false": float(false), "order.controls": float(others)}


def table(figures: Mapping[str, float]) -> list[str]:
    """The curve in rows."""
    out = [
        f"new ZMap by its order: share of walks named, {LOSS:.0%} of the packets lost (the walks are the simulator's)",
        f"  {'distinct destinations':<44}" + "".join(f"{n:>6}" for n in DESTINATIONS),
    ]
    for name, (prefix, threads, slower) in CASES.items():
        said = f"a /{PREFIXES[prefix][1]}, 1 to {threads} sub-shards, {slower:.1%} drift"
        out.append(f"  {said:<44}" + "".join(f"{figures[f'order.{name}.{n}']:6.2f}" for n in DESTINATIONS))
    out.append(
        f"  goal: 0.95 from 12 in a /16, from 16 in a /24; of {figures['order.controls']:.0f} other orders "
        f"{figures['order.false']:.0f} were named (goal: none)"
    )
    return [*out, ""]
