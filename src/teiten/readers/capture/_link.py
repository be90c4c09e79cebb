"""Kernels that find the IP packet in a record: from a link type's header to where the IP header begins.

Each returns (code, place): code 0 and the place of an IP header, or a code of `_codes` (rejected below 128, ignored from
there). Headers as tcpdump.org/linktypes.html and the protocols' own documents describe them.
"""

from __future__ import annotations

from typing import Any

from teiten.readers._jit import at, jit
from teiten.readers._words import be16, be32, le16, le32
from teiten.readers.capture import _codes as k

_DEPTH = 1 << 16
"""tags and labels one in another; each takes bytes of the record, so that this is never reached but by a mistake of ours"""


@jit
def _ppp(buf: Any, p: int, end: int) -> Any:
    """A PPP protocol field of one or two bytes, then the packet: (code, place), or (-1, place) for MPLS."""
    if p >= end:
        return k.CUT_LINK, p
    number = at(buf, p)
    p += 1
    if number & 1 == 0:
        if p >= end:
            return k.CUT_LINK, p
        number = (number << 8) | at(buf, p)
        p += 1
    if number == 0x21 or number == 0x57:
        return 0, p
    if number == 0x281 or number == 0x283:
        return -1, p
    if number == 0x2D or number == 0x2F or number == 0xFD or number == 0x61 or number == 0x69:
        return k.COMPRESSED, p
    return k.PPP, p


@jit
def _mpls(buf: Any, p: int, end: int) -> Any:
    """A stack of labels: (0, place) of an IP packet, (-1, place) of an Ethernet frame carried over it."""
    for _ in range(_DEPTH):
        if p + 4 > end:
            return k.CUT_LINK, p
        bottom = at(buf, p + 2) & 1
        p += 4
        if bottom:
            if p >= end:
                return k.CUT_LINK, p
            nibble = at(buf, p) >> 4
            if nibble == 4 or nibble == 6:
                return 0, p
            if nibble == 0 and p + 18 <= end:  # a pseudowire's control word (RFC 4385), then a frame
                return -1, p + 4
            return k.OTHER_TYPE, p
    return k.TOO_DEEP, p


@jit
def _llc(buf: Any, p: int, end: int) -> Any:
    """An 802.2 header: (code, place), or (-1, place of an EtherType)."""
    if p + 3 > end:
        return k.CUT_LINK, p
    dsap, ssap, control = at(buf, p), at(buf, p + 1), at(buf, p + 2)
    if dsap == 0xAA and ssap == 0xAA and control == 3:
        if p + 8 > end:
            return k.CUT_LINK, p
        oui = (at(buf, p + 3) << 16) | be16(buf, p + 4)
        if oui == 0 or oui == 0xF8:
            return -1, p + 6
        return (k.CISCO if oui == 0xC else k.LLC), p
    if dsap == 6 and ssap == 6 and control == 3:
        return 0, p + 3
    return k.LLC, p


