"""The kernel that reads what follows IN=: addresses, header fields, flags, the quoted packet.

Follows the kernel's own grammar (net/netfilter/nf_log_syslog.c of Linux, restated in docs), with vendors' deviations.
Never a wrong value: a token that the line's end may have cut is null, and a value is computed only where it is certain.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from teiten.readers._jit import at, get, jit, put
from teiten.readers._swar import key as _key
from teiten.readers._swar import key_at, number_at, word_end
from teiten.readers.netfilter._codes import (
    ACK,
    ARP,
    BAD_ADDRESS,
    BAD_NUMBER,
    CODE,
    CUT,
    DPT,
    DST_HI,
    FAMILY,
    FLAGS,
    FRAG,
    ID,
    IN_DPT,
    IN_DST_FAMILY,
    IN_DST_HI,
    IN_PROTOCOL,
    IN_SPT,
    IN_SRC_FAMILY,
    IN_SRC_HI,
    IP_FLAGS,
    LEN,
    NO_ADDRESS,
    NON_IP,
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
_SRC, _DST, _LEN, _TTL, _ID, _PROTO = (_key(t) for t in ("SRC", "DST", "LEN", "TTL", "ID", "PROTO"))
_SPT, _DPT, _SEQ, _ACK, _WINDOW, _RES = (_key(t) for t in ("SPT", "DPT", "SEQ", "ACK", "WINDOW", "RES"))
_URGP, _TYPE, _CODE, _HOPLIMIT, _FRAG = (_key(t) for t in ("URGP", "TYPE", "CODE", "HOPLIMIT", "FRAG"))
_MAC, _MACPROTO, _TOS, _PREC, _TC, _FLOWLBL = (_key(t) for t in ("MAC", "MACPROTO", "TOS", "PREC", "TC", "FLOWLBL"))
_OUT, _PHYSIN, _PHYSOUT, _MTU, _SPI, _MARK = (_key(t) for t in ("OUT", "PHYSIN", "PHYSOUT", "MTU", "SPI", "MARK"))
_UID, _GID, _MACSRC, _MACDST, _VPROTO, _VID = (_key(t) for t in ("UID", "GID", "MACSRC", "MACDST", "VPROTO", "VID"))
_TUNNEL, _GATEWAY, _POINTER, _IPSRC, _IPDST = (_key(t) for t in ("TUNNEL", "GATEWAY", "POINTER", "IPSRC", "IPDST"))
_PARAMETER, _INCOMPLETE, _TRUNCATED = _key("PARAMETE"), _key("INCOMPLE"), _key("TRUNCATE")
_OPT, _ARP, _AH, _ESP, _UNKNOWN = (_key(t) for t in ("OPT", "ARP", "AH", "ESP", "Unknown"))
_CE, _DF, _MF, _AE, _CWR, _ECE = (_key(t) for t in ("CE", "DF", "MF", "AE", "CWR", "ECE"))
_URG, _PSH, _RST, _SYN, _FIN = (_key(t) for t in ("URG", "PSH", "RST", "SYN", "FIN"))

_PROTOCOLS: Final = np.array([
    (_key(name), number)
    for name, number in (
        ("TCP", 6), ("UDP", 17), ("ICMP", 1), ("ICMPV6", 58), ("AH", 51), ("ESP", 50), ("UDPLITE", 136), ("GRE", 47),
        ("IGMP", 2), ("SCTP", 132), ("DCCP", 33), ("OSPF", 89), ("OSPFIGP", 89), ("IPIP", 4),
        ("IPENCAP", 4), ("IPV6", 41), ("PIM", 103), ("VRRP", 112), ("L2TP", 115), ("EIGRP", 88), ("RSVP", 46),
        ("HOPOPT", 0), ("IPCOMP", 108), ("CARP", 112), ("EGP", 8), ("IGP", 9), ("ICMP6", 58), ("NONE", 59), ("MH", 135),
        ("ETHERIP", 97), ("ISIS", 124), ("MPLS", 137), ("IPV4", 4),
    )
], dtype=np.int64)  # fmt: skip
_ICMPV6_LONG: Final = _key("IPV6-ICM")  # and a P: IPV6-ICMP
# scratch
SECOND: Final = 0
"""offset of a second IN= in the line, else -1"""
JUNK: Final = 1
"""offset of the first text that the grammar does not know, else -1"""
SCRATCH: Final = 8


@jit
def anchored(buf: Any, p: int, end: int) -> int:
    """Is "IN=" at p (offset of the I) netfilter's? 1: yes. 2: the line ends before that can be said. 0: no.

    It is, where a run without spaces and " OUT=", " PHYSIN=", " MAC" or " SRC=" follow, and no "PHYS" stands before."""
    if p >= 4 and at(buf, p - 1) == 83 and at(buf, p - 2) == 89 and at(buf, p - 3) == 72 and at(buf, p - 4) == 80:
        return 0
    q = p + 3
    limit = min(end, q + 64)
    while q < limit and at(buf, q) != _SP:
        q += 1
    if q >= end:
        return 2
    if q >= limit:
        return 0
    q += 1
    while q < limit and at(buf, q) == _SP:  # some relays fold or double spaces
        q += 1
    if q >= end:
        return 2
    c = at(buf, q)
    left = end - q
    if c == 79:  # OUT=
        if left < 4:
            return 2
        return 1 if at(buf, q + 1) == 85 and at(buf, q + 2) == 84 and at(buf, q + 3) == 61 else 0
    if c == 83:  # SRC=
        if left < 4:
            return 2
        return 1 if at(buf, q + 1) == 82 and at(buf, q + 2) == 67 and at(buf, q + 3) == 61 else 0
    if c == 77:  # MAC=, MACSRC=, MACPROTO=
        if left < 4:
            return 2
        return 1 if at(buf, q + 1) == 65 and at(buf, q + 2) == 67 else 0
    if c == 80:  # PHYSIN=, PHYSOUT=
        if left < 8:
            return 2
        return 1 if at(buf, q + 1) == 72 and at(buf, q + 2) == 89 and at(buf, q + 3) == 83 else 0
    return 0


@jit
def _address4(buf: Any, p: int, stop: int, row: Any, slot: int) -> int:
    """Dotted quad in buf[p:stop] -> row[slot] = 0, row[slot + 1]; 1 where it is one, 0 where not."""
    value = 0
    for part in range(4):
        n, octet = number_at(buf, p, stop)
        if n == 0 or n > 3 or octet > 255:
            return 0
        p += n
        value = (value << 8) | octet
        if part < 3:
            if p >= stop or at(buf, p) != 46:
                return 0
            p += 1
    if p != stop:
        return 0
    put(row, slot, 0)
    put(row, slot + 1, value)
    return 1


@jit
def _address6(buf: Any, p: int, stop: int, row: Any, slot: int) -> int:
    """IPv6 in full groups or compressed, with a dotted tail perhaps -> row[slot], row[slot + 1] (halves, as signed); 1 or 0."""
    if stop - p > 45:
        return 0
    hi = 0
    lo = 0
    groups = 0
    gap = -1
    if p + 1 < stop and at(buf, p) == 58 and at(buf, p + 1) == 58:
        gap = 0
        p += 2
    while p < stop:
        group = 0
        n = 0
        start = p
        while p < stop and n < 5:
            c = at(buf, p)
            if 48 <= c <= 57:
                group = (group << 4) | (c - 48)
            elif 97 <= (c | 32) <= 102:
                group = (group << 4) | ((c | 32) - 87)
            else:
                break
            n += 1
            p += 1
        if n == 0 or n > 4 or groups > 7:
            return 0
        if p < stop and at(buf, p) == 46:
            if groups > 6 or _address4(buf, start, stop, row, slot) == 0:
                return 0
            value = int(get(row, slot + 1))
            for part in range(2):
                group = (value >> 16) & 0xFFFF if part == 0 else value & 0xFFFF
                if groups < 4:
                    hi |= (group if groups > 0 or group < 0x8000 else group - 0x10000) << (16 * (3 - groups))
                else:
                    lo |= (group if groups > 4 or group < 0x8000 else group - 0x10000) << (16 * (7 - groups))
                groups += 1
            p = stop
            break
        # the first group of each half holds the sign: kept so in Python's integers too
        if groups < 4:
            hi |= (group if groups > 0 or group < 0x8000 else group - 0x10000) << (16 * (3 - groups))
        else:
            lo |= (group if groups > 4 or group < 0x8000 else group - 0x10000) << (16 * (7 - groups))
        groups += 1
        if p < stop:
            if at(buf, p) != 58 or p + 1 >= stop:
                return 0
            p += 1
            if at(buf, p) == 58:
                if gap >= 0:
                    return 0
                gap = groups
                p += 1
    if gap < 0:
        if groups != 8:
            return 0
    else:
        if groups > 7:
            return 0
        # move the groups after the gap to the end
        old_hi = hi
        old_lo = lo
        hi = 0
        lo = 0
        for j in range(8):
            if j < gap:
                i = j
            elif j >= 8 - (groups - gap):
                i = j - (8 - groups)
            else:
                continue
            group = (old_hi >> (16 * (3 - i))) & 0xFFFF if i < 4 else (old_lo >> (16 * (7 - i))) & 0xFFFF
            if j < 4:
                hi |= (group if j > 0 or group < 0x8000 else group - 0x10000) << (16 * (3 - j))
            else:
                lo |= (group if j > 4 or group < 0x8000 else group - 0x10000) << (16 * (7 - j))
    put(row, slot, hi)
    put(row, slot + 1, lo)
    return 1


@jit
def _address(buf: Any, p: int, stop: int, row: Any, slot: int) -> int:
    """The family (4, 6) of the address in buf[p:stop], its halves at row[slot]; 0 where it is none."""
    for i in range(p, min(stop, p + 5)):
        c = at(buf, i)
        if c == 46:
            return 4 * _address4(buf, p, stop, row, slot)
        if c == 58:
            return 6 * _address6(buf, p, stop, row, slot)
    return 0


@jit
def _complete(buf: Any, p: int, stop: int) -> bool:
    """Is the address at the very end of a line whole, whatever was cut off after it?"""
    if stop - p == 39:
        return True  # eight full groups
    q = stop
    value = 0
    scale = 1
    while q > p and q > stop - 3 and 48 <= at(buf, q - 1) <= 57:
        q -= 1
        value += (at(buf, q) - 48) * scale
        scale *= 10
    return q > p and at(buf, q - 1) == 46 and (value > 25 or stop - q == 3 or (value == 0 and stop - q == 1))


@jit
def _protocol(buf: Any, p: int, stop: int, partial: bool, fragment: bool) -> int:
    """Number of the protocol named in buf[p:stop], -1 where it is not known; -2 where it is a number above 255."""
    n = stop - p
    if n == 0 or n > 9:
        return -1
    c = at(buf, p)
    if 48 <= c <= 57:
        value = 0
        for i in range(p, stop):
            c = at(buf, i)
            if c < 48 or c > 57:
                return -1
            value = value * 10 + c - 48
        if value > 255:
            return -2
        # an unnamed protocol ends its line: only what may go on to a protocol that is in use is doubted
        if partial and value != 0 and value != 2 and value * 10 <= 255:
            return -1
        return value
    key = 0
    for i in range(min(n, 8)):
        c = at(buf, p + i)
        if 97 <= c <= 122:
            c -= 32
        if c > 127:
            return -1
        key |= c << (8 * i)
    if n == 9:
        return 58 if key == _ICMPV6_LONG and (at(buf, stop - 1) | 32) == 112 else -1
    number = -1
    for i in range(len(_PROTOCOLS)):
        if key == _PROTOCOLS[i, 0]:
            number = int(_PROTOCOLS[i, 1])
            break
    if partial and number >= 0:
        # the beginning of a longer name? a fragment of TCP or UDP ends here
        if number == 17 or number == 1 or number == 6:
            return number if fragment else -1 if number == 17 else number
        if number == 41 or number == 89:
            return -1
    return number


@jit
def _skip(buf: Any, p: int, end: int) -> int:
    """The end of the token that goes on at p."""
    while p < end and at(buf, p) > _SP:
        p += 1
    return p


@jit
def _known(key: int) -> bool:
    """A key of the grammar whose value is of no use. (Compared one by one: the compiler makes a decision tree of that.)"""
    return (
        key == _TOS
        or key == _PREC
        or key == _TC
        or key == _FLOWLBL
        or key == _RES
        or key == _URGP
        or key == _MTU
        or key == _SPI
        or key == _MARK
        or key == _UID
        or key == _GID
        or key == _OUT
        or key == _PHYSIN
        or key == _PHYSOUT
        or key == _MAC
        or key == _MACSRC
        or key == _MACDST
        or key == _MACPROTO
        or key == _VPROTO
        or key == _VID
        or key == _TUNNEL
        or key == _GATEWAY
        or key == _POINTER
        or key == _IPSRC
        or key == _IPDST
    )


@jit
def flag(key: int) -> int:
    """TCP flag of a bare word, 0 for another word."""
    if key == _SYN:
        return 2
    if key == _ACK:
        return 16
    if key == _RST:
        return 4
    if key == _FIN:
        return 1
    if key == _PSH:
        return 8
    if key == _URG:
        return 32
    if key == _ECE:
        return 64
    if key == _CWR:
        return 128
    if key == _AE:
        return 256
    return 0


@jit
def _most(key: int) -> int:
    """Largest value of a numeric field, -1 for a key that is not one."""
    if key == _SPT or key == _DPT or key == _ID or key == _LEN or key == _WINDOW:
        return 65535
    if key == _TTL or key == _TYPE or key == _CODE or key == _HOPLIMIT:
        return 255
    if key == _SEQ or key == _ACK:
        return 4294967295
    return -1


@jit
def body(buf: Any, p: int, end: int, row: Any, scratch: Any) -> int:
    """Reads buf[p:end], which begins with IN=, into the row. Returns 0, or the code of a rejection or a kind.

    scratch's SECOND and JUNK say whether another line begins inside this one; the caller then cuts and asks again.
    """
    for i in range(WIDTH):
        put(row, i, -1)
    put(scratch, SECOND, -1)
    put(scratch, JUNK, -1)
    p += 3
    while p < end and at(buf, p) > _SP:
        p += 1
    quoted = False
    proto_seen = False
    ports = 0  # the protocol whose words are expected: 6 after PROTO=TCP
    flags = 0
    any_flag = False
    last_is_flag = False
    window_seen = False
    urgp_seen = False
    res_seen = False
    v6_frag_flags = -1
    l4_len = -1
    l4_whole = False
    opt_seen = False
    opt_len = -1
    ip_bits = 0
    frag_seen = False
    address_bad = False
    number_bad = False
    src_family = 0
    dst_family = 0
    arp = False
    ethertype = -1
    esp_word = False
    ip_opts = False
    incomplete = False
    id_seen = False
    ip_said = False  # what only an IP packet's line has, though its addresses may be cut off
    truncated = False
    closed = False  # a key after the flags: they are all there
    while p < end:
        c = at(buf, p)
        if c <= _SP:
            p += 1
            continue
        if c == 93:  # ]
            quoted = False
            p += 1
            continue
        if c == 40 or c == 41:  # parentheses of IPv6 extension headers
            p += 1
            continue
        if c == 91:  # [
            if p + 5 <= end and at(buf, p + 1) == 83 and at(buf, p + 2) == 82 and at(buf, p + 3) == 67:
                quoted = True
                p += 1
                continue
            if get(scratch, JUNK) < 0 and not incomplete:
                put(scratch, JUNK, p)
            if incomplete:  # INCOMPLETE [8 bytes]
                q = p
                while q < end and q < p + 24 and at(buf, q) != 93:
                    q += 1
                p = min(q + 1, end)
                incomplete = False
                continue
            p += 1
            continue
        token = p
        n, key = key_at(buf, p, end)
        p += n
        if n == 8 or (p < end and at(buf, p) == 58 and key != _FRAG and key != _ID):
            while p < end:  # a long word, or one with a colon in it
                c = at(buf, p)
                if c <= _SP or c == 61 or c == 93:
                    break
                p += 1
            n = p - token
        if n == 0 and p < end and at(buf, p) == 58:
            p += 1
            continue
        if p < end and at(buf, p) == 61:  # KEY=
            last_is_flag = False
            closed = closed or any_flag
            incomplete = False
            if n >= 2 and at(buf, p - 1) == 78 and at(buf, p - 2) == 73:
                if anchored(buf, p - 2, end) == 1:
                    put(scratch, SECOND, p - 2)
                    if get(scratch, JUNK) < 0:
                        put(scratch, JUNK, token)
                    return 0
            p += 1
            start = p
            if n > 8:
                if not (n == 9 and key == _PARAMETER) and get(scratch, JUNK) < 0:
                    put(scratch, JUNK, token)
                p = _skip(buf, p, end)
                continue
            if key == _SRC or key == _DST:
                p = word_end(buf, p, end)
                if quoted:
                    slot = IN_SRC_HI if key == _SRC else IN_DST_HI
                    family = _address(buf, start, p, row, slot)
                    if (p == end or at(buf, p) == 0) and family != 0 and not _complete(buf, start, p):
                        family = 0
                    if key == _SRC:
                        if get(row, IN_SRC_FAMILY) <= 0:
                            put(row, IN_SRC_FAMILY, family)
                    elif get(row, IN_DST_FAMILY) <= 0:
                        put(row, IN_DST_FAMILY, family)
                elif (key == _SRC and src_family == 0) or (key == _DST and dst_family == 0):
                    slot = SRC_HI if key == _SRC else DST_HI
                    family = _address(buf, start, p, row, slot)
                    if p == end and (family == 0 or not _complete(buf, start, p)):
                        return CUT
                    if p < end and at(buf, p) == 0 and not _complete(buf, start, p):
                        family = 0
                    if family == 0:
                        address_bad = True
                        family = -1
                    if key == _SRC:
                        src_family = family
                    else:
                        dst_family = family
                elif get(scratch, JUNK) < 0:
                    put(scratch, JUNK, token)
                p = _skip_value(buf, p, end)
                continue
            if key == _PROTO:
                p = word_end(buf, p, end)
                cut = p == end or at(buf, p) == 0
                number = _protocol(buf, start, p, cut, frag_seen)
                if cut and (
                    (number == 1 and src_family == 6)  # ICMPv6
                    or (number == 2 and at(buf, start) == 50 and get(row, TTL) != 1)  # 20 to 29, 200 to 255; IGMP lives one hop
                ):
                    number = -1
                p = _skip_value(buf, p, end)
                if number == -2:
                    number_bad = True
                    number = -1
                if quoted:
                    put(row, IN_PROTOCOL, number)
                elif not proto_seen:
                    proto_seen = True
                    put(row, PROTOCOL, number)
                    ports = number
                elif get(scratch, JUNK) < 0:
                    put(scratch, JUNK, token)
                continue
            most = _most(key)
            if most < 0:
                if key == _RES:
                    res_seen = True
                elif key == _URGP and not quoted:
                    urgp_seen = True
                elif key == _MACPROTO and start + 4 <= end:
                    ethertype = _hex4(buf, start, end)
                elif key == _MAC and src_family == 0:
                    ethertype = _mac_type(buf, start, end)
                if key == _TUNNEL:
                    ip_said = True
                if not _known(key):
                    if get(scratch, JUNK) < 0:
                        put(scratch, JUNK, token)
                elif key == _URGP:
                    while p < end and 48 <= at(buf, p) <= 57:
                        p += 1
                    if p < end and at(buf, p) > _SP and at(buf, p) != 93 and get(scratch, JUNK) < 0:
                        put(scratch, JUNK, p)
                p = _skip_value(buf, p, end)
                continue
            # a number
            n, value = number_at(buf, p, end)
            p += n
            wanted = -1
            if quoted:
                if key == _SPT:
                    wanted = IN_SPT
                elif key == _DPT:
                    wanted = IN_DPT
            elif key == _SPT:
                wanted = SPT
            elif key == _DPT:
                wanted = DPT
            elif key == _LEN:
                if get(row, LEN) < 0 and not proto_seen:
                    wanted = LEN
                elif proto_seen and l4_len < 0:
                    wanted = PAYLOAD
            elif key == _TTL or key == _HOPLIMIT:
                wanted = TTL
            elif key == _ID:
                if not proto_seen:
                    wanted = ID
                    id_seen = True
            elif key == _WINDOW:
                wanted = WINDOW
                window_seen = True
            elif key == _SEQ:
                if ports == 6:
                    wanted = SEQ
            elif key == _ACK:
                if ports == 6:
                    wanted = ACK
            elif key == _TYPE:
                if ports == 1 or ports == 58:
                    wanted = TYPE
            elif key == _CODE:
                if ports == 1 or ports == 58:
                    wanted = CODE
            if p < end and at(buf, p) > _SP and at(buf, p) != 93:
                if at(buf, p) == 42 and p == start:  # masked: ID=*****
                    p = _skip(buf, p, end)
                    continue
                if get(scratch, JUNK) < 0:
                    put(scratch, JUNK, p)
                if wanted >= 0:
                    number_bad = True
                # what is glued to the number may be the next line's IN=: read on from here
                continue
            if p == start or wanted < 0:
                continue
            if value > most:
                number_bad = True
                continue
            whole = p < end and at(buf, p) != 0  # NUL bytes: a crash has cut it
            sure = whole or value == 0 or value * 10 > most
            if wanted == PAYLOAD:
                l4_len = value
                l4_whole = whole
            elif sure and get(row, wanted) < 0:
                put(row, wanted, value)
            continue
        if p < end and at(buf, p) == 58:  # FRAG: ID:
            last_is_flag = False
            p += 1
            value = 0
            start = p
            if key == _FRAG:
                n, value = number_at(buf, p, end)
                p += n
                most = 8191 if src_family == 4 else 65535
                if p > start and not quoted:
                    frag_seen = True
                    if value > most:
                        number_bad = True
                    elif (p < end and at(buf, p) != 0) or value == 0 or value * 10 > most:
                        put(row, FRAG, value * 8 if src_family == 4 else value)
                    if src_family == 6:
                        v6_frag_flags = 0
            elif not quoted and src_family == 6 and v6_frag_flags >= 0 and p < end:
                put(row, IP_FLAGS, v6_frag_flags)
            p = _skip(buf, p, end)
            continue
        # a bare word
        touches_end = p == end
        if quoted:
            if n == 3 and key == _OPT:
                p = _options(buf, p, end)
            elif n == 10 and key == _INCOMPLETE:
                incomplete = True
            elif n == 3 and key == _ESP and not touches_end and get(row, IN_PROTOCOL) < 0:
                put(row, IN_PROTOCOL, 50)
            continue
        last_is_flag = False
        if ports == 6 and n <= 3:
            bit = flag(key)
            if bit != 0:
                flags |= bit
                any_flag = True
                last_is_flag = not (touches_end and bit == 32)
                continue
        if key == _DF and n == 2:
            ip_bits |= 2
        elif key == _MF and n == 2:
            ip_bits |= 1
        elif key == _CE and n == 2:
            ip_bits |= 4
        elif key == _OPT and n == 3:
            if ports == 6:
                opt_seen = True
                q = _to_parenthesis(buf, p, end)
                opt_len = _option_bytes(buf, p, q)
                p = q
            elif not proto_seen:
                p = _options(buf, p, end)
                ip_opts = ip_opts or src_family == 4
        elif n == 10 and key == _INCOMPLETE:
            incomplete = True
            if v6_frag_flags >= 0 and not proto_seen:
                v6_frag_flags = 1
        elif n == 9 and key == _TRUNCATED:
            truncated = True
        elif key == _ARP and n == 3 and src_family == 0:
            arp = True
        elif key == _AH and n == 2 and not proto_seen:
            pass  # what follows it says the protocol
        elif key == _ESP and n == 3 and not proto_seen:
            esp_word = not touches_end
        elif key == _UNKNOWN and n == 7 and not proto_seen:
            p, number = _unknown_header(buf, p, end)
            if number >= 0:
                put(row, PROTOCOL, number)
        else:
            if touches_end and at(buf, token) == 83 and n <= 3:  # the beginning of SRC=
                ip_said = True
            if get(scratch, JUNK) < 0:
                put(scratch, JUNK, token)
    # the verdict on the addresses
    if arp:
        return ARP
    if address_bad:
        return BAD_ADDRESS
    if src_family == 0 or dst_family == 0:
        if src_family == 0 and dst_family == 0:
            if ethertype == 0x0806:
                return ARP
            if ethertype >= 0 and ethertype != 0x0800 and ethertype != 0x86DD and not truncated and not ip_said:
                return NON_IP
            return NO_ADDRESS
        return CUT
    if src_family != dst_family:
        return BAD_ADDRESS
    if number_bad:
        return BAD_NUMBER
    put(row, FAMILY, src_family)
    if esp_word and not proto_seen:
        put(row, PROTOCOL, 50)
    # flags of the IP header: printed after ID=, so known once something later was seen
    if src_family == 4:
        if id_seen and (proto_seen or frag_seen or truncated):
            put(row, IP_FLAGS, ip_bits)
            if not frag_seen:
                put(row, FRAG, 0)
    else:
        put(row, ID, -1)
    later_fragment = get(row, FRAG) > 0 or (frag_seen and get(row, FRAG) < 0)
    ip_len = get(row, LEN)
    header = 20 if src_family == 4 else 40
    if ports == 6:
        if urgp_seen or (closed and window_seen) or (any_flag and window_seen and not res_seen and last_is_flag):
            put(row, FLAGS, flags)
        if opt_seen:
            put(row, OPT_LEN, opt_len)
        elif window_seen and get(row, WINDOW) >= 0 and ip_len == header + 20 and not later_fragment:
            put(row, OPT_LEN, 0)
        if get(row, OPT_LEN) >= 0 and ip_len == header + 20 + get(row, OPT_LEN) and not later_fragment:
            put(row, PAYLOAD, 0)
    elif ports == 17 or ports == 136:
        # the datagram's length; of a first fragment only a part is in this packet
        whole = l4_whole or (l4_len >= 0 and (l4_len + header == ip_len or l4_len * 10 > 65535))
        whole = whole and (ip_bits & 1) == 0 and not later_fragment and get(row, IP_FLAGS) != 1
        if src_family == 6 and frag_seen:
            whole = False
        if whole and l4_len >= 8 and (ip_len < 0 or l4_len + header <= ip_len) and ports == 17:
            put(row, PAYLOAD, l4_len - 8)
    elif ports == 1 and ip_len == 28 and get(row, TYPE) >= 0 and not later_fragment and not ip_opts:
        put(row, PAYLOAD, 0)
    return 0


@jit
def _skip_value(buf: Any, p: int, end: int) -> int:
    """The end of a value that is of no use. Where another line's IN= is glued to it, the offset of that."""
    while True:
        p = word_end(buf, p, end)
        if p >= end or at(buf, p) != 61:
            return p
        if at(buf, p - 1) == 78 and at(buf, p - 2) == 73 and anchored(buf, p - 2, end) == 1:
            return p - 2
        p += 1


