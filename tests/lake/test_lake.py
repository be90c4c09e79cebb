"""The lake's folder: made, opened, half made, of another version; batches whole or not at all; one writer."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import polars as pl
import pytest
from making import T0, batch, events

from teiten.errors import LakeBusyError, LakeError
from teiten.lake import SCHEMA_VERSION, Lake, _delta, _writer
from teiten.lake._lake import META, read_meta


def rows(lake: Lake) -> int:
    return sum(f.rows for f in lake.live_files()[0])


def test_a_lake_keeps_what_it_was_made_with(tmp_path: Path) -> None:
    made = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    opened = Lake.open(tmp_path / "lake")
    assert opened.meta == made.meta
    assert opened.zone_name == "Asia/Tokyo"
    assert Lake.create(tmp_path / "other", "UTC").hash_key != made.hash_key


def test_no_lake(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="does not exist"):
        Lake.open(tmp_path / "nothing")
    (tmp_path / "folder").mkdir()
    with pytest.raises(LakeError, match="is no lake"):
        Lake.open(tmp_path / "folder")
    (tmp_path / "folder" / "letter.txt").write_text("mine")
    with pytest.raises(LakeError, match=r"other things in it \(letter.txt\)"):
        Lake.create(tmp_path / "folder", "UTC")


def test_a_half_made_lake_is_finished(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake", "UTC")
    (tmp_path / "lake" / META).unlink()
    with pytest.raises(LakeError, match="half made"):
        Lake.open(tmp_path / "lake")
    lake = Lake.open_or_create(tmp_path / "lake", "UTC")
    assert rows(lake) == 0


def test_a_newer_lake_is_left_alone(lake: Lake) -> None:
    meta = lake.path / META
    meta.write_text(meta.read_text().replace(f"schema_version = {SCHEMA_VERSION}", "schema_version = 99"))
    with pytest.raises(LakeError, match="version 99; this program knows versions up to"):
        Lake.open(lake.path)


@pytest.mark.parametrize("text", ["", "schema_version = 'x'", "\x00\x01", "schema_version = 1"])
def test_a_broken_description(lake: Lake, text: str) -> None:
    (lake.path / META).write_text(text)
    with pytest.raises(LakeError, match="cannot be understood"):
        Lake.open(lake.path)


def test_events_come_back_in_order_of_time_with_statistics(lake: Lake) -> None:
    late, early = T0 + dt.timedelta(hours=3), T0 + dt.timedelta(hours=1)
    with lake.writer() as writer:
        writer.commit(batch(2), events([{"time": late}, {"time": early, "src_ip": "2001:db8::1"}]))
    files, last = lake.live_files()
    assert (last, len(files), files[0].rows) == (1, 1, 2)
    assert (files[0].t_min, files[0].t_max) == (early, late)
    frame = pl.read_parquet(files[0].path)
    assert frame["time"].to_list() == [early, late]
    assert [len(a) for a in frame["src_ip"]] == [16, 4]


def test_files_are_chosen_by_their_time(lake: Lake) -> None:
    for hour in range(5):
        with lake.writer() as writer:
            writer.commit(batch(1), events([{"time": T0 + dt.timedelta(hours=hour)}]))
    chosen, _ = lake.live_files(T0 + dt.timedelta(hours=1), T0 + dt.timedelta(hours=3))
    assert [f.t_min for f in chosen] == [T0 + dt.timedelta(hours=1), T0 + dt.timedelta(hours=2)]


def test_a_batch_without_events_counts(lake: Lake) -> None:
    with lake.writer() as writer:
        writer.commit(batch(0, lines=3, ignored={"other": 3}))
    assert lake.live_files()[1] == 1
    assert json.loads(lake.batches(["ignored"]).item()) == {"other": 3}


def test_what_a_killed_writer_left_is_void_and_taken_away(lake: Lake) -> None:
    """It had written its events and its row, and not the entry that counts."""
    with lake.writer() as writer:
        writer.commit(batch(1), events([{}]))
        writer.write(2, events([{}, {}]))
        row = batch(2).row(2, "test")
        kept = _delta.write_parquet(row, lake.path / "batches", "part-00000002-x.parquet", ("batch",))
        writer.batches.commit([kept])
    assert rows(lake) == 1
    assert lake.batches(["batch"])["batch"].to_list() == [1]
    with lake.writer() as writer:
        writer.commit(batch(1), events([{}]))
    assert rows(lake) == 2
    assert lake.batches(["batch"])["batch"].to_list() == [1, 2]
    assert len(list((lake.path / "events").glob("*.parquet"))) == 2
    assert len(list((lake.path / "batches").glob("*.parquet"))) == 2


@pytest.mark.parametrize("left", [b"", b'{"commitInfo":{"ti'])
@pytest.mark.parametrize("table", ["events", "batches"])
def test_a_log_entry_torn_by_a_power_cut_is_taken_away(lake: Lake, table: str, left: bytes) -> None:
    with lake.writer() as writer:
        writer.commit(batch(1), events([{}]))
    log = lake.path / table / "_delta_log"
    last = max(log.glob("*.json"))
    (log / f"{int(last.stem) + 1:020}.json").write_bytes(left)
    assert Lake.open(lake.path).batches(["batch"]).height == 1
    with lake.writer() as writer:
        writer.commit(batch(1), events([{}]))
    assert rows(lake) == 2


def test_a_second_writer_waits_and_then_says_who_writes(lake: Lake) -> None:
    with lake.writer():
        caught: list[LakeBusyError] = []

        def second() -> None:
            try:
                with lake.writer(wait=0.1):
                    pass
            except LakeBusyError as error:
                caught.append(error)

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert f"process {os.getpid()} on" in caught[0].message
    with lake.writer(wait=0):
        pass


def test_many_batches_are_put_together(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the log's entries do not pile up."""
    monkeypatch.setattr(_writer, "COMPACT_EVERY", 20)
    monkeypatch.setattr(_delta, "CHECKPOINT_EVERY", 8)
    with lake.writer() as writer:
        for n in range(25):
            writer.commit(batch(1, line_hashes=n.to_bytes(8, "little")), events([{"source_pos": n}]))
    with lake.writer() as writer:
        assert writer.last == 25
    found = lake.batches(["batch", "new_lines"])
    assert found["batch"].to_list() == list(range(1, 26))
    assert lake.line_hashes([3, 24]) == {3: (2).to_bytes(8, "little"), 24: (23).to_bytes(8, "little")}
    assert len(lake.batch_files()) < 10
    log = lake.path / "events" / "_delta_log"
    assert (log / "_last_checkpoint").exists()
    assert len(list(log.glob("*.json"))) < 20 and len(list(log.glob("*.checkpoint.parquet"))) == 2
    assert pl.scan_delta(str(lake.path / "events")).select(pl.len()).collect().item() == 25


