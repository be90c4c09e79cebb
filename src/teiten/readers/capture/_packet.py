"""The kernel over the packets of a block: IPv4 and IPv6, what lies above them, the packet that an ICMP error quotes.

What a record holds is kept, what it does not hold is -1 (null): never a value from beyond its end. Only the outermost IP
packet is looked into; tunnels are protocols (IP in IP 4 and 41, GRE 47, ESP 50, AH 51).
"""

from __future__ import annotations

from typing import Any, Final

from teiten.readers._jit import at, hash_bytes, jit
from teiten.readers.capture import _codes as k
from teiten.readers.capture._link import be16, be32, link

_EXTENSIONS: Final = 32
"""IPv6 extension headers in one packet; more is an attack on the reader"""

# addresses as words of 32 bits: one (IPv4) or four (IPv6) from each of these on
SRC, DST, IN_SRC, IN_DST, WORDS = 0, 4, 8, 12, 16
# int64 columns
SEQ, ACK, WIDE = range(3)
# int32 columns
SPT, DPT, ID, LEN, WINDOW, FRAG, PAYLOAD, IN_SPT, IN_DPT, MIDDLE = range(10)
# int16 columns
FAMILY, PROTOCOL, TYPE, CODE, TTL, FLAGS, OPT_LEN, IP_FLAGS, IN_FAMILY, IN_PROTOCOL, NARROW = range(11)


@jit
def _v6(buf: Any, p: int, end: int) -> Any:
    """The headers of IPv6 from after the fixed one: (protocol or -1, place of the upper header, fragment offset or -1, MF)."""
    kind = at(buf, p + 6)
    p += 40
    offset, more = -1, -1
    for _ in range(_EXTENSIONS):
        if kind == 0 or kind == 43 or kind == 60:
            if p + 2 > end:
                return -1, p, offset, more
            kind, length = at(buf, p), (at(buf, p + 1) + 1) * 8
            p += length
        elif kind == 44:
            if p + 4 > end:
                return -1, p, offset, more
            kind = at(buf, p)
            offset, more = be16(buf, p + 2) & 0xFFF8, at(buf, p + 3) & 1
            p += 8
            if offset:
                return kind, p, offset, more
        else:
            return kind, p, offset, more
    return -1, p, offset, more


@jit
def packet(buf: Any, p: int, end: int, i: int, words: Any, wide: Any, middle: Any, narrow: Any) -> int:
    """One IP packet at p into row i of the columns (which hold -1): its code."""
    if p >= end:
        return k.CUT_LINK
    version = at(buf, p) >> 4
    more, offset, upper = 0, 0, -1
    if version == 4:
        if p + 20 > end:
            return k.CUT_IP
        header = (at(buf, p) & 15) * 4
        if header < 20:
            return k.BAD_IP
        narrow[FAMILY, i] = 4
        words[SRC, i], words[DST, i] = be32(buf, p + 12), be32(buf, p + 16)
        total = be16(buf, p + 2)
        middle[LEN, i], middle[ID, i] = total, be16(buf, p + 4)
        flags = at(buf, p + 6) >> 5
        offset, more = (be16(buf, p + 6) & 0x1FFF) * 8, flags & 1
        narrow[IP_FLAGS, i], middle[FRAG, i], narrow[TTL, i] = flags, offset, at(buf, p + 8)
        protocol = at(buf, p + 9)
        # a total length of 0 is an offloaded packet's; one between is damage, and what is above cannot be told
        if total >= header:
            upper = total - header
            end = min(end, p + total)
        elif total:
            end = min(end, p + header)
        p += header
    elif version == 6:
        if p + 40 > end:
            return k.CUT_IP
        narrow[FAMILY, i] = 6
        for j in range(4):
            words[SRC + j, i], words[DST + j, i] = be32(buf, p + 8 + 4 * j), be32(buf, p + 24 + 4 * j)
        length = be16(buf, p + 4)
        narrow[TTL, i] = at(buf, p + 7)
        jumbo = length == 0 and at(buf, p + 6) == 0
        if not jumbo:
            middle[LEN, i] = 40 + length
            end = min(end, p + 40 + length)
        protocol, place, offset, more = _v6(buf, p, end)
        if offset >= 0:
            middle[FRAG, i], narrow[IP_FLAGS, i] = offset, more
        offset, more = max(offset, 0), max(more, 0)
        if not jumbo:
            upper = p + 40 + length - place
        p = place
    else:
        return k.BAD_IP
    narrow[PROTOCOL, i] = protocol
    if offset == 0 and protocol >= 0:
        _upper(buf, p, end, i, protocol, -1 if more else upper, words, wide, middle, narrow)
    return k.EVENT


