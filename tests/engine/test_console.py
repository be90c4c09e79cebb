"""A stranger's query: rows as they are; no file, no second statement, no more memory or time than allowed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from teiten import settings
from teiten.engine import console
from teiten.engine.duckdb import Session
from teiten.errors import LakeError, TeitenError, UsageError
from teiten.lake import Lake

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel counts a process's data on Linux")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, some_events: Callable[[Path, int], Path]) -> Path:
    return some_events(tmp_path_factory.mktemp("console"), 7)


def ask(lake: Path, query: str, **limits: float) -> pl.DataFrame:
    return console.ask(lake, settings.load(zone="Asia/Tokyo", lake=str(lake)), query, console.Limits(**limits))  # type: ignore[arg-type]


def test_rows_come_as_from_a_session(stored: Path) -> None:
    found = console.ask(
        stored, settings.load(zone="Asia/Tokyo", lake=str(stored)), "SELECT time, src_ip FROM events ORDER BY time"
    )
    assert found.height == 7
    assert found["src_ip"][0] == "203.0.113.0"
    assert str(found["time"].dtype) == "Datetime(time_unit='us', time_zone='Asia/Tokyo')"


PROBES = {
    "a file read as text": "SELECT * FROM read_text('{file}')",
    "a file read as a table": "SELECT * FROM '{file}'",
    "a file read as bytes": "SELECT * FROM read_blob('/etc/passwd')",
    "names of files": "SELECT * FROM glob('/etc/*')",
    "a file written": "COPY (SELECT 1) TO '{new}'",
    "a file written over one of the lake's": "COPY (SELECT 1) TO '{lake}/lake.toml'",
    "another database": "ATTACH '{new}' AS other",
    "a database of the lake's": "ATTACH '{lake}/x.db'",
    "a setting": "SET enable_external_access = true",
    "a setting of memory": "SET memory_limit = '64GB'",
    "an extension": "INSTALL httpfs",
    "an extension that is there": "LOAD parquet",
    "two statements": "SELECT 1; SELECT 2",
    "a second statement that writes": "SELECT 1; COPY (SELECT 1) TO '{new}'",
    "a table made": "CREATE TABLE t AS SELECT 1",
    "a view dropped": "DROP VIEW events",
    "rows taken out": "DELETE FROM batches",
    "a file exported": "EXPORT DATABASE '{new}'",
    "a statement inside EXPLAIN": "EXPLAIN ANALYZE COPY (SELECT 1) TO '{new}'",
    "an address on the network": "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    "a pragma": "PRAGMA database_list",
    "a prepared statement": "PREPARE p AS SELECT 1",
    "a file named in a variable": "SELECT * FROM query_table('{file}')",
    "another lake's files": "SELECT * FROM read_parquet('{lake}/../*.parquet')",
    "the program's environment": "SELECT getenv('HOME')",
    "no statement at all": "",
    "half a statement": "SELECT",
}


@pytest.fixture(scope="module")
def session(stored: Path) -> Iterator[Session]:
    with Session(Lake.open(stored), settings.load(zone="Asia/Tokyo", lake=str(stored))) as one:
        yield one


@pytest.mark.parametrize("what", PROBES)
def test_there_is_no_way_out(stored: Path, session: Session, tmp_path: Path, what: str) -> None:
    """Each probe is refused in a sentence, and no file is there that was not before."""
    secret, new = tmp_path / "secret.txt", tmp_path / "new"
    secret.write_text("a secret")
    before = {p: p.stat().st_mtime_ns for p in stored.rglob("*")}
    with pytest.raises(UsageError) as error:
        session.frame(session.select_only(PROBES[what].format(file=secret, new=new, lake=stored)))
    assert "a secret" not in str(error.value)
    assert not new.exists()
    assert {p: p.stat().st_mtime_ns for p in stored.rglob("*")} == before


@pytest.mark.parametrize("what", ["a file read as text", "a file written", "two statements"])
def test_nor_through_the_process(stored: Path, tmp_path: Path, what: str) -> None:
    new = tmp_path / "new"
    with pytest.raises(UsageError):
        ask(stored, PROBES[what].format(file=stored / "lake.toml", new=new, lake=stored))
    assert not new.exists()


@LINUX
@pytest.mark.parametrize(
    "query",
    [
        "SELECT length(repeat('x', 2000000000) || i::VARCHAR) FROM range(5) t(i)",
        "SELECT list_sort(range(200000000)) FROM range(4)",
        "SELECT length(string_agg(repeat('y', 100000) || range, '')) FROM range(100000)",
    ],
)
def test_memory_is_bounded_by_the_kernel(stored: Path, query: str) -> None:
    with pytest.raises(TeitenError, match="memory"):
        ask(stored, query, memory_mb=400, seconds=60)


def test_the_deadline_ends_it(stored: Path) -> None:
    began = time.monotonic()
    with pytest.raises(TeitenError, match=r"ended after 3 s"):
        ask(stored, "SELECT count(*) FROM range(1000000000000) a WHERE hash(a.range) % 7 = 1", seconds=3.0)
    assert time.monotonic() - began < 30  # a watchdog, not a figure


def test_an_answer_that_is_too_large_is_not_fetched(stored: Path) -> None:
    with pytest.raises(TeitenError, match="larger than 1 MiB"):
        ask(stored, "SELECT range, hash(range) FROM range(500000)", answer_mb=1)


def test_no_process_and_no_folder_is_left(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(TeitenError):
        ask(stored, "SELECT count(*) FROM range(1000000000000) a WHERE hash(a.range) % 7 = 1", seconds=3.0)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_is_wrong_with_the_lake_is_told(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="does not exist"):
        ask(tmp_path / "none", "SELECT 1")
