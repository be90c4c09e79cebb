"""Tables of ranges against a lookup that tries every range."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.enrich import _table

# near one another, so that ranges touch, overlap and lie inside one another
NEAR = st.integers(0x08080000, 0x08080020)
RANGES = st.lists(st.tuples(NEAR, st.integers(0, 12), st.integers(1, 4)), max_size=12)


def innermost(ranges: list[tuple[int, int, int]], address: int) -> int:
    """The code of the range that begins last (of two the shorter, of equal ones the later) among those that hold it."""
    holding = [(first, -last, i, code) for i, (first, last, code) in enumerate(ranges) if first <= address <= last]
    return max(holding)[3] if holding else 0


def as_numbers(addresses: list[int], family: int) -> np.ndarray:
    return _table.pack(addresses, family)


@given(RANGES, st.sampled_from([4, 6]))
def test_every_address_has_the_code_of_the_innermost_range(some: list[tuple[int, int, int]], family: int) -> None:
    base = 0 if family == 4 else 0x2A00 << 112
    ranges = [(base + first, base + first + more, code) for first, more, code in some]
    table = _table.build(family, ranges)
    addresses = list(range(base + 0x0807FFFE, base + 0x08080032))
    found = table.look_up(as_numbers(addresses, family)).tolist()
    assert found == [innermost(ranges, a) for a in addresses]


@given(RANGES, st.sampled_from([4, 6]))
def test_packed_and_unpacked_it_is_the_same(some: list[tuple[int, int, int]], family: int) -> None:
    base = 0 if family == 4 else 0x2A00 << 112 | 7
    table = _table.build(family, [(base + first, base + first + more, code) for first, more, code in some])
    again = _table.decode(family, _table.encode(table))
    assert np.array_equal(again.starts, table.starts)
    assert np.array_equal(again.codes, table.codes)


@pytest.mark.parametrize("family", [4, 6])
def test_addresses_of_nobody_are_unknown_whatever_the_data_say(family: int) -> None:
    table = _table.build(family, [(0, (1 << _table.BITS[family]) - 1, 9)])
    for prefix in _table.NOBODYS[family]:
        network = ipaddress.ip_network(prefix)
        edges = [int(network[0]), int(network[-1])]
        assert table.look_up(as_numbers(edges, family)).tolist() == [0, 0], prefix
    known = (
        ["9.255.255.255", "11.0.0.0", "100.63.255.255", "223.255.255.255"]
        if family == 4
        else ["2001:db7:ffff::1", "2001:db9::", "3ffe::1"]
    )
    assert table.look_up(as_numbers([int(ipaddress.ip_address(a)) for a in known], family)).tolist() == [9] * len(known)


def test_the_last_address_and_the_first() -> None:
    table = _table.build(6, [(0x2A00 << 112, (0x2A01 << 112) - 1, 5)])
    edges = [(0x2A00 << 112) - 1, 0x2A00 << 112, (0x2A01 << 112) - 1, 0x2A01 << 112, (1 << 128) - 1, 0]
    assert table.look_up(as_numbers(edges, 6)).tolist() == [0, 5, 5, 0, 0, 0]


def test_ranges_of_a_code() -> None:
    table = _table.build(4, [(0x08000000, 0x080000FF, 1), (0x09000000, 0x0900FFFF, 2), (0x08000100, 0x08000FFF, 1)])
    first, last = table.ranges(1)
    assert (first.tolist(), last.tolist()) == ([0x08000000], [0x08000FFF])


@pytest.mark.parametrize("packed", [b"", b"no xz", _table.lzma.compress(b""), _table.lzma.compress(b"123")])
def test_what_is_no_table_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError):
        _table.decode(4, packed)


def test_boundaries_out_of_order_are_refused() -> None:
    broken = np.array([0, 5, 0, 1, 2, 3], dtype="<u4").tobytes()  # the third boundary is the second again
    with pytest.raises(ValueError, match="order"):
        _table.decode(4, _table.lzma.compress(broken))
