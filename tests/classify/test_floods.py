"""Floods of forged sources: found and named, among hosts that share the minute; crowds of real hosts are none."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.classify.examples import DARK, NOON, TOKYO, address, event, lake_of
from tests.classify.examples.spoofed_flood import drawn, flood

from teiten.classify import floods
from teiten.classify.floods import Day, Flood, Rule
from teiten.engine import open_session

START = NOON - dt.timedelta(hours=12)
END = NOON + dt.timedelta(hours=12)
Rows = list[dict[str, Any]]


def clustered(count: int, seed: int = 3) -> list[str]:
    """Hosts as they really lie: in some hundred networks of some of the /8s."""
    rng = np.random.default_rng(seed)
    networks = rng.choice([1, 2, 5, 14, 27, 36, 41, 58, 59, 60, 77, 78, 85, 91, 95, 103, 110, 113, 114, 117, 118, 119], 150)
    places = (networks.astype(np.int64) << 24) + (rng.integers(0, 256, 150) << 16)
    picked = rng.choice(places, count) + rng.integers(1, 65535, count)
    return [address(int(n)) for n in np.unique(picked)]


def crowd(sources: list[str], begin: float = 0.0, seconds: float = 120.0, **more: Any) -> Rows:
    """A packet of each, to any dark address."""
    return [
        event(n, src, **({"dst": DARK + n * 7919 % 65536, "dst_port": 80} | more), seconds=begin + seconds * n / len(sources))
        for n, src in enumerate(sources)
    ]


def judged(folder: Path, rows: Rows, rule: Rule | None = None) -> tuple[list[Flood], dict[str, set[str]]]:
    """The floods of the day, and the sources that are named, by flood."""
    with open_session(lake_of(folder, rows), TOKYO) as session:
        found, named = [], {}
        for one, sources in Day(session.work, START, END, rule or Rule()).floods():
            found.append(one)
            told = {address(int.from_bytes(src, "big")) for src in sources["src_ip"]}
            named[one.id] = named.get(one.id, set()) | told
        return found, named


def test_a_flood_is_told_of(tmp_path: Path) -> None:
    sources = drawn(1000)
    (one,), named = judged(tmp_path, flood(sources))
    assert (one.what, one.sources, one.level) == ("80/tcp", 1000, 0)
    assert one.id == "20260401T0300Z-80/tcp"
    assert one.start == NOON
    assert one.end - one.start < dt.timedelta(seconds=120)
    assert one.uneven < 0.2
    assert one.odd_ttl > 0.3
    assert one.forged == 1.0
    assert named == {one.id: set(sources)}


def test_a_crowd_of_real_hosts_is_none(tmp_path: Path) -> None:
    """New hosts, one packet each, within two minutes, at one port: a worm's outbreak. Their /8s tell them apart."""
    found, _ = judged(tmp_path, crowd(clustered(3000)) + crowd(clustered(3000, 4), 600, dst=DARK + 1))
    assert found == []


def lumpy(count: int, seed: int = 5) -> list[str]:
    """As a run of hping3 --rand-source makes them: bytes drawn one by one, a third of their values never."""
    rng = np.random.default_rng(seed)
    values = rng.choice(256, 170, replace=False)
    rows = np.unique(rng.choice(values, (count, 4)), axis=0)
    return [".".join(map(str, row)) for row in rows]


def test_a_poor_generators_sources_are_forged_too(tmp_path: Path) -> None:
    sources = lumpy(1500)
    (one,), named = judged(tmp_path, flood(sources))
    assert one.uneven > 0.35 and one.lumpy and one.impossible > 0.1
    assert len(named[one.id]) == len(sources)


def test_a_crowd_with_forged_ones_among_it_is_not_taken_for_a_poor_generator(tmp_path: Path) -> None:
    """A worm's outbreak and a flood at one port in one minute, half of each: nobody is named rather than the hosts."""
    assert judged(tmp_path, flood(drawn(1500)) + crowd(clustered(1500), dst=DARK + 77))[0] == []


@pytest.mark.parametrize("count", [200, 500, 1500, 20_000])
def test_nearness(count: int) -> None:
    def near(sources: list[str]) -> float:
        first = [[int(part) for part in src.split(".")[:2]] for src in sources]
        cells = pl.DataFrame(first, schema=["eight", "second"], orient="row").group_by("eight", "second").len("alone")
        return floods.nearness(cells)

    assert near(lumpy(count)) <= 1.5
    assert near([address(int(n)) for n in np.random.default_rng(1).integers(0, 1 << 32, count)]) <= 1.5
    assert near(clustered(count)) > 2


