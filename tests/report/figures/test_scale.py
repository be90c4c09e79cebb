"""Ticks that a person would choose."""

from __future__ import annotations

import datetime as dt
import math
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.report.figures import _axes, _scale, _text

TOKYO = ZoneInfo("Asia/Tokyo")
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("top", "most", "expected"),
    [
        (0, 5, [0, 1]), (1, 5, [0, 1]), (3, 5, [0, 1, 2, 3]), (7, 5, [0, 2, 4, 6, 8]), (99, 5, [0, 20, 40, 60, 80, 100]),
        (437, 5, [0, 100, 200, 300, 400, 500]), (24_260, 5, [0, 5000, 10_000, 15_000, 20_000, 25_000]),
        (701_000_000_000, 4, [0, 2e11, 4e11, 6e11, 8e11]), (float("nan"), 5, [0, 1]), (float("inf"), 5, [0, 1]),
    ],
)  # fmt: skip
def test_steps(top: float, most: int, expected: list[float]) -> None:
    assert _scale.steps(top, most) == expected


@settings(deadline=None)
@given(st.floats(1e-6, 1e18), st.integers(2, 8))
def test_steps_are_round_few_and_enough(top: float, most: int) -> None:
    ticks = _scale.steps(top, most, whole=False)
    assert ticks[0] == 0 and ticks[-1] >= top * (1 - 1e-6) and 2 <= len(ticks) <= most + 1
    mantissa = ticks[1] / 10 ** math.floor(math.log10(ticks[1]) + 1e-9)
    assert min(abs(mantissa - s) for s in (1, 2, 2.5, 5, 10)) < 1e-6
    assert all(t <= top * (1 + 1e-9) for t in _scale.fixed_steps(top, most))


def labels(start: dt.datetime, end: dt.datetime, step: _scale.Step, width: float, lang: str = "ja") -> list[list[str]]:
    """The two rows of labels for an axis so wide."""
    span = (end - start).total_seconds()
    ticks = _scale.time_ticks(
        start, end, step, lang, lambda t: (t - start).total_seconds() / span * width, lambda s: _text.width(s, 14), 0
    )
    return [[t.label for t in ticks if t.row == row and t.label] for row in (0, 1)]


def test_a_day_has_hours_and_its_date_at_midnight() -> None:
    day = dt.datetime(2019, 10, 22, tzinfo=TOKYO)
    night = day + dt.timedelta(days=1)
    assert labels(day, night, "hour", 1000)[0][:4] == ["0時", "1時", "2時", "3時"]
    assert labels(day, night, "hour", 330)[0] == ["0時", "3時", "6時", "9時", "12時", "15時", "18時", "21時", "0時"]
    assert labels(day, night, "hour", 330)[1] == ["10月22日(火)"]
    assert labels(day, night, "hour", 220, "en") == [["00:00", "06:00", "12:00", "18:00", "00:00"], ["Tue 22 Oct"]]


def test_three_days_have_six_hour_ticks() -> None:
    start = dt.datetime(2019, 10, 20, tzinfo=TOKYO)
    hours, dates = labels(start, start + dt.timedelta(days=3), "hour", 600)
    assert hours == ["0時", "6時", "12時", "18時"] * 3 + ["0時"]
    assert dates == ["10月20日(日)", "10月21日(月)", "10月22日(火)"]


def test_a_month_has_every_seventh_day_with_its_weekday() -> None:
    start, end = dt.datetime(2019, 10, 1, tzinfo=TOKYO), dt.datetime(2019, 11, 1, tzinfo=TOKYO)
    assert labels(start, end, "hour", 800)[0] == ["10月1日(火)", "10月8日(火)", "10月15日(火)", "10月22日(火)", "10月29日(火)"]
    assert labels(start, end, "day", 330)[0] == ["10月1日(火)", "8日(火)", "15日(火)", "22日(火)", "29日(火)"]
    assert labels(start, end, "day", 800, "en")[0][1] == "Tue 8 Oct"
    assert len(labels(start, end, "day", 330, "en")[0]) >= 3


def test_weeks_of_more_than_a_month_begin_on_monday() -> None:
    start = dt.datetime(2019, 9, 23, 5, tzinfo=TOKYO)
    found = labels(start, start + dt.timedelta(days=30), "day", 800)[0]
    assert found == ["9月30日(月)", "10月7日(月)", "10月14日(月)", "10月21日(月)"]


