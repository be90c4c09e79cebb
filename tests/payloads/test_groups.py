"""Alike payloads come together, others stay apart: labelled families, varied as their senders vary them."""

from __future__ import annotations

import random
from collections import Counter
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payloads import families

from teiten.payloads import groups


def adjusted_rand(truth: list[int], found: list[int]) -> float:
    """Hubert and Arabie's index (1985): 1 for the same partition, 0 for what chance would give."""
    pairs = sum(comb(n, 2) for n in Counter(zip(truth, found, strict=True)).values())
    rows = sum(comb(n, 2) for n in Counter(truth).values())
    columns = sum(comb(n, 2) for n in Counter(found).values())
    chance = rows * columns / comb(len(truth), 2)
    most = (rows + columns) / 2
    return 1.0 if most == chance else (pairs - chance) / (most - chance)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_thousand_payloads_of_twenty_families(seed: int) -> None:
    rows = families.labelled(1000, seed)
    found = groups.groups([data for _, data in rows])
    index = adjusted_rand([label for label, _ in rows], found)
    print(f"adjusted Rand index {index:.3f}, {len(set(found))} groups")
    assert index >= 0.95


def test_a_group_has_the_number_of_its_first() -> None:
    one, other = b"GET /a HTTP/1.0\r\n\r\n", b"\0\1\2\3\4\5\6\7\x80\x90"
    assert groups.groups([one, other, one, other]) == [0, 1, 0, 1]
    assert groups.groups([]) == []
    assert groups.groups([b"", b""]) == [0, 0]


def test_what_differs_by_victim_and_sender_alone_is_one_form() -> None:
    rng = random.Random(1)
    forms = {groups.masked(b"GET /x HTTP/1.1\r\nHost: " + families.host(rng) + b"\r\n\r\n") for _ in range(50)}
    assert len(forms) == 1


def test_many_of_one_kind_cost_no_square() -> None:
    rng = random.Random(5)
    found = groups.groups([families.jaws(rng) for _ in range(3000)])
    assert len(set(found)) == 1


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_any_bytes_have_a_group_and_equal_ones_the_same(payloads: list[bytes]) -> None:
    found = groups.groups(payloads)
    assert all(number <= place and found[number] == number for place, number in enumerate(found))
    for place, data in enumerate(payloads):
        assert found[place] == found[payloads.index(data)]


@pytest.mark.parametrize(
    "text", [b"A" * 60_000, b"1." * 30_000, b"%" * 60_000, b"host:" * 12_000, b"a-" * 30_000, b"://" * 20_000]
)
def test_no_text_makes_it_slow(text: bytes) -> None:
    """(the watchdog of all tests would end it)"""
    assert groups.groups([text, text + b"x"])[0] == 0
