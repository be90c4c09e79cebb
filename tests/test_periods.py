"""Days, weeks, months, quarters of a zone's calendar: names there and back, the one before, bounds across summer time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten import periods
from teiten.errors import UsageError

TOKYO, BERLIN = periods.zone("Asia/Tokyo"), periods.zone("Europe/Berlin")
DAYS = st.dates(dt.date(1970, 1, 5), dt.date(2900, 12, 31))


@given(DAYS, st.sampled_from(periods.KINDS))
def test_a_period_holds_its_day_and_joins_the_one_before(day: dt.date, kind: periods.PeriodKind) -> None:
    period = periods.containing(kind, day, TOKYO)
    assert period.first <= day < period.after
    assert periods.parse(kind, period.name, TOKYO) == period
    if period.before().first >= dt.date(1970, 1, 1):
        assert period.before().end == period.start
        assert period.before().kind == kind
    assert len(period.days) == (period.after - period.first).days
    assert period.days[0] == period.first and period.days[-1] == period.after - dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "name", "first", "before"),
    [
        ("daily", "2019-10-22", dt.date(2019, 10, 22), "2019-10-21"),
        ("weekly", "2019-W43", dt.date(2019, 10, 21), "2019-W42"),
        ("weekly", "2021-W01", dt.date(2021, 1, 4), "2020-W53"),
        ("monthly", "2019-01", dt.date(2019, 1, 1), "2018-12"),
        ("quarterly", "2021-Q2", dt.date(2021, 4, 1), "2021-Q1"),
        ("quarterly", "2021-Q1", dt.date(2021, 1, 1), "2020-Q4"),
    ],
)
def test_names(kind: periods.PeriodKind, name: str, first: dt.date, before: str) -> None:
    period = periods.parse(kind, name, TOKYO)
    assert (period.first, str(period), str(period.before())) == (first, name, before)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("daily", "2019-02-29"), ("daily", "2019-10"), ("daily", "22.10.2019"), ("weekly", "2021-W53"), ("weekly", "2021-W00"),
        ("monthly", "2019-13"), ("monthly", "2019-1"), ("quarterly", "2019-Q5"), ("monthly", "0001-01"), ("daily", ""),
        ("monthly", "２０１９-01"),
    ],
)  # fmt: skip
def test_what_names_no_period(kind: periods.PeriodKind, text: str) -> None:
    with pytest.raises(UsageError, match="Write it like"):
        periods.parse(kind, text, TOKYO)


def test_a_day_of_a_clock_change_has_23_or_25_hours() -> None:
    spring, autumn = (periods.parse("daily", d, BERLIN) for d in ("2019-03-31", "2019-10-27"))
    length = [(p.end.astimezone(dt.UTC) - p.start.astimezone(dt.UTC)) / dt.timedelta(hours=1) for p in (spring, autumn)]
    assert length == [23, 25]


def test_moments() -> None:
    assert periods.moment("2019-10-22", TOKYO) == dt.datetime(2019, 10, 21, 15, tzinfo=dt.UTC)
    assert periods.moment("2019-10-22T05:00", TOKYO) == dt.datetime(2019, 10, 21, 20, tzinfo=dt.UTC)
    assert periods.moment("2019-10-22T05:00+00:00", TOKYO) == dt.datetime(2019, 10, 22, 5, tzinfo=dt.UTC)
    with pytest.raises(UsageError, match="no time that I can read"):
        periods.moment("yesterday", TOKYO)


@pytest.mark.parametrize("name", ["Mars", "", "../etc/passwd", "/etc/localtime", "Asia"])
def test_unknown_zones(name: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        periods.zone(name)


def test_the_machines_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", ":Asia/Tokyo")
    assert periods.machine_zone() == "Asia/Tokyo"
    monkeypatch.setenv("TZ", "nonsense")
    assert periods.zone(periods.machine_zone())
    monkeypatch.setattr(Path, "is_symlink", lambda self: False)
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    assert periods.machine_zone() == "UTC"


def test_a_span_has_its_own_last_day() -> None:
    span = periods.span(dt.date(2021, 5, 25), dt.date(2021, 6, 30), TOKYO)
    assert (span.kind, span.name, span.after) == ("span", "2021-05-25--2021-06-30", dt.date(2021, 7, 1))
    assert len(span.days) == 37 and periods.parse("span", span.name, TOKYO) == span
    before = span.before()
    assert (before.name, before.end) == ("2021-04-18--2021-05-24", span.start)
    assert periods.span(span.first, span.first, TOKYO).days == [span.first]
    assert periods.containing("span", span.first, TOKYO).name == "2021-05-25--2021-05-25"


@pytest.mark.parametrize("text", ["2021-05-25", "2021-05-25--", "2021-02-30--2021-03-01", "1960-01-01--2021-01-01", "a--b"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(UsageError, match="no span period"):
        periods.parse("span", text, TOKYO)


def test_a_span_begins_before_it_ends() -> None:
    with pytest.raises(UsageError, match="is after"):
        periods.span(dt.date(2021, 6, 30), dt.date(2021, 5, 25), TOKYO)
