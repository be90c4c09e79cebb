"""The level of courses of days: what is usual, how far off a day lies, how rare that is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.detect import levels

_WEEK = np.arange(28) % 7


def of(rates: np.ndarray) -> levels.Usual:
    return levels.usual(rates, _WEEK, np.ones(rates.shape, bool))


def test_the_usual_of_steady_series_is_their_mean() -> None:
    counts = np.random.default_rng(1).poisson([[2.0], [20.0], [500.0]], (3, 28)).astype(float)
    made = of(counts)
    assert made.rate == pytest.approx([2, 20, 500], rel=0.2)
    # nothing varies less than chance lets it
    assert (made.deviation >= 0.9 * np.sqrt(1 / np.array([2.0, 20.0, 500.0]) / 2)).all()


def test_one_wild_day_moves_the_usual_little() -> None:
    counts = np.random.default_rng(2).poisson(50, (1, 28)).astype(float)
    wild = counts.copy()
    wild[0, 9] = 5000
    assert of(wild).rate[0] == pytest.approx(of(counts).rate[0], rel=0.1)


def test_a_series_of_clumps_is_not_steady() -> None:
    course = np.zeros((1, 28))
    course[0, ::6] = 60
    far = levels.z(np.array([[60.0]]), np.array([0]), of(course))
    assert far[0] < 4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1e7)), min_size=28, max_size=28))
def test_any_course_gives_numbers_or_says_that_there_are_none(course: list[float | None]) -> None:
    rates = np.array([[np.nan if n is None else n for n in course]])
    made = of(rates)
    seen = int((~np.isnan(rates)).sum())
    assert (made.days[0] == seen) and (np.isnan(made.rate[0]) == (seen == 0))
    far = levels.z(rates[:, -1:], _WEEK[-1:], made)
    assert np.isnan(far[0]) == (seen < levels.FEWEST or np.isnan(rates[0, -1]))


def test_deviates_of_few_days_are_smaller() -> None:
    t = np.array([6.0, 6.0])
    few, many = levels.deviate(t, np.array([6.0, 200.0]))
    assert few < 3.5 < 5.5 < many < 6


@pytest.mark.parametrize("heavy,least,most", [(False, 4.5, 5.6), (True, 7.0, 40.0)])
def test_the_bar_is_higher_where_the_past_was_wilder(heavy: bool, least: float, most: float) -> None:
    random = np.random.default_rng(3)
    z = random.normal(0, 1, 40_000)
    if heavy:
        z[:400] = 2 + random.exponential(2.0, 400)
    made = levels.tail(z)
    bar = made.bar(1e-6)
    assert least < bar < most
    assert made.chance(bar) == pytest.approx(1e-6, rel=0.05)
    assert made.chance(1.0) >= made.chance(3.0) >= made.chance(9.0)


@pytest.mark.parametrize(
    "weeks,sign,expected",
    [
        ([9, 9, 9, 9], 1, 9),
        ([1, 9, 8, 9], 1, 8),
        ([1, 9, 1, 9], 1, 1),
        ([None, 9, 8, 9], 1, 8),
        ([None, None, 9, 9], 1, None),
        ([1, 0, 1, 9], -1, 1),
        ([None, 0, 2, 1], -1, 2),
    ],
    ids=["every week", "three of four", "two are none", "three known", "two known", "quiet weeks", "three quiet weeks"],
)
def test_what_comes_on_that_weekday_of_three_weeks_in_four_is_its_usual(
    weeks: list[float | None], sign: int, expected: float | None
) -> None:
    course = np.full((1, 29), 3.0)
    course[0, 0:28:7] = [np.nan if n is None else n for n in weeks]
    last = levels.weekly(course, np.array([sign]))[0, -1]
    assert np.isnan(last) if expected is None else last == expected
    assert np.isnan(levels.weekly(course[:, :7], np.array([sign]))).all()
