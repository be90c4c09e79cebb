"""The peer does the same work: every column that decode fills from the benchmarks' log, with the same values."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl

from teiten.bench import _lines
from teiten.bench.netfilter import decode


def test_the_same_columns_and_values(tmp_path: Path) -> None:
    log = _lines.made(tmp_path, 3_000)
    ours, theirs = tmp_path / "ours.parquet", tmp_path / "theirs.parquet"
    subprocess.run(decode(log, ours), check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "teiten.bench._polars", str(log), str(theirs)], check=True)
    mine, other = pl.read_parquet(ours), pl.read_parquet(theirs)
    filled = [name for name in mine.columns if mine[name].null_count() < mine.height]
    assert sorted(filled) == sorted(other.columns)
    assert {name: mine.schema[name] for name in filled} == {name: other.schema[name] for name in filled}
    for name in filled:
        assert mine[name].equals(other[name]), name
