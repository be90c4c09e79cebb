"""A lake of version 1 (`cases/v1`, holding `cases/v1.log` in two batches) is brought up to date, or read as it is."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from making import batch, events

from teiten import intake
from teiten.engine import open_session
from teiten.errors import LakeError
from teiten.lake import SCHEMA_VERSION, Lake, _delta, migrations
from teiten.lake._lake import META, read_meta
from teiten.lake._lock import Lock
from teiten.settings import Settings

CASES = Path(__file__).parent / "cases"
SETTINGS = Settings("UTC", "flag")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return shutil.copytree(CASES / "v1", tmp_path / "v1")


def asked(lake: Lake) -> tuple[int, int, int, Any]:
    with open_session(lake, SETTINGS) as session:
        row = session.query(
            "SELECT (SELECT count(*) FROM events) AS e, (SELECT count(*) FROM verdicts) AS v,"
            " (SELECT count(*) FROM notes) AS n, (SELECT sum(forgotten)::BIGINT FROM batches) AS f"
        )[0]
    return row["e"], row["v"], row["n"], row["f"]


def test_an_old_lake_is_migrated_when_it_is_opened(old: Path) -> None:
    lake = Lake.open(old)
    assert lake.meta.schema_version == read_meta(old).schema_version == SCHEMA_VERSION
    assert asked(lake) == (8, 0, 0, None)
    assert lake.verdicts().is_empty() and lake.notes().is_empty() and lake.forgotten() == 0
    lake.add_note("note", text="mine")
    assert intake.ingest(lake, [str(CASES / "v1.log")], SETTINGS, judge=False).total.events == 0
    with lake.writer() as writer:
        writer.commit(batch(1), events([{}]))
    assert asked(lake) == (9, 0, 1, 0)
    assert lake.batches(["batch", "forgotten"]).rows() == [(1, None), (2, None), (3, 0)]


@pytest.mark.parametrize("dies_at", range(4))
def test_a_migration_that_was_interrupted_goes_on(old: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int) -> None:
    class Killed(BaseException):
        pass

    done: list[str] = []

    def dying(real: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            if len(done) == dies_at:
                raise Killed
            done.append(real.__name__)
            return real(*args, **more)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(_delta.Table, "create", staticmethod(dying(_delta.Table.create)))
        patch.setattr(_delta.Table, "add_column", dying(_delta.Table.add_column))
        patch.setattr("teiten.lake._lake.write_meta", dying(lambda path, meta: None))
        with pytest.raises(Killed):
            Lake.open(old)
    assert len(done) == dies_at and read_meta(old).schema_version == 1
    assert asked(Lake.open(old)) == (8, 0, 0, None)
    assert read_meta(old).schema_version == SCHEMA_VERSION


def test_an_old_lake_that_cannot_be_written_is_read_as_it_is(old: Path) -> None:
    (old / ".lock").mkdir()  # what cannot be opened cannot be locked, as on a disk that is only read
    lake = Lake.open(old)
    assert lake.meta.schema_version == 1
    assert asked(lake) == (8, 0, 0, None)
    assert lake.verdict_state().is_empty() and lake.notes(every=True).is_empty() and lake.forgotten() == 0
    with pytest.raises(LakeError, match="cannot be written"):
        lake.add_note("note", text="mine")


def test_an_old_lake_that_is_being_written_is_read_and_migrated_by_its_next_writer(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teiten.lake._lake._PATIENCE", 0.0)
    with Lock(old):
        opened: list[Lake] = []
        reader = threading.Thread(target=lambda: opened.append(Lake.open(old)))
        reader.start()
        reader.join()
        assert asked(opened[0]) == (8, 0, 0, None)
    opened[0].add_note("note", text="mine")
    assert asked(opened[0])[2] == 1 and read_meta(old).schema_version == SCHEMA_VERSION


def test_every_step_is_there() -> None:
    assert sorted(migrations.steps()) == list(range(1, SCHEMA_VERSION))
    assert (CASES / "v1" / META).is_file()