@jit
def _upper(buf: Any, p: int, end: int, i: int, protocol: int, length: int, words: Any, wide: Any, middle: Any, narrow: Any) -> None:
    """What stands above IP at p; `length`: of it all as the IP header states it, -1 where that is not known."""
    if protocol == 6 or protocol == 17 or protocol == 132 or protocol == 33 or protocol == 136:
        if p + 4 > end:
            if p + 2 <= end:
                middle[SPT, i] = be16(buf, p)
            return
        middle[SPT, i], middle[DPT, i] = be16(buf, p), be16(buf, p + 2)
        if protocol == 6:
            _tcp(buf, p, end, i, length, wide, middle, narrow)
        elif protocol == 17 and p + 6 <= end:
            stated = be16(buf, p + 4)
            if length >= 8 and 8 <= stated <= length:
                middle[PAYLOAD, i] = stated - 8
            elif length >= 8 and stated == 0:  # a jumbogram's datagram
                middle[PAYLOAD, i] = length - 8
        elif protocol == 132 and length >= 12:
            middle[PAYLOAD, i] = length - 12
    elif protocol == 1 or protocol == 58:
        if p < end:
            narrow[TYPE, i] = at(buf, p)
        if p + 1 < end:
            narrow[CODE, i] = at(buf, p + 1)
            if length >= 8:
                middle[PAYLOAD, i] = length - 8
            kind = at(buf, p)
            if protocol == 1:
                error = kind == 3 or kind == 4 or kind == 5 or kind == 11 or kind == 12
            else:
                error = 1 <= kind <= 4
            if error:
                _quoted(buf, p + 8, end, i, words, middle, narrow)


@jit
def _tcp(buf: Any, p: int, end: int, i: int, length: int, wide: Any, middle: Any, narrow: Any) -> None:
    if p + 8 <= end:
        wide[SEQ, i] = be32(buf, p + 4)
    if p + 12 <= end:
        wide[ACK, i] = be32(buf, p + 8)
    if p + 14 <= end:
        header = (at(buf, p + 12) >> 4) * 4
        narrow[FLAGS, i] = be16(buf, p + 12) & 0x1FF
        if header >= 20:
            narrow[OPT_LEN, i] = header - 20
            if length >= header:
                middle[PAYLOAD, i] = length - header
    if p + 16 <= end:
        middle[WINDOW, i] = be16(buf, p + 14)


@jit
def _quoted(buf: Any, p: int, end: int, i: int, words: Any, middle: Any, narrow: Any) -> None:
    """The beginning of the packet that an error is about (RFC 792, RFC 4443)."""
    if p >= end:
        return
    version = at(buf, p) >> 4
    if version == 4:
        header = (at(buf, p) & 15) * 4
        if p + 20 > end or header < 20:
            return
        narrow[IN_FAMILY, i], narrow[IN_PROTOCOL, i] = 4, at(buf, p + 9)
        words[IN_SRC, i], words[IN_DST, i] = be32(buf, p + 12), be32(buf, p + 16)
        protocol, place = at(buf, p + 9), p + header
        offset = be16(buf, p + 6) & 0x1FFF
    elif version == 6:
        if p + 40 > end:
            return
        narrow[IN_FAMILY, i] = 6
        for j in range(4):
            words[IN_SRC + j, i], words[IN_DST + j, i] = be32(buf, p + 8 + 4 * j), be32(buf, p + 24 + 4 * j)
        protocol, place, offset, _ = _v6(buf, p, end)
        narrow[IN_PROTOCOL, i] = protocol
    else:
        return
    ports = protocol == 6 or protocol == 17 or protocol == 132 or protocol == 33 or protocol == 136
    if ports and offset <= 0:
        if place + 2 <= end:
            middle[IN_SPT, i] = be16(buf, place)
        if place + 4 <= end:
            middle[IN_DPT, i] = be16(buf, place + 2)


@jit
def decode(
    buf: Any, swapped: int, key: Any, place: Any, stop: Any, pos: Any, size: Any, links: Any,
    hashes: Any, outcome: Any, words: Any, wide: Any, middle: Any, narrow: Any,
) -> None:  # fmt: skip
    """Records buf[place[i]:stop[i]] -> their hashes; those with outcome 0, whose packet is size[i] bytes at pos[i] of
    link type links[i] -> their outcome, and row i of the columns, which hold -1 before."""
    for i in range(len(pos)):
        hashes[i] = hash_bytes(buf, int(place[i]), int(stop[i]), key)
        if outcome[i]:
            continue
        p = int(pos[i])
        end = p + int(size[i])
        code, start = link(buf, p, end, int(links[i]), swapped)
        if code == 0:
            code = packet(buf, start, end, i, words, wide, middle, narrow)
        outcome[i] = code
