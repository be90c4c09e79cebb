"""Baselines: levels that follow, bursts that do not, gaps that are no zeros."""

from __future__ import annotations

import numpy as np
import pytest

from teiten.detect import baseline
from teiten.detect.baseline import Clock


def clock(days: int, exposure: float = 1.0) -> Clock:
    """Whole days that begin on a Monday; the last one is today."""
    hours = np.arange(days * 24)
    return Clock(np.full(len(hours), exposure), hours // 24 % 7 >= 5, slice(len(hours) - 24, len(hours)))


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
    found = baseline.expect(counts, Clock(seen, made.weekend, made.today), prior=2.0)
    assert found.mu[0, -1] == pytest.approx(20, rel=0.05)


def test_half_an_hour_watched_is_half_expected() -> None:
    made = clock(29)
    seen = made.exposure.copy()
    seen[-1] = 0.5
    found = baseline.expect(np.full((1, len(seen)), 20.0), Clock(seen, made.weekend, made.today), prior=2.0)
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
