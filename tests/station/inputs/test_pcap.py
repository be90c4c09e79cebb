"""The pipe's bytes come back as whole records, however they were cut; what is no capture is refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.station.inputs import _pcap

packets = st.lists(st.binary(max_size=60), max_size=20)


@given(packets, st.lists(st.integers(1, 40), max_size=60), st.sampled_from("<>"))
def test_records_come_back_whole_however_the_pipe_cuts_them(found: list[bytes], steps: list[int], order: str) -> None:
    head = struct.pack(f"{order}IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 512, 1)
    body = [struct.pack(f"{order}IIII", n, 0, len(one), len(one)) + one for n, one in enumerate(found)]
    whole = head + b"".join(body)
    records, out, many, at = _pcap.Records(), b"", 0, 0
    for step in [*steps, len(whole)]:
        got, more = records.take(whole[at : at + step])
        assert len(got) == sum(map(len, body[many : many + more]))
        out, many, at = out + got, many + more, at + step
    assert (records.head, out, many, records.left) == (head, b"".join(body), len(found), 0)


def test_half_a_record_waits() -> None:
    records = _pcap.Records()
    assert records.take(_pcap.header(_pcap.ETHERNET, 512) + _pcap.RECORD.pack(1, 2, 4, 4) + b"ab") == (b"", 0)
    assert records.left == 18
    assert records.take(b"cd") == (_pcap.RECORD.pack(1, 2, 4, 4) + b"abcd", 1)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"not a capture at all .....", "no capture"),
        (_pcap.header(1, 512) + _pcap.RECORD.pack(1, 2, 1 << 31, 9), "claims 2,147,483,648 bytes"),
    ],
)
def test_what_is_no_capture_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        _pcap.Records().take(data)
