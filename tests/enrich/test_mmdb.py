"""MMDB files made here, read back; and hostile ones, which are refused and never run on."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teiten.enrich import _mmdb


def encode(value: Any) -> bytes:
    """A value of the format's."""

    def control(kind: int, size: int) -> bytes:
        first, more = (
            (size, b"") if size < 29 else (29, bytes([size - 29])) if size < 285 else (30, (size - 285).to_bytes(2, "big"))
        )
        return (bytes([kind << 5 | first]) if kind < 8 else bytes([first, kind - 7])) + more

    if isinstance(value, bool):
        return control(14, int(value))
    if isinstance(value, str):
        raw = value.encode()
        return control(2, len(raw)) + raw
    if isinstance(value, float):
        return control(3, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return control(6 if len(raw) <= 4 else 9, len(raw)) + raw
    if isinstance(value, dict):
        return control(7, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
    return control(11, len(value)) + b"".join(map(encode, value))


def write(
    path: Path, networks: dict[str, Any], *, bits: int = 24, version: int = 6, about: dict[str, Any] | None = None
) -> Path:
    """A database of those networks; IPv4 ones lie below ::/96 in an IPv6 tree."""
    nodes: list[list[Any]] = [[None, None]]
    data, places = b"", {}
    for text, record in networks.items():
        network = ipaddress.ip_network(text)
        width = network.max_prefixlen
        path_bits = f"{int(network[0]):0{width}b}"[: network.prefixlen]
        if version == 6 and width == 32:
            path_bits = "0" * 96 + path_bits
        raw = encode(record)
        if raw not in places:
            places[raw] = len(data)
            data += raw
        at = 0
        for bit in path_bits[:-1]:
            if nodes[at][int(bit)] is None:
                nodes.append([None, None])
                nodes[at][int(bit)] = len(nodes) - 1
            at = nodes[at][int(bit)]
        nodes[at][int(path_bits[-1])] = ("data", places[raw])
    count = len(nodes)

    def number(child: Any) -> int:
        return count if child is None else child if isinstance(child, int) else count + 16 + child[1]

    tree = b""
    for left, right in nodes:
        a, b = number(left), number(right)
        if bits == 28:
            tree += (a & 0xFFFFFF).to_bytes(3, "big") + bytes([a >> 24 << 4 | b >> 24]) + (b & 0xFFFFFF).to_bytes(3, "big")
        else:
            tree += a.to_bytes(bits // 8, "big") + b.to_bytes(bits // 8, "big")
    meta = {"node_count": count, "record_size": bits, "ip_version": version, "binary_format_major_version": 2,
            "database_type": "Test-Country", "build_epoch": 1_760_000_000} | (about or {})  # fmt: skip
    path.write_bytes(tree + bytes(16) + data + _mmdb.MARK + encode(meta))
    return path


NETWORKS = {
    "1.0.0.0/24": {"country": {"iso_code": "AU", "names": {"en": "Australia", "ja": "オーストラリア"}}},
    "1.0.1.0/24": {"country": {"iso_code": "CN"}},
    "128.0.0.0/1": {"country": {"iso_code": "US"}, "numbers": [1, 2.5, True, 1 << 60]},
    "2001:200::/32": {"country": {"iso_code": "JP"}},
    "2a00::/12": {"country": {"iso_code": "DE"}},
    "2001:db8::1/128": {"country": {"iso_code": "XX"}},
}


def read(path: Path) -> dict[str, Any]:
    database = _mmdb.Database(path)
    out = {}
    for network in database.networks():
        kind = ipaddress.IPv4Address if network.family == 4 else ipaddress.IPv6Address
        (prefix,) = ipaddress.summarize_address_range(kind(network.first), kind(network.last))
        out[str(prefix)] = database.record(network.record)
    return out


@pytest.mark.parametrize("bits", [24, 28, 32])
def test_what_was_written_is_read(tmp_path: Path, bits: int) -> None:
    assert read(write(tmp_path / "a.mmdb", NETWORKS, bits=bits)) == {
        str(ipaddress.ip_network(k)): v for k, v in NETWORKS.items()
    }


def test_an_ipv4_tree(tmp_path: Path) -> None:
    four = {k: v for k, v in NETWORKS.items() if ":" not in k}
    assert read(write(tmp_path / "a.mmdb", four, version=4)) == four


def test_long_texts_and_large_sizes(tmp_path: Path) -> None:
    record = {"a": "x" * 28, "b": "x" * 29, "c": "y" * 284, "d": "z" * 285, "e": "w" * 60_000}
    assert read(write(tmp_path / "a.mmdb", {"1.0.0.0/8": record})) == {"1.0.0.0/8": record}


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_pointers_of_every_width(width: int) -> None:
    at = {1: 100, 2: 3_000, 3: 600_000, 4: 600_001}[width]
    base = (0, 2048, 526_336, 0)[width - 1]
    raw = (at - base).to_bytes(4, "big")
    pointer = bytes([1 << 5 | (width - 1) << 3 | (0 if width == 4 else (at - base) >> (8 * width))]) + raw[4 - width :]
    assert _mmdb._Records(pointer.ljust(at, b"\0") + encode("here")).at(0) == "here"


def test_what_an_ipv6_tree_repeats_of_ipv4_is_told_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mmdb", {"1.0.0.0/8": {"country_code": "AU"}, "2002::/17": {"country_code": "NL"}})
    raw = bytearray(path.read_bytes())
    database = _mmdb.Database(path)
    four = 0
    for _ in range(96):
        four = int(database._tree[four, 0])
    # 2002:8000::/17 leads to IPv4's part of the tree, as real files do
    at = 0
    for bit in f"{0x2002:016b}":
        at = int(database._tree[at, int(bit)])
    raw[at * 6 + 3 : at * 6 + 6] = four.to_bytes(3, "big")
    path.write_bytes(raw)
    assert sorted(read(path)) == ["1.0.0.0/8", "2002::/17"]


def test_a_tree_that_leads_back_to_itself_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mmdb", {"1.0.0.0/8": {"country_code": "AU"}}, version=4)
    raw = bytearray(path.read_bytes())
    raw[0:6] = bytes(6)  # both ways from the root lead to the root
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="leads back to itself"):
        list(_mmdb.Database(path).networks())


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"\x20\x00", "pointer leads to a pointer"),
        (b"\xe1\x41a" * 40, "nested too deeply"),
        (b"\x42a", "ends after the file"),
        (b"\xff\xff\xff\xff" + b"\x41a\x41b" * 5000, "too many values"),
        (b"\xe1\xa1\x01\x41a", "key of a map"),
        (b"\x00\x05", "kind 12"),
        (b"", "ends after the file"),
    ],
)
def test_a_hostile_record_is_refused(record: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        _mmdb._Records(record).at(0)


def test_doubling_by_pointers_is_stopped() -> None:
    # each array holds the one before it twice: 2^30 values in 200 bytes
    data, last = b"\x41a", 0
    for _ in range(14):
        here = len(data)
        data += b"\x02\x04" + bytes([0x20 | last >> 8, last & 255]) * 2
        last = here
    with pytest.raises(ValueError, match=r"too many values|too deeply"):
        _mmdb._Records(data).at(last)


@pytest.mark.parametrize(
    "change",
    [
        {"node_count": 1 << 31},
        {"node_count": 0},
        {"node_count": "many"},
        {"record_size": 20},
        {"ip_version": 5},
        {"binary_format_major_version": 3},
    ],
)
def test_metadata_that_cannot_be_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        _mmdb.Database(write(tmp_path / "a.mmdb", NETWORKS, about=change))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=2_000, max_examples=150)
@given(st.data())
def test_a_damaged_file_raises_nothing_but_value_errors(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(write(tmp_path / "a.mmdb", NETWORKS).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "b.mmdb"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        read(path)
    except ValueError:
        return
