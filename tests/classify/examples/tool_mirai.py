"""Mirai's mark; the same from a low source port (the wider rule alone); one packet with the mark among a hundred without."""

from __future__ import annotations

from pathlib import Path

from tests.classify.examples import DARK, Example, event, telescope


def example(folder: Path) -> Example:
    rows = [event(n, "192.0.2.1", DARK + 77 * n, tcp_seq=DARK + 77 * n, tcp_opt_len=0) for n in range(10)]
    rows += [event(n, "192.0.2.2", DARK + n, tcp_seq=DARK + n, src_port=1024) for n in range(10)]
    rows += [event(n, "192.0.2.3", DARK + n, tcp_seq=DARK + n + 1) for n in range(10)]
    rows += [event(0, "192.0.2.4", DARK + 9, tcp_seq=DARK + 9)]  # one packet is enough
    rows += [event(n, "192.0.2.5", DARK + n, tcp_seq=DARK + n, tcp_flags=18) for n in range(10)]
    # a shared address: Mirai and ordinary hosts
    rows += [event(n, "192.0.2.6", DARK + n, **({"tcp_seq": DARK + n} if n % 10 == 0 else {})) for n in range(50)]
    return Example(rows, {"192.0.2.1": {"mirai"}, "192.0.2.4": {"mirai"}, "192.0.2.6": {"mirai"}}, telescope())