@jit
def _ethertype(buf: Any, kind: int, p: int, end: int) -> Any:
    """What an EtherType and what follows it lead to."""
    for _ in range(_DEPTH):
        if kind == 0x800 or kind == 0x86DD:
            return 0, p
        if kind == 0x8100 or kind == 0x88A8 or kind == 0x9100 or kind == 0x9200 or kind == 0x9300:
            if p + 4 > end:
                return k.CUT_LINK, p
            kind = be16(buf, p + 2)
            p += 4
        elif kind == 0x8847 or kind == 0x8848:
            code, p = _mpls(buf, p, end)
            if code != -1:
                return code, p
            if p + 14 > end:
                return k.CUT_LINK, p
            kind = be16(buf, p + 12)
            p += 14
        elif kind == 0x8864:
            if p + 6 > end:
                return k.CUT_LINK, p
            code, p = _ppp(buf, p + 6, end)
            if code != -1:
                return code, p
            kind = 0x8847
        elif kind <= 1500:
            code, p = _llc(buf, p, end)
            if code != -1:
                return code, p
            kind = be16(buf, p)
            p += 2
            if kind <= 1500:
                return k.LLC, p
        elif kind == 0x88E7:  # 802.1ah: an I-TAG, then a frame
            if p + 18 > end:
                return k.CUT_LINK, p
            kind = be16(buf, p + 16)
            p += 18
        elif kind == 0x8903:  # Cisco's FabricPath: a tag, then a frame
            if p + 16 > end:
                return k.CUT_LINK, p
            kind = be16(buf, p + 14)
            p += 16
        elif kind == 0x8926:  # VN-Tag
            if p + 6 > end:
                return k.CUT_LINK, p
            kind = be16(buf, p + 4)
            p += 6
        elif kind == 0x88E5:  # MACsec: its integrity alone may be guarded (802.1AE, E and C bits clear)
            if p >= end:
                return k.CUT_LINK, p
            if at(buf, p) & 0x0C:
                return k.ENCRYPTED, p
            p += 14 if at(buf, p) & 0x20 else 6
            if p + 2 > end:
                return k.CUT_LINK, p
            kind = be16(buf, p)
            p += 2
        elif kind == 0x894F:  # network service header, RFC 8300
            if p + 4 > end:
                return k.CUT_LINK, p
            after = at(buf, p + 3)
            p += max((at(buf, p + 1) & 0x3F) * 4, 4)
            if after == 1 or after == 2:
                return 0, p
            if after == 5:
                kind = 0x8847
            elif after == 3 and p + 14 <= end:
                kind = be16(buf, p + 12)
                p += 14
            else:
                return k.OTHER_TYPE, p
        elif kind == 0xD28B:  # Arista's time stamp of 48 or 64 bits
            if p + 14 > end:
                return k.CUT_LINK, p
            if be16(buf, p) != 1:
                return k.OTHER_TYPE, p
            p += 10 if at(buf, p + 3) >> 4 == 2 else 12
            kind = be16(buf, p)
            p += 2
        elif kind == 0x893F:  # 802.1BR: an E-TAG
            if p + 8 > end:
                return k.CUT_LINK, p
            kind = be16(buf, p + 6)
            p += 8
        else:
            if kind == 0x806:
                code = k.ARP
            elif kind == 0x8035:
                code = k.RARP
            elif kind == 0x88CC:
                code = k.LLDP
            elif kind == 0x888E:
                code = k.EAPOL
            elif kind == 0x8863:
                code = k.PPPOE
            elif kind == 0x2000:
                code = k.CISCO
            elif kind == 0x880B:
                code = k.PPP
            else:
                code = k.OTHER_TYPE
            return code, p
    return k.TOO_DEEP, p


@jit
def _snap(buf: Any, p: int, end: int) -> Any:
    """An 802.2 header and what follows it."""
    code, p = _llc(buf, p, end)
    if code != -1:
        return code, p
    return _ethertype(buf, be16(buf, p), p + 2, end)


@jit
def _ethernet(buf: Any, p: int, end: int) -> Any:
    if p + 14 > end:
        return k.CUT_LINK, p
    if at(buf, p) == 1 and at(buf, p + 1) == 0 and at(buf, p + 2) == 0xC and at(buf, p + 3) == 0 and at(buf, p + 4) == 0:
        # Cisco's ISL: 26 bytes before the frame
        if be16(buf, p + 12) > 1500 or p + 40 > end or at(buf, p + 14) != 0xAA:
            return _ethertype(buf, be16(buf, p + 12), p + 14, end)
        if at(buf, p + 17) == 0 and at(buf, p + 18) == 0 and at(buf, p + 19) == 0xC:
            p += 26
    return _ethertype(buf, be16(buf, p + 12), p + 14, end)


@jit
def _wifi(buf: Any, p: int, end: int, padded: int) -> Any:
    """An 802.11 frame. `padded`: its header is filled up to a multiple of four."""
    if p + 2 > end:
        return k.CUT_LINK, p
    control, flags = at(buf, p), at(buf, p + 1)
    subtype = control >> 4
    if (control >> 2) & 3 != 2 or subtype & 4:
        return k.WLAN, p
    if flags & 0x40:
        return k.ENCRYPTED, p
    length = 30 if flags & 3 == 3 else 24
    several = 0
    if subtype & 8:
        if p + length + 2 > end:
            return k.CUT_LINK, p
        several = at(buf, p + length) & 0x80
        length += 2
        if flags & 0x80:
            length += 4
    if padded:
        length = (length + 3) & ~3
    p += length
    if several:
        p += 14
    return _snap(buf, p, end)


