"""What lies in the lake is what the readers say: every column, from logs and real captures, in the types that Delta knows."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from tests.readers.netfilter.test_cases import CASES

from teiten import frame, intake, marks, readers, settings
from teiten.enrich import enrich
from teiten.lake import Lake, _delta
from teiten.readers import _input
from teiten.readers._base import ReadOptions

ORDINARY = 6
"""captures of each source that are looked at in an ordinary run, the smallest first"""
CHOSEN = settings.Settings("Asia/Tokyo", "flag", reading=settings.Reading(payload_bytes=16))


def captures(shared_data: Path, sources: int) -> list[Path]:
    """Captures by their size, at most so many of each source."""
    taken: dict[str, list[Path]] = {}
    with (shared_data / "packets" / "INDEX.csv").open(encoding="utf-8", newline="") as index:
        for row in sorted(csv.DictReader(index), key=lambda r: int(r["bytes"])):
            path = shared_data / "packets" / row["file"]
            if row["packets"] not in ("", "0") and path.is_file():
                taken.setdefault(row["source"], []).append(path)
    return [path for paths in taken.values() for path in paths[:sources]]


def by_frames(source: _input.Input, lake: Lake, source_id: int) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The reader's frames, marked and enriched by polars, in the input's order; and the accounting."""
    reader = readers.pick(source.head(), readers.AUTO, source.name)
    options = ReadOptions(
        zone=CHOSEN.zone, sensor="home", year=2026, hash_key=lake.hash_key, source_id=source_id, reading=CHOSEN.reading
    )
    chunks = list(reader.read(source, options))
    whole = pl.concat([pl.DataFrame(schema=frame.READ_SCHEMA), *(chunk.events for chunk in chunks)])
    told = {"lines": sum(len(c.outcome) for c in chunks), "events": whole.height}
    return enrich(marks.add(whole)).sort("source_pos", "time", maintain_order=True), told


def check(lake: Lake, paths: list[Path]) -> None:
    result = intake.ingest(lake, list(map(str, paths)), CHOSEN, sensor="home", year=2026, judge=False)
    result.total.check()
    batches = lake.batches(["batch", "source_id", "source", "events", "lines", "t_min", "t_max"])
    # (a lake of very many small files puts them together: then the order within a source is another)
    stored = pl.concat([pl.DataFrame(schema=frame.SCHEMA), *(pl.read_parquet(f.path) for f in lake.live_files()[0])])
    times = Counter(one.source_id for one in result.inputs)
    for one, path in zip(result.inputs, paths, strict=True):
        if one.error is not None:
            continue
        if one.source_id is None:
            assert one.tally.events == 0 or one.tally.had_already == one.tally.lines, path
            continue
        if one.tally.had_already or times[one.source_id] > 1:
            continue  # the same packets in another file, which may go on where the other ends
        want, told = by_frames(_input.of(path), lake, one.source_id)
        assert (one.tally.lines, one.tally.events) == (told["lines"], told["events"]), path
        mine = batches.filter(pl.col("source_id") == one.source_id)
        assert (mine["lines"].sum(), mine["events"].sum()) == (told["lines"], told["events"]), path
        got = stored.filter(pl.col("source_id") == one.source_id).sort("source_pos", "time", maintain_order=True)
        assert got.schema == want.schema
        for name in want.columns:
            assert got[name].equals(want[name], null_equal=True), (path, name)
        if want.height:
            assert (mine["t_min"].min(), mine["t_max"].max()) == (want["time"].min(), want["time"].max())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", "Asia/Tokyo")


def test_logs(lake: Lake, tmp_path: Path) -> None:
    check(lake, sorted(CASES.glob("*.log")))
    agree(lake, tmp_path)


@pytest.mark.full
def test_real_captures(lake: Lake, shared_data: Path, tmp_path: Path) -> None:
    check(lake, captures(shared_data, ORDINARY))
    agree(lake, tmp_path)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_all_real_captures(lake: Lake, shared_data: Path) -> None:
    check(lake, captures(shared_data, 1 << 30))


def agree(lake: Lake, folder: Path) -> None:
    """Delta's schema and statistics, the files' own, what DuckDB calls it, what polars would have written."""
    table = _delta.Table(lake.path / "events")
    told = [(f.name, f.type.type) for f in table.delta.schema().fields]
    assert told == [(f.name, f.type.type) for f in _delta.schema_of(frame.SCHEMA).fields]
    files = table.files()
    assert files
    for file in files:
        assert pl.read_parquet_schema(file) == frame.SCHEMA
    ours, theirs = pl.concat([pl.read_parquet(file) for file in files]), folder / "polars.parquet"
    ours.write_parquet(theirs)
    names = ", ".join(f"'{file}'" for file in files)
    with duckdb.connect() as session:
        described = [session.execute(f"DESCRIBE SELECT * FROM read_parquet([{n}])").fetchall() for n in (names, f"'{theirs}'")]
        assert described[0] == described[1]
        query = "SELECT count(*) FROM (SELECT * FROM read_parquet([{}]) EXCEPT ALL SELECT * FROM read_parquet([{}]))"
        for one, other in ((names, f"'{theirs}'"), (f"'{theirs}'", names)):
            assert session.execute(query.format(one, other)).fetchone() == (0,)
    for log in sorted((table.path / "_delta_log").glob("*.json")):
        for entry in map(json.loads, log.read_text().splitlines()):
            if "add" in entry:
                stats, rows = json.loads(entry["add"]["stats"]), pl.read_parquet(table.path / entry["add"]["path"])
                assert stats["numRecords"] == rows.height
                assert stats["nullCount"] == rows.null_count().row(0, named=True)
                assert set(stats["minValues"]) == set(stats["maxValues"]) == {"time", "sensor"}
                first = rows["time"].min()
                assert stats["minValues"]["time"] == first.strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # type: ignore[union-attr]
                assert stats["maxValues"]["sensor"] == "home"


def test_out_of_order_is_put_in_order(lake: Lake, tmp_path: Path) -> None:
    line = (
        "{}+09:00 router kernel: DROP IN=ppp0 OUT= SRC=203.0.113.9 DST=198.51.100.1 LEN=40 TTL=50 ID={} PROTO=TCP SPT=1 DPT=2\n"
    )
    log = tmp_path / "a.log"
    log.write_text("".join(line.format(f"2026-04-01T00:{m:02}:00", n) for n, m in enumerate([5, 3, 9, 3, 1, 9])))
    check(lake, [log])
    (file,) = lake.live_files()[0]
    rows = pl.read_parquet(file.path)
    assert rows["ip_id"].to_list() == [4, 1, 3, 0, 2, 5]
    assert rows["source_pos"].n_unique() == 6


def test_nothing_new_makes_no_file(lake: Lake, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("Apr  1 00:00:00 router sshd: something else\n" * 3)
    result = intake.ingest(lake, [str(log)], CHOSEN, year=2026)
    assert (result.total.lines, result.total.events) == (3, 0)
    assert lake.batches(["events"])["events"].to_list() == [0] and not lake.live_files()[0]
