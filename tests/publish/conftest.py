"""A lake in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from teiten.lake import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", "Asia/Tokyo")
