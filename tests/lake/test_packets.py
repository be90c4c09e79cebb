"""The hash of a packet's stored columns: the same from wherever it is made, another for whatever is unlike."""

from __future__ import annotations

import ipaddress
from typing import Any

import numpy as np
import polars as pl
import pytest
from making import T0, events

from teiten.lake import packets

KEY = 0x0123456789ABCDEF
ROW: dict[str, Any] = {
    "time": T0, "src_ip": "203.0.113.5", "dst_ip": "198.51.100.1", "protocol": 6, "src_port": 40000, "dst_port": 23, "ttl": 61,
    "ip_id": 54321, "ip_len": 60, "tcp_flags": 2, "tcp_seq": 0xFFFFFF00, "tcp_ack": 0, "tcp_window": 1024, "tcp_opt_len": 20,
    "ip_flags": 2, "frag_offset": 0, "payload_len": 0,
}  # fmt: skip
SIX = {**ROW, "src_ip": "2001:db8::9", "dst_ip": "2001:db8::fe07", "ip_id": None}


def hashes(*rows: dict[str, Any], key: int = KEY) -> list[int]:
    found: list[int] = packets.of_frame(events(rows), key).tolist()
    return found


def test_what_is_kept_of_forgotten_packets_stays_what_it_is() -> None:
    """Lakes hold these numbers for packets that were forgotten: they must come out so for ever."""
    icmp = {**ROW, "protocol": 1, "src_port": None, "dst_port": None, "icmp_type": 8, "icmp_code": 0, "tcp_seq": None}
    assert hashes(ROW, SIX, icmp, {**ROW, "time_basis": "received"}) == GOLDEN


@pytest.mark.parametrize("name", [name for name in packets.COLUMNS if name != "time_basis"])
def test_every_column_counts(name: str) -> None:
    value = {**ROW, "icmp_type": 3, "icmp_code": 1}[name]
    if name == "time":
        others: list[Any] = [T0.replace(microsecond=1), T0.replace(year=2027)]
    elif name in packets.ADDRESSES:
        others = [str(ipaddress.ip_address(value) + 1), "2001:db8::5", "::" + value, f"2001:db8:1::{value}"]
    else:
        others = [value + 1, value ^ 1 << 8, None] if value is not None else [1]
    found = hashes(ROW | {name: value}, *({**ROW, name: other} for other in others))
    assert len(set(found)) == len(found)


def test_what_does_not_count() -> None:
    """Where and how it was captured, what a setting keeps, what it quotes; the time where it is not the packet's."""
    quoted = {"inner_src_ip": b"\1\2\3\4", "inner_dst_ip": b"\5\6\7\x08", "inner_protocol": 6, "inner_src_port": 1}
    more = {"sensor": "b", "source_id": 9, "source_pos": 99, "interface": "eth0", "payload": b"abc", **quoted, "country": "JP"}
    assert len(set(hashes(ROW, ROW | more))) == 1
    received = {**ROW, "time_basis": "received"}
    assert len(set(hashes(received, {**received, "time": T0.replace(year=2020)}))) == 1


def test_it_needs_the_key_and_not_the_neighbours() -> None:
    assert hashes(ROW, key=KEY ^ 1) != hashes(ROW)
    rows = [{**(SIX if n % 3 else ROW), "tcp_seq": n} for n in range(50)]
    assert hashes(*rows) == [one for row in rows for one in hashes(row)]
    assert len(set(hashes(*rows))) == 50
    assert packets.of_frame(events([]), KEY).tolist() == []


def test_equal_by_chance_is_rare() -> None:
    """Bits are even, also of packets that differ little."""
    n = 1 << 16
    base = events([ROW]).select(packets.COLUMNS)
    rows = pl.concat([base] * n).with_columns(pl.Series("tcp_seq", np.arange(n)), pl.Series("tcp_window", np.arange(n) % 7))
    found = packets.of_frame(rows, KEY)
    assert len(np.unique(found)) == n
    assert not (found & packets.OTHER).any()
    ones = np.unpackbits(found.view(np.uint8), bitorder="little").reshape(n, 64)[:, 1:].mean(axis=0)
    assert (abs(ones - 0.5) < 0.02).all()


GOLDEN = [0x9C113459BC2245B0, 0xDCE0CD2D914F2600, 0xDAD729F5053C644A, 0x943D583DEAC5F76A]
