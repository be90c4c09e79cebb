"""Captures made by hand: one packet behind every link type, in every container. Shares no code with the reader."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

MAC = bytes.fromhex("00005e0053010000 5e005302")
SYN = struct.pack(">HHIIBBHHH", 40000, 23, 0xC6336407, 0, 0x60, 2, 1024, 0, 0) + bytes.fromhex("020405b4")


def ipv4(
    body: bytes, protocol: int = 6, options: bytes = b"", flags: int = 2, offset: int = 0, total: int | None = None
) -> bytes:
    header = 20 + len(options)
    length = header + len(body) if total is None else total
    return struct.pack(
        ">BBHHHBBH4s4s", 0x40 | header // 4, 0, length, 54321, flags << 13 | offset // 8, 61, protocol, 0,
        bytes([203, 0, 113, 9]), bytes([198, 51, 100, 7]),
    ) + options + body  # fmt: skip


def ipv6(body: bytes, following: int = 6, extensions: bytes = b"", length: int | None = None) -> bytes:
    stated = len(extensions) + len(body) if length is None else length
    source, target = bytes.fromhex("20010db8" + "0" * 22 + "09"), bytes.fromhex("20010db8" + "0" * 20 + "fe07")
    return struct.pack(">IHBB", 6 << 28, stated, following, 61) + source + target + extensions + body


PACKET = ipv4(SYN)
SNAP = bytes.fromhex("aaaa03000000")


def _type(kind: int) -> bytes:
    return struct.pack(">H", kind)


def ethernet(kind: int, body: bytes) -> bytes:
    return MAC + _type(kind) + body


def label(number: int, bottom: int) -> bytes:
    return struct.pack(">I", number << 12 | bottom << 8 | 64)


LINKS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "ethernet": (1, lambda p: ethernet(0x800, p)),
    "padded": (1, lambda p: ethernet(0x800, p) + b"\xff" * 30),
    "vlan": (1, lambda p: ethernet(0x8100, _type(5) + _type(0x800) + p)),
    "qinq": (1, lambda p: ethernet(0x88A8, _type(5) + _type(0x8100) + _type(6) + _type(0x800) + p)),
    "old qinq": (1, lambda p: ethernet(0x9100, _type(5) + _type(0x8100) + _type(6) + _type(0x800) + p)),
    "mpls": (1, lambda p: ethernet(0x8847, label(16, 0) + label(17, 1) + p)),
    "mpls, ethernet over it": (1, lambda p: ethernet(0x8847, label(17, 1) + b"\0\0\0\0" + ethernet(0x800, p))),
    "pppoe": (1, lambda p: ethernet(0x8864, b"\x11\0\0\x01" + _type(len(p) + 2) + b"\0\x21" + p)),
    "llc and snap": (1, lambda p: ethernet(len(p) + 8, SNAP + _type(0x800) + p)),
    "802.1ah": (1, lambda p: ethernet(0x88E7, bytes(4) + ethernet(0x800, p))),
    "fabricpath": (1, lambda p: ethernet(0x8903, _type(9) + ethernet(0x800, p))),
    "vn-tag": (1, lambda p: ethernet(0x8926, bytes(4) + _type(0x800) + p)),
    "nsh": (1, lambda p: ethernet(0x894F, bytes([0, 2, 1, 1]) + bytes(4) + p)),
    "macsec, not encrypted": (1, lambda p: ethernet(0x88E5, bytes([0x20, 0]) + bytes(12) + _type(0x800) + p)),
    "raw": (101, lambda p: p), "raw (BSD)": (12, lambda p: p), "raw (OpenBSD)": (14, lambda p: p), "ipv4": (228, lambda p: p),
    "null, little-endian": (0, lambda p: struct.pack("<I", 2) + p),
    "null, big-endian": (0, lambda p: struct.pack(">I", 2) + p),
    "loop": (108, lambda p: struct.pack(">I", 2) + p),
    "cooked": (113, lambda p: struct.pack(">HHH8sH", 0, 1, 6, MAC[:8], 0x800) + p),
    "cooked, vlan": (113, lambda p: struct.pack(">HHH8sH", 0, 1, 6, MAC[:8], 0x8100) + _type(5) + _type(0x800) + p),
    "cooked 2": (276, lambda p: struct.pack(">HHIHBB8s", 0x800, 0, 2, 1, 0, 6, MAC[:8]) + p),
    "ppp": (9, lambda p: b"\xff\x03\0\x21" + p), "ppp, short": (9, lambda p: b"\x21" + p),
    "ppp serial": (50, lambda p: b"\xff\x03\0\x21" + p), "ppp serial as chdlc": (50, lambda p: b"\x0f\0" + _type(0x800) + p),
    "pppd": (166, lambda p: b"\x01\x03\0\x21" + p), "ppp with direction": (204, lambda p: b"\x01\xff\x03\0\x21" + p),
    "pppoe alone": (51, lambda p: b"\x11\0\0\x01" + _type(len(p) + 2) + b"\0\x21" + p),
    "chdlc": (104, lambda p: b"\x0f\0" + _type(0x800) + p),
    "frame relay": (107, lambda p: b"\x18\x41\x03\xcc" + p),
    "frame relay, Cisco": (107, lambda p: b"\x18\x41" + _type(0x800) + p),
    "frame relay, snap": (107, lambda p: b"\x18\x41\x03\0\x80\0\0\0" + _type(0x800) + p),
    "802.11": (105, lambda p: b"\x08\x01" + bytes(22) + SNAP + _type(0x800) + p),
    "802.11, qos": (105, lambda p: b"\x88\x02" + bytes(24) + SNAP + _type(0x800) + p),
    "802.11, four addresses": (105, lambda p: b"\x08\x03" + bytes(28) + SNAP + _type(0x800) + p),
    "radiotap": (127, lambda p: struct.pack("<BBHI", 0, 0, 9, 2) + b"\0" + b"\x08\x01" + bytes(22) + SNAP + _type(0x800) + p),
    "radiotap, padded": (
        127,
        lambda p: struct.pack("<BBHIQ", 0, 0, 17, 3, 1) + b"\x20" + b"\x88\x02" + bytes(26) + SNAP + _type(0x800) + p,
    ),
    "prism": (119, lambda p: struct.pack("<II", 0x44, 144) + bytes(136)
              + b"\x08\x01" + bytes(22) + SNAP + _type(0x800) + p),
    "avs": (163, lambda p: struct.pack(">II", 0x80211001, 64) + bytes(56) + b"\x08\x01" + bytes(22) + SNAP + _type(0x800) + p),
    "ppi": (192, lambda p: struct.pack("<BBHI", 0, 0, 8, 1) + ethernet(0x800, p)),
    "pktap": (258, lambda p: struct.pack("<III", 108, 1, 1) + bytes(96) + ethernet(0x800, p)),
    "fddi": (10, lambda p: b"\x50" + MAC + SNAP + _type(0x800) + p),
    "token ring": (6, lambda p: b"\x10\x40" + MAC + SNAP + _type(0x800) + p),
    "token ring, source route": (
        6, lambda p: b"\x10\x40" + MAC[:6] + b"\x80" + MAC[7:] + b"\x06\0" + bytes(4) + SNAP + _type(0x800) + p
    ),
    "rfc 1483": (100, lambda p: SNAP + _type(0x800) + p), "sun atm": (123, lambda p: b"\x82\0\0\x05" + SNAP + _type(0x800) + p),
    "ip over fibre channel": (122, lambda p: bytes(16) + SNAP + _type(0x800) + p),
    "firewire": (138, lambda p: bytes(16) + _type(0x800) + p),
    "ipnet": (226, lambda p: b"\x01\x02" + bytes(22) + p), "ipoib": (242, lambda p: bytes(40) + _type(0x800) + b"\0\0" + p),
    "pflog": (117, lambda p: b"\x3d\x02" + bytes(62) + p), "enc": (109, lambda p: struct.pack(">I", 2) + bytes(8) + p),
    "slip": (8, lambda p: b"\0\x40" + bytes(14) + p),
    "arcnet, linux": (129, lambda p: b"\x01\x02\0\0\xd4\0\0\0" + p),
    "dsa": (284, lambda p: MAC + bytes(4) + _type(0x800) + p), "edsa": (285, lambda p: MAC + bytes(8) + _type(0x800) + p),
    "broadcom tag before": (282, lambda p: bytes(4) + ethernet(0x800, p)),
    "erf in pcap": (
        197, lambda p: bytes(8) + b"\x02\x04" + struct.pack(">HHH", 18 + 14 + len(p), 0, 14 + len(p)) + b"\0\0"
        + ethernet(0x800, p),
    ),
}  # fmt: skip
"""name -> link type, and the record's bytes for an IPv4 packet"""


