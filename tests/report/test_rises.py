"""Rises: those that are there are found on their day, nothing is found in what chance does, gaps are no falls."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teiten.report import rises

CALM = [20.0, 22, 19, 21, 20, 18, 23] * 4


def test_a_step_is_found_on_its_day_with_its_usual_height_and_peak() -> None:
    found = rises.rises([*CALM, 60, 70, 90, 80])
    assert len(found) == 1
    one = found[0]
    assert (one.start, one.end, one.peak, one.usual, one.over, one.further) == (28, 32, 30, 20, False, False)
    # median 20, MAD 1: the half of the median and three times its root (13.4) are more than 4.4
    assert one.height == pytest.approx(20 + 3 * 20**0.5)
    assert one.base == tuple(range(28))


def test_two_days_are_no_rise_and_three_are() -> None:
    assert rises.rises([*CALM, 90, 90, 20, 20]) == []
    assert [r.start for r in rises.rises([*CALM, 90, 90, 90])] == [28]


def test_what_comes_back_is_over_on_its_first_day() -> None:
    found = rises.rises([*CALM, *[90] * 10, 30, 20, 21, 20])
    assert [(r.start, r.end, r.over) for r in found] == [(28, 38, True)]
    assert [r.over for r in rises.rises([*CALM, *[90] * 10, 30, 20])] == [False]


def test_a_further_rise_needs_a_settled_level() -> None:
    """As in NICTER's second quarter of 2021: a rise in May, a larger one from 13 June."""
    course = [*CALM, *[100, 110, 90, 100, 105, 95, 100] * 3, *[300] * 7, *[20] * 5]
    found = rises.rises(course)
    assert [(r.start, r.end, r.further, r.over) for r in found] == [(28, 49, False, False), (49, 56, True, True)]
    early = [*CALM, *[100] * 7, *[300] * 3]
    assert [r.start for r in rises.rises(early)] == [28]


def test_a_port_from_nothing() -> None:
    assert [(r.start, r.usual, r.height) for r in rises.rises([0] * 10 + [4, 5, 9])] == [(10, 0, 3)]
    assert rises.rises([0] * 10 + [3, 3, 3]) == []


def test_days_before_the_period_tell_the_usual_and_rise_by_themselves_only() -> None:
    course = [*CALM, *[90] * 20]
    assert [r.start for r in rises.rises(course, 28)] == [28]
    assert rises.rises(course, 29) == []
    assert rises.rises([90.0] * 30) == [] and rises.rises([]) == []
    assert rises.rises([20, 20, 20, 20, 20, 20, 90, 90, 90]) == []


def test_a_gap_is_no_fall_and_no_rise() -> None:
    course: list[float | None] = [*CALM, *[90] * 5, *[None] * 6, *[90] * 3]
    found = rises.rises(course)
    assert [(r.start, r.end, r.over) for r in found] == [(28, 42, False)]
    assert rises.rises([None] * 40) == []
    # the three days that count are observed ones, whatever lies between
    assert [r.start for r in rises.rises([*CALM, None, 90, None, 90, 90])] == [29]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 10**6)), max_size=60), st.integers(0, 60))
def test_rises_lie_in_order_and_are_what_the_rule_says(course: list[int | None], first: int) -> None:
    seen = [i for i, v in enumerate(course) if v is not None]
    found = rises.rises(course, first)
    for one in found:
        assert first <= one.start <= one.peak < one.end <= len(course)
        run = [i for i in seen if i >= one.start][: rises.RUN]
        assert len(run) == rises.RUN and all((course[i] or 0) > one.height for i in run)
        assert len(one.base) >= rises.FEWEST and max(one.base) < one.start
        assert one.height == rises.height([float(course[i] or 0) for i in one.base])[1]
        assert course[one.peak] == max(course[i] or 0 for i in seen if one.start <= i < one.end)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))


def test_chance_alone_rises_seldom() -> None:
    """A hundred years of days of a steady Poisson source (means of 1 to 50): not one rise in five years."""
    lucky = np.random.default_rng(7)
    found = sum(len(rises.rises([float(v) for v in lucky.poisson(1 + year % 50, 365)])) for year in range(100))
    assert found <= 20