@jit
def _hex4(buf: Any, p: int, end: int) -> int:
    value = 0
    if p + 4 > end:
        return -1
    for i in range(p, p + 4):
        c = at(buf, i)
        if 48 <= c <= 57:
            value = value * 16 + c - 48
        elif 97 <= (c | 32) <= 102:
            value = value * 16 + (c | 32) - 87
        else:
            return -1
    return value


@jit
def _mac_type(buf: Any, p: int, end: int) -> int:
    """Ethertype of "MAC=dst6:src6:type2" (bytes 13 and 14), -1 where it is shorter."""
    if p + 41 > end or at(buf, p + 35) != 58 or at(buf, p + 38) != 58:
        return -1
    high = 0
    for i in (36, 37, 39, 40):
        c = at(buf, p + i)
        if 48 <= c <= 57:
            high = high * 16 + c - 48
        elif 97 <= (c | 32) <= 102:
            high = high * 16 + (c | 32) - 87
        else:
            return -1
    return high


@jit
def _to_parenthesis(buf: Any, p: int, end: int) -> int:
    """After "OPT": the offset after the ')' that closes it, or the end of what may stand there."""
    while p < end and at(buf, p) == _SP:
        p += 1
    if p >= end or at(buf, p) != 40:
        return p
    p += 1
    while p < end:
        c = at(buf, p)
        if c == 41:
            return p + 1
        if not (48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c == _SP):
            return p
        p += 1
    return p


