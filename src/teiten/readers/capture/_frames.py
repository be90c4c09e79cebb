"""How a capture is written: what its first bytes say, and what the headers inside of a pcapng say.

pcap (tcpdump.org/manpages/pcap-savefile.5), its modified form by Alexey Kuznetzov, pcapng (draft-ietf-opsawg-pcapng) and
ERF (Endace's extensible record format).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

MAX_RECORD: Final = 1 << 18
"""bytes of a packet; libpcap and Wireshark write no longer ones of these link types. A larger number is damage."""
MAX_BLOCK: Final = 16 << 20
"""bytes of a pcapng block; blocks of other kinds than packets may be long"""

_MAGIC: Final[dict[bytes, tuple[bool, int, int]]] = {}
"""first four bytes -> big-endian, parts of a second, length of a record's header"""
for _number, _parts, _header in (
    (0xA1B2C3D4, 10**6, 16), (0xA1B23C4D, 10**9, 16), (0xA1B2CD34, 10**6, 24), (0x1C0001AC, 10**9, 16), (0x1C0001AB, 10**9, 16),
):  # fmt: skip
    _MAGIC[struct.pack("<I", _number)] = (False, _parts, _header)
    _MAGIC[struct.pack(">I", _number)] = (True, _parts, _header)
SECTION: Final = b"\x0a\x0d\x0d\x0a"


@dataclass(slots=True)
class Interface:
    """An interface of a pcapng section. A time stamp counts parts of a second: 10^-n or 2^-n; `offset` seconds are added."""

    link_type: int
    snaplen: int = 0
    parts: int = 10**6
    offset: int = 0
    name: str | None = None


@dataclass(slots=True)
class Layout:
    """How the records of a capture are written, as far as is known."""

    kind: str
    """pcap, pcapng, erf"""
    big: bool = False
    parts: int = 10**6
    header: int = 16
    link_type: int = 0
    begin: int = 0
    """where the records begin"""
    interfaces: list[Interface] = field(default_factory=list)


def layout(head: bytes) -> Layout | None:
    """What the first bytes say; None where they are no capture's."""
    if head[:4] in _MAGIC and len(head) >= 24:
        big, parts, header = _MAGIC[head[:4]]
        link_type = struct.unpack(">I" if big else "<I", head[20:24])[0] & 0x03FFFFFF
        return Layout("pcap", big, parts, header, link_type, 24)
    if head[:4] == SECTION and len(head) >= 12:
        if head[8:12] == b"\x1a\x2b\x3c\x4d":
            return Layout("pcapng", True)
        if head[8:12] == b"\x4d\x3c\x2b\x1a":
            return Layout("pcapng", False)
    return Layout("erf", True, 1 << 32) if erf_like(head) else None


def header_cut(head: bytes) -> int:
    """How long a file's header is of which these bytes, all there are, are the beginning; 0 where they are no such thing."""
    if head[:4] in _MAGIC and len(head) < 24:
        return 24
    return 12 if head[:4] == SECTION and len(head) < 12 else 0


def erf_like(head: bytes) -> bool:
    """ERF has no magic number: are the first records' types, lengths and times as they must be?"""
    place, seen, last = 0, 0, 0
    while place + 16 <= len(head) and seen < 50:
        stamp, kind = struct.unpack_from("<QB", head, place)
        length, _, wire = struct.unpack_from(">HHH", head, place + 10)
        kind &= 0x7F
        if not (1 <= kind <= 27 or kind == 48) or length < 16 or (wire > length * 64 and kind != 48):
            return False
        seconds = stamp >> 32
        if not 500_000_000 < seconds < 1 << 32 or abs(seconds - (last or seconds)) > 86_400 * 400:
            return False
        last, place, seen = seconds, place + length, seen + 1
    return seen > 0 and (seen >= 2 or place == len(head))


def section(block: bytes) -> bool | None:
    """Is a section, which begins so (12 bytes), big-endian? None: neither."""
    return {b"\x1a\x2b\x3c\x4d": True, b"\x4d\x3c\x2b\x1a": False}.get(bytes(block[8:12]))


def interface(block: bytes, big: bool) -> Interface:
    """An interface description block, whole."""
    order = ">" if big else "<"
    if len(block) < 20:
        return Interface(-1)
    link_type, _, snaplen = struct.unpack_from(order + "HHI", block, 8)
    found = Interface(link_type, snaplen)
    place = 16
    while place + 4 <= len(block) - 4:
        code, length = struct.unpack_from(order + "HH", block, place)
        value = block[place + 4 : place + 4 + length]
        if code == 0 or len(value) < length:
            break
        if code == 9 and length == 1:
            power = value[0] & 0x7F
            found.parts = (2**power) if value[0] & 0x80 else 10**power
        elif code == 14 and length == 8:
            found.offset = struct.unpack(order + "q", value)[0]
        elif code == 2:
            found.name = value.rstrip(b"\0").decode("utf-8", "replace")[:64]
        place += 4 + ((length + 3) & ~3)
    return found
