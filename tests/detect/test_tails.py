"""Tails beside the terms of the distributions, added up."""

from __future__ import annotations

import numpy as np
import pytest

from teiten.detect import tails


def one(value: float) -> np.ndarray:
    return np.array([float(value)])


@pytest.mark.parametrize(
    ("mu", "phi", "unsure"),
    [(0.01, 1, 0), (0.5, 1, 0), (5, 1, 0), (5, 4, 0), (100, 3, 0.02), (2, 8, 0.1), (0.01, 8, 0), (0.3, 3, 0.5), (20, 6, 0)],
    ids=str,
)
def test_the_tail_is_that_of_the_distribution(mu: float, phi: float, unsure: float) -> None:
    """Beside the terms of the negative binomial (or Poisson), added up."""
    variance = phi * mu + unsure * mu * mu
    n = np.arange(0, 3000)
    if variance > mu:
        r = mu * mu / (variance - mu)
        steps = np.log(r + n[:-1]) - np.log(n[1:]) + np.log(mu / (mu + r))
        logs = r * np.log(r / (mu + r)) + np.concatenate([[0.0], np.cumsum(steps)])
    else:
        logs = -mu + np.concatenate([[0.0], np.cumsum(np.log(mu) - np.log(n[1:]))])
    chances = np.cumsum(np.exp(logs)[::-1])[::-1]
    for x in n[(n > mu + 0.5) & (chances < 0.05) & (chances > 1e-12)][:: max(1, int(mu))]:
        found = tails.tail(one(x), one(mu), one(phi), one(unsure))[0]
        assert found == pytest.approx(-np.log10(chances[x]), abs=0.12, rel=0.04)


def test_what_is_not_above_the_usual_is_no_wonder() -> None:
    assert tails.tail(np.array([0.0, 3.0, 5.0]), one(5), one(1), one(0)).tolist() == [0, 0, 0]
