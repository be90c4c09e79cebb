"""The lake of NOTICE's February, made once; and events made by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from teiten import intake
from teiten.lake import Lake
from teiten.settings import Settings

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lake")]

TOKYO = Settings("Asia/Tokyo", "flag", language="ja")


@pytest.fixture(scope="session")
def february(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Path]:
    """The lake with the rebuilt log of February 2019, and the log."""
    import notice

    folder = tmp_path_factory.mktemp("notice")
    log = folder / "router.log"
    log.write_text(notice.log(), encoding="utf-8")
    lake = Lake.create(folder / "lake", "Asia/Tokyo")
    result = intake.ingest(lake, [str(log)], TOKYO)
    assert not result.failed
    return lake, log


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", "Asia/Tokyo")
