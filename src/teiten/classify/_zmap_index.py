"""The index that ZMap gives an address: its place among the addresses that a scan is allowed to visit.

ZMap walks over indices, not addresses. Wholly allowed /18s come first, in order; then, address by address, what is allowed in
the others (zmap/zmap, lib/constraint.c). So one opt-out in a /18 moves that /18 to the end, and all that follow by 16,384.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

BLOCK: Final = 1 << 14
"""addresses of a /18"""
BLOCKED: Final = -1
ZERO: Final = ("0.0.0.0/32",)
"""excluded whatever the list says"""
RESERVED: Final = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
)  # fmt: skip
"""what ZMap's own list excludes (conf/blocklist.conf): IANA's special-purpose addresses, multicast, class E"""
LISTS: Final[dict[str, tuple[str, ...]]] = {"reserved": RESERVED, "none": ZERO}
"""the lists that are tried, by name"""


@dataclass(frozen=True, slots=True)
class Index:
    """An exclusion list, worked out: the index of a /18's first address, and the pieces of those that are partly allowed."""

    first: npt.NDArray[np.int64]
    """for each of 2^18 /18s: the index of its first address; BLOCKED where it is not wholly allowed"""
    pieces: tuple[tuple[int, int, int], ...]
    """allowed from, to (inclusive), the index of the first of them"""
    wholly: int
    """number of wholly allowed /18s"""

    def of(self, addresses: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """Addresses -> indices from 0; BLOCKED for an address that such a scan never visits."""
        first = self.first[addresses >> np.uint32(14)]
        index = np.where(first >= 0, first + (addresses & np.uint32(BLOCK - 1)), BLOCKED)
        for start, end, place in self.pieces:
            inside = (addresses >= start) & (addresses <= end)
            index[inside] = place + (addresses[inside].astype(np.int64) - start)
        return index


@cache
def index(excluded: tuple[str, ...]) -> Index:
    """The index for a list of excluded prefixes (text, as 10.0.0.0/8)."""
    spans = sorted(
        (int(network.network_address), int(network.broadcast_address)) for network in map(ipaddress.IPv4Network, excluded)
    )
    whole = np.ones(1 << 18, dtype=np.bool_)
    for start, end in spans:
        whole[start >> 14 : (end >> 14) + 1] = False
    count = int(whole.sum())
    first = np.where(whole, (np.cumsum(whole) - 1) * BLOCK, BLOCKED).astype(np.int64)
    return Index(first, tuple(_pieces(spans, whole, count * BLOCK)), count)


def _pieces(spans: list[tuple[int, int]], whole: npt.NDArray[np.bool_], place: int) -> list[tuple[int, int, int]]:
    """What is allowed inside the /18s that are touched by an excluded prefix, in order of address."""
    pieces: list[tuple[int, int, int]] = []
    touched = sorted({block for start, end in spans for block in (start >> 14, end >> 14)})
    for block in touched:
        at, last = block * BLOCK, block * BLOCK + BLOCK - 1
        for start, end in spans:
            if end < at or start > last:
                continue
            if start > at:
                pieces.append((at, start - 1, place))
                place += start - at
            at = max(at, end + 1)
        if at <= last:
            pieces.append((at, last, place))
            place += last - at + 1
    return pieces
