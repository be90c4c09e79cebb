"""The capture format of the spool's segments: libpcap's, little-endian, nanoseconds (draft-ietf-opsawg-pcap)."""

from __future__ import annotations

import struct
from typing import Final

ETHERNET: Final = 1
RAW: Final = 101
NFLOG: Final = 239
_MAGICS: Final = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
HEADER: Final = 24
RECORD: Final = struct.Struct("<IIII")
"""seconds, nanoseconds, bytes kept, bytes on the wire"""
_LARGEST: Final = 1 << 20
"""a record that claims more than this is none: no device hands over so much at once"""


def header(link: int, snaplen: int) -> bytes:
    """A file's first 24 bytes."""
    return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snaplen, link)


class Records:
    """Takes the bytes of a capture as they come out of a pipe, and gives whole records back.

    head: the file's header, once it is there; None before.
    """

    def __init__(self) -> None:
        self.head: bytes | None = None
        self._rest = b""
        self._sizes = struct.Struct("<8xII")

    def take(self, piece: bytes) -> tuple[bytes, int]:
        """All whole records so far, and how many they are. ValueError for bytes that are no capture of this format."""
        data = self._rest + piece
        at = 0
        if self.head is None:
            if len(data) < HEADER:
                self._rest = data
                return b"", 0
            order = _MAGICS.get(data[:4])
            if order is None:
                raise ValueError(f"what came begins with {data[:4].hex(' ')}, which is no capture of libpcap's format")
            self.head, at = data[:HEADER], HEADER
            self._sizes = struct.Struct(f"{order}8xII")
        begin, many = at, 0
        while at + RECORD.size <= len(data):
            kept, _ = self._sizes.unpack_from(data, at)
            if kept > _LARGEST:
                raise ValueError(f"a record claims {kept:,} bytes")
            if at + RECORD.size + kept > len(data):
                break
            at += RECORD.size + kept
            many += 1
        self._rest = data[at:]
        return data[begin:at], many

    @property
    def left(self) -> int:
        """Bytes of a record that is not whole yet."""
        return len(self._rest)
