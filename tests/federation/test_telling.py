"""Rare cells stay at home, figures are rounded within stated bounds, noise is what it is said to be and never averages out."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.federating import Federating
from teiten.federation import telling
from teiten.federation.counting import Counted

from .conftest import DAYS, PLAIN, House

DAY = dt.date(2026, 10, 1)
KEY = bytes(32)


def counted(ports: dict[str, tuple[int, int]], seconds: int = 3600) -> Counted:
    whole = sum(p for p, _ in ports.values()), sum(h for _, h in ports.values())
    return Counted(DAY, {"all": {"": whole}, "port": ports}, {3: whole[0]}, dict.fromkeys(range(24), (seconds, 1)), [])


def told(found: Counted, rules: Federating) -> dict[tuple[str, str], tuple[int, int]]:
    return {(what, key): (p, h) for _, what, key, p, h in telling.tell(found, rules, KEY)}


def test_rare_ones_stay_at_home() -> None:
    ports = {"23/6": (120, 60), "99/6": (9, 9), "98/6": (10, 3), "97/6": (5000, 2)}
    found = told(counted(ports), Federating(digits=3))
    assert {key for what, key in found if what == "port"} == {"23/6", "98/6"}
    # one prober's 5,000 packets from two addresses make no cell
    assert found["all", ""] == (5140, 74)


def test_nothing_is_told_of_days_that_nobody_watched() -> None:
    assert telling.tell(replace(counted({"23/6": (120, 60)}), watching={}), PLAIN, KEY) == []


def test_time_watched_is_told_by_the_quarter_of_an_hour() -> None:
    found = told(counted({}, seconds=1234), PLAIN)
    assert found["watching", "0"] == (900, 1)
    assert not any(what == "watching" for what, _ in told(counted({}, seconds=200), PLAIN))


@given(st.integers(0, 10**12), st.integers(1, 6))
def test_the_true_count_lies_within_the_bounds(count: int, digits: int) -> None:
    shown = telling._round(count, telling.Publishing(digits=digits))
    low, high = telling.bounds(shown, digits)
    assert low <= count <= high
    assert high - low <= max(0, 2 * 10 ** max(0, len(str(shown)) - digits) + 3)


def test_the_same_count_has_the_same_noise_and_another_member_another() -> None:
    rules = Federating(epsilon=1.0, least_packets=1, least_hosts=1, digits=6)
    once = told(counted({"23/6": (100_000, 5000)}), rules)
    assert once == told(counted({"23/6": (100_000, 5000)}), rules)
    other = {(w, k): (p, h) for _, w, k, p, h in telling.tell(counted({"23/6": (100_000, 5000)}), rules, bytes([1]) * 32)}
    assert once["port", "23/6"] != other["port", "23/6"]


@pytest.mark.parametrize("epsilon", [0.5, 2.0, 10.0])
def test_noise_is_as_said(epsilon: float) -> None:
    """Its mean is 0, its spread the one told, and neighbouring counts differ in chance by no more than e^epsilon, all
    figures of a packet together."""
    rules = Federating(epsilon=epsilon)
    drawn = np.array([telling.noise(KEY, f"{n}", rules) for n in range(20_000)])
    sd = telling.scale(rules)
    assert abs(drawn.mean()) < 5 * sd / math.sqrt(len(drawn))
    assert drawn.std() == pytest.approx(sd, rel=0.05)
    zero, one = (drawn == 0).mean(), (drawn == 1).mean()
    assert zero / one == pytest.approx(math.exp(epsilon / telling.touched(rules)), rel=0.25)


def test_delta_is_the_chance_of_a_single_packet_to_show() -> None:
    rules = Federating(epsilon=5.0, least_packets=4)
    shows = np.mean([1 + telling.noise(KEY, f"{n}", rules) >= 4 for n in range(20_000)])
    assert shows == pytest.approx(telling.delta(rules), rel=0.1)
    assert telling.delta(Federating()) == 0


def test_what_a_packet_touches(houses: list[House]) -> None:
    """The noise is scaled by how many figures a packet really changes."""
    house = houses[0]
    rules = replace(PLAIN, least_packets=1, least_hosts=1, digits=6)
    before = {(w, k): (p, h) for _, w, k, p, h in telling.tell(house.counted(DAYS[0]), rules, KEY)}
    one = (DAYS[0], 5, "9999/6", "FR", "64500", bytes([9, 9, 9, 9]))
    after = {
        (w, k): (p, h)
        for _, w, k, p, h in telling.tell(replace(house, events=(*house.events, one)).counted(DAYS[0]), rules, KEY)
    }
    changed = sum((p, h)[n] != before.get(key, (0, 0))[n] for key, (p, h) in after.items() for n in (0, 1))
    assert changed == telling.touched(rules)
