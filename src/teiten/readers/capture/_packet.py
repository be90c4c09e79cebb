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
def _four(buf: Any, p: int, end: int) -> Any:
    """IPv4's header at p: (protocol, place and end of what is above, its length or -1, total length, ID, TTL, flags, offset).
    A protocol of -2 says that there is no header."""
    header = (at(buf, p) & 15) * 4
    if header < 20:
        return -2, p, end, -1, -1, -1, -1, -1, -1
    total = be16(buf, p + 2)
    word = be16(buf, p + 6)
    length = -1
    # a total length of 0 is an offloaded packet's; one between is damage, and what is above cannot be told
    if total >= header:
        length = total - header
        end = min(end, p + total)
    elif total:
        end = min(end, p + header)
    return at(buf, p + 9), p + header, end, length, total, be16(buf, p + 4), at(buf, p + 8), word >> 13, (word & 0x1FFF) * 8


@jit
def _six(buf: Any, p: int, end: int) -> Any:
    """IPv6's header at p, as `_four`; flags and offset are -1 where no fragment header is."""
    stated = be16(buf, p + 4)
    total = 40 + stated
    if stated == 0 and at(buf, p + 6) == 0:  # a jumbogram: its length is in an option
        total = -1
    else:
        end = min(end, p + total)
    protocol, place, offset, more = _v6(buf, p, end)
    length = p + total - place if total >= 0 else -1
    return protocol, place, end, length, total, -1, at(buf, p + 7), more, offset


@jit
def _tcp(buf: Any, p: int, end: int, length: int) -> Any:
    """(sequence, acknowledgement, flags, window, length of the options, length of the payload)"""
    if p + 20 > end:
        return _cut_tcp(buf, p, end, length)
    word = be16(buf, p + 12)
    header = (word >> 12) * 4
    options, payload = -1, -1
    if header >= 20:
        options = header - 20
        if length >= header:
            payload = length - header
    return be32(buf, p + 4), be32(buf, p + 8), word & 0x1FF, be16(buf, p + 14), options, payload


@jit
def _cut_tcp(buf: Any, p: int, end: int, length: int) -> Any:
    sequence = be32(buf, p + 4) if p + 8 <= end else -1
    acknowledgement = be32(buf, p + 8) if p + 12 <= end else -1
    flags, options, payload = -1, -1, -1
    if p + 14 <= end:
        flags = be16(buf, p + 12) & 0x1FF
        header = (at(buf, p + 12) >> 4) * 4
        if header >= 20:
            options = header - 20
            if length >= header:
                payload = length - header
    return sequence, acknowledgement, flags, be16(buf, p + 14) if p + 16 <= end else -1, options, payload


@jit
def _ports(buf: Any, p: int, end: int) -> Any:
    if p + 4 <= end:
        return be16(buf, p), be16(buf, p + 2)
    return (be16(buf, p) if p + 2 <= end else -1), -1


@jit
def _payload(buf: Any, p: int, end: int, protocol: int, length: int) -> int:
    """Bytes above the header of UDP, SCTP or ICMP; `length` is that of the whole, -1 where it is not known."""
    if protocol == 17:
        stated = be16(buf, p + 4) if p + 6 <= end else -1
        if length >= 8 and 8 <= stated <= length:
            return stated - 8
        if length >= 8 and stated == 0:  # a jumbogram's datagram
            return length - 8
        return -1
    header = 12 if protocol == 132 else 8
    return length - header if length >= header and protocol != 33 and protocol != 136 else -1


@jit
def _is_error(protocol: int, kind: int) -> bool:
    """Does such an ICMP message quote a packet (RFC 792, RFC 4443)?"""
    if protocol == 1:
        return kind == 3 or kind == 4 or kind == 5 or kind == 11 or kind == 12
    return 1 <= kind <= 4


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
    link type links[i] -> their outcome, and row i of the columns. Rows of other outcomes are left as they were.

    One long function on purpose: what is called with arrays counts their references at every call.
    """
    for i in range(len(pos)):
        hashes[i] = hash_bytes(buf, int(place[i]), int(stop[i]), key)
        if outcome[i]:
            continue
        p = int(pos[i])
        end = p + int(size[i])
        kind = int(links[i])
        if kind == k.ETHERNET and p + 34 <= end and at(buf, p + 12) == 8 and at(buf, p + 13) == 0:
            code, p = 0, p + 14
        else:
            code, p = link(buf, p, end, kind, swapped)
        if code:
            outcome[i] = code
            continue
        if p >= end:
            outcome[i] = k.CUT_LINK
            continue
        version = at(buf, p) >> 4
        if version == 4:
            if p + 20 > end:
                outcome[i] = k.CUT_IP
                continue
            words[SRC, i], words[DST, i] = be32(buf, p + 12), be32(buf, p + 16)
            protocol, q, end, length, total, number, ttl, flags, offset = _four(buf, p, end)
        elif version == 6:
            if p + 40 > end:
                outcome[i] = k.CUT_IP
                continue
            for j in range(4):
                words[SRC + j, i], words[DST + j, i] = be32(buf, p + 8 + 4 * j), be32(buf, p + 24 + 4 * j)
            protocol, q, end, length, total, number, ttl, flags, offset = _six(buf, p, end)
        else:
            protocol, q, length, total, number, ttl, flags, offset = -2, p, -1, -1, -1, -1, -1, -1
        if protocol == -2:
            outcome[i] = k.BAD_IP
            continue
        source, target, sequence, acknowledgement, bits, window, options, payload = -1, -1, -1, -1, -1, -1, -1, -1
        kind, code, quoted = -1, -1, False
        if offset <= 0:
            if flags & 1 and flags > 0:
                length = -1  # of a fragment: what is above is longer
            if protocol == 6:
                source, target = _ports(buf, q, end)
                sequence, acknowledgement, bits, window, options, payload = _tcp(buf, q, end, length)
            elif protocol == 17 or protocol == 132 or protocol == 33 or protocol == 136:
                source, target = _ports(buf, q, end)
                payload = _payload(buf, q, end, protocol, length)
            elif (protocol == 1 or protocol == 58) and q < end:
                kind = at(buf, q)
                if q + 1 < end:
                    code = at(buf, q + 1)
                    payload = _payload(buf, q, end, protocol, length)
                    quoted = _is_error(protocol, kind)
        wide[SEQ, i], wide[ACK, i] = sequence, acknowledgement
        middle[SPT, i], middle[DPT, i], middle[ID, i], middle[LEN, i] = source, target, number, total
        middle[WINDOW, i], middle[FRAG, i], middle[PAYLOAD, i] = window, offset, payload
        middle[IN_SPT, i], middle[IN_DPT, i] = -1, -1
        narrow[FAMILY, i], narrow[PROTOCOL, i], narrow[TYPE, i], narrow[CODE, i] = version, protocol, kind, code
        narrow[TTL, i], narrow[FLAGS, i], narrow[OPT_LEN, i], narrow[IP_FLAGS, i] = ttl, bits, options, flags
        narrow[IN_FAMILY, i], narrow[IN_PROTOCOL, i] = -1, -1
        if quoted:
            _quoted(buf, q + 8, end, i, words, middle, narrow)
