"""Crypto-PAn against its authors' sample trace; prefixes kept for both families; truncation, keyed hashes."""

from __future__ import annotations

import ipaddress
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.publish import anonymise

KEY = bytes.fromhex("1522178d33a4cf80130a5b1649907d10d8988f837979652762574c2d2a842202")
"""the key of Crypto-PAn's sample program, and addresses of its sample trace before and after"""
SAMPLE = {
    "128.11.68.132": "135.242.180.132", "129.118.74.4": "134.136.186.123", "130.132.252.244": "133.68.164.234",
    "141.223.7.43": "141.167.8.160", "141.233.145.108": "141.129.237.235", "152.163.225.39": "151.140.114.167",
    "156.29.3.236": "147.225.12.42", "165.247.96.84": "162.9.99.234", "192.102.249.13": "252.138.62.131",
    "192.215.32.125": "252.43.47.189", "192.233.80.103": "252.25.108.8", "24.0.250.221": "100.15.198.226",
}  # fmt: skip


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def test_the_sample_trace() -> None:
    made = anonymise.cryptopan([packed(one) for one in SAMPLE], KEY)
    assert [str(ipaddress.ip_address(one)) for one in made] == list(SAMPLE.values())


def shared(one: bytes, other: bytes) -> int:
    """How many first bits they have in common."""
    bits = 8 * len(one)
    return bits - (int.from_bytes(one) ^ int.from_bytes(other)).bit_length()


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([4, 16]).flatmap(lambda n: st.lists(st.binary(min_size=n, max_size=n), min_size=2, max_size=6)))
def test_prefixes_are_kept_exactly(addresses: list[bytes]) -> None:
    made = anonymise.cryptopan(addresses, KEY)
    for i, one in enumerate(addresses):
        for j, other in enumerate(addresses):
            assert shared(one, other) == shared(made[i], made[j])


def test_many_at_once_are_as_one_by_one() -> None:
    some = [os.urandom(4) for _ in range(3000)]
    together = anonymise.cryptopan(some, KEY)
    assert together[2047:2050] == [anonymise.cryptopan([one], KEY)[0] for one in some[2047:2050]]


def test_schemes() -> None:
    four, six = packed("198.51.100.77"), packed("2001:db8:1:2::3")
    assert anonymise.texts([four, six], "truncate", KEY) == {four: "198.51.100.0", six: "2001:db8:1::"}
    assert anonymise.texts([four], "drop", KEY) == {four: None}
    names = anonymise.texts([four, six, four], "hash", KEY)
    assert len(set(names.values())) == 2 and names != anonymise.texts([four, six], "hash", b"x" * 32)
    with pytest.raises(ValueError):
        anonymise.texts([four], "none", KEY)
    with pytest.raises(ValueError):
        anonymise.cryptopan([four], b"short")
