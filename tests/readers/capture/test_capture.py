"""Containers, link types, headers: one packet comes out the same from wherever it was; damage is told, nothing made up."""

from __future__ import annotations

import datetime as dt
import gzip
import struct
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.capture import making as make

from teiten import readers
from teiten.frame import addresses_as_text
from teiten.readers import _input, capture
from teiten.readers._base import Chunk, ReadOptions
from teiten.readers.capture import _read
from teiten.settings import Reading

OPTIONS = ReadOptions(zone=ZoneInfo("UTC"))
TIME = dt.datetime.fromtimestamp(make.SECONDS, dt.UTC) + dt.timedelta(microseconds=make.PARTS)
WHAT_IS_SEEN = {
    "time": TIME, "src_ip": "203.0.113.9", "dst_ip": "198.51.100.7", "protocol": 6, "src_port": 40000, "dst_port": 23,
    "ttl": 61, "ip_id": 54321, "ip_len": 44, "tcp_flags": 2, "tcp_seq": 0xC6336407, "tcp_ack": 0, "tcp_window": 1024,
    "tcp_opt_len": 4, "ip_flags": 2, "frag_offset": 0, "payload_len": 0, "packets": 1, "time_basis": "stated",
    "sensor": "home", "source_id": 0,
}  # fmt: skip


def chunks(path: Path, **options: Any) -> list[Chunk]:
    source = _input.inputs([str(path)], Reading())[0]
    reader = readers.pick(source.head(), "auto", source.name)
    assert reader is capture
    found = list(reader.read(source, ReadOptions(zone=ZoneInfo("UTC"), **options)))
    for chunk in found:
        assert (chunk.outcome == 0).sum() == chunk.events.height == len(chunk.event_line)
        assert len(chunk.rejected) == ((chunk.outcome > 0) & (chunk.outcome < 128)).sum()
    return found