def test_polars_and_duckdb_read_while_it_is_written(lake: Lake) -> None:
    """A reader sees whole batches only, at any moment: sums of 10."""
    import duckdb

    stop = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not stop.is_set():
            if lake.live_files()[1]:
                seen.append(pl.scan_delta(str(lake.path / "events")).select(pl.len()).collect().item())
                names = [str(f.path) for f in lake.live_files()[0]]
                with duckdb.connect() as con:
                    counted = con.execute("SELECT count(*) FROM read_parquet($names)", {"names": names}).fetchall()
                seen.append(counted[0][0])

    reader = threading.Thread(target=read)
    reader.start()
    with lake.writer() as writer:
        for _ in range(15):
            writer.commit(batch(10), events([{"source_pos": n} for n in range(10)]))
    stop.set()
    reader.join()
    assert len(seen) > 4
    assert all(n % 10 == 0 for n in seen)
    assert pl.scan_delta(str(lake.path / "events")).select(pl.len()).collect().item() == 150


def test_migrations_run_in_turn_and_only_once(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lake of version 0, made up: its events had no column `geo_db`. A step gives it one; old events answer null."""
    from teiten import frame
    from teiten.lake import migrations

    old = tmp_path / "old"
    old.mkdir()
    columns = {name: dtype for name, dtype in frame.SCHEMA.items() if name != "geo_db"}
    table = _delta.Table.create(old / "events", _delta.schema_of(columns))
    made = events([{}, {}]).drop("geo_db")
    table.commit([_delta.write_parquet(made, old / "events", "part-00000001-old.parquet", ("time",))], number=1)
    (old / "batches").mkdir()
    for file in (lake.path / "batches").rglob("*"):
        target = old / "batches" / file.relative_to(lake.path / "batches")
        target.mkdir() if file.is_dir() else target.write_bytes(file.read_bytes())
    (old / META).write_text((lake.path / META).read_text().replace(f"schema_version = {SCHEMA_VERSION}", "schema_version = 0"))

    with pytest.raises(LakeError, match="no migration to 1"):
        Lake.open(old)
    step = tmp_path / "steps" / "madeup"
    step.mkdir(parents=True)
    (step / "__init__.py").write_text("")
    (step / "from_0.py").write_text(
        textwrap.dedent("""
        import polars as pl
        from teiten.lake import _delta
        def apply(path):
            table = _delta.Table(path / "events")
            if "geo_db" not in [f.name for f in table.delta.schema().fields]:
                table.add_column("geo_db", pl.String())
        """)
    )
    monkeypatch.syspath_prepend(str(step.parent))
    found = {**migrations.steps(), **migrations.steps("madeup")}
    monkeypatch.setattr(migrations, "steps", lambda: found)
    migrated = Lake.open(old)
    assert read_meta(old).schema_version == SCHEMA_VERSION
    with migrated.writer() as writer:
        writer.commit(batch(1), events([{"geo_db": "new"}]))
    whole = pl.scan_delta(str(old / "events")).select("geo_db").collect()
    assert sorted(whole["geo_db"].to_list(), key=str) == [None, None, "new"]
    assert len(list((old / "events" / "_delta_log").glob("*.json"))) == 4
    Lake.open(old)
    assert len(list((old / "events" / "_delta_log").glob("*.json"))) == 4

    from teiten.engine import open_session
    from teiten.settings import Settings

    with open_session(migrated, Settings("UTC", "flag")) as session:
        assert session.query("SELECT count(*) AS n, count(geo_db) AS g FROM events") == [{"n": 3, "g": 1}]


@pytest.mark.faults
def test_a_full_disk_leaves_what_was_stored_and_goes_on(tmp_path: Path) -> None:
    """A file may not grow beyond a limit, as on a full disk: one sentence, nothing half-written."""
    program = textwrap.dedent("""
        import json, resource, signal, sys
        from contextlib import redirect_stderr
        from io import StringIO
        from teiten.cli import main
        from teiten.lake import Lake
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        whole = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        for limit in (500, 2000, 6000, 9000, 12000, whole):
            said = StringIO()
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, whole))
            with redirect_stderr(said):
                code = main(["ingest", "--lake", sys.argv[1], "--tz", "UTC", sys.argv[2]])
            resource.setrlimit(resource.RLIMIT_FSIZE, (whole, whole))
            rows = sum(f.rows for f in Lake.open(sys.argv[1]).live_files()[0])
            print(json.dumps({"code": code, "said": said.getvalue(), "rows": rows}))
    """)
    log = tmp_path / "a.log"
    text = "2026-04-01T00:{m:02d}:{s:02d}+00:00 r kernel: DROP IN=ppp0 OUT= SRC=203.0.113.{n} DST=198.51.100.1 LEN=40 TTL=50 "
    text += "ID={n} PROTO=TCP SPT=4000 DPT=23 SEQ={n} WINDOW=1024 SYN\n"
    log.write_text("".join(text.format(m=n // 60, s=n % 60, n=n % 250) for n in range(2000)))
    Lake.create(tmp_path / "lake", "UTC")
    # -B: nor may a compiled module be cut off at that limit
    command = [sys.executable, "-B", "-c", program, str(tmp_path / "lake"), str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    runs = [json.loads(one) for one in done.stdout.splitlines()]
    assert len(runs) == 6 and "Traceback" not in done.stderr
    for run in runs:
        assert run["rows"] in (0, 2000)
        if run["code"]:
            sentence = run["said"].strip().splitlines()[-1]
            assert run["code"] == 1 and "could not be written" in sentence and "Make room" in sentence, run
    assert sum(run["code"] for run in runs) >= 2
    assert runs[-1]["rows"] == 2000 == rows(Lake.open(tmp_path / "lake"))