@jit
def _options(buf: Any, p: int, end: int) -> int:
    """After "OPT": as `_to_parenthesis`; of an IPv6 extension header "OPT ( ", whose fields are read as they come, inside."""
    q = p
    while q < end and at(buf, q) == _SP:
        q += 1
    if q + 1 < end and at(buf, q) == 40 and at(buf, q + 1) == _SP:
        return q + 1
    return _to_parenthesis(buf, p, end)


@jit
def _option_bytes(buf: Any, p: int, stop: int) -> int:
    """Bytes of " (020405B4)" in buf[p:stop], -1 where it is not whole."""
    if stop <= p or at(buf, stop - 1) != 41:
        return -1
    n = 0
    for i in range(p, stop - 1):
        c = at(buf, i)
        if 48 <= c <= 57 or 97 <= (c | 32) <= 102:
            n += 1
        elif c != _SP and c != 40:
            return -1
    return n // 2 if n % 2 == 0 and n <= 80 else -1


@jit
def _unknown_header(buf: Any, p: int, end: int) -> tuple[int, int]:
    """After "Unknown": " Ext Hdr 5 " -> the offset after it and the number, -1 where it is not that."""
    if p + 9 >= end or at(buf, p + 1) != 69 or at(buf, p + 5) != 72 or at(buf, p + 8) != _SP:
        return p, -1
    p += 9
    value = 0
    n = 0
    while p < end and n < 3 and 48 <= at(buf, p) <= 57:
        value = value * 10 + at(buf, p) - 48
        n += 1
        p += 1
    if n == 0 or value > 255 or (p < end and at(buf, p) > _SP):
        return p, -1
    if p == end and value * 10 <= 255 and value != 0:
        return p, -1
    return p, value
