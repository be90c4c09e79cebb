"""The kernel for the line that nearly all are: IPv4 with TCP, UDP or ICMP's echo, whole, in the kernel's own order.

It says what `_body.body` says, or that the line is not such a one: whatever is missing, added, doubled, cut, out of order or
too large is left to `body`. Every value ends in one space, and nothing is left over; so nothing can have been cut off.
"""

from __future__ import annotations

from typing import Any, Final

from teiten.readers._jit import at, get, jit, put
from teiten.readers._swar import hex_end, number_at, word, word_end
from teiten.readers._swar import key as _key
from teiten.readers.netfilter._body import JUNK, SECOND, flag
from teiten.readers.netfilter._codes import (
    ACK,
    CODE,
    DPT,
    DST_HI,
    FAMILY,
    FLAGS,
    FRAG,
    ID,
    IP_FLAGS,
    LEN,
    OPT_LEN,
    PAYLOAD,
    PROTOCOL,
    SEQ,
    SPT,
    SRC_HI,
    TTL,
    TYPE,
    WIDTH,
    WINDOW,
)

_SP: Final = 32
_OUT, _MAC, _SRC, _DST, _LEN, _TTL = (_key(t) for t in ("OUT=", "MAC=", "SRC=", "DST=", "LEN=", "TTL="))
_SPT, _DPT = _key("SPT="), _key("DPT=")
_SEQ, _ACK, _RES, _TOS, _ID, _PREC = (_key(f"{t}=") for t in ["SEQ", "ACK", "RES", "TOS", "ID", "PREC"])
_TYPE, _CODE, _URGP, _PROTO, _WINDOW = (_key(f"{t}=") for t in ["TYPE", "CODE", "URGP", "PROTO", "WINDOW"])
_CE, _DF, _MF = (_key(f"{t} ") for t in ["CE", "DF", "MF"])
_TCP, _UDP, _ICMP, _OPT = _key("TCP "), _key("UDP "), _key("ICMP "), _key("OPT (")
_PORT, _BYTE, _LONG = 65535, 255, 4294967295


@jit
def _number(buf: Any, p: int, end: int, most: int, row: Any, slot: int) -> int:
    """A number and a space at p -> row[slot]. The offset after the space, -1 where it is not that."""
    n, value = number_at(buf, p, end)
    if n == 0 or n > 12 or value > most or at(buf, p + n) != _SP:
        return -1
    put(row, slot, value)
    after: int = p + n + 1
    return after


@jit
def _quad(buf: Any, p: int, end: int, row: Any, slot: int) -> int:
    """A dotted quad and a space at p -> row[slot] = 0, row[slot + 1]. The offset after the space, or -1."""
    value = 0
    for i in range(4):
        n, octet = number_at(buf, p, end)
        if n == 0 or n > 3 or octet > 255 or at(buf, p + n) != (46 if i < 3 else _SP):
            return -1
        value = (value << 8) | octet
        p += n + 1
    put(row, slot, 0)
    put(row, slot + 1, value)
    return p


@jit
def _passed(buf: Any, p: int, end: int) -> int:
    """The offset after a value that is of no use and its space, or -1."""
    q: int = word_end(buf, p, end)
    return q + 1 if at(buf, q) == _SP else -1


@jit
def _tcp(buf: Any, p: int, end: int, row: Any) -> int:
    """From SPT= to the end of the line. 1 where it is that."""
    if word(buf, p, 4) != _SPT:
        return 0
    p = _number(buf, p + 4, end, _PORT, row, SPT)
    if p < 0 or word(buf, p, 4) != _DPT:
        return 0
    p = _number(buf, p + 4, end, _PORT, row, DPT)
    if p < 0:
        return 0
    if word(buf, p, 4) == _SEQ:
        p = _number(buf, p + 4, end, _LONG, row, SEQ)
        if p < 0 or word(buf, p, 4) != _ACK:
            return 0
        p = _number(buf, p + 4, end, _LONG, row, ACK)
        if p < 0:
            return 0
    if word(buf, p, 7) != _WINDOW:
        return 0
    p = _number(buf, p + 7, end, _PORT, row, WINDOW)
    if p < 0 or word(buf, p, 4) != _RES:
        return 0
    p = _passed(buf, p + 4, end)
    if p < 0:
        return 0
    flags = 0
    while word(buf, p, 5) != _URGP:
        bit = flag(word(buf, p, 3))
        if bit == 0 or at(buf, p + 3) != _SP:
            return 0
        flags |= bit
        p += 4
    n, _ = number_at(buf, p + 5, end)
    p += 5 + n
    if n == 0 or at(buf, p) != _SP:
        return 0
    p += 1
    options = -1
    if p < end:
        if word(buf, p, 5) != _OPT:
            return 0
        q = int(hex_end(buf, p + 5, end))
        n = q - p - 5
        if n % 2 != 0 or n > 80 or at(buf, q) != 41 or at(buf, q + 1) != _SP:
            return 0
        options = n >> 1
        p = q + 2
    if p != end:
        return 0
    put(row, FLAGS, flags)
    if options < 0 and get(row, LEN) == 40:
        options = 0
    put(row, OPT_LEN, options)
    if options >= 0 and get(row, LEN) == 40 + options:
        put(row, PAYLOAD, 0)
    return 1


