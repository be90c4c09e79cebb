"""Captures whose packets are numbered, and the numbers of those in a capture."""

from __future__ import annotations

import struct
from collections.abc import Iterable


def pcap(packets: Iterable[int], order: str = "<") -> bytes:
    """libpcap's format: each packet is its number in 4 bytes, and some more."""
    out = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    return out + b"".join(
        struct.pack(order + "IIII", 1775001600 + n, 0, 60, 60) + struct.pack("!I", n) + bytes(56) for n in packets
    )


def erf(packets: Iterable[int]) -> bytes:
    """Records of Ethernet frames, each of 64 bytes; no header."""
    return b"".join(
        struct.pack("<Q", 1775001600 + n << 32) + struct.pack("!BBHHH", 2, 0, 80, 0, 64) + struct.pack("!I", n) + bytes(60)
        for n in packets
    )


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng(packets: Iterable[int]) -> bytes:
    """pcapng; a second interface is described when the first packet has come, and the packets are of both in turn."""
    out = _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + _block(1, struct.pack("<HHI", 1, 0, 0))
    for place, n in enumerate(packets):
        out += _block(6, struct.pack("<IIIII", place and n % 2, 0, n, 60, 60) + struct.pack("!I", n) + bytes(56))
        if not place:
            out += _block(1, struct.pack("<HHI", 1, 0, 0))
    return out


def numbers(data: bytes) -> list[int]:
    """The packets' numbers. AssertionError for what is no whole capture, or names an interface that is not described."""
    out, at = [], 24
    if data[:4] != b"\x0a\x0d\x0d\x0a":
        order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}[data[:4]]
        while at < len(data):
            kept = struct.unpack_from(order + "I", data, at + 8)[0]
            out.append(struct.unpack_from("!I", data, at + 16)[0])
            at += 16 + kept
        assert at == len(data)
        return out
    at = interfaces = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        interfaces = 0 if kind == 0x0A0D0D0A else interfaces + (kind == 1)
        if kind == 6:
            assert struct.unpack_from("<I", data, at + 8)[0] < interfaces
            out.append(struct.unpack_from("!I", data, at + 28)[0])
        at += length
    assert at == len(data)
    return out
