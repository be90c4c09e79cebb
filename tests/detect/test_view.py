"""Series of a view: every count in its hour, hours watched beside the usual, days of a zone."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from teiten.detect.view import CELLS, LINE, OTHERS, WATCHED, View

_START = dt.datetime(2026, 3, 1, 15, tzinfo=dt.UTC)
"""midnight of 2 March in Tokyo"""


def view(cells: list[dict[str, Any]], watched: list[tuple[int, str, float, int]], days: int = 1) -> View:
    """A view of the day that ends `days` days after _START; times of cells and watched in hours after it."""
    plain = {
        "sensor": "home",
        "protocol": 6,
        "dst_port": 23,
        "country": "US",
        "asn": 1,
        "scanner": False,
        "packets": 1,
        "hosts": 1,
    }
    rows = [{**plain, **row, "time": _START + dt.timedelta(hours=row["time"])} for row in cells]
    hours = [(_START + dt.timedelta(hours=h), *rest) for h, *rest in watched]
    frame = pl.DataFrame(hours, schema=WATCHED, orient="row")
    return View(pl.DataFrame(rows, schema=CELLS), frame, dt.date(2026, 3, 1) + dt.timedelta(days=days), "Asia/Tokyo")


def test_each_count_is_in_its_hour_and_unknown_is_a_row() -> None:
    made = view(
        [{"time": 3, "packets": 5}, {"time": 3, "country": None, "packets": 2, "hosts": 2}, {"time": 26, "packets": 7}],
        [(h, "home", 1.0, 1) for h in range(48)],
        days=2,
    )
    series = made.series("dst_port", "country")
    assert series.keys == [(23, "US"), (23, None)]
    assert series.packets.shape == (2, 48)
    assert series.packets[0, [3, 26]].tolist() == [5, 7]
    assert series.hosts[1, 3] == 2
    assert series.packets.sum() == 14 == made.series().packets.sum()
    assert made.today == slice(24, 48)


def test_exposure_is_beside_the_usual_and_zero_where_nobody_watched() -> None:
    made = view([], [(h, "a", 1.0, 2) for h in range(24) if h != 5] + [(7, "b", 0.5, 4)])
    assert made.exposure[[0, 5, 7]].tolist() == [1.0, 0.0, 2.0]
    assert made.exposure_of("b")[7] == 1.0


def test_exposure_has_in_it_what_a_sensor_s_own_line_did() -> None:
    plain = view([], [(h, name, 1.0, 1) for h in range(24) for name in "ab"])
    fell = pl.DataFrame([(_START + dt.timedelta(hours=h), "a", f) for h, f in ((3, 0.5), (4, 0.0))], schema=LINE, orient="row")
    made = replace(plain, line=fell)
    assert made.exposure[2:6].tolist() == [1.0, 0.75, 0.5, 1.0]
    assert made.exposure_of("a")[2:6].tolist() == [1.0, 0.5, 0.0, 1.0]
    assert made.exposure_of("b")[2:6].tolist() == [1.0] * 4


def test_nothing_at_all_is_a_day_of_hours_that_nobody_watched() -> None:
    made = view([], [])
    assert len(made.hours) == 24
    assert not made.exposure.any()
    assert made.series("dst_port").packets.shape == (0, 24)


def test_what_is_known_ends_where_it_ends() -> None:
    whole = view([{"time": 3, "packets": 5}, {"time": 20, "packets": 9}], [(h, "home", 1.0, 1) for h in range(24)])
    part = whole.until(_START + dt.timedelta(hours=4, minutes=30))
    assert len(part.hours) == 5
    assert np.sum(part.series("country").packets) == 5


@pytest.mark.parametrize("zone,hours", [("America/New_York", 23), ("Asia/Tokyo", 24)])
def test_a_day_of_summer_time_has_its_own_number_of_hours(zone: str, hours: int) -> None:
    made = View(pl.DataFrame(schema=CELLS), pl.DataFrame(schema=WATCHED), dt.date(2026, 3, 8), zone)
    assert len(made.hours) == hours


def test_what_was_put_together_is_reckoned_in_by_the_column_that_it_is_kept_by() -> None:
    made = view(
        [{"time": 3, "packets": 50}, {"time": 3, "dst_port": 445, "packets": 40}], [(h, "home", 1.0, 1) for h in range(24)]
    )
    time = _START + dt.timedelta(hours=3)
    by_port = pl.DataFrame(
        [
            {"time": time, "protocol": 6, "dst_port": port, "scanner": False, "packets": n, "hosts": 1}
            for port, n in ((23, 5), (99, 4), (OTHERS, 3))
        ],
        schema={name: CELLS[name] for name in ("time", "protocol", "dst_port", "scanner", "packets", "hosts")},
    )
    by_country = pl.DataFrame(
        [{"time": time, "country": "NL", "scanner": False, "packets": 12, "hosts": 3}],
        schema={name: CELLS[name] for name in ("time", "country", "scanner", "packets", "hosts")},
    )
    made = replace(made, tails=(by_port, by_country))

    def totals(*by: str, only: pl.Expr | None = None) -> dict[tuple[Any, ...], float]:
        found = made.series(*by, only=only)
        return {key: float(found.packets[n].sum()) for n, key in enumerate(found.keys)}

    assert totals() == {(): 102.0}
    assert totals("protocol", "dst_port") == {(6, 23): 55.0, (6, 445): 40.0, (6, 99): 4.0}
    assert totals("country") == {("US",): 90.0, ("NL",): 12.0}
    assert totals("dst_port", "country") == {(23, "US"): 50.0, (445, "US"): 40.0}
    assert totals("dst_port", only=pl.col("dst_port") == 23) == {(23,): 55.0}
    assert totals(only=pl.col("country") == "NL") == {(): 12.0}
    early = made.until(_START + dt.timedelta(hours=2))
    assert not early.series("country").keys and not early.series("dst_port").keys
