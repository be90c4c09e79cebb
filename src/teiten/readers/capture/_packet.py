"""The kernels over the packets of a block: IPv4 and IPv6, what lies above them, the packet that an ICMP error quotes.

What a record holds is kept, what it does not hold is -1 (null): never a value from beyond its end. Only the outermost IP
packet is looked into; tunnels are protocols (IP in IP 4 and 41, GRE 47, ESP 50, AH 51).

The usual packet (IPv4 without options or fragments, with a whole header of TCP, UDP or ICMP) has a way of its own; every other
goes the general way. Both say the same.
"""

from __future__ import annotations

from typing import Any, Final

from teiten.readers._jit import at, entry, get, get32, hash_of, jit, put, put8, put16, put32, signed, unsigned
from teiten.readers._words import be16, be32, le32
from teiten.readers.capture import _codes as k
from teiten.readers.capture._link import link
from teiten.readers.capture._walk import LINK, MADE, PLACE, POS, QUOTED, SIX, SIZE, STOP

NONE, ALL, REST = range(3)
_EXTENSIONS: Final = 32
"""IPv6 extension headers in one packet; more is an attack on the reader"""

# columns of an event, by the width of their numbers
FAMILY, PROTOCOL, TYPE, CODE, TTL, FLAGS, OPT_LEN, IP_FLAGS, WIDTH16 = range(9)
SRC, DST, SPT, DPT, ID, LEN, WINDOW, FRAG, PAYLOAD, LINE, ABOVE, HELD, WIDTH32 = range(13)
"""SRC, DST: IPv4 addresses as the packet has them (network order). ABOVE, HELD: where in the block what is above the transport
header begins, and how many bytes of it there are (-1: no such place)"""
TIME, SEQ, ACK, SRC_HIGH, SRC_LOW, DST_HIGH, DST_LOW, WIDTH64 = range(8)
"""addresses: of IPv6 alone; for other packets nothing is written there"""

# a packet quoted in an ICMP error: a table of its own, for those that have one. Ports and protocol are -1 for null
ROW, IN_FAMILY, IN_SRC_HIGH, IN_SRC_LOW, IN_DST_HIGH, IN_DST_LOW, IN_PROTOCOL, IN_SPT, IN_DPT, WIDTH_QUOTED = range(10)


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
    long = stated == 0 and end - p - 40 > 65535  # too long for its field, as offloading leaves it (Linux's BIG TCP)
    if stated == 0 and at(buf, p + 6) == 0:  # a jumbogram: its length is in an option
        total = -1
    elif not long:
        end = min(end, p + total)
    protocol, place, offset, more = _v6(buf, p, end)
    length = p + total - place if total >= 0 and not long else -1
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
def _quoted(buf: Any, p: int, end: int, quotes: Any, room: int, i: int, state: Any) -> None:
    """The beginning of the packet that the error of row i is about, as one more quote."""
    if p >= end:
        return
    version = at(buf, p) >> 4
    n = get(state, QUOTED)
    if version == 4:
        header = (at(buf, p) & 15) * 4
        if p + 20 > end or header < 20:
            return
        put(quotes, IN_SRC_HIGH * room + n, 0)
        put(quotes, IN_SRC_LOW * room + n, be32(buf, p + 12))
        put(quotes, IN_DST_HIGH * room + n, 0)
        put(quotes, IN_DST_LOW * room + n, be32(buf, p + 16))
        protocol, place = at(buf, p + 9), p + header
        offset = be16(buf, p + 6) & 0x1FFF
    elif version == 6:
        if p + 40 > end:
            return
        put(quotes, IN_SRC_HIGH * room + n, _half(buf, p + 8))
        put(quotes, IN_SRC_LOW * room + n, _half(buf, p + 16))
        put(quotes, IN_DST_HIGH * room + n, _half(buf, p + 24))
        put(quotes, IN_DST_LOW * room + n, _half(buf, p + 32))
        protocol, place, offset, _ = _v6(buf, p, end)
    else:
        return
    source, target = -1, -1
    ports = protocol == 6 or protocol == 17 or protocol == 132 or protocol == 33 or protocol == 136
    if ports and offset <= 0:
        source, target = _ports(buf, place, end)
    put(quotes, ROW * room + n, i)
    put(quotes, IN_FAMILY * room + n, version)
    put(quotes, IN_PROTOCOL * room + n, protocol)
    put(quotes, IN_SPT * room + n, source)
    put(quotes, IN_DPT * room + n, target)
    put(state, QUOTED, n + 1)


