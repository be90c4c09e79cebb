"""A lake in Python: the same rows by SQL, polars, Arrow and a cursor."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nanoarrow
import polars as pl
import pytest

import teiten
from teiten import frame
from teiten.errors import LakeError, UsageError

Events = Callable[[Path, int], Path]


@pytest.fixture
def stored(tmp_path: Path, some_events: Events) -> Path:
    return some_events(tmp_path, 7)


def test_every_way_gives_the_same_rows(stored: Path) -> None:
    with teiten.open(stored) as lake:
        by_sql = lake.sql("SELECT src_ip, dst_port FROM events ORDER BY src_ip")
        by_polars = frame.addresses_as_text(lake.polars().select("src_ip", "dst_port").collect()).sort("src_ip")
        by_cursor = lake.duckdb().execute("SELECT src_ip, dst_port FROM events ORDER BY src_ip").fetchall()
        stream = lake.arrow("SELECT src_ip, dst_port FROM events ORDER BY src_ip")
        by_arrow = pl.DataFrame(nanoarrow.c_array_stream(stream))
        assert by_sql.rows() == by_polars.rows() == by_cursor == by_arrow.rows()
        assert by_sql.height == 7
        assert set(lake.columns()) >= {"time", "src_ip"}


def test_a_span_of_time(stored: Path) -> None:
    lake = teiten.open(stored)
    start = dt.datetime(2026, 3, 31, 15, 0, 2, tzinfo=dt.UTC)
    assert lake.polars(start, start + dt.timedelta(seconds=3)).collect().height == 3
    assert lake.polars(start + dt.timedelta(days=400)).collect().height == 0


def test_the_zone_is_the_lakes_unless_another_is_given(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert teiten.open(stored).zone == "Asia/Tokyo"
    assert teiten.open(stored, zone="UTC").zone == "UTC"
    (tmp_path / "teiten.toml").write_text('zone = "Europe/Prague"\n')
    assert teiten.open(stored).zone == "Europe/Prague"


def test_what_was_stored_later_is_seen_after_refresh(stored: Path, tmp_path: Path, some_events: Events) -> None:
    with teiten.open(stored) as lake:
        assert lake.sql("SELECT count(*) FROM events").item() == 7
        some_events(tmp_path, 9)
        assert lake.sql("SELECT count(*) FROM events").item() == 7
        lake.refresh()
        assert lake.sql("SELECT count(*) FROM events").item() == 9


def test_nothing_is_written_and_no_other_file_read(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("x")
    with teiten.open(stored) as lake:
        with pytest.raises(UsageError):
            lake.sql(f"SELECT * FROM read_text('{tmp_path}/secret.txt')")
        with pytest.raises(UsageError):
            lake.sql("SELECT nothing FROM events")
    with pytest.raises(LakeError):
        teiten.open(tmp_path / "none")


def test_importing_teiten_is_light() -> None:
    code = "import sys, teiten; print(sorted({'polars', 'duckdb', 'numpy', 'deltalake'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout.strip() == "[]"
