"""Telnet without the mark; with it; with it from a low port; one packet; a log that says no sequence numbers; answers."""

from __future__ import annotations

from pathlib import Path

from tests.classify.examples import DARK, Example, event, telescope


def example(folder: Path) -> Example:
    rows = [event(n, "192.0.2.1", DARK + n, dst_port=23 if n % 2 else 2323) for n in range(6)]
    rows += [event(n, "192.0.2.2", DARK + n, tcp_seq=DARK + n if n == 3 else 7) for n in range(6)]
    rows += [event(n, "192.0.2.3", DARK + n, tcp_seq=DARK + n, src_port=80) for n in range(6)]
    rows += [event(1, "192.0.2.4")]
    rows += [event(n, "192.0.2.5", DARK + n, tcp_seq=None) for n in range(6)]
    rows += [event(n, "192.0.2.6", DARK + n, tcp_flags=18) for n in range(6)]
    rows += [event(n, "2001:db8::1", dst_ip="2001:db8:1::1") for n in range(6)]
    return Example(rows, {"192.0.2.1": {None}, "2001:db8::1": {None}}, telescope())
