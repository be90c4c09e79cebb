"""The benchmarks' capture: the same bytes every time, and every record an event."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import polars as pl

from teiten.bench import _bare, _capture, ingest


def test_a_capture_is_made_once_and_always_the_same(tmp_path: Path) -> None:
    first = _capture.made(tmp_path / "a", 2_000)
    again = _capture.made(tmp_path / "a", 2_000)
    other = _capture.made(tmp_path / "b", 2_000)
    assert first == again and not list((tmp_path / "a").glob("*.part"))
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()
    assert first.stat().st_size == 24 + 2_000 * (16 + _capture.FRAME)


def test_every_record_is_stored_and_written_again_by_the_peer(tmp_path: Path) -> None:
    capture = _capture.made(tmp_path, 2_000)
    subprocess.run(ingest.ingest(capture, tmp_path / "lake", "--no-verdicts"), check=True, capture_output=True)
    _bare.main([str(tmp_path / "lake"), str(tmp_path / "bare.parquet")])
    rows = pl.read_parquet(tmp_path / "bare.parquet")
    assert rows.height == 2_000
    assert dict(rows.group_by("protocol").len().iter_rows()).keys() == {1, 6, 17}
    assert rows["src_ip"].n_unique() > 500 and 0.2 < (rows["mark_mirai"].mean() or 0) < 0.4
