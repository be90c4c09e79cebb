"""Sketches: exact while they are small, close when they are not, the same in whatever order they are united."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.federation import sketch

KEY = bytes(32)


def address(n: int) -> bytes:
    return (0x08000000 + n).to_bytes(4, "big")


def test_small_ones_are_exact() -> None:
    own = sketch.of(map(address, [1, 2, 3, 3, 2]), KEY)
    assert (own.estimate, own.error) == (3, 0)
    assert sketch.union([own, sketch.of(map(address, [3, 4]), KEY)]).estimate == 4
    assert sketch.union([]).estimate == 0


def test_large_ones_are_close() -> None:
    parts = [sketch.of(map(address, range(n * 3000, n * 3000 + 6000)), KEY) for n in range(5)]
    assert parts[0].error == pytest.approx(0.031, abs=0.001)
    assert abs(parts[0].estimate / 6000 - 1) < 0.12
    assert abs(sketch.union(parts).estimate / 18_000 - 1) < 0.12


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sets(st.integers(0, 5000), max_size=2000), min_size=1, max_size=4), st.randoms())
def test_the_order_makes_no_difference(groups: list[set[int]], random: object) -> None:
    parts = [sketch.of(map(address, one), KEY) for one in groups]
    whole = sketch.union(parts)
    random.shuffle(parts)  # type: ignore[attr-defined]
    again = sketch.union([*parts, parts[0]])
    assert (whole.theta, whole.hashes.tolist()) == (again.theta, again.hashes.tolist())
    assert whole.text() == sketch.union([sketch.union(parts[:1]), *parts[1:]]).text()
    # the same as of one lake that saw all of it
    assert whole.estimate == sketch.of(map(address, set().union(*groups)), KEY).estimate


def test_another_key_shares_nothing() -> None:
    one, other = (sketch.of(map(address, range(500)), key) for key in (KEY, bytes([1]) * 32))
    assert not set(one.hashes.tolist()) & set(other.hashes.tolist())


def test_it_is_read_as_it_was_written() -> None:
    for many in (0, 5, 5000):
        own = sketch.of(map(address, range(many)), KEY)
        again = sketch.read(own.text())
        assert (again.theta, again.hashes.tolist()) == (own.theta, own.hashes.tolist())


@pytest.mark.parametrize(
    "data",
    [
        b"", bytes(7), bytes(8 * 1026), bytes(8) + bytes([0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1]),
        (5).to_bytes(8, "big") + (9).to_bytes(8, "big"), (5).to_bytes(8, "big") + (1).to_bytes(8, "big"),
    ],
)  # fmt: skip
def test_what_is_no_sketch(data: bytes) -> None:
    """Too long, out of order, beyond its own theta, a sample that is not full (which would make few hashes into billions)."""
    with pytest.raises(ValueError, match=r"as long as|out of order|not full"):
        sketch.read(base64.b64encode(data).decode())
    with pytest.raises(ValueError, match="base64"):
        sketch.read("no base64 at all!")
