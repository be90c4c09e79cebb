"""A lake in a temporary folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from teiten.lake import Lake

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def lake(tmp_path: Path, once: Callable[[Callable[[Path], object], Path], Path]) -> Lake:
    return Lake.open(once(_empty, tmp_path) / "lake")


def _empty(folder: Path) -> None:
    Lake.create(folder / "lake", "Asia/Tokyo")