@jit
def _udp(buf: Any, p: int, end: int, row: Any) -> int:
    """From SPT= to the end of the line. 1 where it is that."""
    if word(buf, p, 4) != _SPT:
        return 0
    p = _number(buf, p + 4, end, _PORT, row, SPT)
    if p < 0 or word(buf, p, 4) != _DPT:
        return 0
    p = _number(buf, p + 4, end, _PORT, row, DPT)
    if p < 0 or word(buf, p, 4) != _LEN:
        return 0
    p = _number(buf, p + 4, end, _PORT, row, PAYLOAD)
    if p != end:
        return 0
    length = get(row, PAYLOAD)
    whole = get(row, IP_FLAGS) & 1 == 0 and length >= 8 and length + 20 <= get(row, LEN)
    put(row, PAYLOAD, length - 8 if whole else -1)
    return 1


@jit
def _icmp(buf: Any, p: int, end: int, row: Any) -> int:
    """From TYPE= over ID= and SEQ= to the end of the line. 1 where it is that."""
    if word(buf, p, 5) != _TYPE:
        return 0
    p = _number(buf, p + 5, end, _BYTE, row, TYPE)
    if p < 0 or word(buf, p, 5) != _CODE:
        return 0
    p = _number(buf, p + 5, end, _BYTE, row, CODE)
    if p < 0:
        return 0
    if p < end:
        if word(buf, p, 3) != _ID:
            return 0
        n, _ = number_at(buf, p + 3, end)
        p += 3 + n
        if n == 0 or at(buf, p) != _SP or word(buf, p + 1, 4) != _SEQ:
            return 0
        n, _ = number_at(buf, p + 5, end)
        p += 5 + n
        if n == 0 or at(buf, p) != _SP:
            return 0
        p += 1
    if p != end:
        return 0
    if get(row, LEN) == 28:
        put(row, PAYLOAD, 0)
    return 1


@jit
def usual(buf: Any, p: int, end: int, row: Any, scratch: Any) -> int:
    """Reads buf[p:end], which begins with IN=, into the row, as `body` does where that returns 0. 1 where it is a usual
    line; 0 where `body` must be asked, which fills the row anew."""
    for i in range(WIDTH):
        put(row, i, -1)
    put(scratch, SECOND, -1)
    put(scratch, JUNK, -1)
    p = _passed(buf, p + 3, end)
    if p < 0 or word(buf, p, 4) != _OUT:
        return 0
    p = _passed(buf, p + 4, end)
    if p < 0:
        return 0
    if word(buf, p, 4) == _MAC:
        p = _passed(buf, p + 4, end)
        if p < 0:
            return 0
    if word(buf, p, 4) != _SRC:
        return 0
    p = _quad(buf, p + 4, end, row, SRC_HI)
    if p < 0 or word(buf, p, 4) != _DST:
        return 0
    p = _quad(buf, p + 4, end, row, DST_HI)
    if p < 0 or word(buf, p, 4) != _LEN:
        return 0
    p = _number(buf, p + 4, end, _PORT, row, LEN)
    if p < 0 or word(buf, p, 4) != _TOS:
        return 0
    p = _passed(buf, p + 4, end)
    if p < 0 or word(buf, p, 5) != _PREC:
        return 0
    p = _passed(buf, p + 5, end)
    if p < 0 or word(buf, p, 4) != _TTL:
        return 0
    p = _number(buf, p + 4, end, _BYTE, row, TTL)
    if p < 0 or word(buf, p, 3) != _ID:
        return 0
    p = _number(buf, p + 3, end, _PORT, row, ID)
    if p < 0:
        return 0
    bits = 0
    if word(buf, p, 3) == _CE:
        bits |= 4
        p += 3
    if word(buf, p, 3) == _DF:
        bits |= 2
        p += 3
    if word(buf, p, 3) == _MF:
        bits |= 1
        p += 3
    put(row, FAMILY, 4)
    put(row, IP_FLAGS, bits)
    put(row, FRAG, 0)
    if word(buf, p, 6) != _PROTO:
        return 0
    p += 6
    if word(buf, p, 4) == _TCP:
        put(row, PROTOCOL, 6)
        return int(_tcp(buf, p + 4, end, row))
    if word(buf, p, 4) == _UDP:
        put(row, PROTOCOL, 17)
        return int(_udp(buf, p + 4, end, row))
    if word(buf, p, 5) == _ICMP:
        put(row, PROTOCOL, 1)
        return int(_icmp(buf, p + 5, end, row))
    return 0