@jit
def _radiotap(buf: Any, p: int, end: int) -> Any:
    """(place of the 802.11 frame, whether its header is padded); a place beyond the end where it is cut."""
    if p + 8 > end:
        return end + 1, 0
    length = le16(buf, p + 2)
    present = le32(buf, p + 4)
    first, place = present, p + 8
    while present & 0x80000000 and place + 4 <= end:
        present = le32(buf, place)
        place += 4
    padded = 0
    if first & 2:
        if first & 1:
            place = p + ((place - p + 7) & ~7) + 8
        if place < end and at(buf, place) & 0x20:
            padded = 1
    return p + max(length, 8), padded


@jit
def _family(value: int) -> bool:
    """AF_INET and the AF_INET6 of the systems that write captures."""
    return value == 2 or value == 10 or value == 24 or value == 28 or value == 30 or value == 23 or value == 26


@jit
def _nflog(buf: Any, p: int, end: int, swapped: int) -> Any:
    """Netlink attributes; the one of type 9 is the packet (`swapped`: they are big-endian)."""
    if p + 4 > end:
        return k.CUT_LINK, p
    if not _family(at(buf, p)):
        return k.OTHER_TYPE, p
    p += 4
    for _ in range(256):
        if p + 4 > end:
            return k.CUT_LINK, p
        length = be16(buf, p) if swapped else le16(buf, p)
        kind = (be16(buf, p + 2) if swapped else le16(buf, p + 2)) & 0x7FFF
        if length < 4:
            return k.BAD_IP, p
        if kind == 9:
            return 0, p + 4
        p += (length + 3) & ~3
    return k.TOO_DEEP, p


@jit
def _frame_relay(buf: Any, p: int, end: int) -> Any:
    for _ in range(5):
        if p >= end:
            return k.CUT_LINK, p
        p += 1
        if at(buf, p - 1) & 1:
            break
    if p + 2 > end:
        return k.CUT_LINK, p
    if at(buf, p) != 3:  # Cisco's way: an EtherType
        return _ethertype(buf, be16(buf, p), p + 2, end)
    p += 1
    if at(buf, p) == 0:
        p += 1
    if p >= end:
        return k.CUT_LINK, p
    nlpid = at(buf, p)
    if nlpid == 0xCC or nlpid == 0x8E:
        return 0, p + 1
    if nlpid == 0x80:
        if p + 6 > end:
            return k.CUT_LINK, p
        if at(buf, p + 1) == 0 and be16(buf, p + 2) == 0:
            return _ethertype(buf, be16(buf, p + 4), p + 6, end)
        if at(buf, p + 1) == 0 and be16(buf, p + 2) == 0x80C2 and (at(buf, p + 5) == 7 or at(buf, p + 5) == 1):
            return _ethernet(buf, p + (8 if at(buf, p + 5) == 1 else 6), end)
        return k.OTHER_TYPE, p
    if nlpid == 0xCF:
        code, p = _ppp(buf, p + 1, end)
        return (k.OTHER_TYPE if code == -1 else code), p
    return k.OTHER_TYPE, p


@jit
def _arcnet(buf: Any, p: int, end: int, linux: int) -> Any:
    """RFC 1201; Linux puts two bytes of offset before the protocol."""
    p += 4 if linux else 2
    if p >= end:
        return k.CUT_LINK, p
    kind = at(buf, p)
    if kind == 213:
        return k.ARP, p
    if kind == 240 or kind == 241:  # RFC 1051: no more header
        return (0 if kind == 240 else k.ARP), p + 1
    if kind != 212 and kind != 196:
        return k.OTHER_TYPE, p
    if p + 4 > end:
        return k.CUT_LINK, p
    # RFC 1201: a flag and two bytes of sequence; a flag of 0xFF is an exception packet, whose header follows once more
    if at(buf, p + 1) == 0xFF:
        return 0, p + 8
    return 0, p + 4


