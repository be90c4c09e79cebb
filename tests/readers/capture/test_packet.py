"""The usual packet has a way of its own, which says what the general one says; the first bytes of payloads."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.capture import making as make

from teiten import event, readers
from teiten.readers import _input, _jit
from teiten.readers._base import Chunk, ReadOptions
from teiten.readers.capture import _read
from teiten.settings import Reading

UDP = struct.pack(">HHHH", 53, 5353, 12, 0) + b"ABCD"
PING, ERROR = b"\x08\0" + bytes(6) + b"ping", b"\x03\x03" + bytes(6) + make.ipv4(UDP, 17)
USUAL = {
    "tcp": make.ipv4(make.SYN + b"GET /"), "udp": make.ipv4(UDP, 17), "ping": make.ipv4(PING, 1), "error": make.ipv4(ERROR, 1),
    "options": make.ipv4(make.SYN, options=b"\x01" * 4), "fragment": make.ipv4(make.SYN, offset=8),
    "more fragments": make.ipv4(make.SYN, flags=1), "gre": make.ipv4(bytes(8), 47), "sctp": make.ipv4(bytes(16), 132),
    "longer than said": make.ipv4(make.SYN, total=30), "offloaded": make.ipv4(make.SYN, total=0),
    "six": make.ipv6(make.SYN),
}  # fmt: skip


def chunks(path: Path, most: int, usual: bool) -> Iterator[Chunk]:
    kept, _read._USUAL = _read._USUAL, usual  # type: ignore[misc]
    try:
        source = _input.of(path)
        reading = Reading(payload_bytes=most)
        yield from readers.module("capture").read(source, ReadOptions(zone=ZoneInfo("UTC"), hash_key=5, reading=reading))
    finally:
        _read._USUAL = kept  # type: ignore[misc]


def said(path: Path, *, usual: bool, most: int = 6) -> list[Any]:
    """All that a capture's chunks hold, as plain values."""
    out: list[Any] = []
    for chunk in chunks(path, most, usual):
        rows = [chunk.events[c.name].to_list() for c in event.READ_COLUMNS]
        out.append(
            (rows, chunk.outcome.tolist(), chunk.line_hash.tolist(), chunk.line_pos.tolist(), chunk.rejected, chunk.notes)
        )
    return out


@settings(max_examples=60 if not _jit.PLAIN else 20, deadline=None)
@given(st.data())
def test_both_ways_say_the_same(data: st.DataObject) -> None:
    """Of whole packets, packets with bytes changed, and packets cut anywhere, as Ethernet and as raw IP."""
    frames = []
    raw = data.draw(st.booleans())
    for _ in range(data.draw(st.integers(1, 12))):
        packet = bytearray(USUAL[data.draw(st.sampled_from(sorted(USUAL)))])
        for _ in range(data.draw(st.integers(0, 3))):
            packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
        packet = packet[: data.draw(st.integers(0, len(packet)) | st.just(len(packet)))]
        frames.append(bytes(packet) if raw else make.ethernet(0x800, bytes(packet)) + b"\xff" * data.draw(st.integers(0, 9)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pcap"
        path.write_bytes(make.pcap(frames, 101 if raw else 1))
        assert said(path, usual=True) == said(path, usual=False)


@pytest.mark.full
def test_both_ways_say_the_same_of_every_capture(shared_data: Path) -> None:
    found = 0
    for path in sorted(p for p in (shared_data / "packets").rglob("*") if p.is_file()):
        if readers.module("capture").recognise(_input.of(path).head()) > 0:
            found += 1
            assert said(path, usual=True) == said(path, usual=False), path
    assert found > 800


def payloads(folder: Path, packets: list[bytes], most: int, link: int = 101, snap: int | None = None) -> list[bytes | None]:
    path = folder / "p.pcap"
    path.write_bytes(make.pcap([p[:snap] for p in packets], link))
    return [value for chunk in chunks(path, most, True) for value in chunk.events["payload"].to_list()]


def test_payloads(tmp_path: Path) -> None:
    packets = [make.ipv4(make.SYN + b"GET / HTTP"), make.ipv4(make.SYN), make.ipv4(UDP, 17) + b"padding", make.ipv4(PING, 1)]
    packets += [make.ipv6(make.SYN + b"six"), make.ipv4(bytes(8), 47), make.ipv4(make.SYN + b"later", offset=8)]
    assert payloads(tmp_path, packets, 5) == [b"GET /", b"", b"ABCD", b"ping", b"six", None, None]
    assert payloads(tmp_path, packets, 0) == [None] * 7
    assert payloads(tmp_path, packets, 1 << 16)[0] == b"GET / HTTP"
    # padding after what the packet says it holds is none of it
    short = make.ethernet(0x800, make.ipv4(make.SYN[:12] + b"\x50" + make.SYN[13:20], total=40)) + b"\xff" * 6
    assert payloads(tmp_path, [short], 9, 1) == [b""]


def test_what_was_cut_off_of_a_payload_is_not_made_up(tmp_path: Path) -> None:
    packet = make.ipv4(make.SYN + b"GET / HTTP")
    begin = 20 + len(make.SYN)
    assert payloads(tmp_path, [packet], 9, snap=begin + 3) == [b"GET"]
    assert payloads(tmp_path, [packet], 9, snap=begin) == [None]
    assert payloads(tmp_path, [packet], 9, snap=begin - 3) == [None]
    # the first of several fragments: how long it is nobody knows, what is there is there
    assert payloads(tmp_path, [make.ipv4(make.SYN + b"first", flags=1)], 9) == [b"first"]
