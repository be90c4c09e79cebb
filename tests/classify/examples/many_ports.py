"""A hundred ports in no order; ninety-nine; a victim's answers to many ports; a run of ports."""

from __future__ import annotations

from pathlib import Path

from tests.classify.examples import DARK, Example, event


def example(folder: Path) -> Example:
    rows = [event(n, "192.0.2.1", DARK + n % 50, dst_port=1 + n * 7919 % 65535) for n in range(100)]
    rows += [event(n, "192.0.2.2", DARK + n % 50, dst_port=1 + n * 7919 % 65535) for n in range(99)]
    rows += [event(n, "192.0.2.3", DARK + n, dst_port=1024 + n * 7919 % 60000, src_port=80, tcp_flags=18) for n in range(300)]
    rows += [event(n, "192.0.2.4", DARK + 3, dst_port=5000 + n) for n in range(150)]
    return Example(rows, {"192.0.2.1": {None}})
