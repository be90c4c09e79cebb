"""kill -9 at any moment leaves all or nothing of a batch, and the next run completes it.

What a kill may do is tried in two ways: every step that reaches the disk is the last one of a run within this process, which
is quick and misses none; and real processes are really killed, a few here, many in the full suite.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import _mix
import pytest
from dying import dying

from teiten.intake import ingest
from teiten.lake import Lake, _delta, _writer
from teiten.settings import Settings


def kills() -> ModuleType:
    spec = importlib.util.spec_from_file_location("teiten_kills", Path(__file__).with_name("_kills.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_dying_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of seven files, and batches put together on the way: it dies at a step, the next one a step later, and so on."""
    monkeypatch.setattr(_writer, "COMPACT_EVERY", 4)
    monkeypatch.setattr(_writer, "TIER", 3)
    monkeypatch.setattr(_delta, "CHECKPOINT_EVERY", 3)
    lines = kills().line
    logs = [tmp_path / f"{n}.log" for n in range(7)]
    for n, log in enumerate(logs):
        log.write_text("".join(map(lines, range(20 * n, 20 * n + 20))))
    lake, deaths, ended = Lake.create(tmp_path / "lake", "UTC"), 0, False
    while not ended:
        with dying(2 * deaths) as died:
            ingest(lake, [str(log) for log in logs], Settings("Asia/Tokyo", "flag"), judge=False)
        ended = not died
        deaths += not ended
        # whole files only: each is a batch
        assert sum(f.rows for f in lake.live_files()[0]) % 20 == 0
        assert lake.batches(["events"])["events"].sum() == sum(f.rows for f in lake.live_files()[0])
    assert deaths > 5
    found = kills().counted(lake.path)
    assert found == {"events": 140, "distinct": 140, "first": 0, "last": 139, "accounted": 140}


@pytest.mark.full
def test_a_few_kills(tmp_path: Path) -> None:
    assert sum(kills().campaign(tmp_path, 3, seed=3, files=12)) >= 3


@pytest.mark.full
def test_kills_of_everything_that_changes_a_lake(tmp_path: Path) -> None:
    """ingest, compact, forget, take-out, vacuum, and the migration of an older lake."""
    done = _mix.campaign(tmp_path, 14, seed=5, each=7, logs=4, lines=60)
    assert sum(done.values()) == 14


@pytest.mark.full
@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_a_thousand_kills_of_everything(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    done = _mix.campaign(tmp_path, 1000, seed=6)
    told = ", ".join(f"{name} {count}" for name, count in sorted(done.items()))
    figure(
        1,
        f"{sum(done.values()):,} kills over a mix ({told}): every line there once, those forgotten gone, no stray file left",
    )
    assert sum(done.values()) >= 1000


@pytest.mark.full
@pytest.mark.faults
@pytest.mark.timeout(3000)
def test_two_hundred_kills(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    done = kills().campaign(tmp_path, 200, seed=4)
    figure(1, f"{sum(done)} kills over {len(done)} lakes: every line stored once, every count exact")
    assert sum(done) >= 200
