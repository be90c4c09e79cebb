"""Days looked at in processes of their own: what comes of them is what comes of one process."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.detect.test_kept import BURST, DAYS, filled, settings

from teiten.detect import beside, kept


def test_few_days_are_looked_at_here(tmp_path: Path) -> None:
    lake = filled(tmp_path / "lake", DAYS[:1])
    with beside.looking(lake, settings(lake), DAYS[:1], processes=2) as looks:
        assert looks(DAYS[0]) is None


@pytest.mark.full
def test_several_processes_tell_what_one_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "LEAST", 2)
    monkeypatch.setattr(beside, "_PIECE", 5)
    told = []
    for processes in (1, 2):
        lake = filled(tmp_path / f"lake{processes}", DAYS)
        done = kept.refresh(lake, settings(lake), processes=processes)
        assert done.days == DAYS and done.trouble is None
        told.append(kept.span(lake, settings(lake)))
    assert told[0] == told[1] and told[0][BURST]
