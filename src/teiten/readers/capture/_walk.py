"""Kernels that walk over the records of a block without looking into them: where each begins, stops, and its time.

They fill a table of `COLUMNS` columns, each `room` numbers long (pcap needs none), and say in `state` where and why the walk
ended: before a record that is not whole, say. They return the number of records.
"""

from __future__ import annotations

from typing import Any, Final

from teiten.readers._jit import at, entry, put
from teiten.readers._words import be16, be32, le16, le32
from teiten.readers.capture._link import erf_link

PLACE, STOP, POS, SIZE, HIGH, LOW, LINK, COLUMNS = range(8)
"""the record in the block, the packet's bytes in it, its time in two halves, link type or interface"""
WHOLE, MORE, ROOM, DAMAGE, HEADER = range(5)
"""why a walk ended"""
AFTER, WHY, MADE, SIX, QUOTED, STATE = range(6)
"""what is said at the end: where and why the walk ended; of those looked into (`_packet`) how many made events, how many of
these are IPv6, and how many quote another"""
ERF_PADDING: Final = -2
"""a link type: no packet"""


@entry
def ends(buf: Any, p: int, end: int, big: int, header: int, longest: int, most: int, state: Any) -> int:
    """Goes over at most so many records of pcap, and writes no table."""
    n = 0
    why = ROOM
    while n < most:
        if p + header > end:
            why = WHOLE if p == end else MORE
            break
        length = be32(buf, p + 8) if big else le32(buf, p + 8)
        if length > longest:
            why = DAMAGE
            break
        after = p + header + length
        if after > end:
            why = MORE
            break
        p = after
        n += 1
    put(state, AFTER, p)
    put(state, WHY, why)
    return n


@entry
def erf(buf: Any, p: int, end: int, table: Any, room: int, state: Any) -> int:
    """Records of ERF: HIGH seconds, LOW parts of 2^32."""
    n = 0
    why = ROOM
    while n < room:
        if p + 16 > end:
            why = WHOLE if p == end else MORE
            break
        length = be16(buf, p + 10)
        if length < 16:
            why = DAMAGE
            break
        after = p + length
        if after > end:
            why = MORE
            break
        kind, start = erf_link(buf, p, after)
        start = min(start, after)
        put(table, PLACE * room + n, p)
        put(table, STOP * room + n, after)
        put(table, POS * room + n, start)
        # a record is filled up, and Ethernet's is 2 bytes more than the frame
        put(table, SIZE * room + n, min(after - start, be16(buf, p + 14)))
        put(table, HIGH * room + n, le32(buf, p + 4))
        put(table, LOW * room + n, le32(buf, p))
        put(table, LINK * room + n, ERF_PADDING if at(buf, p + 8) & 0x7F == 48 else kind)
        p = after
        n += 1
    put(state, AFTER, p)
    put(state, WHY, why)
    return n


@entry
def pcapng(buf: Any, p: int, end: int, big: int, longest: int, table: Any, room: int, state: Any) -> int:
    """Packet blocks of pcapng; LINK is the interface's number, -1 for a block without a time. Ends before a section's or an
    interface's header (HEADER). Blocks of other kinds are passed over."""
    n = 0
    why = ROOM
    while n < room:
        if p + 12 > end:
            why = WHOLE if p == end else MORE
            break
        kind = be32(buf, p) if big else le32(buf, p)
        if kind == 0x0A0D0D0A or kind == 1:
            why = HEADER
            break
        total = be32(buf, p + 4) if big else le32(buf, p + 4)
        after = p + ((total + 3) & ~3)
        if total < 12 or total > longest:
            why = DAMAGE
            break
        if after > end:
            why = MORE
            break
        packet = 0
        if (kind == 6 or kind == 2) and total >= 32:
            packet = 28
        elif kind == 3 and total >= 16:
            packet = 12
        if packet:
            number, high, low = -1, 0, 0
            if packet == 28:
                number = be32(buf, p + 8) if big else le32(buf, p + 8)
                if kind == 2:
                    number = be16(buf, p + 8) if big else le16(buf, p + 8)
                high = be32(buf, p + 12) if big else le32(buf, p + 12)
                low = be32(buf, p + 16) if big else le32(buf, p + 16)
                length = be32(buf, p + 20) if big else le32(buf, p + 20)
                if length > total - 32:
                    why = DAMAGE
                    break
            else:
                length = min(be32(buf, p + 8) if big else le32(buf, p + 8), total - 16)
            put(table, PLACE * room + n, p)
            put(table, STOP * room + n, after)
            put(table, POS * room + n, p + packet)
            put(table, SIZE * room + n, length)
            put(table, HIGH * room + n, high)
            put(table, LOW * room + n, low)
            put(table, LINK * room + n, number)
            n += 1
        p = after
    put(state, AFTER, p)
    put(state, WHY, why)
    return n
