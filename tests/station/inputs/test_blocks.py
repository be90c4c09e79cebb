"""A capture's bytes cut where packets end, however they come; bytes that are none."""

from __future__ import annotations

import struct

import pytest
from _captures import erf, numbers, pcap, pcapng
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.station.inputs._blocks import Broken, Cutter

FORMS = {
    "pcap": pcap(range(9)),
    "big": pcap(range(9), ">"),
    "pcapng": pcapng(range(9)),
    "sections": pcapng([1, 2]) + pcapng([3, 4]),
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25)
@given(cuts=st.lists(st.integers(1, 300), max_size=60))
def test_segments_made_of_a_capture_hold_its_packets(form: str, cuts: list[int]) -> None:
    whole, cutter, rest, found, packets, at = FORMS[form], Cutter(), b"", list[int](), 0, 0
    for size in [*cuts, len(whole)]:
        rest += whole[at : at + size]
        at += size
        head = cutter.head
        end = cutter.cut(rest)
        if end:
            found += numbers(head + rest[:end])
        packets += cutter.packets
        rest = rest[end:]
    assert (found, rest, packets) == (numbers(whole), b"", len(numbers(whole)))


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: www.example.net\r\n\r\n",
        pcap([])[:24] + struct.pack("<IIII", 1, 2, 1 << 30, 60) + bytes(100),
        pcapng([])[:8] + b"abcd" + bytes(60),
        pcapng([1]) + struct.pack("<II", 6, 0) + bytes(60),
    ],
    ids=["text", "a packet of a GiB", "no byte order", "a block of nothing"],
)
def test_what_is_no_capture(data: bytes) -> None:
    cutter = Cutter()
    with pytest.raises(Broken):
        while True:
            data = data[cutter.cut(data) :]


def test_erf_is_cut_by_its_records() -> None:
    cutter, whole = Cutter(erf=True), erf(range(5))
    assert (cutter.cut(whole[:-3]), cutter.packets, cutter.head) == (320, 4, b"")
    with pytest.raises(Broken):
        Cutter(erf=True).cut(bytes(40))
