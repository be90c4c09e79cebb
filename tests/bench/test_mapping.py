"""The prober finds every sensor by exact figures, and none above chance by what the rules let out (promise 20)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from teiten.bench import mapping
from teiten.bench._mapping import prober
from teiten.bench._mapping.world import BUDGET, DAYS, SENSORS, World, hits, rates, told


def test_exact_figures_give_all_sensors_away() -> None:
    assert prober.attack(mapping.details()["exact_daily"], 0) == SENSORS
    assert prober.attack(mapping.details()["each_sensor"], 1) == SENSORS


def test_he_sends_no_more_than_he_has() -> None:
    detail = mapping.details()["rare_50"]
    world = World(detail, 3)
    how = prober.best(detail, 1, np.random.default_rng(3))
    assert how is not None and how.probes > 5
    prober.by_parts(world, how)
    assert BUDGET < world.sent <= DAYS * BUDGET


def test_a_probe_meets_the_sensors_of_its_interval() -> None:
    world = World(mapping.details()["exact_daily"], 1)
    first = int(world.sensors[0])
    got = hits(world, [[(first, first + 1)], [(0, first)]], np.array([7, 7]))
    assert got[0, 0] == 7 and got.sum() == 7 and world.sent == 7 + 7 * first
    assert rates(24)[0] == pytest.approx(rates(1)[0] / 24)


def test_what_is_told_is_what_a_site_tells() -> None:
    """20 sensors of which one is probed 10,000 times; then three."""
    detail = mapping.details()["default_at_once"]
    own = np.full((2, SENSORS), 5)
    met = np.zeros((2, SENSORS), dtype=np.int64)
    met[0, 4], met[1, 4:7] = 10_000, 10_000
    # (17 x 5 + 3 x 10,005) / 20
    assert told(detail, own, met)[:, 0].tolist() == [5.0, 1500.0]


@pytest.mark.full
def test_the_defaults_hide_sensors(figure: Callable[[int, str], None]) -> None:
    found = mapping.details()
    worlds = 10
    open_figures = [prober.attack(found["exact_daily"], seed) for seed in range(worlds)]
    usual = [prober.attack(found["default"], seed) for seed in range(worlds)]
    at_once = [prober.attack(found["default_at_once"], seed) for seed in range(worlds)]
    rare = [prober.attack(found["rare_50_digits_2"], seed) for seed in range(worlds)]
    assert min(open_figures) == SENSORS
    assert max(usual) <= 1 and max(at_once) <= 1
    figure(
        20,
        f"1,000,000 marked probes a day over a /12 with {SENSORS} sensors, a week of reports, {worlds} worlds: exact figures"
        f" by day give {np.mean(open_figures):.0f} away, suppression and rounding alone {np.mean(rare):.1f} (most"
        f" {max(rare)}), the defaults {np.mean(usual):.1f} (most {max(usual)}), without the delay"
        f" {np.mean(at_once):.1f} (most {max(at_once)})",
    )
