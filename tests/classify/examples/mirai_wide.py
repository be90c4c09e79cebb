"""Mirai's number from low source ports alone; from both; from high ones; packets filled with one byte."""

from __future__ import annotations

from pathlib import Path

from tests.classify.examples import DARK, Example, event, telescope


def example(folder: Path) -> Example:
    rows = [event(n, "192.0.2.1", DARK + n, tcp_seq=DARK + n, src_port=1024) for n in range(6)]
    rows += [event(n, "192.0.2.2", DARK + n, tcp_seq=DARK + n, src_port=1024 + n) for n in range(6)]
    rows += [event(n, "192.0.2.3", DARK + n, tcp_seq=DARK + n) for n in range(6)]
    rows += [event(n, "192.0.2.4", DARK + n, tcp_seq=DARK + n + 1, src_port=80) for n in range(6)]
    rows += [event(n, "192.0.2.5", DARK + n, tcp_seq=DARK + n, src_port=23) for n in range(6)]
    # one packet is enough, among others of the source
    rows += [event(n, "192.0.2.6", DARK + n, **({"tcp_seq": DARK, "src_port": 80} if n == 0 else {})) for n in range(6)]
    return Example(rows, {"192.0.2.1": {"mirai"}, "192.0.2.6": {"mirai"}}, telescope())
