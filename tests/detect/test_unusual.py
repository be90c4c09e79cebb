"""A day's count beside those before: quiet days seldom told, few days say nothing, an episode is no measure of itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.detect import unusual

COUNTS = st.lists(st.integers(0, 60), max_size=40)


@given(st.integers(0, 5000), COUNTS)
def test_a_chance_is_a_chance(today: int, before: list[int]) -> None:
    found = unusual.beside(today, before)
    if found is not None:
        assert 0.0 < found.chance <= 1.0 and found.mean >= 0.0 and found.days >= unusual.LEAST_DAYS
        more = unusual.beside(today + 1, before)
        assert more is None or more.days != found.days or more.chance <= found.chance + 1e-12


def test_without_any_before() -> None:
    found = unusual.beside(1, [0] * 28)
    assert found is not None and found.chance == pytest.approx(1 - (28 / 29) ** 0.5)
    assert unusual.beside(4, [0] * 6) is None and unusual.beside(0, [0] * 28) is None


def test_the_same_episode_is_no_measure() -> None:
    alone, going_on = unusual.beside(4, [0] * 20), unusual.beside(4, [*[0] * 20, 4, 5, 2])
    assert alone is not None and alone == going_on
    assert unusual.beside(4, [4] * 30) is None  # it was always so


@pytest.mark.parametrize(("mean", "size"), [(0.3, None), (4.0, None), (5.0, 1.5), (40.0, None)])
def test_quiet_days_are_seldom_told(mean: float, size: float | None) -> None:
    rng = np.random.default_rng(7)
    rates = np.full((1500, 29), mean) if size is None else rng.gamma(size, mean / size, (1500, 29))
    told = sum(
        (found := unusual.beside(int(row[-1]), row[:-1].tolist())) is not None and found.chance <= 0.01
        for row in rng.poisson(rates)
    )
    assert told / 1500 < 0.02


def test_large_counts_keep_their_tails() -> None:
    found = unusual.beside(400, [100] * 30)
    assert found is not None and 0.0 < found.chance < 1e-30