def test_an_hour_has_round_minutes_and_says_the_date_once() -> None:
    start = dt.datetime(2019, 10, 22, 23, 13, tzinfo=TOKYO)
    hours, dates = labels(start, start + dt.timedelta(hours=1), "minute", 600)
    assert hours == ["23:15", "23:20", "23:25", "23:30", "23:35", "23:40", "23:45", "23:50", "23:55", "0:00", "0:05", "0:10"]
    assert dates == ["10月22日(火)", "10月23日(水)"]
    narrow = labels(start, start + dt.timedelta(hours=1), "minute", 220, "en")[0]
    assert narrow == ["23:15", "23:30", "23:45", "00:00"]


def test_a_quarter_and_a_year() -> None:
    start = dt.datetime(2019, 7, 1, tzinfo=TOKYO)
    assert labels(start, dt.datetime(2019, 10, 1, tzinfo=TOKYO), "day", 1000)[0][:2] == ["7月1日(月)", "8日(月)"]
    months, years = labels(start, dt.datetime(2020, 7, 1, tzinfo=TOKYO), "day", 600)
    assert months[:2] == ["7月", "8月"] and len(months) == 12
    assert years == ["2019年", "2020年"]


@settings(deadline=None)
@given(
    st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2030, 1, 1)),
    st.integers(1, 24 * 4000),
    st.sampled_from([200.0, 330.0, 1000.0]),
    st.sampled_from([TOKYO, NEW_YORK]),
)
def test_labels_of_any_span_stand_apart(first: dt.datetime, hours: int, width: float, zone: ZoneInfo) -> None:
    start = first.replace(minute=0, second=0, microsecond=0, tzinfo=zone)
    end = (start.astimezone(dt.UTC) + dt.timedelta(hours=hours)).astimezone(zone)
    span = end.timestamp() - start.timestamp()

    def place(at: dt.datetime) -> float:
        return (at.timestamp() - start.timestamp()) / span * width

    step: _scale.Step = "hour" if hours < 24 * 60 else "day"
    for lang in ("ja", "en"):
        ticks = _scale.time_ticks(start, end, step, lang, place, lambda s: _text.width(s, 14), 0)
        for row in (0, 1):
            edge = -math.inf
            for tick in (t for t in ticks if t.label and t.row == row):
                half = _text.width(tick.label, 14) / 2
                assert place(tick.at) - half >= edge
                edge = place(tick.at) + half
        assert all(start <= t.at <= end for t in ticks)


def test_buckets_follow_the_calendar_of_their_zone() -> None:
    spring = dt.datetime(2024, 3, 10, tzinfo=NEW_YORK)
    assert _scale.bucket_end(spring, "day").timestamp() - spring.timestamp() == 23 * 3600
    assert _scale.bucket_end(spring.replace(hour=1), "hour").hour == 3
    assert _scale.bucket_end(dt.datetime(2019, 12, 1, tzinfo=TOKYO), "month") == dt.datetime(2020, 1, 1, tzinfo=TOKYO)
    assert _scale.bucket_end(spring, "week").date() == dt.date(2024, 3, 17)


@pytest.mark.parametrize(("highest", "lowest"), [(1.0, 1.0), (868.0, 1.0), (7.0, 0.03), (3e9, 2.0), (12.0, 12.0), (0.0, 1.0)])
def test_a_logarithmic_axis_keeps_nothing_apart(highest: float, lowest: float) -> None:
    """0 stands at the bottom, the highest at or below the top; what is more stands higher; a place leads back to its value."""
    axis = _axes.ValueAxis.logarithmic(highest, lowest, 300)
    assert axis.part(0.0) == 0.0 and axis.part(axis.top) == 1.0 and axis.top >= highest
    places = [axis.part(value) for value in (0.0, lowest, (lowest + highest) / 2, highest)]
    assert highest == 0 or (places == sorted(places) and places[1] > 0.02)
    for part in (0.0, 0.3, 0.77, 1.0):
        assert axis.part(axis.value(part)) == pytest.approx(part)
    assert axis.ticks == sorted(set(axis.ticks)) and 2 <= len(axis.ticks) <= 9
    steps = [axis.part(b) - axis.part(a) for a, b in zip(axis.ticks, axis.ticks[1:], strict=False)]
    assert min(steps) * 300 > 14, "labels do not touch"


def test_a_linear_axis_is_as_it_was() -> None:
    axis = _axes.ValueAxis([0.0, 5.0, 10.0], 10.0)
    assert [axis.part(v) for v in (-1.0, 0.0, 5.0, 20.0)] == [0.0, 0.0, 0.5, 1.0] and axis.value(0.25) == 2.5
