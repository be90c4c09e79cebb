"""Numbers that the parts share: outcomes, kinds of fields, the columns that the kernel fills."""

from __future__ import annotations

from typing import Final

DAMAGED, TOO_LARGE, TOO_MANY, BAD_TIME, BAD_ADDRESS, BAD_NUMBER, BAD_COUNT = 2, 3, 4, 5, 6, 7, 8
REASONS: Final = {
    DAMAGED: "damaged block", TOO_LARGE: "block of an impossible size", TOO_MANY: "more records than bytes",
    BAD_TIME: "bad time stamp", BAD_ADDRESS: "bad address", BAD_NUMBER: "a field is out of its range",
    BAD_COUNT: "impossible number of packets",
}  # fmt: skip
KINDS: Final[dict[int, str]] = {}
"""every record of a FlowTuple is a flow: there is nothing to ignore"""

INTEGER, TEXT, FIXED, INTEGERS, TEXTS, FIXEDS = range(6)
"""how a field is written: a number of variable length, a length and bytes, so many bytes; arrays of those"""
(
    TIME, SRC, DST, PROTOCOL, DPT, PACKETS, SPT, TTL, FLAGS, LEN, SYN_LEN, SYN_WINDOW,
    SIZES, TTLS, SPORTS, FLAG_SETS, COLUMNS,
) = range(17)  # fmt: skip
"""what the kernel fills; the last four, of version 4: how many values there are of which LEN, TTL, SPT, FLAGS is the first"""
ROW: Final = 7
"""numbers of a field in the plan: kind, bytes of a FIXED, column (-1: passed over), which branch of a union is null (-1: it is
none), least and largest value, outcome of a record whose value is another"""
HUGE: Final = 1 << 62
"""stands for what takes more than 63 bits"""
AFTER, SOUND, STATE = range(3)
"""what the kernel says at the end: where it came to, and whether a record was not whole there (0)"""
