"""No sensor moves a figure beyond the others, no withheld cell can be worked out, and figures have the digits that they may."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.publish import release
from teiten.publish.release import alias, cell, complement, determined, groups, rounded, settled, shown
from teiten.publishing import Publishing

RULES = Publishing()
COUNTS = st.lists(st.integers(0, 500), min_size=3, max_size=12)


@settings(deadline=None, max_examples=60)
@given(COUNTS, st.data())
def test_however_much_one_sensor_sees_it_is_told_no_more(counts: list[int], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(counts) - 1))
    many, more = np.array([counts]), np.array([counts])
    many[0, at], more[0, at] = 501, 10**9
    assert settled(many, RULES) == settled(more, RULES)
    # nor do two: the third bounds them
    other = (at + 1) % len(counts)
    many[0, other], more[0, other] = 501, 10**8
    assert settled(many, RULES) == settled(more, RULES)


@settings(deadline=None, max_examples=60)
@given(COUNTS)
def test_settling_adds_nothing(counts: list[int]) -> None:
    assert 0 <= settled(np.array([counts]), RULES)[0] <= sum(counts)


def test_what_fewer_sensors_saw_is_nothing() -> None:
    assert list(settled(np.array([[900, 800, 0, 0], [900, 800, 7, 0], [5, 5, 5, 5]]), RULES)) == [0, 21, 20]
    # of a single sensor there is nobody to settle with: all of it
    assert list(settled(np.array([[900]]), RULES)) == [900]
    assert settled(np.zeros((0, 4), dtype=np.int64), RULES).shape == (0,)


def test_rare_cells_are_withheld() -> None:
    packets, hosts = np.array([50.0, 49, 50]), np.array([10.0, 10, 9])
    assert list(shown(packets, hosts, RULES)) == [True, False, False]


@pytest.mark.parametrize(
    ("value", "rules", "expected"),
    [
        (1234.0, RULES, 1200.0),
        (0.04567, RULES, 0.046),
        (0.0, RULES, 0.0),
        (float("nan"), RULES, 0.0),
        (1234.0, Publishing(digits=3, multiple=50), 1250.0),
        (24.0, Publishing(multiple=50), 0.0),
    ],
)
def test_rounded(value: float, rules: Publishing, expected: float) -> None:
    assert rounded(value, rules) == expected


def test_a_mean_of_nobody_is_withheld() -> None:
    assert cell(10, 10, 0.0, RULES).withheld
    assert cell(103, 50, 10.0, RULES).packets == 10.0


@settings(deadline=None, max_examples=80)
@given(st.integers(2, 6), st.integers(2, 6), st.data())
def test_no_withheld_cell_can_be_worked_out(rows: int, columns: int, data: st.DataObject) -> None:
    seen = np.array(
        data.draw(st.lists(st.lists(st.booleans(), min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    )
    values = np.arange(1.0, rows * columns + 1).reshape(rows, columns)
    remain = complement(seen, values, rows=True, columns=True)
    assert not (remain & ~seen).any()
    assert not determined(remain, rows=True, columns=True).any()
    if seen.all():
        assert remain.all()


def test_one_withheld_alone_takes_the_smallest_with_it() -> None:
    seen, values = np.array([[False, True, True]]), np.array([[3.0, 90.0, 40.0]])
    assert determined(seen, rows=True, columns=False).tolist() == [[True, False, False]]
    assert complement(seen, values, rows=True, columns=False).tolist() == [[False, True, False]]
    assert complement(seen, values, rows=False, columns=False).tolist() == [[False, True, True]]


def test_aliases() -> None:
    assert [alias(n) for n in (0, 1, 25, 26, 27, 701, 702)] == ["A", "B", "Z", "AA", "AB", "ZZ", "AAA"]


def test_groups_are_told_apart_where_each_is_large_enough() -> None:
    names = ["a", "b", "c", "d", "e", "f"]
    of: dict[str, str | None] = dict.fromkeys(names[:3], "home") | dict.fromkeys(names[3:], "away")
    assert groups(names, of, RULES) == {"": [0, 1, 2, 3, 4, 5], "away": [3, 4, 5], "home": [0, 1, 2]}
    # one alone could be had from the total and the other
    assert groups([*names, "g"], of, RULES) == {"": list(range(7))}
    assert groups(names[:5], of, RULES) == {"": list(range(5))}
    assert groups(names, of, Publishing(sensors="total")) == {"": list(range(6))}
    assert list(groups(names[:2], of, Publishing(sensors="alias"))) == ["", "A", "B"]
    assert release.place(2, RULES) == 2
