"""Lakes in a temporary folder: an empty one, and one with some events."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from teiten.cli import main
from teiten.lake import Lake

sys.path.insert(0, str(Path(__file__).parent.parent / "lake"))


@pytest.fixture
def lake(tmp_path: Path, once: Callable[[Callable[[Path], object], Path], Path]) -> Lake:
    return Lake.open(once(_empty, tmp_path) / "lake")


def _empty(folder: Path) -> None:
    Lake.create(folder / "lake", "Asia/Tokyo")


LINE = (
    "2026-04-01T00:00:{n:02d}+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=203.0.113.{n} DST=198.51.100.1 LEN=40 TOS=0x00 "
    "PREC=0x00 TTL=50 ID={n} PROTO=TCP SPT=40000 DPT={port} SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


@pytest.fixture(scope="session")
def some_events() -> Callable[[Path, int], Path]:
    """Makes, or adds to, a lake in that folder, with the first so many lines of one log, by the real command."""

    def make(folder: Path, count: int) -> Path:
        (folder / "a.log").write_text("".join(LINE.format(n=n, port=20 + n % 3) for n in range(count)))
        assert main(["ingest", "--lake", str(folder / "lake"), "--tz", "Asia/Tokyo", str(folder / "a.log")]) == 0
        return folder / "lake"

    return make
