"""Days and hours by arithmetic: the same as DuckDB's calendar says, around every change of the clock."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import duckdb
import pytest

from teiten.engine import clock

ZONES = (
    "Asia/Tokyo", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo",
    "Pacific/Apia", "Atlantic/Azores", "Asia/Kathmandu",
)  # fmt: skip
HOUR = dt.timedelta(hours=1)
_LONG = "epoch_us(t), t::DATE, epoch_us(date_trunc('day', t)), hour(t)"
_SHORT = "epoch_us(t), day_of(t), epoch_us(day_start(t)), hour_of(t)"


def session(zone: str, low: dt.datetime | None, high: dt.datetime | None) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})
    con.execute(f"SET TimeZone = '{zone}'")
    for statement in clock.macros(ZoneInfo(zone), low, high):
        con.execute(statement)
    return con


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [1969, 2011, 2018, 2026])
def test_the_calendars_days(zone: str, year: int) -> None:
    low = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
    high = low + dt.timedelta(days=365)
    # every 20 minutes of a year, and before and after it, where the long way is gone
    con = session(zone, low, high)
    con.execute(
        "CREATE TABLE moments AS SELECT unnest(generate_series($1::TIMESTAMPTZ, $2::TIMESTAMPTZ, INTERVAL 20 MINUTE)) AS t",
        [low - dt.timedelta(days=9), high + dt.timedelta(days=9)],
    )
    differ = con.execute(f"SELECT * FROM (SELECT {_LONG} FROM moments EXCEPT SELECT {_SHORT} FROM moments)").fetchall()
    assert differ == []
    changes = clock.stretches(ZoneInfo(zone), low, high)[1:]
    for begin, _, _ in changes:
        edges = [begin - 1, begin, begin + 1]
        rows = [con.execute(f"SELECT {what} FROM (SELECT make_timestamptz($1::BIGINT) AS t)", [us]).fetchall()
                for us in edges for what in (_LONG, _SHORT)]  # fmt: skip
        assert rows[::2] == rows[1::2]


def test_stretches_are_those_of_the_zone() -> None:
    found = clock.stretches(ZoneInfo("Europe/Berlin"), *(dt.datetime(y, 1, 1, tzinfo=dt.UTC) for y in (2026, 2027)))
    assert [offset // 3_600_000_000 for _, _, offset in found] == [1, 2, 1]
    assert found[1][0] == int(dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
    assert len(clock.stretches(ZoneInfo("Asia/Tokyo"), *(dt.datetime(y, 1, 1, tzinfo=dt.UTC) for y in (1996, 2027)))) == 1


def test_without_bounds_the_long_way() -> None:
    con = session("Europe/Berlin", None, None)
    day, = con.execute("SELECT day_of(TIMESTAMPTZ '2026-03-29 23:30:00+00')").fetchall()[0]  # fmt: skip
    assert day == dt.date(2026, 3, 30)
