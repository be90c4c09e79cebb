"""When tasks are due: at their times in their zone, missed ones once, failed ones again, whatever the clock does."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.errors import UsageError
from teiten.station import tasks
from teiten.station.tasks import Ran, Task, begun, due
from teiten.stationing import Table

TOKYO, BERLIN = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
HERE = Path("/etc/teiten")


def read(**table: Any) -> Task:
    [one] = tasks.read((Table("x", table, "[station.task.x]", HERE),))
    return one


def at(text: str, zone: ZoneInfo = TOKYO) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


def test_a_task_is_read() -> None:
    one = read(command="report weekly {last_week}", at="6:10", on="Monday", folder="public")
    assert (one.at, one.weekday, one.day, one.folder) == ((6, 10), 0, None, HERE / "public")
    assert read(command="detect", every="15m").every == 900
    assert read(command="report monthly {last_month}", at="00:00", on=1).day == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "has no command"),
        ({"command": "detect"}, "needs every or at, and not both"),
        ({"command": "detect", "every": "15m", "at": "06:10"}, "needs every or at, and not both"),
        ({"command": "detect", "every": "15m", "on": "monday"}, "on without at"),
        ({"command": "detect", "every": 1}, "lies between 10 and"),
        ({"command": "detect", "at": "24:00"}, 'time of day such as "06:10"'),
        ({"command": "detect", "at": 610}, "time of day"),
        ({"command": "detect", "at": "06:10", "on": 31}, "from 1 to 28"),
        ({"command": "detect", "at": "06:10", "on": True}, "from 1 to 28"),
        ({"command": "teiten detect", "every": 60}, "not with teiten"),
        ({"command": "report daily {tomorrow}", "every": 60}, "knows no {tomorrow}"),
        ({"command": 'report "daily', "every": 60}, "quotation mark"),
        ({"command": "detect", "every": 60, "off": 1}, "true or false"),
        ({"command": "detect", "every": 60, "when": 1}, "knows no setting 'when'"),
    ],
)
def test_a_wrong_table_is_told(table: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        read(**table)
    assert said in str(error.value) and "[station.task.x]" in str(error.value)


def test_those_that_go_by_themselves_can_be_changed_and_left_out() -> None:
    usual = tasks.usual(alerts=True, retain=True)
    assert [one.name for one in usual] == ["judge", "detect", "alert", "compact", "retain"]
    tables = (
        Table("detect", {"every": "1h"}, "[station.task.detect]", HERE),
        Table("compact", {"off": True}, "[station.task.compact]", HERE),
        Table("mine", {"command": "top ports", "at": "01:00"}, "[station.task.mine]", HERE),
    )
    found = {one.name: one for one in tasks.read(tables, usual)}
    assert list(found) == ["judge", "detect", "alert", "retain", "mine"]
    assert (found["detect"].command, found["detect"].every, found["detect"].quick) == ("detect", 3600, True)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2026-11-23T06:10", ["2026-11-23", "2026-11-22", "2026-W47", "2026-10", "2026-Q3"]),
        ("2026-01-01T00:00", ["2026-01-01", "2025-12-31", "2025-W52", "2025-12", "2025-Q4"]),
        ("2027-01-04T00:00", ["2027-01-04", "2027-01-03", "2026-W53", "2026-12", "2026-Q4"]),
    ],
)
def test_words_in_braces(day: str, words: list[str]) -> None:
    task = Task("x", "{today} {yesterday} {last_week} {last_month} {last_quarter}")
    assert task.words(at(day)) == words
    assert Task("x", "report daily --out 'a b/{yesterday}'").words(at(day))[3] == f"a b/{words[1]}"


DAILY = Task("x", "detect", at=(6, 10))


def test_a_daily_task_runs_once_a_day_and_a_missed_one_once() -> None:
    ran = begun(DAILY, at("2026-11-23T05:00"))
    assert due(DAILY, ran, at("2026-11-23T06:09")) is None
    first = due(DAILY, ran, at("2026-11-23T06:10:01"))
    assert first == at("2026-11-23T06:10").timestamp()
    ran = Ran(due=first, began=first, ended=first + 5, code=0)
    assert due(DAILY, ran, at("2026-11-23T23:59")) is None
    # off for three days: one run, of the last morning
    assert due(DAILY, ran, at("2026-11-26T12:00")) == at("2026-11-26T06:10").timestamp()


def test_a_new_task_is_not_caught_up() -> None:
    assert due(DAILY, begun(DAILY, at("2026-11-23T12:00")), at("2026-11-23T12:01")) is None
    every = Task("x", "detect", every=900)
    ran = begun(every, at("2026-11-23T12:00"))
    assert due(every, ran, at("2026-11-23T12:00:59")) is None
    assert due(every, ran, at("2026-11-23T12:01")) is not None


@pytest.mark.parametrize(
    ("task", "latest"),
    [
        (Task("x", "c", at=(6, 10), weekday=0), "2026-11-23T06:10"),
        (Task("x", "c", at=(23, 0), weekday=0), "2026-11-16T23:00"),
        (Task("x", "c", at=(6, 10), day=1), "2026-11-01T06:10"),
        (Task("x", "c", at=(6, 10), day=28), "2026-10-28T06:10"),
    ],
)
def test_weekly_and_monthly(task: Task, latest: str) -> None:
    assert task.latest(at("2026-11-23T07:00")) == at(latest)


def test_summer_time() -> None:
    task = Task("x", "c", at=(2, 30))
    # 02:30 is left out on this morning: 01:30 UTC is 03:30
    assert task.latest(at("2026-03-29T03:45", BERLIN)).timestamp() == dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC).timestamp()
    # and comes twice on that one: it runs at the first
    ran = Ran(due=task.latest(at("2026-10-25T02:31", BERLIN)).timestamp(), ended=1, code=0)
    assert due(task, ran, at("2026-10-25T02:45", BERLIN).replace(fold=1)) is None


def test_a_failed_run_is_tried_again_with_pauses() -> None:
    moment = at("2026-11-23T06:10").timestamp()
    ran = Ran(due=moment, began=moment, ended=moment + 10, code=1, failures=1)
    assert due(DAILY, ran, at("2026-11-23T06:11")) is None
    assert due(DAILY, ran, at("2026-11-23T06:11:10")) == moment
    ran.failures = 9
    assert due(DAILY, ran, at("2026-11-23T20:00")) is None
    assert due(DAILY, ran, at("2026-11-24T06:10")) == moment + 86400


def test_what_takes_long_rests_the_longer() -> None:
    every = Task("x", "judge", every=900)
    ran = Ran(due=1000.0, began=1000.0, ended=1600.0, code=0)
    now = dt.datetime.fromtimestamp
    assert due(every, ran, now(1600 + 2399, dt.UTC)) is None
    assert due(every, ran, now(1600 + 2400, dt.UTC)) is not None


@given(st.floats(0, 4e9), st.floats(0, 4e9), st.booleans())
def test_a_clock_that_jumps_stops_no_task(before: float, after: float, daily: bool) -> None:
    """Whatever the clock was when it last ran: within a day of the present clock (a quarter of an hour) it is due again."""
    task = DAILY if daily else Task("x", "c", every=900)
    ran = Ran(due=before, began=before, ended=before, code=0)
    span = 86400 if daily else 900
    moments = (dt.datetime.fromtimestamp(after + part * span, TOKYO) for part in (0, 0.5, 1, 1.01))
    assert any(due(task, ran, moment) is not None for moment in moments)


def test_what_is_known_outlives_the_station(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    assert tasks.load(path) == {}
    ran = {"x": Ran(5.0, 6.0, 7.0, -15, 2, ("last words", "日本語"))}
    tasks.save(path, ran)
    assert tasks.load(path) == ran
    for torn in (b"", b"{", b"[]", b'{"x": {}}', b'{"x": 3}', b"\xff"):
        path.write_bytes(torn)
        assert tasks.load(path) == {}