def test_few_of_them_are_none(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    assert judged(tmp_path, flood(drawn(190)))[0] == []
    assert len(judged(tmp_path / "more", flood(drawn(200)))[0]) == 1


def test_hosts_that_share_the_minutes_are_not_named(tmp_path: Path) -> None:
    """At the destination that is flooded: hosts seen elsewhere, hosts with a tool's mark, and one-packet hosts by chance."""
    forged = drawn(2000)
    others = [src for src in clustered(120) if src not in forged]
    seen, marked, alone = others[:40], others[40:80], others[80:]
    rows = flood(forged)
    rows += crowd(seen, dst=DARK + 77) + crowd(seen, 9000, dst_port=22)
    rows += [event(n, src, DARK + 77, seconds=n, dst_port=80, tcp_seq=DARK + 77) for n, src in enumerate(marked)]
    rows += crowd(alone, dst=DARK + 77)
    (one,), named = judged(tmp_path, rows)
    assert named[one.id] >= set(forged)
    assert not named[one.id] & {*seen, *marked}
    assert named[one.id] <= {*forged, *alone}  # of the last nothing tells


def test_a_source_in_a_crowded_part_is_less_sure(tmp_path: Path) -> None:
    """Where as many one-packet hosts come to a port at other times, a /8 full of hosts lowers its sources' confidence."""
    rows = flood(drawn(2000))
    hosts = clustered(20000)
    alone, often = hosts[::2], hosts[1::2]
    rows += [event(n, src, DARK + 77, seconds=-40000 + n % 10000 * 8.0, dst_port=80) for n, src in enumerate(alone)]
    rows += crowd(often, -40000, 80000, dst_port=22) + crowd(often, -39000, 80000, dst_port=23)
    (one,), _ = judged(tmp_path, rows)
    assert 0.9 < one.forged < 1
    assert min(one.confidence) < max(one.confidence)
    assert one.confidence[1] < one.confidence[40]  # hosts lie in 1/8, none in 40/8


def test_spread_over_destinations_and_over_ports(tmp_path: Path) -> None:
    """One port of all addresses; all ports of one address."""
    spread = [row | {"dst_ip": address(DARK + n * 7919 % 65536)} for n, row in enumerate(flood(drawn(1500)))]
    ports = [row | {"dst_port": 1 + n * 7919 % 65535} for n, row in enumerate(flood(drawn(1500, 7), 3000))]
    found, named = judged(tmp_path, spread + ports)
    assert sorted((one.level, one.what, one.sources) for one in found) == [(1, "80/tcp", 1499), (2, "TCP", 1499)]
    assert sorted(map(len, named.values())) == [1499, 1499]  # one was drawn twice


def test_a_busy_port_hides_no_flood_of_one_address(tmp_path: Path) -> None:
    hosts = clustered(20000)
    rows = crowd(hosts, -3600, 7200) + flood(drawn(500))
    (one,), named = judged(tmp_path, rows)
    assert one.level == 0
    assert len(named[one.id]) == 500


def test_pauses_part_floods(tmp_path: Path) -> None:
    rows = flood(drawn(500)) + flood(drawn(500, 9), 3600)
    found, _ = judged(tmp_path, rows)
    assert [one.start for one in found] == [NOON, NOON + dt.timedelta(hours=1)]


def test_answers_and_ipv6_are_no_flood(tmp_path: Path) -> None:
    rows = [row | {"tcp_flags": 18} for row in flood(drawn(500))]
    rows += [event(n, f"2001:db8:{n:x}::1", dst_ip="2001:db8:ffff::1", seconds=n / 10, dst_port=80) for n in range(500)]
    assert judged(tmp_path, rows)[0] == []


@pytest.mark.parametrize("count", [200, 1000, 5000, 100_000])
def test_even_sources_are_even_whatever_their_number(count: int) -> None:
    rng = np.random.default_rng(count)
    for low, high in ((0, 256), (1, 224), (11, 127)):
        counts = np.bincount(rng.integers(low, high, count), minlength=256).astype(float)
        chi2, freedom, even = floods.flatness(counts)
        uneven = math.sqrt(max(0.0, chi2 - freedom) / count)
        assert even.sum() == pytest.approx(1.0)
        assert (uneven < 0.35) == (high - low > 200)


def test_chance_of_impossible_sources() -> None:
    assert floods._tail(5, 1000, 0.01) == 1.0
    assert floods._tail(20, 1000, 0.01) > 1e-6
    assert floods._tail(60, 1000, 0.01) < 1e-6
    assert floods._tail(10, 10, 0.5) == pytest.approx(0.5**10)
