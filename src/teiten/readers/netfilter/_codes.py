"""Numbers that the kernels and the Python around them share: a row's columns, reasons, kinds, actions."""

from __future__ import annotations

from typing import Final

# columns of a row (int64 each); -1 = the line does not say, except in the halves of addresses
(
    LINE, POS, KIND, STAMP, COUNT, ACTION, IFACE,
    FAMILY, SRC_HI, SRC_LO, DST_HI, DST_LO,
    PROTOCOL, SPT, DPT, TYPE, CODE, TTL, ID, LEN,
    FLAGS, SEQ, ACK, WINDOW, OPT_LEN, IP_FLAGS, FRAG, PAYLOAD,
    IN_SRC_FAMILY, IN_SRC_HI, IN_SRC_LO, IN_DST_FAMILY, IN_DST_HI, IN_DST_LO, IN_PROTOCOL, IN_SPT, IN_DPT,
    WIDTH,
) = range(38)  # fmt: skip

FIRST_INNER: Final = IN_SRC_FAMILY
"""from here on a row holds 0 where the line quotes no packet; numbers of the quoted packet are kept one higher"""
SPARSE: Final = (SRC_HI, DST_HI, *range(FIRST_INNER, WIDTH))
"""columns that few lines fill: they are zero before the kernel runs"""

EVENT: Final = 0

LONG: Final = 1
NO_IN: Final = 2
NO_ADDRESS: Final = 3
CUT: Final = 4
BAD_ADDRESS: Final = 5
BAD_NUMBER: Final = 6
NO_STAMP: Final = 7
BAD_STAMP: Final = 8
TOO_OFTEN: Final = 9
BAD_RECORD: Final = 10

REASONS: Final[dict[int, str]] = {
    LONG: "line too long",
    NO_IN: "no IN= (its head is cut off, or it is not the kernel's)",
    NO_ADDRESS: "no addresses",
    CUT: "cut before the addresses end",
    BAD_ADDRESS: "bad address",
    BAD_NUMBER: "bad number",
    NO_STAMP: "no time stamp",
    BAD_STAMP: "bad time stamp",
    TOO_OFTEN: "repeated too often",
    BAD_RECORD: "broken journal record",
}

OTHER: Final = 128
ARP: Final = 129
NON_IP: Final = 130
BLANK: Final = 131
REPEAT: Final = 132

KINDS: Final[dict[int, str]] = {OTHER: "other", ARP: "arp", NON_IP: "non-ip", BLANK: "blank", REPEAT: "repeat"}

NO_ACTION: Final = 4
"""index after the last of event.ACTIONS (drop, accept, reject, audit)"""
