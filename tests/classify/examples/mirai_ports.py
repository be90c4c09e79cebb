"""23 and 2323; 9530 alone; a host with the mark on one packet that also tries 22 without it; many ports."""

from __future__ import annotations

from pathlib import Path

from tests.classify.examples import DARK, Example, event, telescope


def example(folder: Path) -> Example:
    def bot(n: int, src: str, port: int) -> dict[str, object]:
        return event(n, src, DARK + 77 * n, tcp_seq=DARK + 77 * n, dst_port=port)

    rows = [bot(n, "192.0.2.1", 2323 if n == 7 else 23) for n in range(10)]
    rows += [bot(n, "192.0.2.2", 9530) for n in range(4)]
    rows += [bot(1, "192.0.2.3", 23), *(event(n, "192.0.2.3", DARK + n, dst_port=22) for n in range(9))]
    rows += [bot(n, "192.0.2.4", 100 + n) for n in range(20)]
    rows += [event(n, "192.0.2.5", DARK + n) for n in range(9)]
    many = ",".join(str(100 + n) for n in range(16)) + ",+4"
    named = {"192.0.2.1": {"23,2323"}, "192.0.2.2": {"9530"}, "192.0.2.3": {"23"}, "192.0.2.4": {many}}
    return Example(rows, {src: set(values) for src, values in named.items()}, telescope())