@jit
def _raw(buf: Any, p: int) -> Any:
    """Four bytes as they are, as a signed number of 32 bits."""
    return (le32(buf, p) ^ 0x80000000) - 0x80000000


@jit
def _usual(buf: Any, p: int, end: int, c16: Any, c32: Any, c64: Any, room: int, i: int, above: int) -> int:
    """A usual packet at p into row i: 1. Or 0, and what was written there does not count."""
    if p + 28 > end:
        return 0
    first, second, third = be32(buf, p), be32(buf, p + 4), be32(buf, p + 8)
    total = first & 0xFFFF
    if first >> 24 != 0x45 or second & 0x3FFF or total < 28:
        return 0
    protocol = (third >> 16) & 0xFF
    q = p + 20
    end = min(end, p + total)
    if q + 8 > end:
        return 0
    header = 8
    if protocol == 6:
        if q + 20 > end:
            return 0
        word = be32(buf, q + 12)
        header = (word >> 28) * 4
        payload = total - 20 - header
        if header < 20 or payload < 0:
            return 0
        put32(c32, SPT * room + i, be16(buf, q))
        put32(c32, DPT * room + i, be16(buf, q + 2))
        put16(c16, TYPE * room + i, -1)
        put16(c16, CODE * room + i, -1)
        put(c64, SEQ * room + i, be32(buf, q + 4))
        put(c64, ACK * room + i, be32(buf, q + 8))
        put16(c16, FLAGS * room + i, (word >> 16) & 0x1FF)
        put32(c32, WINDOW * room + i, word & 0xFFFF)
        put16(c16, OPT_LEN * room + i, header - 20)
    else:
        if protocol == 17:
            payload = be16(buf, q + 4) - 8
            if payload < 0 or payload > total - 28:
                return 0
            end = min(end, q + 8 + payload)
            put32(c32, SPT * room + i, be16(buf, q))
            put32(c32, DPT * room + i, be16(buf, q + 2))
            put16(c16, TYPE * room + i, -1)
            put16(c16, CODE * room + i, -1)
        elif protocol == 1 and not _is_error(1, at(buf, q)):
            payload = total - 28
            put32(c32, SPT * room + i, -1)
            put32(c32, DPT * room + i, -1)
            put16(c16, TYPE * room + i, at(buf, q))
            put16(c16, CODE * room + i, at(buf, q + 1))
        else:
            return 0
        put(c64, SEQ * room + i, -1)
        put(c64, ACK * room + i, -1)
        put16(c16, FLAGS * room + i, -1)
        put32(c32, WINDOW * room + i, -1)
        put16(c16, OPT_LEN * room + i, -1)
    put16(c16, FAMILY * room + i, 4)
    put16(c16, PROTOCOL * room + i, protocol)
    put16(c16, TTL * room + i, third >> 24)
    put16(c16, IP_FLAGS * room + i, (second >> 13) & 7)
    put32(c32, SRC * room + i, _raw(buf, p + 12))
    put32(c32, DST * room + i, _raw(buf, p + 16))
    put32(c32, ID * room + i, second >> 16)
    put32(c32, LEN * room + i, total)
    put32(c32, FRAG * room + i, 0)
    put32(c32, PAYLOAD * room + i, payload)
    if above:
        q += header
        put32(c32, ABOVE * room + i, q if q <= end else -1)
        put32(c32, HELD * room + i, end - q)
    return 1


