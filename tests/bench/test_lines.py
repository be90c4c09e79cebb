"""The benchmarks' log: the same bytes every time, of the shape and size that the figures speak of."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from teiten.bench import _lines


def test_a_log_is_made_once_and_always_the_same(tmp_path: Path) -> None:
    first = _lines.made(tmp_path / "a", 2_000)
    again = _lines.made(tmp_path / "a", 2_000)
    other = _lines.made(tmp_path / "b", 2_000)
    assert first == again
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()
    lines = first.read_bytes().splitlines()
    assert len(lines) == 2_000
    assert 225 < first.stat().st_size / 2_000 < 260
    kinds = [re.search(rb"PROTO=(\w+)", line)[1] for line in lines]  # type: ignore[index]
    assert {k: kinds.count(k) for k in set(kinds)}.keys() == {b"TCP", b"UDP", b"ICMP"}
    assert kinds.count(b"TCP") > 1_500
    assert not list((tmp_path / "a").glob("*.part"))
