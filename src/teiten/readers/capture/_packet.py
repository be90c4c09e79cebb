"""The kernel over the packets of a block: IPv4 and IPv6, what lies above them, the packet that an ICMP error quotes.

What a record holds is kept, what it does not hold is -1 (null): never a value from beyond its end. Only the outermost IP
packet is looked into; tunnels are protocols (IP in IP 4 and 41, GRE 47, ESP 50, AH 51).
"""

from __future__ import annotations

from typing import Any, Final

from teiten.readers._jit import at, entry, get, hash_of, jit, put, put8, signed, unsigned
from teiten.readers.capture import _codes as k
from teiten.readers.capture._link import be16, be32, link
from teiten.readers.capture._walk import HASH, LINK, PLACE, POS, SIZE, STOP

_EXTENSIONS: Final = 32
"""IPv6 extension headers in one packet; more is an attack on the reader"""

# columns of an event; from FIRST_INNER on they hold 0 for null, and one more than the value otherwise (families apart)
(
    FAMILY, SRC_HIGH, SRC_LOW, DST_HIGH, DST_LOW, PROTOCOL, SPT, DPT, TYPE, CODE, TTL, ID, LEN,
    FLAGS, SEQ, ACK, WINDOW, OPT_LEN, IP_FLAGS, FRAG, PAYLOAD, LINE,
    IN_FAMILY, IN_SRC_HIGH, IN_SRC_LOW, IN_DST_HIGH, IN_DST_LOW, IN_PROTOCOL, IN_SPT, IN_DPT,
    WIDTH,
) = range(31)  # fmt: skip
FIRST_INNER: Final = IN_FAMILY


@jit
def _half(buf: Any, p: int) -> Any:
    """Eight bytes of an address as a signed integer."""
    return (((be32(buf, p) ^ 0x80000000) - 0x80000000) << 32) | be32(buf, p + 4)


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
def _quoted(buf: Any, p: int, end: int, rows: Any, room: int, i: int) -> None:
    """The beginning of the packet that an error is about, into row i."""
    if p >= end:
        return
    version = at(buf, p) >> 4
    if version == 4:
        header = (at(buf, p) & 15) * 4
        if p + 20 > end or header < 20:
            return
        put(rows, IN_SRC_LOW * room + i, be32(buf, p + 12))
        put(rows, IN_DST_LOW * room + i, be32(buf, p + 16))
        protocol, place = at(buf, p + 9), p + header
        offset = be16(buf, p + 6) & 0x1FFF
    elif version == 6:
        if p + 40 > end:
            return
        put(rows, IN_SRC_HIGH * room + i, _half(buf, p + 8))
        put(rows, IN_SRC_LOW * room + i, _half(buf, p + 16))
        put(rows, IN_DST_HIGH * room + i, _half(buf, p + 24))
        put(rows, IN_DST_LOW * room + i, _half(buf, p + 32))
        protocol, place, offset, _ = _v6(buf, p, end)
    else:
        return
    put(rows, IN_FAMILY * room + i, version)
    put(rows, IN_PROTOCOL * room + i, protocol + 1)
    ports = protocol == 6 or protocol == 17 or protocol == 132 or protocol == 33 or protocol == 136
    if ports and offset <= 0:
        source, target = _ports(buf, place, end)
        put(rows, IN_SPT * room + i, source + 1)
        put(rows, IN_DPT * room + i, target + 1)


@entry
def decode(
    buf: Any, big: int, key: int, hashed: int, first: int, last: int, table: Any, table_room: int, outcome: Any,
    rows: Any, room: int,
) -> int:  # fmt: skip
    """Records first..last of a walk's table -> their hashes (if `hashed`); those with outcome 0 -> their outcome, and a row
    each for those that are events. LINK holds link types here. Returns the number of rows.

    rows: WIDTH columns, each `room` numbers long; those of quoted packets hold 0 before.
    """
    made = 0
    for record in range(first, last):
        p = get(table, POS * table_room + record)
        if hashed:
            start, stop = get(table, PLACE * table_room + record), get(table, STOP * table_room + record)
            put(table, HASH * table_room + record, signed(hash_of(buf, start, stop, unsigned(key))))
        if at(outcome, record - first):
            continue
        end = p + get(table, SIZE * table_room + record)
        kind = get(table, LINK * table_room + record)
        if kind == k.ETHERNET and p + 34 <= end and at(buf, p + 12) == 8 and at(buf, p + 13) == 0:
            code, p = 0, p + 14
        else:
            code, p = link(buf, p, end, kind, big)
        if code == 0:
            code = _event(buf, p, end, rows, room, made)
        if code:
            put8(outcome, record - first, code)
        else:
            put(rows, LINE * room + made, record - first)
            made += 1
    return made


@jit
def _event(buf: Any, p: int, end: int, rows: Any, room: int, i: int) -> int:
    """An IP packet at p into row i: its code."""
    if p >= end:
        return k.CUT_LINK
    version = at(buf, p) >> 4
    if version == 4:
        if p + 20 > end:
            return k.CUT_IP
        put(rows, SRC_LOW * room + i, be32(buf, p + 12))
        put(rows, DST_LOW * room + i, be32(buf, p + 16))
        put(rows, SRC_HIGH * room + i, 0)
        put(rows, DST_HIGH * room + i, 0)
        protocol, q, end, length, total, number, ttl, flags, offset = _four(buf, p, end)
    elif version == 6:
        if p + 40 > end:
            return k.CUT_IP
        put(rows, SRC_HIGH * room + i, _half(buf, p + 8))
        put(rows, SRC_LOW * room + i, _half(buf, p + 16))
        put(rows, DST_HIGH * room + i, _half(buf, p + 24))
        put(rows, DST_LOW * room + i, _half(buf, p + 32))
        protocol, q, end, length, total, number, ttl, flags, offset = _six(buf, p, end)
    else:
        return k.BAD_IP
    if protocol == -2:
        return k.BAD_IP
    source, target, sequence, acknowledgement, bits, window, options, payload = -1, -1, -1, -1, -1, -1, -1, -1
    kind, code = -1, -1
    if offset <= 0:
        if flags > 0 and flags & 1:
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
                if _is_error(protocol, kind):
                    _quoted(buf, q + 8, end, rows, room, i)
    put(rows, FAMILY * room + i, version)
    put(rows, PROTOCOL * room + i, protocol)
    put(rows, SPT * room + i, source)
    put(rows, DPT * room + i, target)
    put(rows, TYPE * room + i, kind)
    put(rows, CODE * room + i, code)
    put(rows, TTL * room + i, ttl)
    put(rows, ID * room + i, number)
    put(rows, LEN * room + i, total)
    put(rows, FLAGS * room + i, bits)
    put(rows, SEQ * room + i, sequence)
    put(rows, ACK * room + i, acknowledgement)
    put(rows, WINDOW * room + i, window)
    put(rows, OPT_LEN * room + i, options)
    put(rows, IP_FLAGS * room + i, flags)
    put(rows, FRAG * room + i, offset)
    put(rows, PAYLOAD * room + i, payload)
    return k.EVENT
