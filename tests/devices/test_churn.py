"""Two weeks of devices behind changing addresses: counted to 2 % where they say who they are, bounded where they do not."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from dataclasses import dataclass

import pytest

from teiten.devices import churn
from teiten.devices.churn import Count, Sight

FIRST = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
DAYS = 14


@dataclass
class World:
    """The truth: which device had which address from when to when, and what a survey and a telescope saw of it."""

    sights: list[Sight]
    active: dict[dt.date, dict[bytes, list[churn.Interval]]]
    devices: dict[dt.date, set[int]]


def world(
    seed: int, *, devices: int = 200, changes: float = 2.5, tells: float = 1.0, pool: int = 100_000, default_key: float = 0.3
) -> World:
    """devices, each of which changes its address so many times a day, from its AS's pool; `tells` of them say their UUID.

    `default_key` of them have the maker's certificate, the same in all. Each address is visited once, a while after the
    device got it, unless the device has left it by then; and packets come now and then. Half of the devices come or go."""
    rng = random.Random(seed)
    sights: list[Sight] = []
    active: dict[dt.date, dict[bytes, list[churn.Interval]]] = defaultdict(lambda: defaultdict(list))
    truth: dict[dt.date, set[int]] = defaultdict(set)
    taken: set[int] = set()
    for device in range(devices):
        begin, end = sorted((rng.uniform(-7, DAYS), rng.uniform(0, DAYS + 7))) if device % 2 else (0.0, float(DAYS))
        at, end = max(0.0, begin), min(float(DAYS), end)
        own = f"uuid:{device:032x}" if rng.random() < tells else None
        shared = "cert_sha256:of-the-maker" if rng.random() < default_key else None
        while at < end:
            left = min(end, at + rng.expovariate(changes) + 0.02)
            while (address := device % 3 * pool + rng.randrange(pool)) in taken:
                pass
            taken.add(address)
            packed = (0x0A000000 + address).to_bytes(4, "big")
            day = int(at)
            while day < left and day < DAYS:
                low, high = max(at, day), min(left, day + 1)
                seen = FIRST + dt.timedelta(days=low + 0.2 * (high - low))
                date = seen.date()
                ids = frozenset(one for one in (own, shared) if one)
                sights.append(Sight(packed, seen, date, ids, 64500 + device % 3 if device % 5 else None))
                truth[date].add(device)
                for hour in range(int(low * 24), int(high * 24) + 1):
                    a, b = max(low, hour / 24), min(high, (hour + 1) / 24)
                    if b > a:
                        times = sorted(FIRST + dt.timedelta(days=rng.uniform(a, b)) for _ in range(rng.randint(1, 4)))
                        active[date][packed].append((times[0], times[-1]))
                day += 1
            taken.discard(address)
            at = left
    return World(sights, active, truth)


def counted(world: World) -> dict[dt.date, Count]:
    sights = churn.visits(world.sights)
    not_these = churn.shared(sights, 48)
    out = {}
    for day in world.devices:
        own = [one for one in sights if one.day == day]
        out[day] = churn.count({one.address for one in own}, own, not_these, world.active[day])
    return out


@pytest.mark.parametrize("seed", [1, 2])
def test_where_devices_say_who_they_are_their_number_is_within_2_percent(seed: int) -> None:
    found = world(seed)
    worst = addresses = 0.0
    for day, count in counted(found).items():
        true = len(found.devices[day])
        worst = max(worst, abs(count.devices - true) / true)
        addresses = max(addresses, count.addresses / true)
        assert count.low == count.devices == count.high
    print(f"two weeks, seed {seed}: worst day off by {worst:.2%}; by addresses it would have been {addresses - 1:.0%}")
    assert len(found.devices) == DAYS and worst <= 0.02 and addresses > 1.5


@pytest.mark.parametrize("tells", [0.0, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("changes", [0.1, 2.5])
def test_where_they_do_not_the_bounds_hold_the_truth(tells: float, changes: float) -> None:
    found = world(11, tells=tells, changes=changes)
    widest = 0.0
    for day, count in counted(found).items():
        true = len(found.devices[day])
        assert count.low <= true <= count.high, (day, count, true)
        assert count.devices <= true
        widest = max(widest, (count.high - count.low) / true)
    print(f"{tells:.0%} say who they are, {changes} changes a day: bounds at most {widest:.0%} of the truth apart")
    # the more of them say who they are, the closer
    assert widest <= (1 - tells) * (2 + 2 * changes) + 0.01


def test_devices_that_are_on_at_once_are_told_apart_without_any_identity() -> None:
    """At night 40 lines are up at the same hour: there are 40 devices at least, whatever their addresses are later."""
    day = FIRST.date()
    hour = dt.timedelta(hours=1)
    active = {bytes([10, 0, 0, n]): [(FIRST, FIRST + hour)] for n in range(40)}
    active |= {bytes([10, 0, 1, n]): [(FIRST + hour * n, FIRST + hour * (n + 1))] for n in range(2, 20)}
    count = churn.count(active, [], frozenset(), active)
    assert (count.addresses, count.told, count.devices, count.low, count.high) == (58, 0, 0, 40, 58)
    assert day


def sight(address: int, minutes: float, *ids: str, asn: int | None = None) -> Sight:
    moment = FIRST + dt.timedelta(minutes=minutes)
    return Sight(bytes([10, 0, 0, address]), moment, moment.date(), frozenset(ids), asn)


@pytest.mark.parametrize(
    ("sights", "shared"),
    [
        ([sight(1, 0, "u"), sight(2, 60, "u"), sight(3, 120, "u")], False),
        ([sight(1, 0, "u"), sight(2, 0.1, "u")], True),
        ([sight(1, 0, "u", asn=1), sight(2, 60, "u", asn=2)], True),
        ([sight(1, 0, "u", asn=1), sight(2, 60, "u")], False),
        ([sight(1 + n % 2, n * 60, "u") for n in range(8)], True),
        ([sight(1, 0, "u"), sight(2, 60, "u"), sight(1, 120, "u")], False),
        ([sight(n, n * 15, "u") for n in range(60)], True),
        ([sight(n, n * 15, "u") for n in range(40)], False),
    ],
)
def test_which_identities_are_several_devices(sights: list[Sight], shared: bool) -> None:
    assert churn.shared(sights, 48) == ({"u"} if shared else set())


def test_answers_of_one_visit_are_one_device() -> None:
    sights = [
        sight(1, 0, "uuid:a"),
        sight(1, 2, "key:b"),
        sight(2, 300, "key:b"),
        sight(3, 600, "uuid:a", "key:c"),
        sight(4, 0),
    ]
    made = churn.visits(sights)
    assert [one.ids for one in made if one.address == bytes([10, 0, 0, 1])] == [frozenset({"uuid:a", "key:b"})]
    count = churn.count({one.address for one in sights}, made)
    assert (count.addresses, count.told, count.devices, count.low, count.high) == (4, 3, 1, 1, 2)


def test_nothing() -> None:
    assert churn.count([], []) == Count() and Count().churn is None
