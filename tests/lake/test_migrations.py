"""Lakes of older versions (`cases/v1`, `v2`, `v3`, each with its log) are brought up to date, or read as they are."""

from __future__ import annotations

import datetime as dt
import ipaddress
import shutil
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dying import dying
from making import batch, events

from teiten import event, intake
from teiten.engine import open_session
from teiten.engine.gaps import gaps
from teiten.errors import LakeError
from teiten.lake import SCHEMA_VERSION, Lake, _delta, activity, changes, forget, migrations
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


# from version 2: `cases/v2`, holding `cases/v2.log` in two batches --------------------------------------------------------

MARKS = """SELECT source_pos, mark_mirai, mark_masscan, mark_zmap, kind, payload FROM events ORDER BY source_pos"""


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return shutil.copytree(CASES / "v2", tmp_path / "v2")


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The marks of the same log in a lake of today."""
    lake = Lake.create(tmp_path_factory.mktemp("today") / "lake", "UTC")
    intake.ingest(lake, [str(CASES / "v2.log")], SETTINGS, judge=False)
    return marks_of(lake)


def marks_of(lake: Lake) -> list[dict[str, Any]]:
    with open_session(lake, SETTINGS) as session:
        return session.query(MARKS)


def held(path: Path) -> pl.DataFrame:
    """The events as they lie there, without what version 3 adds."""
    frames = [pl.read_parquet(file).select(BEFORE) for file in _delta.Table(path / "events").files()]
    return pl.concat(frames)


BEFORE = [c.name for c in event.COLUMNS if c.tier != "marked" and c.name != "payload"]


def test_old_events_get_their_marks(second: Path, today: list[dict[str, Any]]) -> None:
    before, names = held(second), sorted(f.name[:13] for f in (second / "events").glob("*.parquet"))
    lake = Lake.open(second)
    assert lake.meta.schema_version == SCHEMA_VERSION
    assert marks_of(lake) == today
    assert {row["kind"] for row in today} == set(event.KINDS)
    assert all(any(row[mark] for row in today) for mark in event.MARKS)
    # each batch has its file as before, and what was replaced is gone
    assert sorted(f.name[:13] for f in (second / "events").glob("*.parquet")) == names
    assert held(second).equals(before)
    with open_session(lake, SETTINGS, upto=1) as session:
        assert session.query("SELECT count(kind) AS n FROM events") == [{"n": 6}]
    assert intake.ingest(lake, [str(CASES / "v2.log")], SETTINGS, judge=False).total.events == 0


def test_old_events_that_cannot_be_written_have_no_marks(second: Path) -> None:
    (second / ".lock").mkdir()
    found = marks_of(Lake.open(second))
    assert len(found) == 14
    assert {row[name] for row in found for name in (*event.MARKS, "payload")} == {None}


@pytest.mark.parametrize("dies_at", range(14))
@pytest.mark.full
def test_marking_that_was_interrupted_goes_on(
    second: Path, today: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    class Killed(BaseException):
        pass

    done: list[str] = []

    def dying(name: str, real: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            if len(done) == dies_at:
                raise Killed
            done.append(name)
            return real(*args, **more)

        return call

    before = held(second)
    with monkeypatch.context() as patch:
        patch.setattr("teiten.lake.migrations.from_2._AT_ONCE", 1)  # a file in one entry of the log
        for name in ("add_column", "commit", "sweep"):
            patch.setattr(_delta.Table, name, dying(name, getattr(_delta.Table, name)))
        patch.setattr(_delta, "write_parquet", dying("write", _delta.write_parquet))
        patch.setattr("teiten.lake._lake.write_meta", dying("meta", lambda path, meta: None))
        with pytest.raises(Killed):
            Lake.open(second)
            raise Killed  # all was done, and told to nobody
    assert len(done) <= dies_at and read_meta(second).schema_version == 2
    assert held(second).equals(before)
    assert marks_of(Lake.open(second)) == today
    assert len(list((second / "events").glob("*.parquet"))) == 2
    assert held(second).equals(before) and read_meta(second).schema_version == SCHEMA_VERSION


def test_what_was_being_forgotten_is_forgotten_after_a_migration(second: Path) -> None:
    network = ipaddress.ip_network("192.0.2.4/32")
    wish = forget.Wish(network)
    forget.begin(second, wish, forget.look(second, wish))
    lake = Lake.open(second)
    assert lake.is_forgetting()
    with lake.writer():
        pass
    found = marks_of(lake)
    assert len(found) == 12 and not lake.is_forgetting() and all(row["kind"] for row in found)


# from version 3: `cases/v3`, holding `cases/v3.log` in three batches (two put together) and another sensor's log -----


@pytest.fixture
def third(tmp_path: Path) -> Path:
    return shutil.copytree(CASES / "v3", tmp_path / "v3")


def activities_of(lake: Lake) -> list[bytes]:
    return lake.batches(["activity"])["activity"].to_list()


def grown(folder: Path) -> list[bytes]:
    """The activities of the same logs in a lake of today, grown as that one was."""
    lake, log = Lake.create(folder / "lake", "UTC"), folder / "v3.log"
    for sensor, source, lines in (
        (None, "v3.log", 20),
        ("office", "v3-office.log", 30),
        (None, "v3.log", 40),
        (None, "v3.log", 54),
    ):
        log.write_text("".join((CASES / source).read_text().splitlines(keepends=True)[:lines]))
        intake.ingest(lake, [str(log)], SETTINGS, sensor=sensor, judge=False)
    return activities_of(lake)


def test_old_batches_get_their_activity(third: Path, tmp_path: Path) -> None:
    lake = Lake.open(third)
    assert lake.meta.schema_version == SCHEMA_VERSION
    assert activities_of(lake) == grown(tmp_path)
    held = activity.merged([activity.unpacked(activities_of(lake))])
    assert held["events"].sum() == held["packets"].sum() == 84
    assert len(list((third / "batches").glob("*.parquet"))) == 4
    assert intake.ingest(lake, [str(CASES / "v3.log")], SETTINGS, judge=False).total.events == 0


def test_old_batches_that_cannot_be_written_have_no_activity_and_their_gaps_come_from_events(third: Path) -> None:
    span = dt.datetime(2026, 3, 31, tzinfo=dt.UTC), dt.datetime(2026, 4, 2, tzinfo=dt.UTC)
    (third / ".lock").mkdir()
    lake = Lake.open(third)
    assert set(activities_of(lake)) == {None}
    with open_session(lake, SETTINGS) as session:
        before = gaps(session, *span)
    (third / ".lock").rmdir()
    with open_session(Lake.open(third), SETTINGS) as session:
        assert gaps(session, *span) == before
    assert [(g["sensor"], g["reason"]) for g in before] == [
        ("home", "not observed"), ("office", "not observed"), ("home", "silent"), ("home", "not observed"),
        ("office", "not observed"),
    ]  # fmt: skip


@pytest.mark.parametrize("step", range(1, 40, 3))
@pytest.mark.full
def test_counting_that_was_interrupted_goes_on(third: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr("teiten.lake.migrations.from_3._AT_ONCE", 1)  # a file in one entry of the log
    before = lake_rows(third)
    with dying(step):
        Lake.open(third)
    lake = Lake.open(third)
    assert read_meta(third).schema_version == SCHEMA_VERSION
    assert activities_of(lake) == grown(tmp_path)
    assert lake_rows(third).equals(before) and len(list((third / "batches").glob("*.parquet"))) == 4


def lake_rows(path: Path) -> pl.DataFrame:
    """The rows of `batches` as they lie there, without what version 4 adds."""
    frames = [pl.read_parquet(file).drop("activity", "hashed", strict=False) for file in _delta.Table(path / "batches").files()]
    return pl.concat(frames).sort("batch")


# from version 4: `cases/v4`, holding `cases/v3.log` in one batch, its verdicts, and a note ---------------------------------


@pytest.fixture
def fourth(tmp_path: Path) -> Path:
    return shutil.copytree(CASES / "v4", tmp_path / "v4")


@pytest.mark.parametrize("dies_at", [None, 0, 3, 8])
def test_a_lake_gets_tables_for_what_changed(fourth: Path, dies_at: int | None) -> None:
    if dies_at is not None:
        with dying(dies_at):
            Lake.open(fourth)
    lake = Lake.open(fourth)
    assert read_meta(fourth).schema_version == SCHEMA_VERSION
    assert set(changes.SHOWN) <= set(lake.tables())
    assert lake.notes()["text"].to_list() == ["kept"] and lake.batches()["events"].sum() == 54
    with open_session(lake, SETTINGS) as session:
        assert session.query("SELECT count(*) AS n FROM detections, stories") == [{"n": 0}]


def test_a_lake_without_these_tables_that_cannot_be_written_has_no_stories(fourth: Path) -> None:
    (fourth / ".lock").mkdir()
    lake = Lake.open(fourth)
    assert lake.meta.schema_version == 4
    with open_session(lake, SETTINGS) as session:
        assert session.query("SELECT * FROM stories") == []
