"""Members together say what one lake with all of it would, within stated bounds; none counts twice, and a gap is no zero."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.federation import store
from teiten.federation.merging import Merged, cut, robust

from .conftest import DAYS, PLAIN, House, contribution, crowd, inflate, listed, sketching, stored


@pytest.fixture(scope="session")
def merged(honest: store.Store) -> Merged:
    return Merged(honest, DAYS[0], DAYS[-1])


@pytest.mark.parametrize("what", ["port", "country", "asn"])
def test_it_says_what_one_lake_with_all_of_it_would(houses: list[House], merged: Merged, what: str) -> None:
    """Of every key that really came, told or not: the true sum of packets lies between the bounds."""
    at = {"port": 2, "country": 3, "asn": 4}[what]
    true = Counter(event[at] for house in houses for event in house.events)
    bounds = merged.sums(what)
    assert set(bounds) <= set(true)
    for key, (low, high) in bounds.items():
        assert low <= true[key] <= high, key
    # and the bounds are worth something: of what every member tells they are within a quarter
    every = [key for key in bounds if (merged.table(what).packets[merged.table(what).keys.index(key)] > 0).all()]
    assert len(every) >= 5 and all(bounds[key][1] <= 1.25 * true[key] for key in every[:5])


def test_the_ranking_is_that_of_one_lake(houses: list[House], merged: Merged) -> None:
    true = [key for key, _ in Counter(event[2] for house in houses for event in house.events).most_common(6)]
    table = merged.table("port")
    assert [table.keys[n] for n in table.ranked[:6]] == true


def test_hosts_lie_between_the_bounds(houses: list[House], merged: Merged) -> None:
    for n, day in enumerate(DAYS):
        true = len({event[5] for house in houses for event in house.events if event[0] == day})
        told = merged.hosts_by_day()[n]
        assert told is not None and told[0] * 0.95 <= true <= told[1] * 1.05
        assert told[2] == (19 if n < 3 else 20)


def test_a_gap_is_no_zero(houses: list[House], merged: Merged) -> None:
    """home-07 did not watch on three days: it has seven days, not ten with three of nothing."""
    at = merged.members.index("home-07")
    assert float(merged.address_days[at]) == pytest.approx(7)
    table = merged.table("all")
    assert float(table.rates[0, at]) == pytest.approx(len(houses[6].events) / 7, rel=0.05)
    assert merged.course("all", "")[0] == pytest.approx(400, rel=0.1)


def test_members_without_coverage_are_no_zeros(houses: list[House], tmp_path: Path) -> None:
    """Twelve of twenty sent nothing: the figures are those of eight, and say so."""
    stored(tmp_path / "s", listed(houses), [contribution(house) for house in houses[:8]])
    found = Merged(store.load(tmp_path / "s"), DAYS[0], DAYS[-1])
    assert len(found.watched) == 8 and len(found.members) == 20
    assert float(found.table("all").rate[0]) == pytest.approx(400, rel=0.05)
    nothing = Merged(found.store, dt.date(2027, 1, 1), dt.date(2027, 1, 31))
    assert not nothing.watched and nothing.table("port").keys == [] and nothing.course("all", "") == [None] * 31


def test_each_has_one_voice_whatever_its_size(houses: list[House], tmp_path: Path) -> None:
    """A telescope of 65,536 addresses does not outvote three households; its rate is by the address."""

    def telescope(rows: list[tuple[dt.date, str, str, int, int]]) -> list[tuple[dt.date, str, str, int, int]]:
        return [
            (d, w, k, p, 65_536) if w == "watching" else (d, w, k, p * 65_536 * (50 if k == "81/6" else 1), h)
            for d, w, k, p, h in rows
        ]

    files = [contribution(houses[0], lie=telescope), *(contribution(house) for house in houses[1:4])]
    stored(tmp_path / "s", listed(houses[:4]), files)
    found = Merged(store.load(tmp_path / "s"), DAYS[0], DAYS[-1])
    assert float(found.table("all").rate[0]) == pytest.approx(400, rel=0.05)
    table = found.table("port")
    assert table.places[table.keys.index("81/6")] > 6


def test_the_span_is_what_was_asked(merged: Merged) -> None:
    part = Merged(merged.store, DAYS[4], DAYS[6])
    assert float(part.address_days.max()) == pytest.approx(3)
    assert part.course("port", "23/6") == merged.course("port", "23/6")[4:7]


def test_a_liar_moves_the_hours_of_nobody(houses: list[House], tmp_path: Path) -> None:
    files = [contribution(h, lie=inflate("hour", "3", 1000) if h.name == "home-02" else None) for h in houses[:8]]
    stored(tmp_path / "s", listed(houses[:8]), files)
    clock = Merged(store.load(tmp_path / "s"), DAYS[0], DAYS[-1]).clock()
    assert clock[3] is not None and clock[3] < 60 and all(value is not None for value in clock)


def test_sketches_are_united_without_those_that_are_not_believed(houses: list[House], tmp_path: Path) -> None:
    files = []
    for house in houses[:6]:
        rules = sketching(house, tmp_path) if house.name != "home-06" else PLAIN
        files.append(contribution(house, rules=rules, lie=crowd(90_000) if house.name == "home-02" else None))
    stored(tmp_path / "s", listed(houses[:6]), files)
    found = Merged(store.load(tmp_path / "s"), DAYS[0], DAYS[-1])
    united = found.united(["home-02"])
    assert united is not None and united[1] == ["home-01", "home-03", "home-04", "home-05"]
    true = len({e[5] for h in houses[:6] if h.name not in ("home-02", "home-06") for e in h.events})
    assert abs(united[0].estimate / true - 1) <= 5 * united[0].error + 1e-9
    assert found.united([h.name for h in houses]) is None


def test_bounds_are_not_claimed_where_there_is_noise(houses: list[House], tmp_path: Path) -> None:
    stored(tmp_path / "s", listed(houses[:1]), [contribution(houses[0], rules=replace(PLAIN, epsilon=1.0))])
    with pytest.raises(ValueError, match="noise"):
        Merged(store.load(tmp_path / "s"), DAYS[0], DAYS[-1]).sums("port")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0, 1e6), min_size=3, max_size=25),
    st.lists(st.one_of(st.floats(0, 1e12), st.just(0.0)), max_size=8),
    st.randoms(),
)
def test_liars_up_to_the_cut_cannot_leave_the_honest(honest: list[float], lies: list[float], rng: object) -> None:
    """The breakdown point: whatever at most cut(n) of n say, the figure stays within what the others say."""
    n = len(honest) + len(lies)
    lies = lies[: cut(n)]
    while len(lies) > cut(len(honest) + len(lies)):
        lies.pop()
    rates = [*honest, *lies]
    rng.shuffle(rates)  # type: ignore[attr-defined]
    figure = float(robust(np.array([rates]))[0])
    assert min(honest) * (1 - 1e-9) <= figure <= max(honest) * (1 + 1e-9)


def test_how_many_may_lie() -> None:
    assert [cut(n) for n in (0, 1, 2, 3, 4, 5, 8, 12, 20, 40)] == [0, 0, 0, 1, 1, 2, 2, 3, 5, 10]
    assert all(n - 2 * cut(n) >= 1 for n in range(1, 300))
