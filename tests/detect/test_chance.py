"""The likes of a day's least likely count: fitted by quartiles, not moved by a few days on which something happened."""

from __future__ import annotations

import numpy as np
import pytest

from teiten.detect import chance


def maxima(days: int, seed: int = 1) -> np.ndarray:
    """Of ten thousand series that follow their model, the least likely count of each day."""
    random = np.random.default_rng(seed)
    return np.log10(10_000) + random.gumbel(0, 1 / np.log(10), days)


def test_a_day_in_ten_is_passed_on_a_day_in_ten() -> None:
    fitted = chance.fit(maxima(400))
    passed = (fitted.score(maxima(4000, seed=2)) >= 1).mean()
    assert 0.02 < passed <= 0.12


def test_days_on_which_something_happened_do_not_count() -> None:
    quiet = maxima(28)
    loud = quiet.copy()
    loud[3:7] = 300
    assert chance.fit(loud).height(0.1) < 1.6 * chance.fit(quiet).height(0.1)


def test_height_and_score_are_each_other_turned_round() -> None:
    fitted = chance.fit(maxima(28))
    assert fitted.score(np.array([fitted.height(0.01)]))[0] == pytest.approx(2)


def test_without_days_before_it_takes_more() -> None:
    assert chance.fit(np.zeros(0)).height(0.1) > chance.fit(maxima(28)).height(0.1)
    assert np.isfinite(chance.fit(np.zeros(28)).score(np.array([0.0, 1e9]))).all()
