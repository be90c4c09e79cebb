"""ZMap's order of addresses: discrete logarithms against powers, the walk step by step, and two real scans."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.errors import UsageError
from teiten.simulate.dark._walk import ONE_PORT, TWO_PORTS, Group, Walk, generator_of, index_of, logarithm

NETWORK = 0x2C0B2600


ORDER = ONE_PORT.order
GROUPS = st.sampled_from([ONE_PORT, TWO_PORTS])


@settings(deadline=None)
@given(GROUPS, st.lists(st.integers(1, 2**32 + 14), min_size=1, max_size=50))
def test_a_logarithm_gives_its_number_back(group: Group, numbers: list[int]) -> None:
    found = logarithm(np.array(numbers, dtype=np.uint64), group)
    assert [pow(group.root, int(n), group.prime) for n in found] == numbers


@pytest.mark.parametrize("group", [ONE_PORT, TWO_PORTS])
def test_a_generator_reaches_everything(group: Group) -> None:
    product = 1
    for power in group.powers:
        product *= power
    assert product == group.order
    for seed in range(20):
        g = generator_of(np.random.default_rng(seed), group)
        assert 1 < g < 1 << 22
        assert all(pow(g, group.order // q, group.prime) != 1 for q in group.primes)


@pytest.mark.parametrize(("shards", "threads", "ports"), [(1, 1, 1), (1, 4, 1), (2, 3, 1), (1, 2, 2)])
def test_between_two_visits_lie_as_many_steps_as_powers(shards: int, threads: int, ports: int) -> None:
    group, seen = (ONE_PORT, TWO_PORTS)[ports - 1], []
    g = generator_of(np.random.default_rng(5), group)
    size = group.order // (shards * threads)
    index = index_of(NETWORK, 24)
    for shard in range(shards):
        places, done = Walk(g, 987_654_321, shards, shard, threads, (0.0,) * threads, ports).visits(NETWORK, 24)
        assert (np.diff(done) >= 0).all() and done[0] >= 0 and done[-1] < 1 + 1e-6
        seen += places.tolist()
        pieces = set()
        for place, part in zip(places.tolist(), done.tolist(), strict=True):
            # e = offset of the exponents + beginning of some piece + steps within it: g^e is what is walked through
            want = int(index[place // ports]) * ports + place % ports + 1
            steps = 987_654_321 + round(part * size)
            fits = [p for p in range(shards * threads) if pow(g, (steps + p * size) % group.order, group.prime) == want]
            assert len(fits) == 1
            pieces.update(fits)
        assert pieces == set(range(shard * threads, (shard + 1) * threads))
    assert sorted(seen) == list(range(256 * ports)), "each address and port once in all shards together"


def test_a_slow_thread_is_late() -> None:
    even = Walk(3, 0, 1, 0, 2, (0.0, 0.0)).visits(NETWORK, 24)[1]
    slow = Walk(3, 0, 1, 0, 2, (0.0, 0.5)).visits(NETWORK, 24)[1]
    assert even.max() < 1 < slow.max() < 1.5


def test_places_among_the_allowed() -> None:
    assert index_of(0x01000000, 24)[0] == 0, "1.0.0.0 is the first: 0.0.0.0/8 is left out"
    assert index_of(0x0B000000, 24)[7] == 9 * 2**24 + 7, "10.0.0.0/8 too"
    for network in (0xC0000200, 0x0A000000, 0xC0000300):
        with pytest.raises(UsageError, match="reserved network"):
            index_of(network, 24)


@pytest.mark.parametrize(("name", "generator", "threads"), [("1thread", 3616844, 1), ("4threads", 3173455, 4)])
def test_real_scans_go_this_way(shared_data: Path, name: str, generator: int, threads: int) -> None:
    """What a dark /12 saw of ZMap 4.3: with the right generator all addresses lie close together in its pieces' order."""
    path = shared_data / f"packets/netns/zmap4_order_{name}_44.0.0.0-12.pcap"
    if not path.exists():
        pytest.skip("no real scans here")
    raw, at, dsts = path.read_bytes(), 24, []
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at + 8)
        if raw[at + 28 : at + 30] == b"\x08\x00":
            dsts.append(struct.unpack_from(">I", raw, at + 46)[0])
        at += 16 + size
    logs = logarithm(index_of(0x2C000000, 12)[np.array(dsts[:400]) - 0x2C000000] + np.uint64(1)).tolist()
    inverse = pow(int(logarithm(np.array([generator], dtype=np.uint64))[0]), -1, ORDER)
    places = np.array([(log - logs[0]) * inverse * threads % ORDER / ORDER for log in logs])
    places = (places + 0.5) % 1
    assert places.max() - places.min() < 0.002
    if threads == 1:
        assert (np.diff(places) > 0).all()
