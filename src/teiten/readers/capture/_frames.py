"""What a capture is made of: the file's header, and kernels that walk over its records without looking into them.

pcap (tcpdump.org/manpages/pcap-savefile.5), its modified form by Alexey Kuznetzov, pcapng (draft-ietf-opsawg-pcapng) and
ERF (Endace's extensible record format). A walk stops before a record that is not whole; more bytes may follow.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Final

from teiten.readers._jit import at, jit
from teiten.readers.capture._link import be16, be32, erf_link, le16, le32

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

# why a walk ended
WHOLE, MORE, ROOM, DAMAGE, HEADER = range(5)


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


# kernels ----------------------------------------------------------------------------------------------------------------
# They fill one row a record: its place and where it stops, pos and size of the packet's bytes, its time. They return (rows, place where the walk ended, why).


@jit
def pcap(
    buf: Any, p: int, end: int, big: int, header: int, longest: int,
    place: Any, stop: Any, pos: Any, size: Any, high: Any, low: Any,
) -> Any:  # fmt: skip
    """Records of pcap: `high` seconds, `low` parts of a second."""
    n = 0
    while n < len(pos):
        if p + header > end:
            return n, p, WHOLE if p == end else MORE
        if big:
            seconds, parts, length = be32(buf, p), be32(buf, p + 4), be32(buf, p + 8)
        else:
            seconds, parts, length = le32(buf, p), le32(buf, p + 4), le32(buf, p + 8)
        if length > longest:
            return n, p, DAMAGE
        after = p + header + length
        if after > end:
            return n, p, MORE
        place[n], pos[n], size[n], high[n], low[n] = p, p + header, length, seconds, parts
        stop[n] = after
        p = after
        n += 1
    return n, p, ROOM


@jit
def erf(
    buf: Any, p: int, end: int, place: Any, stop: Any, pos: Any, size: Any, high: Any, low: Any, links: Any
) -> Any:  # fmt: skip
    """Records of ERF: `high` seconds, `low` parts of 2^32."""
    n = 0
    while n < len(pos):
        if p + 16 > end:
            return n, p, WHOLE if p == end else MORE
        length = be16(buf, p + 10)
        if length < 16:
            return n, p, DAMAGE
        after = p + length
        if after > end:
            return n, p, MORE
        kind, start = erf_link(buf, p, after)
        start = min(start, after)
        # a record is filled up, and Ethernet's is 2 bytes more than the frame
        until = min(after, start + be16(buf, p + 14))
        place[n], pos[n], size[n], high[n], low[n] = p, start, until - start, le32(buf, p + 4), le32(buf, p)
        links[n] = kind
        if at(buf, p + 8) & 0x7F == 48:
            links[n] = -2
        stop[n] = after
        p = after
        n += 1
    return n, p, ROOM


@jit
def pcapng(
    buf: Any, p: int, end: int, big: int, longest: int,
    place: Any, stop: Any, pos: Any, size: Any, high: Any, low: Any, links: Any,
) -> Any:  # fmt: skip
    """Packet blocks of pcapng; `links` is the interface's number, -1 - number for a block without a time. Ends before a
    section's or an interface's header (HEADER). Blocks of other kinds are passed over."""
    n = 0
    while n < len(pos):
        if p + 12 > end:
            return n, p, WHOLE if p == end else MORE
        kind = be32(buf, p) if big else le32(buf, p)
        if kind == 0x0A0D0D0A or kind == 1:
            return n, p, HEADER
        total = be32(buf, p + 4) if big else le32(buf, p + 4)
        if total < 12 or total > longest:
            return n, p, DAMAGE
        after = p + ((total + 3) & ~3)
        if after > end:
            return n, p, MORE
        if (kind == 6 or kind == 2) and total >= 32:
            word = be32(buf, p + 8) if big else le32(buf, p + 8)
            if kind == 2:
                word = be16(buf, p + 8) if big else le16(buf, p + 8)
            length = be32(buf, p + 20) if big else le32(buf, p + 20)
            if length > total - 32:
                return n, p, DAMAGE
            high[n] = be32(buf, p + 12) if big else le32(buf, p + 12)
            low[n] = be32(buf, p + 16) if big else le32(buf, p + 16)
            place[n], pos[n], size[n], links[n] = p, p + 28, length, word
            stop[n] = after
            n += 1
        elif kind == 3 and total >= 16:
            length = be32(buf, p + 8) if big else le32(buf, p + 8)
            place[n], pos[n], size[n], links[n] = p, p + 12, min(length, total - 16), -1
            high[n], low[n] = 0, 0
            stop[n] = after
            n += 1
        p = after
    return n, p, ROOM


# headers of pcapng -----------------------------------------------------------------------------------------------------


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


__all__ = ["DAMAGE", "HEADER", "MORE", "ROOM", "WHOLE", "Interface", "Layout", "erf", "interface", "layout", "pcap", "pcapng", "section"]
