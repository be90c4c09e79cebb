"""Peaks: what stands out of a course does, whatever its level, and nothing else; against what they are held."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from teiten.report import peaks
from teiten.report.peaks import Span

Course = list[float | None]


def noisy(level: float, length: int = 91, seed: int = 1) -> Course:
    """A course that varies by a tenth of its level."""
    draw = random.Random(seed)
    return [round(level * draw.uniform(0.9, 1.1)) for _ in range(length)]


def test_a_spike_is_a_peak_and_an_even_course_has_none() -> None:
    course = noisy(1000)
    assert peaks.find(course, 5, 1.3) == []
    course[40] = 2000
    (found,) = peaks.find(course, 5, 1.3)
    assert (found.first, found.last, found.top, found.value) == (40, 40, 40, 2000)
    assert 950 < found.usual < 1050


def test_days_in_a_row_are_one_peak_whose_top_is_the_highest() -> None:
    course = noisy(1000)
    course[10:13] = [2000, 5000, 3000]
    assert [(s.first, s.last, s.top) for s in peaks.find(course, 5, 1.3)] == [(10, 12, 11)]


def test_a_new_level_is_no_peak() -> None:
    assert peaks.find(noisy(1000, 45) + noisy(4000, 46, 2), 5, 1.3) == []


def test_few_packets_make_no_peak_by_chance() -> None:
    course: Course = [4.0] * 60
    course[30] = 9.0
    assert peaks.find(course, 5, 1.3) == []
    course[30] = 90.0
    assert [s.top for s in peaks.find(course, 5, 1.3)] == [30]


def test_what_was_not_observed_is_no_usual_level() -> None:
    course: Course = [None] * 40 + noisy(1000, 51)
    course[60] = 3000
    assert [s.top for s in peaks.find(course, 5, 1.3)] == [60]
    assert peaks.find([None] * 85 + noisy(1000, 5) + [9000.0], 5, 1.3) == [], "five days tell nothing"


def test_days_observed_in_part_count_for_no_median() -> None:
    course = [100.0 if i % 2 else 1000.0 for i in range(60)]
    whole = [i % 2 == 0 for i in range(60)]
    assert peaks.find(course, 5, 1.3, whole) == [], "a whole day beside halves is no peak"


def test_a_peak_is_held_against_the_week_before_it() -> None:
    course: Course = [float(i) for i in range(30)]
    course[14] = None
    others = [Span(12, 13, 12, 12, 1)]
    span = Span(20, 21, 20, 20, 1)
    assert peaks.base(span, course, [*others, span]) == [10, 11, 15, 16, 17, 18, 19]
    first = Span(2, 3, 2, 2, 1)
    assert peaks.base(first, course, [first]) == [0, 1, 4, 5, 6, 7, 8], "where few days lie before it, days after it"


def test_what_came_on_top() -> None:
    assert peaks.excess({"a": 100, "b": 10, "c": 7}, {"a": 70, "b": 90}, 7) == {"a": 90, "c": 7}
    assert list(peaks.excess({"x": 5, "y": 9, "z": 5}, {}, 0)) == ["y", "x", "z"]


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**9).map(float)), max_size=120))
def test_every_peak_is_what_it_says(course: Course) -> None:
    found = peaks.find(course, 5, 1.3)
    ends = [(-2, -2), *((s.first, s.last) for s in found)]
    for span, (_, before) in zip(found, ends, strict=False):
        assert before + 1 < span.first <= span.top <= span.last
        days = course[span.first : span.last + 1]
        assert None not in days
        assert span.value == course[span.top] == max(v for v in days if v is not None)
        assert span.value >= 1.3 * span.usual
        assert not set(peaks.base(span, course, found)) & set(range(span.first, span.last + 1))


@given(st.lists(st.integers(0, 10**6).map(float), min_size=12, max_size=90), st.integers(2, 50))
def test_more_of_everything_hides_no_peak(course: list[float], times: int) -> None:
    """A telescope of twice the addresses sees the same peaks, and those that chance hid before."""
    few = {s.top for s in peaks.find(course, 5, 1.3)}
    many = peaks.find([v * times for v in course], 5, 1.3)
    assert all(any(s.first <= top <= s.last for s in many) for top in few)
