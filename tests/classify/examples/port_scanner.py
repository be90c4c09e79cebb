"""Ten ports, nine ports, ten ports of two protocols."""

from __future__ import annotations

from pathlib import Path

from tests.classify.examples import Example, event


def example(folder: Path) -> Example:
    rows = [event(n, "192.0.2.1", dst_port=1 + n % 10) for n in range(40)]
    rows += [event(n, "192.0.2.2", dst_port=1 + n % 9) for n in range(40)]
    rows += [event(n, "2001:db8::1", dst_ip="2001:db8:1::1", dst_port=1 + n) for n in range(50)]
    return Example(rows, {"192.0.2.1": {None}, "2001:db8::1": {None}})
