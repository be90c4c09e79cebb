"""A lake's data set as FlowTuples, read into another lake: the same sums; and once, however often it comes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.readers.flowtuple import making as make

import teiten.cli
from teiten import intake
from teiten.lake import Lake
from teiten.settings import Settings

KINDS = (
    "TCP SPT=40001 DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0 OPT (020405B4)", "UDP SPT=0 DPT=53 LEN=24",
    "ICMP TYPE=8 CODE=0 ID=1 SEQ=2", "UDP SPT=5 DPT=0 LEN=24", "47",
)  # fmt: skip
LOG = "".join(
    f"Apr  1 {hour:02}:{n % 60:02}:{n % 7:02} gw kernel: DROP IN=eth0 OUT= SRC=198.51.{n % 3}.{n % 11} DST=203.0.113.{n % 5}"
    f" LEN=44 TOS=0x00 PREC=0x00 TTL={40 + n % 3} ID={n} DF PROTO={KINDS[n % 5]}\n"
    for hour in (3, 4)
    for n in range(240)
)
SUMS = (
    "SELECT time_bucket(INTERVAL '1 hour', time) AS hour, protocol, dst_port, icmp_type, ttl, tcp_flags, tcp_window,"
    " tcp_opt_len, ip_len, {source} AS source, sum(packets)::BIGINT AS packets FROM events GROUP BY ALL ORDER BY ALL"
)


def said(config: str, query: str, out: Path) -> pl.DataFrame:
    assert teiten.cli.main(["sql", "--config", config, "--output", "parquet", "--out", str(out), query]) == 0
    return pl.read_parquet(out)


SOURCES = {"cryptopan": "count(DISTINCT src_ip)", "truncate": "regexp_replace(src_ip, '[0-9]+$', '0')", "drop": "1"}
"""what each scheme keeps of a source: who is the same, its /24, nothing"""


@pytest.mark.parametrize(
    "scheme", [pytest.param(name, marks=[] if name == "cryptopan" else [pytest.mark.full]) for name in SOURCES]
)
def test_a_data_set_comes_back_with_the_same_sums(scheme: str, tmp_path: Path) -> None:
    pytest.importorskip("fastavro")
    (tmp_path / "a.log").write_text(LOG)
    for name in ("here", "there"):
        text = f'lake = "{name}"\n[publish]\nname = "t"\nlicence = "CC0"\n'
        (tmp_path / f"{name}.toml").write_text(text)
    here, there = (str(tmp_path / f"{name}.toml") for name in ("here", "there"))
    assert teiten.cli.main(["ingest", "--config", here, "--year", "2026", str(tmp_path / "a.log")]) == 0
    export = ["export", "research", "--config", here, "--scheme", scheme, "--out", str(tmp_path / "set")]
    assert teiten.cli.main(export) == 0
    tuples = str(tmp_path / "set" / "flowtuple.avro")
    assert teiten.cli.main(["ingest", "--config", there, tuples]) == 0
    query = SUMS.format(source=SOURCES[scheme])
    one, other = said(here, query, tmp_path / "1.parquet"), said(there, query, tmp_path / "2.parquet")
    assert one.height > 20 and one["packets"].sum() == 480
    assert one.equals(other)
    assert teiten.cli.main(["ingest", "--config", there, tuples]) == 0
    assert said(there, query, tmp_path / "3.parquet").equals(one)


def test_records_are_stored_once_and_counted(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    settings = Settings("Asia/Tokyo", "flag")
    whole = make.many("deflate", blocks=6)
    path = tmp_path / "a.avro"
    begin = len(make.file([], "deflate"))
    ends = [at + len(make.SYNC) for at in range(begin, len(whole)) if whole.startswith(make.SYNC, at)]
    path.write_bytes(whole[: ends[2] + 9])
    first = intake.ingest(lake, [str(path)], settings).inputs[0]
    assert (first.format, first.tally.unit, first.tally.events, first.tally.had_already) == ("flowtuple", "records", 36, 0)
    assert "not whole" in first.notes[0]
    # it has grown: what is new is stored
    path.write_bytes(whole)
    grown = intake.ingest(lake, [str(path)], settings).total
    assert (grown.events, grown.had_already, grown.lines) == (36, 36, 72)
    # the same records, packed otherwise, of the same sensor: known by what they say
    (tmp_path / "b.avro").write_bytes(make.many("snappy", blocks=6))
    again = intake.ingest(lake, [str(tmp_path / "b.avro")], settings).total
    assert (again.events, again.had_already) == (0, 72)
