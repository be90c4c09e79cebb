"""Baselines: the tail beside counted chances, levels that follow, bursts that do not, gaps that are no zeros."""

from __future__ import annotations

import numpy as np
import pytest

from teiten.detect import baseline
from teiten.detect.baseline import Clock


def clock(days: int, exposure: float = 1.0) -> Clock:
    """Whole days that begin on a Monday; the last one is today."""
    hours = np.arange(days * 24)
    bins = hours % 24 + 24 * (hours // 24 % 7 >= 5)
    return Clock(hours // 24, bins, np.full(len(hours), exposure), slice(len(hours) - 24, len(hours)))


def one(value: float) -> np.ndarray:
    return np.array([float(value)])


@pytest.mark.parametrize(
    ("mu", "phi", "unsure"), [(0.01, 1, 0), (0.5, 1, 0), (5, 1, 0), (5, 4, 0), (100, 3, 0.02), (2, 8, 0.1)], ids=str
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
        found = baseline.tail(one(x), one(mu), one(phi), one(unsure))[0]
        assert found == pytest.approx(-np.log10(chances[x]), abs=0.12, rel=0.04)


def test_what_is_not_above_the_usual_is_no_wonder() -> None:
    assert baseline.tail(np.array([0.0, 3.0, 5.0]), one(5), one(1), one(0)).tolist() == [0, 0, 0]


def test_the_level_is_found_with_its_hours_and_a_burst_does_not_raise_it() -> None:
    made = clock(29)
    usual = np.tile(np.where(np.arange(24) < 6, 10.0, 50.0), 29)
    counts = np.stack([usual, usual])
    counts[1, 500:503] *= 40
    found = baseline.expect(counts, made, prior=2.0)
    assert found.mu[0, -24] == pytest.approx(10, rel=0.15)
    assert found.mu[0, -1] == pytest.approx(50, rel=0.1)
    assert found.mu[1, -1] == pytest.approx(found.mu[0, -1], rel=0.05)


def test_a_gap_is_no_zero() -> None:
    made = clock(29)
    seen = made.exposure.copy()
    seen[200:420] = 0
    counts = np.where(seen > 0, 20.0, 0.0)[None, :]
    found = baseline.expect(counts, Clock(made.days, made.bins, seen, made.today), prior=2.0)
    assert found.mu[0, -1] == pytest.approx(20, rel=0.05)


def test_half_an_hour_watched_is_half_expected() -> None:
    made = clock(29)
    seen = made.exposure.copy()
    seen[-1] = 0.5
    found = baseline.expect(np.full((1, len(seen)), 20.0), Clock(made.days, made.bins, seen, made.today), prior=2.0)
    assert found.mu[0, -1] == pytest.approx(10, rel=0.05)


def test_few_days_make_it_unsure_and_what_was_never_seen_is_expected_next_to_never() -> None:
    short, long = (baseline.expect(np.full((1, days * 24), 1.0), clock(days), prior=2.0) for days in (4, 29))
    assert short.unsure[0] > long.unsure[0]
    never = baseline.expect(np.zeros((1, 29 * 24)), clock(29), prior=2.0)
    assert 0 < never.mu[0, -1] < 0.01


def test_a_level_that_rose_days_ago_is_the_usual() -> None:
    counts = np.full((1, 29 * 24), 10.0)
    counts[0, 20 * 24 :] = 40
    assert baseline.expect(counts, clock(29), prior=2.0).mu[0, -1] == pytest.approx(40, rel=0.1)
