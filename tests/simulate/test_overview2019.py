"""October 2019 as simulated: what the daily overviews stated is true of the packets, whatever the seed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from teiten import settings, simulate
from teiten.errors import UsageError
from teiten.simulate._days import ZONE
from teiten.simulate._traffic import Span, Wish
from teiten.simulate.scenarios import overview2019

START = int(dt.datetime(2019, 9, 15, tzinfo=ZONE).timestamp())
Counted = Callable[..., int]


@pytest.fixture(scope="module", params=[1, 2])
def packets(request: pytest.FixtureRequest) -> pl.DataFrame:
    """What the router drops, with day (of October) and hour in Japan."""
    wish = Wish(request.param, Span(START, overview2019.DAYS), None, 1)
    [(sensor, found)], _ = overview2019.make(wish)
    local = pl.from_epoch(pl.col("time"), time_unit="us").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    dropped = found.filter(~pl.col("port").is_in(sensor.accepts) | pl.col("shape").is_in(["udp", "ping", "backscatter"]))
    return dropped.with_columns(
        (local.dt.date() - dt.date(2019, 9, 30)).dt.total_days().alias("day"), local.dt.hour().alias("hour")
    )


def some(packets: pl.DataFrame, *days: int, port: int | tuple[int, ...] = (), country: str = "") -> pl.DataFrame:
    """The packets of those days of October, of that port or country."""
    ports = (port,) if isinstance(port, int) else port
    found = packets.filter(pl.col("day").is_in(days))
    found = found.filter(pl.col("port").is_in(ports)) if ports else found
    return found.filter(pl.col("country") == country) if country else found


def ranks(packets: pl.DataFrame, last: int, country: str = "") -> list[int]:
    """Ports by packets of the three days up to `last`."""
    rows = some(packets, last - 2, last - 1, last, country=country).filter(~pl.col("shape").is_in(["ping", "backscatter"]))
    return rows.group_by("port").len().sort("len", descending=True)["port"].to_list()


def test_ranks(packets: pl.DataFrame) -> None:
    assert ranks(packets, 4)[:3] == [23, 445, 22]
    assert ranks(packets, 9)[:3] == ranks(packets, 10)[:3] == [23, 445, 1433]
    assert ranks(packets, 10, "CN")[0] == 1433
    assert ranks(packets, 10, "HK")[:2] == [5555, 1433]
    assert ranks(packets, 10, "KR")[:2] == [23, 1433] and 5555 in ranks(packets, 10, "KR")[:4]
    assert ranks(packets, 10, "US")[:3] == [23, 445, 1433] and set(ranks(packets, 10, "RU")[:3]) == {23, 445, 1433}
    assert ranks(packets, 10, "JP")[:2] == [445, 1433]
    assert ranks(packets, 21)[3] == 9001 and ranks(packets, 22, "CA")[0] == 23
    assert len(some(packets, 10, port=1433)) > 3 * len(some(packets, 4, port=1433))


@pytest.mark.parametrize(
    ("day", "hours", "port", "country", "times"),
    [
        (22, (5,), (25, 465, 587), "US", 40), (10, (0,), 5555, "FR", 20), (10, (21,), 23, "HK", 10), (16, (16,), 23, "NL", 50),
        (16, (6,), 22, "RO", 20), (16, (6,), 22, "RU", 20), (21, (2, 3, 4), 23, "HK", 10), (21, (4,), 23, "EE", 50),
        (21, (10, 11), (81, 88, 8000, 8080, 8888), "CN", 10), (21, (14,), (139, 445), "JP", 10),
    ],
)  # fmt: skip
def test_bursts(
    packets: pl.DataFrame, day: int, hours: tuple[int, ...], port: int | tuple[int, ...], country: str, times: float
) -> None:
    own = some(packets, day, port=port, country=country)
    within = own.filter(pl.col("hour").is_in(hours))
    usual = some(packets, *range(-10, 9), port=port, country=country)
    assert len(within) > times * max(1.0, len(usual) * len(hours) / (19 * 24))
    assert len(within) > 0.8 * len(own.filter(~pl.col("hour").is_in(hours)))


def test_what_spreads_and_ends(packets: pl.DataFrame) -> None:
    of = {day: set(some(packets, day, port=9001).group_by("country").len().filter(pl.col("len") >= 20)["country"]) for day in
          range(16, 23)}  # fmt: skip
    assert not of[16] and of[17] == {"TW"} and of[18] == {"TW", "RU"} and of[21] == {"TW", "RU", "VN", "BR", "KR"}
    assert len(some(packets, 22, port=9001)) < 0.5 * len(some(packets, 21, port=9001))
    assert not len(some(packets, *range(1, 23), port=9001, country="JP"))
    assert not some(packets, 22, port=23, country="EE").height > 10


def test_the_own_line(packets: pl.DataFrame) -> None:
    assert not some(packets, 9).filter(pl.col("hour") == 12).height
    by_hour = [some(packets, 13).filter(pl.col("hour") == hour).height for hour in range(24)]
    assert max(by_hour[:16]) < 0.75 * min(by_hour[16:])


def test_few_hosts_and_day_and_night(packets: pl.DataFrame) -> None:
    russian = some(packets, 21, country="RU").group_by("src").agg(pl.col("port").n_unique())
    assert 2 <= russian.filter(pl.col("port") >= 100).height <= 10
    japan = some(packets, *range(9, 23), port=1433, country="JP")
    assert japan.filter(pl.col("hour").is_between(2, 6)).height < 0.05 * japan.height
    runs = some(packets, 22, country="NL").filter(pl.col("label") == "netherlands-runs")
    assert runs.height > 700 and runs["src"].n_unique() > 20


def test_files(tmp_path: Path) -> None:
    made = simulate.run("overview2019", 3, None, None, overview2019.FEWEST, tmp_path / "out")
    chosen = settings.load(config=made.config)
    [home] = chosen.sensors
    assert home.services == ((6, 80), (6, 443), (6, 53)) and len(home.outages) == 1 and chosen.ptr_names is not None
    told = [json.loads(line) for line in made.truth.read_text(encoding="utf-8").splitlines()]
    assert sum(row["kind"] == "statement" for row in told) == len(overview2019.STATEMENTS)
    assert {"burst", "arrivals", "port run", "flow", "outage", "fall"} <= {row["kind"] for row in told}
    text = made.paths[-1].read_text(encoding="utf-8")
    accepted = [line for line in text.splitlines()[-9000:] if " ACCEPT " in line]
    assert accepted and all("DPT=80 " in line or "DPT=443 " in line or "DPT=53 " in line for line in accepted)
    names = pl.read_csv(chosen.ptr_names, has_header=False, new_columns=["address", "name"])
    assert names["name"].str.contains(r"\.(dynamic|dsl|pppoe)\.").mean() > 0.5
    with pytest.raises(UsageError, match="too few"):
        simulate.run("overview2019", 1, None, None, 1000, tmp_path / "x")
