"""A run of ports with a tenth lost and some overtaken; one of answers carried by forty sources; ports in no order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.classify.examples import DARK, Example, event


def example(folder: Path) -> Example:
    rng = np.random.default_rng(3)
    ports = [p for p in range(2000, 2200) if p in (2000, 2199) or p % 10]
    order = sorted(ports, key=lambda p: p + rng.uniform(0, 3))
    rows = [event(n, "192.0.2.1", DARK + 5, dst_port=p, seconds=n * 2.0) for n, p in enumerate(order)]
    # other packets of the source between
    rows += [event(1000 + n, "192.0.2.1", DARK + 5, dst_port=23, seconds=n * 7.0) for n in range(40)]
    several = [f"198.51.100.{1 + n % 40}" for n in range(120)]
    rows += [
        event(2000 + n, src, DARK + 6, dst_port=7000 + n, seconds=n * 1.5, tcp_flags=18, src_port=80)
        for n, src in enumerate(several)
    ]
    rows += [
        event(3000 + n, "192.0.2.9", DARK + 7, dst_port=int(p), seconds=n * 1.0)
        for n, p in enumerate(rng.permutation(np.arange(3000, 3200)))
    ]
    return Example(rows, {"192.0.2.1": {"2000-2199"}, **{src: {"7000-7119"} for src in several}})
