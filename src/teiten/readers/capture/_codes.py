"""Numbers that the kernels and the Python around them share: what became of a record, and link types with their names."""

from __future__ import annotations

from typing import Final

EVENT: Final = 0

# rejected: an IP packet was, or may have been, there, and cannot be read
CUT_FILE: Final = 1
DAMAGED: Final = 2
NO_INTERFACE: Final = 3
CUT_LINK: Final = 4
CUT_IP: Final = 5
BAD_IP: Final = 6
BAD_TIME: Final = 7
TOO_DEEP: Final = 8

REASONS: Final[dict[int, str]] = {
    CUT_FILE: "record cut at the end of the file",
    DAMAGED: "impossible record length",
    NO_INTERFACE: "interface not described",
    CUT_LINK: "cut before the IP header",
    CUT_IP: "cut before the addresses end",
    BAD_IP: "no IP header where one should be",
    BAD_TIME: "time stamp out of range",
    TOO_DEEP: "too many headers one in another",
}

# ignored: something else than IP
ARP, RARP, LLC, LLDP, EAPOL, PPPOE, PPP, OTHER_TYPE, WLAN, ENCRYPTED, EMPTY, CISCO, COMPRESSED = range(128, 141)
UNSUPPORTED: Final = 160
"""link types follow, in the order of `NAMED`; UNSUPPORTED itself is a link type without a name here"""

# link types (tcpdump.org/linktypes.html) that the kernel reads
NULL, ETHERNET, TOKEN_RING, ARCNET, SLIP, PPP_LINK, FDDI = 0, 1, 6, 7, 8, 9, 10
RAW_BSD, RAW_OPENBSD, PPP_SERIAL, PPP_ETHER = 12, 14, 50, 51
RFC1483, RAW, CHDLC, WIFI, FRELAY, LOOP = 100, 101, 104, 105, 107, 108
ENC, SLL, PFLOG, PRISM, IP_FC, SUN_ATM, RADIOTAP, ARCNET_LINUX = 109, 113, 117, 119, 122, 123, 127, 129
APPLE_1394, AVS, PPP_PPPD, PPI, ERF, PPP_DIR, IPNET, IPV4, IPV6 = 138, 163, 166, 192, 197, 204, 226, 228, 229
NFLOG, IPOIB, PKTAP_OLD, PKTAP, SLL2 = 239, 242, 149, 258, 276
DSA_BRCM, DSA_PREPENDED, DSA, EDSA = 281, 282, 284, 285

READ: Final = frozenset(
    {
        NULL, ETHERNET, TOKEN_RING, SLIP, PPP_LINK, FDDI, RAW_BSD, RAW_OPENBSD, PPP_SERIAL, PPP_ETHER, RFC1483, RAW, CHDLC,
        WIFI, FRELAY, LOOP, ENC, SLL, PFLOG, PRISM, IP_FC, SUN_ATM, RADIOTAP, ARCNET, ARCNET_LINUX, APPLE_1394, AVS, PPP_PPPD,
        PPI, ERF, PPP_DIR, IPNET, IPV4, IPV6, NFLOG, IPOIB, PKTAP_OLD, PKTAP, SLL2,
        DSA_BRCM, DSA_PREPENDED, DSA, EDSA,
    }
)  # fmt: skip

NAMED: Final[dict[int, str]] = {
    3: "AX.25", 11: "ATM (RFC 1483, BSD)", 15: "SLIP (BSD/OS)", 16: "PPP (BSD/OS)", 99: "Symantec firewall",
    106: "ATM (classical IP)", 112: "CHDLC (FreeBSD)", 114: "LocalTalk", 120: "Aironet", 140: "MTP2 with pseudo-header",
    130: "Juniper MLPPP", 131: "Juniper MLFR", 132: "Juniper ES", 133: "Juniper GGSN", 134: "Juniper MFR",
    135: "Juniper ATM2", 136: "Juniper services", 137: "Juniper ATM1", 139: "MTP2 with pseudo-header", 141: "MTP3",
    142: "SCCP", 143: "DOCSIS", 144: "Linux IrDA", 145: "IBM SP switch", 146: "IBM SN switch", 147: "user 0", 148: "user 1",
    150: "user 3", 151: "user 4", 152: "user 5", 153: "user 6", 154: "user 7", 155: "user 8", 156: "user 9", 157: "user 10",
    158: "user 11", 159: "user 12", 160: "user 13", 161: "user 14", 162: "user 15", 165: "BACnet MS/TP", 167: "Juniper PPPoE",
    169: "GPRS LLC", 170: "GFP-T", 171: "GFP-F", 177: "Linux LAPD", 178: "Juniper Ethernet", 179: "Juniper PPP",
    180: "Juniper frame relay", 181: "Juniper CHDLC", 183: "Juniper VoIP", 186: "USB (FreeBSD)", 187: "Bluetooth HCI H4",
    189: "USB (Linux)", 190: "CAN 2.0b", 191: "IEEE 802.15.4 (Linux)", 195: "IEEE 802.15.4", 196: "SITA",
    201: "Bluetooth HCI H4 (pcap)",
    202: "AX.25 KISS", 203: "LAPD", 205: "CHDLC with direction", 206: "frame relay with direction", 209: "IPMB (Linux)",
    215: "IEEE 802.15.4 (non-ASK)", 220: "USB (Linux, mmapped)", 224: "Fibre Channel", 227: "CAN (SocketCAN)",
    230: "IEEE 802.15.4 without FCS", 231: "D-Bus", 235: "DVB-CI", 237: "Infrared", 240: "netANALYZER",
    241: "netANALYZER transparent",
    243: "MPEG-2 transport stream", 245: "NFC LLCP", 247: "InfiniBand", 248: "SCTP", 249: "USBPcap", 251: "Bluetooth LE",
    252: "Wireshark upper PDU", 253: "netlink", 254: "Bluetooth Linux monitor", 256: "Bluetooth LE with pseudo-header",
    264: "ISO 14443", 266: "USB (Darwin)", 272: "NordicSemi Bluetooth LE", 273: "DOCSIS 3.1 XRA", 275: "DisplayPort",
    278: "OpenVizsla", 279: "EBHSCR", 283: "IEEE 802.15.4 TAP",
}  # fmt: skip
_ORDER: Final = tuple(sorted(NAMED))

KINDS: Final[dict[int, str]] = {
    ARP: "arp", RARP: "rarp", LLC: "802.2", LLDP: "lldp", EAPOL: "eapol", PPPOE: "pppoe discovery", PPP: "ppp control",
    OTHER_TYPE: "other than ip", WLAN: "802.11 without data", ENCRYPTED: "encrypted", EMPTY: "empty record",
    CISCO: "cisco discovery", COMPRESSED: "compressed headers",
    UNSUPPORTED: "link type not known",
    **{UNSUPPORTED + 1 + i: f"link type {number}, {NAMED[number]}" for i, number in enumerate(_ORDER)},
}  # fmt: skip


def unsupported(link_type: int) -> int:
    """The code of ignored records of a link type that is not read."""
    return UNSUPPORTED + 1 + _ORDER.index(link_type) if link_type in NAMED else UNSUPPORTED
