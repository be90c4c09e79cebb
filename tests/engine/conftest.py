"""A lake in a temporary folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from teiten.lake import Lake

sys.path.insert(0, str(Path(__file__).parent.parent / "lake"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", "Asia/Tokyo")
