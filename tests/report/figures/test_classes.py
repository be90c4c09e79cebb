"""Classes of round bounds: nothing is a class of its own, the many are told apart, the key says what each holds."""

from __future__ import annotations

import pytest

from teiten.report.figures import _classes
from teiten.report.figures._canvas import Sheet


def test_nothing_is_no_small_number() -> None:
    classes = _classes.Classes.of([0.0, None, 3.0, 40.0])
    assert classes.number(0.0) == 0
    assert classes.number(0.001) == 1 and classes.number(3.0) >= 1
    assert classes.shade(0, Sheet("x", 300.0)) != classes.shade(1, Sheet("x", 300.0))


@pytest.mark.parametrize("values", [[5.0] * 9, [1.0, 1e9], [float(n) for n in range(1, 500)], [0.02, 0.5, 12.25], [0.0], []])
def test_bounds_are_few_round_and_hold_every_value(values: list[float]) -> None:
    classes = _classes.Classes.of(values)
    assert len(classes.bounds) <= 6 and list(classes.bounds) == sorted(set(classes.bounds))
    assert len(classes.labels("en")) == len(classes.bounds)
    for value in values:
        number = classes.number(value)
        assert (number == 0) == (value == 0)
        if value:
            assert classes.bounds[number - 1] <= value * (1 + 1e-9)
            assert number == len(classes.bounds) or value < classes.bounds[number]


def test_the_many_do_not_share_one_class() -> None:
    """A few high peaks, the rest between 60 and 99: on a scale of equal steps these would be of one shade."""
    classes = _classes.Classes.of([*(float(60 + n % 40) for n in range(700)), 450.0, 615.0])
    assert len({classes.number(float(n)) for n in range(60, 100)}) >= 4
    assert classes.labels("en")[-1].endswith("615")


def test_whole_numbers_have_whole_bounds() -> None:
    assert _classes.Classes.of([1.0, 2.0, 3.0, 5.0, 9.0, 30.0]).labels("en")[0] in ("1", "1 – 1", "1 – 2")
    assert all(float(bound).is_integer() for bound in _classes.Classes.of([1.0, 1.0, 2.0, 3.0, 17.0]).bounds)
