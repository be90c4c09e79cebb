"""The bench of the federation: lies are what they are called, and its figures fall where the merge breaks."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from teiten.bench import federate
from teiten.bench._federate import growth, homes, lies, world
from teiten.bench._federate.world import World
from teiten.federation.counting import Counted
from teiten.federation.telling import Row

PORTS = [f"{port}/6" for port in (23, 445, 22, 80, 8080, 3389, 1433, 5555, 2323, 81, 8443, 5060, 6379, 9200, 21, 25)]


def household(n: int) -> list[Counted]:
    """Six days of some 800 packets, ports by a common mix that the house bends a little."""
    random, out = np.random.default_rng(n), []
    weights = 300 / np.arange(1, len(PORTS) + 1) * random.lognormal(0, 0.1, len(PORTS))
    for place in range(6):
        own = {key: int(many) for key, many in zip(PORTS, random.poisson(weights), strict=True)}
        whole = sum(own.values())
        figures = {
            "all": {"": (whole, 200)},
            "port": {key: (many, max(1, many // 3)) for key, many in own.items()},
            "country": {"CN": (whole // 2, 90), "US": (whole // 3, 60)},
        }
        moved = np.random.default_rng(100 + place).lognormal(0, 0.6, 24)
        hours = random.poisson(whole * moved / moved.sum())
        out.append(
            Counted(homes.FIRST + dt.timedelta(days=place), figures, dict(enumerate(map(int, hours))),
                    dict.fromkeys(range(24), (3600, 1)), [])
        )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def twenty() -> World:
    return World([household(n) for n in range(20)])


def ports(rows: list[Row]) -> Counter[str]:
    out: Counter[str] = Counter()
    for _, what, key, packets, _ in rows:
        if what == "port":
            out[key] += packets
    return out


def test_lies_are_what_they_are_called(twenty: World) -> None:
    """Each changes what it says and keeps its own sums right: the whole stays more than its ports."""
    for name, lie in lies.KINDS.items():
        before, after = ports(twenty.rows[4]), ports(lie(twenty, 4, [4, 5, 6], np.random.default_rng(1)))
        grown = {key for key in after if after[key] > 1.15 * before[key]}
        if name == "inflated":
            [key] = grown
            assert after[key] == pytest.approx(100 * before[key], rel=0.1)
        elif name in ("invented", "colluding"):
            assert grown <= lies.MADE_UP and len(grown) == 1
        elif name in ("denied", "zeros"):
            assert "23/6" not in after and "23/6" in before and not grown
        elif name == "copied":
            assert after in [ports(rows) for n, rows in enumerate(twenty.rows) if n not in (4, 5, 6)]
        elif name == "slight":
            [key] = grown
            assert after[key] == pytest.approx(1.3 * before[key], rel=0.1)
        else:
            assert after == before
    whole = lies.inflated(twenty, 4, [4], np.random.default_rng(1))
    assert sum(row[3] for row in whole if row[1] == "all") >= 0.95 * sum(ports(whole).values())


def test_an_hour_moved_is_the_next(twenty: World) -> None:
    day = twenty.days[1]
    before = {int(row[2]): row[3] for row in twenty.rows[0] if row[:2] == (day, "hour")}
    after = {int(row[2]): row[3] for row in lies.moved(twenty.rows[0], 1) if row[:2] == (day, "hour")}
    assert all(after[hour + 1] == before[hour] for hour in range(23))


def test_it_holds_with_three_and_is_seen_to_break(twenty: World, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = federate._truth(twenty)
    assert figures["packets"] == sum(p for h in twenty.homes for d in h for p, _ in d.figures["port"].values())
    assert figures["truth.among"] == 10 and figures["honest.wronged"] == 0
    found = federate._lied(twenty, "colluding", 2)
    assert (found["colluding.entered"], found["colluding.caught"], found["colluding.wronged"]) == (0, 1, 0)
    assert found["colluding.among"] == 10 and found["colluding.sum_among"] < 10
    copied = federate._lied(twenty, "copied", 1)
    assert copied["copied.caught"] == 1 and copied["copied.wronged"] <= 3
    monkeypatch.setattr(federate, "MOST", 6)
    broken = federate._breaking(twenty, 1)
    assert broken["breaks_at"] == 6 and broken["liars.5.listed"] == 0 and broken["liars.6.in_ten"] == 1
    assert 0.8 < broken["liars.5.first_left"] < 1


@pytest.mark.full
def test_noise_and_thresholds_cost_something(twenty: World) -> None:
    found = federate._hiding(twenty, 1)
    assert found["least.1.among"] == 10 and found["least.250.told"] < found["least.10.told"] <= 1.02
    assert found["epsilon.0.5.off"] > found["epsilon.5.off"] and found["epsilon.0.5.sd"] > 10 * found["epsilon.5.sd"] / 1.1


@pytest.mark.full
def test_a_household_is_counted_once(tmp_path: Path) -> None:
    """Simulated, taken in, counted; what the log has of a port is what is counted of it."""
    kept = homes.make(tmp_path, 3, 1, 400)
    assert [p.name for p in tmp_path.iterdir()] == [kept.name]
    [day] = homes.read(kept)
    assert day.day == homes.FIRST and sum(p for p, _ in day.figures["port"].values()) == day.figures["all"][""][0] > 200
    assert sum(day.hours.values()) == day.figures["all"][""][0] and set(day.watching) == set(range(24))
    before = kept.read_bytes()
    assert homes.make(tmp_path, 3, 1, 400) == kept and kept.read_bytes() == before


@pytest.mark.full
def test_growth_is_of_whole_processes(tmp_path: Path) -> None:
    found = growth.run(tmp_path, 4)
    assert found["rows"] == sum(len(growth.rows(n, growth.PORTS)) for n in range(4)) and found["merge_mib"] > 30
    assert not list(tmp_path.iterdir()) and found["report_s"] > 0
    assert world.listed(4).by_key(world.signer(3).id) is not None
