"""Packets and distinct sources of each slot are those that Python's own sets give, however the tables grow."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.readers import _counts, _jit

FEW = st.integers(0, 5) | st.integers(-(2**31), 2**31 - 1)
FEW64 = st.integers(0, 3) | st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(-1, 6), FEW), max_size=60), max_size=4))
def test_four(parts: list[list[tuple[int, int]]]) -> None:
    found, counted = _counts.Four(7), _counts.Four(7, counted=True)
    want: Counter[int] = Counter()
    seen: set[tuple[int, int]] = set()
    of_each: Counter[tuple[int, int]] = Counter()
    for part in parts:
        slots, sources = np.array([p[0] for p in part], np.int32), np.array([p[1] for p in part], np.int32)
        fresh = found.add(slots, sources)
        counted.add(slots, sources)
        new = []
        for slot, source in part:
            if slot >= 0:
                want[slot] += 1
                of_each[slot, source] += 1
                if (slot, source) not in seen:
                    seen.add((slot, source))
                    new.append(source)
        assert fresh.tolist() == new
    assert found.packets.tolist() == counted.packets.tolist() == [want[i] for i in range(7)]
    assert found.hosts.tolist() == counted.hosts.tolist() == [sum(s == i for s, _ in seen) for i in range(7)]
    sources, packets = counted.sources()
    told = sorted(zip(sources.tolist(), packets.tolist(), strict=True))
    assert told == sorted((int.from_bytes(a.to_bytes(4, "little", signed=True), "big"), n) for (_, a), n in of_each.items())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(-1, 2), FEW64, FEW64), max_size=200), max_size=4))
def test_six(parts: list[list[tuple[int, int, int]]]) -> None:
    found = _counts.Six(3)
    of_each: Counter[tuple[int, int, int]] = Counter()
    for part in parts:
        slots = np.array([p[0] for p in part], np.int32)
        high, low = np.array([p[1] for p in part], np.int64), np.array([p[2] for p in part], np.int64)
        fresh = found.add(slots, high, low).tolist()
        new = []
        for i, row in enumerate(part):
            if row[0] >= 0:
                new += [i] if row not in of_each else []
                of_each[row] += 1
        assert fresh == new
    assert found.packets.tolist() == [sum(n for row, n in of_each.items() if row[0] == i) for i in range(3)]
    assert found.hosts.tolist() == [sum(row[0] == i for row in of_each) for i in range(3)]
    told = sorted(zip(*(c.tolist() for c in found.sources()), strict=True))
    assert told == sorted((*row[1:], n) for row, n in of_each.items())


@pytest.mark.skipif(_jit.PLAIN, reason="too slow in Python")
def test_tables_grow_to_their_bound() -> None:
    rng = np.random.default_rng(1)
    sources = rng.integers(-(2**31), 2**31, 300_000).astype(np.int32)
    found = _counts.Four(1)
    for part in np.split(sources, 10):
        found.add(np.zeros(len(part), np.int32), part)
    assert found.hosts[0] == len(np.unique(sources))
    assert found.packets[0] == len(sources)
    with pytest.raises(_counts.TooMany):
        _counts.Four(1, most_bits=16).add(np.zeros(len(sources), np.int32), sources)
    halves = rng.integers(-(2**63), 2**63, (2, 20_000))
    six = _counts.Six(1, most_bits=16)
    six.add(np.zeros(20_000, np.int32), halves[0].copy(), halves[1].copy())
    assert six.hosts[0] == 20_000
    with pytest.raises(_counts.TooMany):
        six.add(np.zeros(20_000, np.int32), halves[1].copy(), halves[0].copy())
        six.add(np.zeros(20_000, np.int32), halves[1].copy(), halves[1].copy())


def test_slots_of_ports() -> None:
    rows = [(6, 23), (17, 53), (33, 1), (132, 65535), (136, 0), (6, -1), (1, -1), (58, -1), (255, -1), (-1, -1)]
    protocols, ports = np.array([r[0] for r in rows], np.int16), np.array([r[1] for r in rows], np.int32)
    slots = np.empty(len(rows), np.int32)
    _counts.port_slots(len(rows), _jit.view(protocols), _jit.view(ports), _jit.view(slots))
    k = _counts
    assert slots.tolist() == [
        23, k.PORTS + 53, 2 * k.PORTS + 1, 4 * k.PORTS - 1, 4 * k.PORTS, k.UNKNOWN, k.OTHERS + 1, k.OTHERS + 58, k.OTHERS + 255,
        k.UNKNOWN,
    ]  # fmt: skip
    assert k.WITH_PORTS == (6, 17, 33, 132, 136)