@jit
def _cooked(buf: Any, hardware: int, kind: int, p: int, end: int) -> Any:
    """Linux's cooked headers: what the device's type and the protocol lead to; (-1, place) for a radiotap header."""
    if hardware == 803:
        return -1, p
    if hardware == 824:
        return k.OTHER_TYPE, p
    if kind == 1:
        return k.LLC, p
    if kind == 4:
        return _snap(buf, p, end)
    if kind < 1501 and kind != 4:
        return k.OTHER_TYPE, p
    return _ethertype(buf, kind, p, end)


@jit
def erf_link(buf: Any, p: int, end: int) -> Any:
    """An ERF record at p (its header of 16 bytes is there): (link type, place of its packet); link type -1: not read."""
    kind = at(buf, p + 8)
    p += 16
    more = kind & 0x80
    while more and p + 8 <= end:
        more = at(buf, p) & 0x80
        p += 8
    kind &= 0x7F
    if kind == 2 or kind == 11 or kind == 16 or kind == 20:
        return k.ETHERNET, p + 2
    if kind == 1 or kind == 10 or kind == 15 or kind == 17:
        return k.PPP_SERIAL, p
    if kind == 22:
        return k.IPV4, p
    if kind == 23:
        return k.IPV6, p
    return -1, p


@jit
def link(buf: Any, p: int, end: int, kind: int, swapped: int) -> Any:
    """The IP packet in a record of that link type: (code, place)."""
    for _ in range(4):
        if p >= end:
            return k.EMPTY, p
        if kind == k.ETHERNET:
            return _ethernet(buf, p, end)
        if kind == k.RAW or kind == k.RAW_BSD or kind == k.RAW_OPENBSD:
            return 0, p
        if kind == k.IPV4 or kind == k.IPV6:
            return (0 if at(buf, p) >> 4 == (4 if kind == k.IPV4 else 6) else k.BAD_IP), p
        if kind == k.SLL:
            if p + 16 > end:
                return k.CUT_LINK, p
            code, place = _cooked(buf, be16(buf, p + 2), be16(buf, p + 14), p + 16, end)
            if code != -1:
                return code, place
            kind, p = k.RADIOTAP, place
        elif kind == k.SLL2:
            if p + 20 > end:
                return k.CUT_LINK, p
            code, place = _cooked(buf, be16(buf, p + 8), be16(buf, p), p + 20, end)
            if code != -1:
                return code, place
            kind, p = k.RADIOTAP, place
        elif kind == k.NULL or kind == k.LOOP:
            if p + 4 > end:
                return k.CUT_LINK, p
            if _family(be32(buf, p)) or _family(le32(buf, p)):
                return 0, p + 4
            if be32(buf, p) > 1500 and be16(buf, p) == 0:
                return _ethertype(buf, be16(buf, p + 2), p + 4, end)
            return k.OTHER_TYPE, p
        elif kind == k.PPP_LINK or kind == k.PPP_SERIAL or kind == k.PPP_PPPD or kind == k.PPP_DIR:
            if kind == k.PPP_DIR:
                p += 1
            if p + 2 > end:
                return k.CUT_LINK, p
            first = at(buf, p)
            if kind == k.PPP_SERIAL and (first == 0xF or first == 0x8F):
                kind = k.CHDLC
                continue
            if (first == 0xFF or kind == k.PPP_PPPD) and at(buf, p + 1) == 3:
                p += 2
            code, p = _ppp(buf, p, end)
            return _ethertype(buf, 0x8847, p, end) if code == -1 else (code, p)
        elif kind == k.CHDLC:
            if p + 4 > end:
                return k.CUT_LINK, p
            if be16(buf, p + 2) == 0x8035:
                return k.OTHER_TYPE, p
            if be16(buf, p + 2) <= 1500:
                return k.OTHER_TYPE, p
            return _ethertype(buf, be16(buf, p + 2), p + 4, end)
        elif kind == k.PPP_ETHER:
            return _ethertype(buf, 0x8864, p, end)
        elif kind == k.NFLOG:
            return _nflog(buf, p, end, swapped)
        elif kind == k.RADIOTAP:
            place, padded = _radiotap(buf, p, end)
            if place > end:
                return k.CUT_LINK, p
            return _wifi(buf, place, end, padded)
        elif kind == k.WIFI:
            return _wifi(buf, p, end, 0)
        elif kind == k.PRISM or kind == k.AVS:
            if p + 8 > end:
                return k.CUT_LINK, p
            version = be32(buf, p)
            if kind == k.AVS or version == 0x80211001 or version == 0x80211002:
                p += max(be32(buf, p + 4), 8)
            else:
                p += max(le32(buf, p + 4), 8)
            if p > end:
                return k.CUT_LINK, p
            kind = k.WIFI
        elif kind == k.PPI:
            if p + 8 > end:
                return k.CUT_LINK, p
            kind = le32(buf, p + 4)
            p += max(le16(buf, p + 2), 8)
        elif kind == k.PKTAP or kind == k.PKTAP_OLD:
            if p + 12 > end:
                return k.CUT_LINK, p
            if kind == k.PKTAP_OLD and le32(buf, p) > 1024:
                return k.OTHER_TYPE, p  # the number is the second user's as well
            kind = le32(buf, p + 8)
            p += max(le32(buf, p), 12)
        elif kind == k.FRELAY:
            return _frame_relay(buf, p, end)
        elif kind == k.FDDI:
            if p + 13 > end:
                return k.CUT_LINK, p
            return _snap(buf, p + 13, end) if at(buf, p) & 0xF0 == 0x50 else (k.OTHER_TYPE, p)
        elif kind == k.TOKEN_RING:
            if p + 14 > end:
                return k.CUT_LINK, p
            if at(buf, p + 1) & 0xC0 != 0x40:
                return k.OTHER_TYPE, p
            if at(buf, p + 8) & 0x80:
                if p + 16 > end:
                    return k.CUT_LINK, p
                p += at(buf, p + 14) & 0x1F
            return _snap(buf, p + 14, end)
        elif kind == k.SLIP:
            if p + 16 > end:
                return k.CUT_LINK, p
            return (k.COMPRESSED if at(buf, p + 1) & 0x80 else 0), p + 16
        elif kind == k.RFC1483:
            return _snap(buf, p, end)
        elif kind == k.SUN_ATM:
            if p + 4 > end:
                return k.CUT_LINK, p
            return _snap(buf, p + 4, end) if at(buf, p) & 15 == 2 else (k.OTHER_TYPE, p)
        elif kind == k.ARCNET or kind == k.ARCNET_LINUX:
            return _arcnet(buf, p, end, 1 if kind == k.ARCNET_LINUX else 0)
        elif kind == k.APPLE_1394:
            return _ethertype(buf, be16(buf, p + 16), p + 18, end) if p + 18 <= end else (k.CUT_LINK, p)
        elif kind == k.IP_FC:
            return _snap(buf, p + 16, end)
        elif kind == k.IPNET:
            if p + 24 > end:
                return k.CUT_LINK, p
            return (0 if at(buf, p + 1) == 2 or at(buf, p + 1) == 26 else k.OTHER_TYPE), p + 24
        elif kind == k.DSA_BRCM or kind == k.DSA:
            return _ethertype(buf, be16(buf, p + 16), p + 18, end) if p + 18 <= end else (k.CUT_LINK, p)
        elif kind == k.EDSA:
            return _ethertype(buf, be16(buf, p + 20), p + 22, end) if p + 22 <= end else (k.CUT_LINK, p)
        elif kind == k.DSA_PREPENDED:
            return _ethernet(buf, p + 4, end)
        elif kind == k.IPOIB:
            return _ethertype(buf, be16(buf, p + 40), p + 44, end) if p + 44 <= end else (k.CUT_LINK, p)
        elif kind == k.PFLOG:
            if p + 2 > end:
                return k.CUT_LINK, p
            return (0 if _family(at(buf, p + 1)) else k.OTHER_TYPE), p + ((at(buf, p) + 3) & ~3)
        elif kind == k.ENC:
            if p + 12 > end:
                return k.CUT_LINK, p
            return (0 if _family(be32(buf, p)) or _family(le32(buf, p)) else k.OTHER_TYPE), p + 12
        elif kind == k.ERF:
            if p + 16 > end:
                return k.CUT_LINK, p
            kind, p = erf_link(buf, p, end)
        else:
            return k.UNSUPPORTED, p
    return k.TOO_DEEP, p
