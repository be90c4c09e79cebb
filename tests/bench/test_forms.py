"""The benchmark of formats reads what it says: every line makes an event, and its peer finds the same in it."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest
from tests.readers.reading import events

from teiten import readers
from teiten.bench import _forms, _process, _tuples, formats

LEFT_OUT = {"netfilter"}
"""it has benchmarks of its own"""


def test_every_format_of_text_is_measured() -> None:
    assert set(_forms.LINES) == {name for name in readers.names() if readers.module(name).LINES} - LEFT_OUT


@pytest.mark.parametrize("name", _forms.LINES)
def test_every_line_is_an_event_and_the_peers_expression_finds_it(name: str, tmp_path: Path) -> None:
    log = _forms.made(tmp_path, name, 40)
    assert name == readers.pick(log.read_bytes()).NAME
    ours = events(log, fmt=name, year=2026)
    # what a honeypot was told is another event of the line
    ours = ours.unique("source_pos", keep="first", maintain_order=True)
    assert ours.height == 40
    lines = pl.Series("line", log.read_text().splitlines()[-40:])
    theirs = lines.str.extract_groups(_forms.expression(name)).struct.unnest()
    for column in ("src_ip", "dst_ip", "src_port", "dst_port"):
        if column in theirs.columns:
            assert ours[column].cast(pl.String).to_list() == theirs[column].to_list(), column


def test_the_peer_writes_every_line(tmp_path: Path) -> None:
    log = _forms.made(tmp_path, "nfdump", 500)
    _process.run([sys.executable, "-m", "teiten.bench._forms_peer", "nfdump", str(log), str(tmp_path / "x.parquet")])
    assert pl.read_parquet(tmp_path / "x.parquet").height == 500


def test_flowtuples_are_all_read(tmp_path: Path) -> None:
    pytest.importorskip("fastavro")
    path = tmp_path / "x.avro"
    _tuples.main(300, 3, path)
    found = events(path, fmt="flowtuple")
    assert found["packets"].sum() == 3 * sum(1 + n % 3 for n in range(300))
    assert formats.GOALS.keys() <= {"least_lines_per_s", "most_slope", "most_memory_mib", "times_fastavro"}
