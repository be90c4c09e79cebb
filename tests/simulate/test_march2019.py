"""March 2019 as simulated: what the text states is true of the lines, whatever the seed."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from teiten import settings, simulate
from teiten.errors import UsageError
from teiten.readers import netfilter
from teiten.readers._base import ReadOptions
from teiten.readers._input import inputs

NOTICE = "153.231."
FEW = 20_000


@pytest.fixture(scope="module", params=[1, 2])
def packets(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Its events as the reader finds them, with month and day of Japan's time."""
    folder = tmp_path_factory.mktemp("march") / "out"
    made = simulate.run("march2019", request.param, None, None, FEW, folder)
    chosen = settings.load(config=made.config)
    assert chosen.watch_since == dt.date(2019, 2, 20)
    frames = []
    for source in inputs([str(p) for p in made.paths], chosen.reading):
        frames += [chunk.events for chunk in netfilter.read(source, ReadOptions(zone=chosen.zone))]
    local = pl.col("time").dt.convert_time_zone("Asia/Tokyo")
    found = pl.concat(frames).with_columns(local.dt.month().alias("month"), local.dt.day().alias("day"))
    dotted = pl.col("src_ip").map_elements(lambda b: ".".join(map(str, b)), return_dtype=pl.String)
    return found.with_columns(dotted.alias("src"))


def places(packets: pl.DataFrame, month: int) -> dict[int, int]:
    """Port -> place by packets in that month; ports with equally many share one."""
    counted = packets.filter((pl.col("month") == month) & (pl.col("protocol") != 1)).group_by("dst_port").len()
    ranked = counted.with_columns(pl.col("len").rank("min", descending=True).cast(pl.Int64).alias("place"))
    return dict(ranked.select("dst_port", "place").iter_rows())


def test_ports(packets: pl.DataFrame) -> None:
    before, now = places(packets, 2), places(packets, 3)
    assert [before[p] for p in (23, 445, 1433, 22, 52869, 80)] == [1, 2, 3, 4, 5, 7]
    assert [now[p] for p in (23, 445, 52869, 22, 80, 1433)] == [1, 2, 3, 4, 5, 28]
    for month in (2, 3):
        some = packets.filter(pl.col("month") == month)
        assert some["dst_port"].is_in([23, 445]).mean() > 0.67


def test_notice(packets: pl.DataFrame) -> None:
    own = packets.filter(pl.col("src").str.starts_with(NOTICE) & (pl.col("ttl") == 244))
    march = own.filter(pl.col("month") == 3)
    by_count = march.group_by("dst_port").len().sort(["len", "dst_port"], descending=[True, False])["dst_port"].to_list()
    assert by_count == [8080, 8000, 80, 443, 23, 22, 21, 9527, 9000, 81, 2323]
    before = set(own.filter(pl.col("month") == 2)["dst_port"].to_list())
    assert set(by_count) - before == {9527, 9000} and before - set(by_count) == {2222, 23023}
    assert sorted(set(march["day"].to_list())) == [1, 5, 6, 7, 11]


def test_the_truth_says_what_is_stated(tmp_path: Path) -> None:
    made = simulate.run("march2019", 1, None, None, FEW, tmp_path / "out")
    told = [json.loads(line) for line in made.truth.read_text().splitlines()]
    assert sum(row["kind"] == "statement" for row in told) == 11
    scans = [row for row in told if row["kind"] == "announced scan"]
    assert len(scans) == 15 and sum(row["packets"] for row in scans) == 2 + 22 + 2 + 4 + 46
    sources = pl.read_csv(made.truth.parent / "truth.csv")
    assert sources.filter(pl.col("country").is_null())["packets"].sum() > 100


def test_it_tells_of_its_own_days_only(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="59 days from 2019-02-01"):
        simulate.run("march2019", 1, dt.date(2019, 3, 1), None, None, tmp_path / "x")
    with pytest.raises(UsageError, match="too few"):
        simulate.run("march2019", 1, None, 59, 500, tmp_path / "x")
    with pytest.raises(UsageError, match="0 days"):
        simulate.run("home", 1, None, 0, None, tmp_path / "x")