def events(path: Path, **options: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for chunk in chunks(path, **options):
        rows += addresses_as_text(chunk.events).to_dicts()
    return rows


def outcomes(found: list[Chunk]) -> Counter[str]:
    words = {0: "event", **capture.REASONS, **capture.KINDS}
    return Counter(words[int(code)] for chunk in found for code in chunk.outcome)


def seen(row: dict[str, Any], **other: Any) -> None:
    """The row is the packet of `making`, null elsewhere."""
    want = {**WHAT_IS_SEEN, **other}
    assert {k: v for k, v in row.items() if v is not None and k not in ("source_pos", *other)} == {
        k: v for k, v in want.items() if k not in other
    }
    for key, value in other.items():
        assert row[key] == value


def put(folder: Path, data: bytes, name: str = "x.pcap") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", make.LINKS)
def test_every_link_type_gives_the_same_row(name: str, tmp_path: Path) -> None:
    link, wrap = make.LINKS[name]
    (row,) = events(put(tmp_path, make.pcap([wrap(make.PACKET)], link)))
    seen(row, source_pos=24)


@pytest.mark.parametrize("order", ["<", ">"])
def test_nflog_in_both_byte_orders(order: str, tmp_path: Path) -> None:
    (row,) = events(put(tmp_path, make.pcap([make.nflog(make.PACKET, order)], 239, order)))
    seen(row)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", ["micro", "nano", "modified"])
def test_pcap(order: str, form: str, tmp_path: Path) -> None:
    records = [make.ethernet(0x800, make.PACKET)] * 3
    data = make.pcap(records, 1, order, form == "nano", form == "modified")
    rows = events(put(tmp_path, data))
    assert [r["time"] for r in rows] == [TIME + i * dt.timedelta(seconds=1, microseconds=1) for i in range(3)]
    header = 24 if form == "modified" else 16
    assert [r["source_pos"] for r in rows] == [24 + i * (header + len(records[0])) for i in range(3)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng(order: str, tmp_path: Path) -> None:
    """Two sections with interfaces of their own, each with its link type, resolution and offset; blocks of other kinds."""
    frame = make.ethernet(0x800, make.PACKET)
    micro = make.SECONDS * 10**6 + make.PARTS
    data = (
        make.section(order)
        + make.interface(1, order, name=b"ppp0")
        + make.interface(101, order, resolution=9)
        + make.block(4, b"\0" * 8, order)
        + make.enhanced(frame, micro, order)
        + make.enhanced(make.PACKET, micro * 1000, order, 1)
        + make.obsolete(frame, micro, order)
        + make.section("<" if order == ">" else ">")
        + make.interface(101, "<" if order == ">" else ">", resolution=0x80 | 20, offset=1_000_000_000)
        + make.enhanced(
            make.PACKET, ((make.SECONDS - 10**9) << 20) + (make.PARTS << 20) // 10**6 + 1, "<" if order == ">" else ">"
        )
        + make.block(0xBAD, b"abc", "<" if order == ">" else ">")
    )
    rows = events(put(tmp_path, data))
    assert [r["interface"] for r in rows] == ["ppp0", None, "ppp0", None]
    for row in rows:
        assert abs(row["time"] - TIME) <= dt.timedelta(microseconds=1)
        seen({**row, "interface": None}, time=row["time"])


def test_a_block_without_a_time_has_the_files(tmp_path: Path) -> None:
    frame = make.ethernet(0x800, make.PACKET)
    path = put(tmp_path, make.section() + make.interface(1, snap=60) + make.simple(frame))
    (row,) = events(path)
    assert row["time_basis"] == "received"
    assert abs(row["time"].timestamp() - path.stat().st_mtime) < 1e-5


@pytest.mark.parametrize("extension", [False, True])
def test_erf(extension: bool, tmp_path: Path) -> None:
    rows = events(put(tmp_path, make.erf([make.ethernet(0x800, make.PACKET)] * 4, extension=extension), "x.erf"))
    assert len(rows) == 4
    seen(rows[0], time=rows[0]["time"])
    assert abs(rows[0]["time"] - TIME) <= dt.timedelta(microseconds=1)


def test_an_interface_that_nobody_described(tmp_path: Path) -> None:
    data = make.section() + make.enhanced(make.PACKET, 1) + make.interface(101) + make.enhanced(make.PACKET, 10**15)
    found = chunks(put(tmp_path, data))
    assert outcomes(found) == {"event": 1, "interface not described": 1}


def test_times_out_of_range(tmp_path: Path) -> None:
    data = (
        make.section() + make.interface(101, resolution=0) + make.enhanced(make.PACKET, 1 << 62) + make.enhanced(make.PACKET, 7)
    )
    found = chunks(put(tmp_path, data))
    assert outcomes(found) == {"event": 1, "time stamp out of range": 1}


def test_a_link_type_never_seen(tmp_path: Path) -> None:
    assert outcomes(chunks(put(tmp_path, make.pcap([b"abcdef"] * 2, 65000)))) == {"link type not known": 2}
    assert outcomes(chunks(put(tmp_path, make.pcap([b"abcdef"] * 2, 147)))) == {"link type 147, user 0": 2}


def test_what_is_not_ip_is_ignored_by_kind(tmp_path: Path) -> None:
    frames = [make.ethernet(kind, bytes(46)) for kind in (0x806, 0x88CC, 0x888E, 0x8863, 0x1234)]
    frames += [make.ethernet(38, b"\x42\x42\x03" + bytes(35)), b""]
    found = outcomes(chunks(put(tmp_path, make.pcap(frames))))
    assert found == {"arp": 1, "lldp": 1, "eapol": 1, "pppoe discovery": 1, "other than ip": 1, "802.2": 1, "empty record": 1}


def test_a_file_cut_in_a_record_keeps_what_is_whole(tmp_path: Path) -> None:
    data = make.pcap([make.ethernet(0x800, make.PACKET)] * 3)
    found = chunks(put(tmp_path, data[:-5]))
    assert outcomes(found) == {"event": 2}
    last = 24 + 2 * (16 + 14 + len(make.PACKET))
    there = 16 + 14 + len(make.PACKET) - 5
    assert found[-1].notes == [
        f"the record at byte {last} is not whole: {there} bytes of it are there; the file was cut, or is still written"
    ]
    assert found[-1].end == last


def test_an_impossible_length_ends_the_reading(tmp_path: Path) -> None:
    data = make.pcap([make.ethernet(0x800, make.PACKET)] * 2)
    broken = data + struct.pack("<IIII", 1, 2, 1 << 31, 1 << 31) + b"x" * 1000
    found = chunks(put(tmp_path, broken))
    assert outcomes(found) == {"event": 2, "impossible record length": 1}
    assert found[-2].end == len(broken)
    assert f"damaged at byte {len(data)}" in found[-1].notes[0]


def test_a_growing_file_is_read_on(tmp_path: Path) -> None:
    """From where the last reading ended, as `ingest` does; pcapng needs its interfaces again."""
    frame = make.ethernet(0x800, make.PACKET)
    for data in (
        make.pcap([frame] * 5),
        make.section() + make.interface() + b"".join(make.enhanced(frame, 10**15 + i) for i in range(5)),
    ):
        path = put(tmp_path, data)
        whole = chunks(path)
        places = [int(p) for chunk in whole for p in chunk.line_pos]
        hashes = [int(h) for chunk in whole for h in chunk.line_hash]
        for i, place in enumerate(places):
            rest = chunks(path, start=place)
            assert [int(p) for chunk in rest for p in chunk.line_pos] == places[i:]
            assert [int(h) for chunk in rest for h in chunk.line_hash] == hashes[i:]


def test_compressed_and_in_small_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that cut records anywhere give the same rows."""
    frame = make.ethernet(0x800, make.PACKET)
    for data in (
        make.pcap([frame[: 30 + i % 28] for i in range(100)]),
        make.section() + make.interface() + b"".join(make.enhanced(frame, 10**15 + i) for i in range(50)),
        make.erf([frame] * 50),
    ):
        path = put(tmp_path, data)
        whole = events(path)
        packed = tmp_path / "x.pcap.gz"
        packed.write_bytes(gzip.compress(data))
        assert events(packed) == whole
        for size in (16, 61, 300):
            with monkeypatch.context() as patch:
                patch.setattr(_read, "BLOCK", size)
                assert events(path) == whole
                assert events(packed) == whole


# headers --------------------------------------------------------------------------------------------------------------


def one(folder: Path, packet: bytes) -> dict[str, Any]:
    (row,) = events(put(folder, make.pcap([packet], 101)))
    return row


def test_ipv6_with_extension_headers(tmp_path: Path) -> None:
    hop, routing = bytes([43, 0]) + bytes(6), bytes([60, 0]) + bytes(6)
    options = bytes([6, 1]) + bytes(14)
    row = one(tmp_path, make.ipv6(make.SYN, 0, hop + routing + options))
    assert (row["protocol"], row["dst_port"], row["tcp_flags"], row["payload_len"]) == (6, 23, 2, 0)
    assert (row["src_ip"], row["dst_ip"]) == ("2001:db8::9", "2001:db8::fe07")
    assert (row["ip_len"], row["ttl"], row["ip_id"], row["frag_offset"]) == (40 + 32 + 24, 61, None, None)


def test_fragments(tmp_path: Path) -> None:
    """Ports are the first fragment's alone; what is above is as long as its datagram, which no fragment tells."""
    first = one(tmp_path, make.ipv4(make.SYN, flags=1))
    assert (first["dst_port"], first["ip_flags"], first["frag_offset"], first["payload_len"]) == (23, 1, 0, None)
    later = one(tmp_path, make.ipv4(make.SYN, flags=0, offset=1480))
    assert (later["dst_port"], later["src_port"], later["tcp_flags"], later["frag_offset"]) == (None, None, None, 1480)
    six = one(tmp_path, make.ipv6(make.SYN, 44, struct.pack(">BBHI", 6, 0, 1448 | 1, 7)))
    assert (six["protocol"], six["dst_port"], six["frag_offset"], six["ip_flags"]) == (6, None, 1448, 1)


@pytest.mark.parametrize("protocol", [4, 41, 47, 50, 51])
def test_tunnels_are_protocols(protocol: int, tmp_path: Path) -> None:
    row = one(tmp_path, make.ipv4(make.PACKET, protocol))
    assert (row["protocol"], row["src_port"], row["src_ip"]) == (protocol, None, "203.0.113.9")
    if protocol in (50, 51):
        assert one(tmp_path, make.ipv6(b"\x06" + bytes(23), protocol))["protocol"] == protocol


@pytest.mark.parametrize("protocol", [33, 132, 136])
def test_ports_of_others(protocol: int, tmp_path: Path) -> None:
    row = one(tmp_path, make.ipv4(struct.pack(">HH", 5, 6) + bytes(12), protocol))
    assert (row["src_port"], row["dst_port"]) == (5, 6)


def test_icmp_errors_quote_a_packet(tmp_path: Path) -> None:
    quoted = make.ipv4(struct.pack(">HHHH", 53, 4444, 20, 0), 17)
    row = one(tmp_path, make.ipv4(bytes([3, 3]) + bytes(6) + quoted, 1))
    assert (row["icmp_type"], row["icmp_code"], row["payload_len"], row["src_port"]) == (3, 3, 28, None)
    inner = [row[f"inner_{n}"] for n in ("src_ip", "dst_ip", "protocol", "src_port", "dst_port")]
    assert inner == ["203.0.113.9", "198.51.100.7", 17, 53, 4444]
    six = one(tmp_path, make.ipv6(bytes([1, 4]) + bytes(6) + make.ipv6(make.SYN[:8]), 58))
    assert (six["icmp_type"], six["inner_src_ip"], six["inner_dst_port"]) == (1, "2001:db8::9", 23)
    echo = one(tmp_path, make.ipv4(bytes([8, 0]) + bytes(6) + quoted, 1))
    assert (echo["icmp_type"], echo["inner_src_ip"], echo["payload_len"]) == (8, None, 28)


def test_lengths_that_lie(tmp_path: Path) -> None:
    """A total length below the header's, or beyond the record; offloading's 0; a UDP length longer than the packet."""
    assert one(tmp_path, make.ipv4(make.SYN, total=10))["dst_port"] is None
    long = one(tmp_path, make.ipv4(make.SYN, total=1500))
    assert (long["dst_port"], long["payload_len"], long["ip_len"]) == (23, 1500 - 44, 1500)
    offloaded = one(tmp_path, make.ipv4(make.SYN, total=0))
    assert (offloaded["dst_port"], offloaded["payload_len"], offloaded["ip_len"]) == (23, None, 0)
    udp = one(tmp_path, make.ipv4(struct.pack(">HHHH", 1, 2, 900, 0), 17))
    assert (udp["dst_port"], udp["payload_len"]) == (2, None)
    # what lies behind the packet (padding of a short frame) is not the packet's
    short = one(tmp_path, make.ipv4(make.SYN[:2], total=22) + b"\xee" * 30)
    assert (short["src_port"], short["dst_port"]) == (40000, None)


# damage ---------------------------------------------------------------------------------------------------------------

CONTAINERS = {
    "pcap": make.pcap([wrap(make.PACKET) for _, (link, wrap) in make.LINKS.items() if link == 1]),
    "pcapng": make.section()
    + make.interface(1, name=b"eth0", resolution=9)
    + make.interface(101)
    + make.enhanced(make.ethernet(0x800, make.PACKET), 10**18)
    + make.obsolete(make.ipv6(make.SYN, 0, bytes([6, 0]) + bytes(6)), 10**15, number=1)
    + make.simple(make.ethernet(0x8100, b"\0\1\x08\0" + make.PACKET)),
    "erf": make.erf([make.ethernet(0x800, make.PACKET)] * 3),
    "radiotap": make.pcap([make.LINKS["radiotap, padded"][1](make.PACKET)], 127),
    "nflog": make.pcap([make.nflog(make.PACKET, "<")], 239),
    "icmp": make.pcap([make.ipv6(bytes([1, 4]) + bytes(6) + make.ipv6(make.SYN, 0, bytes([44, 0]) + bytes(6)), 58)], 101),
}


def read_any(folder: Path, data: bytes) -> list[Chunk]:
    source = _input.inputs([str(put(folder, data))], Reading())[0]
    if capture.recognise(source.head()) == 0:
        return []
    found = list(capture.read(source, OPTIONS))
    for chunk in found:
        assert (chunk.outcome == 0).sum() == chunk.events.height
        assert all(int(code) in {0, *capture.REASONS, *capture.KINDS} for code in chunk.outcome)
        assert chunk.end <= len(data)
    return found


@pytest.mark.parametrize("name", CONTAINERS)
def test_cut_at_any_byte(name: str, tmp_path: Path) -> None:
    """What comes before the cut is as it was."""
    data = CONTAINERS[name]
    whole = events(put(tmp_path, data))
    step = 1 if len(data) < 400 else 7
    for n in range(0, len(data), step):
        rows = [row for chunk in read_any(tmp_path, data[:n]) for row in addresses_as_text(chunk.events).to_dicts()]
        times = [row.pop("time") for row in rows if row["time_basis"] == "received"]
        same = [{k: v for k, v in row.items() if k != "time" or row["time_basis"] == "stated"} for row in whole[: len(rows)]]
        assert rows == same, (n, times)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(CONTAINERS)),
    st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_any_byte_changed(name: str, changes: list[tuple[int, int]]) -> None:
    import tempfile

    data = bytearray(CONTAINERS[name])
    for place, value in changes:
        data[place % len(data)] = value
    with tempfile.TemporaryDirectory() as folder:
        read_any(Path(folder), bytes(data))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 300), st.binary(max_size=200))
def test_any_record_of_any_link_type(link: int, record: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = read_any(Path(folder), make.pcap([record, record[1:]], link))
        assert sum(len(chunk.outcome) for chunk in found) == 2
