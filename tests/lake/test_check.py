"""What is wrong with a lake is said by the name of the file, and the lake stays as it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from making import fill

from teiten.engine import open_session
from teiten.errors import LakeError
from teiten.intake import ingest
from teiten.lake import Lake, _delta, _lake, check
from teiten.settings import Settings

UTC = Settings("UTC", "flag")


@pytest.fixture
def filled(tmp_path: Path, once: Callable[[Callable[[Path], object], Path], Path]) -> Path:
    return once(_six_batches, tmp_path) / "lake"


def _six_batches(folder: Path) -> None:
    lake = Lake.create(folder / "lake", "Asia/Tokyo")
    for n in range(6):
        fill(lake, [{"source_pos": n}])


def tree(lake: Path) -> dict[str, bytes]:
    return {str(p.relative_to(lake)): p.read_bytes() for p in lake.rglob("*") if p.is_file() and p.name != ".lock"}


def count(lake: Path) -> int:
    with open_session(Lake.open(lake), UTC) as session:
        return int(session.query("SELECT count(*) AS n FROM events")[0]["n"])


def entry(lake: Path, table: str, number: int) -> Path:
    return lake / table / "_delta_log" / f"{number:020}.json"


def remove(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def tear(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("harm", [remove, empty, tear], ids=lambda h: h.__name__)
@pytest.mark.parametrize("table", ["events", "batches"])
def test_an_entry_in_the_middle_of_a_log(harm: Callable[[Path], None], table: str, filled: Path) -> None:
    """No power cut makes that, since later entries were written after it was on disk: it is named, and nothing is touched."""
    harm(entry(filled, table, 3))
    before = tree(filled)
    for ask in (count, check.look, lambda lake: ingest(Lake.open(lake), [str(lake / "lake.toml")], UTC)):
        with pytest.raises(LakeError) as told:
            ask(filled)
        assert f"{table}/_delta_log/{3:020}.json" in told.value.message and "copy of the lake" in str(told.value.hint)
    assert tree(filled) == before


@pytest.mark.parametrize("harm", [empty, tear], ids=lambda h: h.__name__)
@pytest.mark.parametrize("table", ["events", "batches", "verdicts", "notes"])
def test_a_torn_last_entry_is_taken_away(harm: Callable[[Path], None], table: str, filled: Path) -> None:
    """It was never acknowledged."""
    last = max(n for n in range(20) if entry(filled, table, n).exists())
    if last == 0:
        shutil.copy(entry(filled, table, 0), entry(filled, table, 1))
        last = 1
    harm(entry(filled, table, last))
    Lake.open(filled).notes()
    assert count(filled) == 6 - (table == "events")
    with Lake.open(filled).writer():
        pass
    assert check.look(filled) == []


@pytest.mark.parametrize("harm", [remove, empty, tear], ids=lambda h: h.__name__)
def test_a_checkpoint(harm: Callable[[Path], None], lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the entries that it stands for are there it is not needed; later it is named."""
    monkeypatch.setattr(_delta, "CHECKPOINT_EVERY", 3)
    for n in range(4):
        fill(lake, [{"source_pos": n}])
    first = sorted((lake.path / "events" / "_delta_log").glob("*.checkpoint.parquet"))
    kept = first[0].read_bytes()
    harm(first[0])
    assert count(lake.path) == 4
    first[0].write_bytes(kept)
    for n in range(4, 9):
        fill(lake, [{"source_pos": n}])
    points = sorted((lake.path / "events" / "_delta_log").glob("*.checkpoint.parquet"))
    for point in points:
        harm(point)
    before = tree(lake.path)
    if not (lake.path / "events" / "_delta_log" / f"{0:020}.json").exists():
        with pytest.raises(LakeError) as told:
            count(lake.path)
        assert "events/_delta_log" in str(told.value)
        assert {name: data for name, data in tree(lake.path).items() if ".checkpoint" not in name} == {
            name: data for name, data in before.items() if ".checkpoint" not in name and name in tree(lake.path)
        }


def test_the_lakes_description_is_put_back_from_its_copy(filled: Path, tmp_path: Path) -> None:
    """Under another key the same lines would be stored again: so nothing makes a new one."""
    meta, key = filled / "lake.toml", Lake.open(filled).hash_key
    for harm in (remove, empty, tear, lambda file: file.write_bytes(b"\xff\x00 = ")):
        harm(meta)
        for ask in (Lake.open, lambda lake: Lake.open_or_create(lake, "UTC")):
            with pytest.raises(LakeError) as told:
                ask(filled)
            assert "lake.toml" in told.value.message and f"teiten lake mend --lake {filled}" in str(told.value.hint)
        assert _lake.restore_meta(filled)
        assert Lake.open(filled).hash_key == key and count(filled) == 6
    assert not _lake.restore_meta(filled)
    remove(meta)
    remove(filled / "lake.toml.copy")
    with pytest.raises(LakeError, match="has events, and no lake") as told:
        Lake.open_or_create(filled, "UTC")
    assert "copy of the lake" in str(told.value.hint)
    with pytest.raises(LakeError):
        _lake.restore_meta(filled)


def test_a_lake_that_was_moved_is_the_same(filled: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "lake"
    moved.parent.mkdir()
    shutil.move(filled, moved)
    assert count(moved) == 6 and check.look(moved) == []
    fill(Lake.open(moved), [{"source_pos": 6}])
    assert count(moved) == 7


def test_a_clock_that_says_1970(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A box without a battery: what is stored then can be asked, is put together, and nothing that is needed goes away."""
    fill(lake, [{"source_pos": 0}])
    monkeypatch.setattr(_delta, "now", lambda: 12.0)
    monkeypatch.setattr(_delta, "CHECKPOINT_EVERY", 2)
    for n in range(1, 6):
        fill(lake, [{"source_pos": n}])
    assert count(lake.path) == 6
    monkeypatch.undo()
    fill(lake, [{"source_pos": 6}])
    with lake.writer() as writer:
        writer.events.sweep()
    assert count(lake.path) == 7 and check.look(lake.path) == []


def test_rows_that_the_log_does_not_tell(filled: Path) -> None:
    file = _delta.Table(filled / "events").files()[0]
    pl.concat([pl.read_parquet(file)] * 3).write_parquet(file)
    found = check.look(filled)
    assert (
        [one.name for one in found] == [file.name]
        and found[0].rows == 1
        and ("bytes" in found[0].why or "rows" in found[0].why)
    )
    assert json.loads(entry(filled, "events", 1).read_text().splitlines()[-1])