def nflog(packet: bytes, order: str) -> bytes:
    """NFLOG's attributes are in the writer's byte order."""

    def attribute(kind: int, value: bytes) -> bytes:
        body = struct.pack(order + "HH", 4 + len(value), kind) + value
        return body + bytes(-len(body) % 4)

    return b"\x02\0\0\x05" + attribute(10, b"DROP \0") + attribute(9, packet)


SECONDS, PARTS = 1_760_000_000, 123_456


def pcap(
    records: Sequence[bytes], link: int = 1, order: str = "<", nano: bool = False, modified: bool = False, snap: int = 65535
) -> bytes:
    magic = 0xA1B2CD34 if modified else 0xA1B23C4D if nano else 0xA1B2C3D4
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)
    for i, record in enumerate(records):
        parts = (PARTS + i) * (1000 if nano else 1)
        out += struct.pack(order + "IIII", SECONDS + i, parts, len(record), len(record))
        if modified:
            out += struct.pack(order + "IHBB", 2, 0x800, 0, 0)
        out += record
    return out


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(
    link: int = 1, order: str = "<", resolution: int | None = None, offset: int | None = None, name: bytes = b"", snap: int = 0
) -> bytes:
    options = b""
    for code, value in ((2, name), (9, b"" if resolution is None else bytes([resolution])),
                        (14, b"" if offset is None else struct.pack(order + "q", offset))):  # fmt: skip
        if value:
            options += struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
    if options:
        options += bytes(4)
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options, order)


def enhanced(record: bytes, stamp: int, order: str = "<", number: int = 0) -> bytes:
    return block(
        6, struct.pack(order + "IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, len(record), len(record)) + record, order
    )


def obsolete(record: bytes, stamp: int, order: str = "<", number: int = 0) -> bytes:
    return block(
        2, struct.pack(order + "HHIIII", number, 0, stamp >> 32, stamp & 0xFFFFFFFF, len(record), len(record)) + record, order
    )


def simple(record: bytes, order: str = "<") -> bytes:
    return block(3, struct.pack(order + "I", len(record)) + record, order)


def erf(records: Sequence[bytes], kind: int = 2, extension: bool = False) -> bytes:
    out = b""
    for i, record in enumerate(records):
        body = (b"\0\0" if kind == 2 else b"") + record
        body += bytes(-len(body) % 8)
        more = b"\0" * 8 if extension else b""
        out += struct.pack("<II", (PARTS + i) * (1 << 32) // 10**6 + 1, SECONDS + i)
        out += (
            struct.pack(">BBHHH", kind | (0x80 if extension else 0), 4, 16 + len(more) + len(body), 0, len(record))
            + more
            + body
        )
    return out
