"""A capture's bytes cut where packets end, and what a segment must begin with so that they can be read: pcap, pcapng, ERF."""

from __future__ import annotations

import struct
from typing import Final

_PCAP: Final = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
_SECTION: Final = b"\x0a\x0d\x0d\x0a"
_INTERFACE: Final = 1
_PACKETS: Final = (2, 3, 6)
"""blocks that hold a packet: the obsolete one, the simple, the enhanced"""
_ORDERS: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
HEADER: Final = 24
LARGEST: Final = (1 << 20) - 64
"""bytes that a packet or a block may claim: more is broken"""
_HEADS: Final = 1 << 16
"""bytes of descriptions of interfaces, at most"""


class Broken(Exception):
    """From here on it is no capture."""


class Cutter:
    """Walks over a capture's bytes in order. head: what a segment begins with that does not begin with the file; packets: how
    many the last stretch held. Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, the ERF Types Reference Guide."""

    def __init__(self, *, erf: bool = False) -> None:
        self.head = b""
        self.erf = erf
        """records of an ERF file, which has no header of its own"""
        self.packets = 0
        self._order = ""
        self._blocks = False

    def cut(self, data: bytes) -> int:
        """How many of the bytes are whole: headers, packets, blocks. The next call begins behind them. Broken."""
        self.packets = 0
        if self.erf:
            return self._cut_erf(data)
        at = 0
        if not self._order and not self._blocks:
            if data[:4] == _SECTION:
                self._blocks = True
            elif len(data) >= HEADER:
                if data[:4] not in _PCAP:
                    raise Broken(f"it begins with {data[:4].hex(' ')}, which is no capture")
                self._order, self.head, at = _PCAP[data[:4]], data[:HEADER], HEADER
            else:
                return 0
        return self._cut_blocks(data) if self._blocks else self._cut_packets(data, at)

    def _cut_packets(self, data: bytes, at: int) -> int:
        read, many, size = struct.Struct(self._order + "8xI").unpack_from, 0, len(data)
        while at + 16 <= size:
            kept = read(data, at)[0]
            if kept > LARGEST:
                if not many:
                    raise Broken(f"a packet claims {kept:,} bytes")
                break
            if at + 16 + kept > size:
                break
            at += 16 + kept
            many += 1
        self.packets = many
        return at

    def _cut_blocks(self, data: bytes) -> int:
        at, many = 0, 0
        while at + 12 <= len(data):
            order = self._order
            section = data[at : at + 4] == _SECTION
            if section:
                order = _ORDERS.get(data[at + 8 : at + 12], "")
                if not order:
                    raise Broken("a section has no byte order")
            kind, length = struct.unpack_from(order + "II", data, at)
            if length < 12 or length % 4 or length > LARGEST:
                if at:
                    break
                raise Broken(f"a block claims {length:,} bytes")
            if at + length > len(data):
                break
            if section:
                self._order, self.head = order, data[at : at + length]
            elif kind == _INTERFACE:
                if len(self.head) + length > _HEADS:
                    raise Broken("too many interfaces are described")
                self.head += data[at : at + length]
            many += kind in _PACKETS
            at += length
        self.packets = many
        return at

    def _cut_erf(self, data: bytes) -> int:
        at, many = 0, 0
        while at + 16 <= len(data):
            length = int.from_bytes(data[at + 10 : at + 12], "big")
            if length < 16:
                if many:
                    break
                raise Broken(f"a record claims {length} bytes")
            if at + length > len(data):
                break
            at += length
            many += 1
        self.packets = many
        return at
