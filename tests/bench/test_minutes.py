"""A commit a minute, for some hours of a simulated clock: files stay few, every event is there."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest

from teiten.bench import _minutes
from teiten.lake import Lake, _delta


@pytest.mark.full
def test_files_stay_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_minutes, "MINUTES", 60)
    world = _minutes.World(Lake.create(tmp_path / "lake", "UTC"), dt.datetime.now(dt.UTC) - dt.timedelta(days=2))
    monkeypatch.setattr(_delta, "now", lambda: world.now().timestamp())
    world.days = [_minutes.a_day(world, day) for day in range(2)]
    told = dict(_minutes.figures(world.days))
    assert told["commits"] == 122
    assert world.days[-1].events == 122 * _minutes.EVENTS
    # of 122 rows of batches nearly all lie in a few files, and the log's entries do not pile up
    assert len(Lake.open(world.lake.path).batch_files()) <= 2 * 19
    assert len(list((world.lake.path / "batches" / "_delta_log").glob("*.json"))) <= 45
    assert told["live_files_most"] < 250
    live = {file.name for file in Lake.open(world.lake.path).batch_files()}
    stray = {file.name for file in (world.lake.path / "batches").glob("*.parquet")} - live
    assert all((world.lake.path / "batches" / name).stat().st_mtime > time.time() - 3 * 86400 for name in stray)