@jit
def _above(p: int, end: int, protocol: int, header: int, length: int) -> Any:
    """Where what is above the transport header at p begins, and how many bytes of it are there; -1, -1 where there is none."""
    if protocol == 17:
        header = 8
        if length >= 0:
            end = min(end, p + 8 + length)
    elif protocol == 132:
        header = 12
    elif protocol == 1 or protocol == 58:
        header = 8
    elif protocol != 6:
        header = -1
    if header < 0 or p + header > end:
        return -1, -1
    return p + header, end - p - header


@jit
def _event(
    buf: Any, p: int, end: int, c16: Any, c32: Any, c64: Any, quotes: Any, room: int, i: int, above: int, state: Any
) -> int:  # fmt: skip
    """An IP packet at p into row i: its code."""
    if p >= end:
        return k.CUT_LINK
    version = at(buf, p) >> 4
    if version == 4:
        if p + 20 > end:
            return k.CUT_IP
        put32(c32, SRC * room + i, _raw(buf, p + 12))
        put32(c32, DST * room + i, _raw(buf, p + 16))
        protocol, q, end, length, total, number, ttl, flags, offset = _four(buf, p, end)
    elif version == 6:
        if p + 40 > end:
            return k.CUT_IP
        put(c64, SRC_HIGH * room + i, _half(buf, p + 8))
        put(c64, SRC_LOW * room + i, _half(buf, p + 16))
        put(c64, DST_HIGH * room + i, _half(buf, p + 24))
        put(c64, DST_LOW * room + i, _half(buf, p + 32))
        protocol, q, end, length, total, number, ttl, flags, offset = _six(buf, p, end)
    else:
        return k.BAD_IP
    if protocol == -2:
        return k.BAD_IP
    source, target, sequence, acknowledgement, bits, window, options, payload = -1, -1, -1, -1, -1, -1, -1, -1
    kind, code, place, held = -1, -1, -1, -1
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
                    _quoted(buf, q + 8, end, quotes, room, i, state)
        if above:
            place, held = _above(q, end, protocol, options + 20 if options >= 0 else -1, payload)
    if version == 6:
        put(state, SIX, get(state, SIX) + 1)
    put16(c16, FAMILY * room + i, version)
    put16(c16, PROTOCOL * room + i, protocol)
    put16(c16, TYPE * room + i, kind)
    put16(c16, CODE * room + i, code)
    put16(c16, TTL * room + i, ttl)
    put16(c16, FLAGS * room + i, bits)
    put16(c16, OPT_LEN * room + i, options)
    put16(c16, IP_FLAGS * room + i, flags)
    put32(c32, SPT * room + i, source)
    put32(c32, DPT * room + i, target)
    put32(c32, ID * room + i, number)
    put32(c32, LEN * room + i, total)
    put32(c32, WINDOW * room + i, window)
    put32(c32, FRAG * room + i, offset)
    put32(c32, PAYLOAD * room + i, payload)
    put(c64, SEQ * room + i, sequence)
    put(c64, ACK * room + i, acknowledgement)
    if above:
        put32(c32, ABOVE * room + i, place)
        put32(c32, HELD * room + i, held)
    return k.EVENT


@jit
def _record(
    buf: Any, p: int, end: int, kind: int, big: int, usual: int, c16: Any, c32: Any, c64: Any, quotes: Any, room: int, i: int,
    above: int, state: Any,
) -> int:  # fmt: skip
    """The packet of a record of that link type into row i: its code."""
    if kind == k.ETHERNET and p + 34 <= end and be16(buf, p + 12) == 0x800:
        code, p = 0, p + 14
    else:
        code, p = link(buf, p, end, kind, big)
    if code:
        return code
    if usual and _usual(buf, p, end, c16, c32, c64, room, i, above):
        return k.EVENT
    return _event(buf, p, end, c16, c32, c64, quotes, room, i, above, state)


