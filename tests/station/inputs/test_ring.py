"""What the kernel's blocks hold becomes records; a tag that the device took out is put back."""

from __future__ import annotations

import struct

from teiten.station.inputs import _ring
from teiten.station.inputs._pcap import RECORD


def _block(*packets: tuple[bytes, int, int, int]) -> tuple[bytes, int]:
    """Packets (bytes, status, tag, tag's type) as the kernel lays them out."""
    out = b"\0" * 48
    for data, status, tag, kind in packets:
        size = (82 + len(data) + 7) & ~7
        head = struct.pack("IIIIIIHHIIH", size, 100, 5, len(data), len(data) + 10, status, 82, 96, 0, tag, kind)
        out += head.ljust(82, b"\0") + data + b"\0" * (size - 82 - len(data))
    return out, 48


def test_packets_of_a_block() -> None:
    block, at = _block((b"first packet", 1, 0, 0), (b"second", 1, 0, 0))
    assert b"".join(_ring._records(block, at, 2)) == (
        RECORD.pack(100, 5, 12, 22) + b"first packet" + RECORD.pack(100, 5, 6, 16) + b"second"
    )


def test_a_tag_is_put_back() -> None:
    frame = b"DDDDDDSSSSSS\x08\x00rest"
    block, at = _block((frame, 1 | 0x10 | 0x40, 0x2064, 0x88A8), (frame, 1 | 0x10, 100, 0))
    got = b"".join(_ring._records(block, at, 2))
    size = len(frame) + 4
    assert got == b"".join(
        RECORD.pack(100, 5, size, size + 10) + b"DDDDDDSSSSSS" + tag + b"\x08\x00rest"
        for tag in (b"\x88\xa8\x20\x64", b"\x81\x00\x00\x64")
    )
