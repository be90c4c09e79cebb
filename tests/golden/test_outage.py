"""What was not watched is no zero: an hour and a day that are missing are gaps, and nothing is divided by their time."""

from __future__ import annotations

import polars as pl
import pytest
import truth as golden
from counted import Truth
from test_quarter import Made, report, stored

MINUTE = 60_000_000
START = golden.day_of(golden.QUARTER)
FIRST, LAST = 0, 14 * 1440 - 1
"""minutes of the quarter with a packet: two weeks, one a minute"""
HOUR = (3 * 1440 + 600, 3 * 1440 + 660)
DAY = (8 * 1440, 9 * 1440)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("outage")
    at = pl.int_range(FIRST, LAST + 1, eager=True)
    at = at.filter(~(at.is_between(*HOUR, closed="left") | at.is_between(*DAY, closed="left")))
    packets = pl.DataFrame({"time": START + at * MINUTE}).with_columns(
        day=pl.from_epoch(pl.col("time") + 540 * MINUTE, time_unit="us").dt.date(), sensor=0, src=golden.number("71.6.135.9"),
        dst=golden.number("192.0.2.1"), protocol=golden.TCP, port=23, seq=pl.int_range(pl.len()), spt=40_000,
    )  # fmt: skip
    config = golden.write_logs(packets, folder / "in", 1)
    return Made(Truth(packets, 1, 1), report(stored(config, folder), config, folder / "report"))


def test_an_hour_and_a_day_are_gaps(made: Made) -> None:
    """A gap runs from the last packet before it to the first after it; before the first and after the last nobody knows."""
    watched = (LAST - FIRST) - (HOUR[1] - HOUR[0] + 1) - (DAY[1] - DAY[0] + 1)
    row = made.rows("quarter-totals")[-1]
    assert float(row["address_days"]) == pytest.approx(watched / 1440, rel=1e-5)
    assert int(row["packets"]) == made.truth.packets.height
    assert float(row["per_address_day"]) == pytest.approx(made.truth.packets.height / (watched / 1440), rel=1e-4)


@pytest.mark.parametrize(("name", "column"), [("quarter-days", "tcp_packets"), ("quarter-rest", "rest_packets")])
def test_a_missing_day_has_no_number(made: Made, name: str, column: str) -> None:
    said = {row["day"][:10]: row[column] for row in made.rows(name)}
    counts = dict(made.truth.packets.group_by("day").len().iter_rows())
    assert len(said) == 92
    for day, text in said.items():
        right = counts.get(golden.dt.date.fromisoformat(day))
        assert text == ("" if right is None else str(right)), day
    assert said["2021-07-04"] == str(24 * 60 - 60)
    assert said["2021-07-09"] == ""