@entry
def pcap(
    buf: Any, p: int, records: int, big: int, header: int, parts: int, kind: int, known: int, usual: int, offset: int, key: int,
    hashed: int, above: int, places: Any, hashes: Any, outcome: Any, c16: Any, c32: Any, c64: Any, quotes: Any, room: int,
    state: Any,
) -> int:  # fmt: skip
    """So many records of pcap from p on, which `_walk.ends` has been over: their places in the input (`offset` is that of the
    buffer), outcomes, hashes; and a row each, with its time, for those that are events: how many.

    hashed: of NONE, of ALL, or of the REST, which make no events. kind: the link type. known: the outcome of all, where it
    is known already. usual: 0 sends every packet the general way (for tests). above: whether the places of what is above the
    transport header are wanted. c16, c32, c64: columns, each `room` numbers long. state: zeros before.
    """
    made = 0
    for record in range(records):
        length = be32(buf, p + 8) if big else le32(buf, p + 8)
        start = p + header
        stop = start + length
        put(places, record, offset + p)
        code = known
        if code == 0:
            code = _record(buf, start, stop, kind, big, usual, c16, c32, c64, quotes, room, made, above, state)
        if hashed == ALL or (hashed == REST and code != 0):
            put(hashes, record, signed(hash_of(buf, p, stop, unsigned(key))))
        put8(outcome, record, code)
        if code == 0:
            # an impossible fraction must not spill into the seconds
            low = be32(buf, p + 4) if big else le32(buf, p + 4)
            if low >= parts:
                low = 0
            elif parts != 1000000:
                low = low * 1000000 // parts
            put(c64, TIME * room + made, (be32(buf, p) if big else le32(buf, p)) * 1000000 + low)
            put32(c32, LINE * room + made, record)
            made += 1
        p = stop
    put(state, MADE, made)
    return made


@entry
def table(
    buf: Any, first: int, last: int, walked: Any, walked_room: int, big: int, usual: int, offset: int, key: int, hashed: int,
    above: int, places: Any, hashes: Any, outcome: Any, c16: Any, c32: Any, c64: Any, quotes: Any, room: int, state: Any,
) -> int:  # fmt: skip
    """Records first..last of a walk's table, as `pcap`; those whose outcome is not 0 before stay as they are. LINK holds link
    types here. Times are not written."""
    made = 0
    for record in range(first, last):
        n = record - first
        start = get(walked, PLACE * walked_room + record)
        put(places, n, offset + start)
        code = at(outcome, n)
        if code == 0:
            p = get(walked, POS * walked_room + record)
            end = p + get(walked, SIZE * walked_room + record)
            kind = get(walked, LINK * walked_room + record)
            code = _record(buf, p, end, kind, big, usual, c16, c32, c64, quotes, room, made, above, state)
            put8(outcome, n, code)
        if hashed == ALL or (hashed == REST and code != 0):
            stop = get(walked, STOP * walked_room + record)
            put(hashes, n, signed(hash_of(buf, start, stop, unsigned(key))))
        if code == 0:
            put32(c32, LINE * room + made, n)
            made += 1
    put(state, MADE, made)
    return made


@entry
def above(buf: Any, rows: int, c32: Any, room: int, most: int, starts: Any, lengths: Any, data: Any) -> int:
    """The first bytes (at most so many) of what is above the transport header of each row, one after the other: their size.

    starts: -1 where there is nothing to have. Where none of it was kept, that is nothing, unless the packet says that it is
    empty."""
    size = 0
    for i in range(rows):
        p, held = get32(c32, ABOVE * room + i), get32(c32, HELD * room + i)
        put(starts, i, -1)
        put(lengths, i, 0)
        if p < 0 or (held == 0 and get32(c32, PAYLOAD * room + i) != 0):
            continue
        n = min(held, most)
        put(starts, i, size)
        put(lengths, i, n)
        for j in range(n):
            put8(data, size + j, at(buf, p + j))
        size += n
    return size
