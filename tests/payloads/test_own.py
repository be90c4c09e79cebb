"""The observer's own addresses in payloads: covered in every spelling, nothing else is touched."""

from __future__ import annotations

import base64
import ipaddress
import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.payloads.own import covered
from teiten.publish import leaks

FOUR, SIX = bytes([198, 51, 100, 23]), socket.inet_pton(socket.AF_INET6, "2001:db8:5::17")
OWN = frozenset({FOUR, SIX})
SPELT = {
    "Host": b"GET / HTTP/1.1\r\nHost: 198.51.100.23:8080\r\n\r\n",
    "dashes": b"GET http://host-198-51-100-23.example/ HTTP/1.1\r\n\r\n",
    "turned round": b"\x07ptr 23.100.51.198.in-addr.arpa",
    "a number": b"target=3325256727&x=1",
    "hexadecimal": b"id=c6336417;",
    "hexadecimal, with 0x": b"to 0xC6336417 now",
    "bytes": b"\x00\x01\xc6\x33\x64\x17\x00\x02",
    "bytes turned round": b"\x00\x01\x17\x64\x33\xc6\x00\x02",
    "IPv6": b"Host: [2001:db8:5::17]:80\r\n",
    "IPv6 written out": b"Host: [2001:0DB8:0005:0:0:0:0:0017]\r\n",
    "mapped": b"from ::ffff:198.51.100.23 to",
    "IPv6, bytes": b"\x00" + SIX + b"\x01",
}


@pytest.mark.parametrize("case", SPELT)
def test_each_spelling(case: str) -> None:
    found = covered(SPELT[case], OWN)
    assert b"**" in found
    assert leaks.find({"": found}, OWN) is None and FOUR not in found and FOUR[::-1] not in found and SIX not in found


def test_others_stay() -> None:
    for data in (b"Host: 198.51.100.2\r\nX: 1198.51.100.23 192.0.2.9", b"c63364170 3325256728", b"\xc6\x33\x64\x18" * 9, b""):
        assert covered(data, OWN) == data
    assert covered(SPELT["Host"], ()) == SPELT["Host"]


def test_a_binary_keeps_its_length() -> None:
    data = b"\x16\x03\x01\x00\x20" + b"\0\x0d198.51.100.23" + SIX
    assert len(covered(data, OWN)) == len(data)


def test_a_telescope_of_many_addresses() -> None:
    own = frozenset(ipaddress.ip_address(0xC6330000 + n).packed for n in range(1 << 12)) | {SIX}
    for case in ("Host", "bytes", "bytes turned round", "IPv6, bytes", "hexadecimal"):
        data = SPELT[case].replace(b"198.51.100.23", b"198.51.10.23").replace(FOUR, b"\xc6\x33\x0a\x17")
        data = data.replace(FOUR[::-1], b"\x17\x0a\x33\xc6").replace(b"c6336417", b"c6330a17")
        assert b"**" in covered(data, own), case
    rng = random.Random(1)
    noise = rng.randbytes(1 << 16)
    assert sum(a != b for a, b in zip(noise, covered(noise, own), strict=True)) < 100


@given(st.binary(max_size=200), st.sampled_from((b"198.51.100.23", FOUR, b"C6336417", SIX)), st.binary(max_size=200))
def test_any_bytes_around_it(before: bytes, spelt: bytes, after: bytes) -> None:
    found = covered(before + b" " + spelt + b" " + after, OWN)
    assert b"198.51.100.23" not in found and FOUR not in found and SIX not in found


def test_base64_is_looked_into_where_it_is_told() -> None:
    from teiten.publish import said

    inner = base64.b64encode(b"curl http://198.51.100.23/x").decode()
    assert "198" not in said.safe(base64.b64decode(inner).decode(), OWN)
