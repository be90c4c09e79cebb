"""Ranges of addresses as sorted boundaries: made from any ranges, packed small, and looked up fast.

A table holds the first address of each stretch and the code of the whole stretch; code 0 is "nobody says". IPv4
boundaries are uint32, IPv6 boundaries 16 bytes in network order (numpy compares them as numbers of 128 bits would).
Addresses that belong to nobody (private, documentation, multicast, tunnels...) have code 0 whatever the data say.
"""

from __future__ import annotations

import ipaddress
import lzma
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ranges = Iterable[tuple[int, int, int]]
"""(first address, last address, code), addresses as integers, in any order; they may lie inside one another"""

BITS: Final = {4: 32, 6: 128}

NOBODYS: Final[dict[int, tuple[str, ...]]] = {
    4: (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3",
    ),
    6: (
        "::/3", "2001::/32", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "2002::/16", "3fff::/20",
        "4000::/2", "8000::/1",
    ),
}  # fmt: skip
"""IANA's special-purpose registries, and for IPv6 all that is no global unicast (2000::/3) or a tunnel's (Teredo, 6to4)."""

_BEST: Final = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}
FILTERS: Final[dict[int, dict[str, Any]]] = {
    0: _BEST,
    # records of 4 or 8 bytes: telling xz so is worth a tenth of the size
    4: {**_BEST, "lc": 2, "lp": 2, "pb": 2},
    6: {**_BEST, "lc": 1, "lp": 3, "pb": 3},
}


@dataclass(frozen=True, slots=True)
class Table:
    """One family's boundaries. `starts[0]` is address 0. `starts` (n) uint32 or S16, `codes` (n) uint32."""

    family: int
    starts: npt.NDArray[Any]
    codes: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.starts)

    def look_up(self, addresses: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
        """(n) addresses of the table's own type -> (n) codes, 0 for unknown. Sorted addresses are the fastest."""
        return self.codes[np.searchsorted(self.starts, addresses, side="right") - 1]

    def ranges(self, code: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """First and last addresses of the IPv4 stretches with that code."""
        assert self.family == 4
        here = np.flatnonzero(self.codes == code)
        ends = np.append(self.starts[1:].astype(np.int64), 1 << 32)
        return self.starts[here].astype(np.int64), ends[here] - 1


def _flatten(ranges: Ranges) -> list[tuple[int, int]]:
    """Ranges -> (boundary, code), each stretch with the code of the innermost range that holds it."""
    out: list[tuple[int, int]] = [(0, 0)]
    open_ranges: list[tuple[int, int]] = []

    def begin(address: int, code: int) -> None:
        if out[-1][0] == address:
            out[-1] = (address, code)
        else:
            out.append((address, code))

    def close_before(address: int | None) -> None:
        while open_ranges and (address is None or open_ranges[-1][0] < address):
            end, _ = open_ranges.pop()
            while open_ranges and open_ranges[-1][0] <= end:
                open_ranges.pop()
            begin(end + 1, open_ranges[-1][1] if open_ranges else 0)

    for first, last, code in sorted(ranges, key=lambda r: (r[0], -r[1])):
        close_before(first)
        begin(first, code)
        open_ranges.append((last, code))
    close_before(None)
    return out


def _clear(starts: list[int], codes: list[int], first: int, last: int) -> None:
    """Gives first..last the code 0, in place."""
    after = codes[bisect_right(starts, last + 1) - 1]
    low, high = bisect_left(starts, first), bisect_right(starts, last + 1)
    starts[low:high] = [first, last + 1]
    codes[low:high] = [0, after]


def build(family: int, ranges: Ranges) -> Table:
    """The table of those ranges. Where ranges lie inside one another the innermost counts."""
    flat = _flatten(ranges)
    starts, codes = [s for s, _ in flat], [c for _, c in flat]
    for prefix in NOBODYS[family]:
        network = ipaddress.ip_network(prefix)
        _clear(starts, codes, int(network[0]), int(network[-1]))
    kept = [0]
    for i in range(1, len(starts)):
        if codes[i] != codes[kept[-1]] and starts[i] < 1 << BITS[family]:
            kept.append(i)
    return Table(family, pack([starts[i] for i in kept], family), np.array([codes[i] for i in kept], dtype=np.uint32))


def pack(addresses: list[int], family: int) -> npt.NDArray[Any]:
    """Addresses as integers -> the table's own type."""
    if family == 4:
        return np.array(addresses, dtype=np.uint32)
    return np.frombuffer(b"".join(a.to_bytes(16, "big") for a in addresses), dtype="S16")


def encode(table: Table) -> bytes:
    """The table as an xz file: differences of the boundaries (IPv6: upper halves, then lower halves), then the codes."""
    codes = table.codes.astype("<u4").tobytes()
    if table.family == 4:
        raw = np.diff(table.starts, prepend=np.uint32(0)).astype("<u4").tobytes()
    else:
        halves = table.starts.view(">u8").reshape(-1, 2).astype(np.uint64)
        raw = np.diff(halves[:, 0], prepend=np.uint64(0)).astype("<u8").tobytes() + halves[:, 1].astype("<u8").tobytes()
    return squeeze(raw + codes, table.family)


def squeeze(raw: bytes, family: int = 0) -> bytes:
    """As small an xz file as there is, with no more memory than the bytes need. `family` 0: text."""
    dictionary = {"dict_size": min(max(len(raw), 4096), 64 << 20)}
    return lzma.compress(raw, filters=[FILTERS[family] | dictionary])


def decode(family: int, packed: bytes) -> Table:
    """What `encode` made. ValueError for anything else."""
    try:
        raw = lzma.decompress(packed)
    except lzma.LZMAError as error:
        raise ValueError(str(error)) from None
    count, rest = divmod(len(raw), 8 if family == 4 else 20)
    if rest or not count:
        raise ValueError("its length is no multiple of a record's")
    codes = np.frombuffer(raw, dtype="<u4", count=count, offset=len(raw) - 4 * count).astype(np.uint32)
    if family == 4:
        starts: npt.NDArray[Any] = np.cumsum(np.frombuffer(raw, dtype="<u4", count=count), dtype=np.uint32)
    else:
        halves = np.empty((count, 2), dtype=">u8")
        halves[:, 0] = np.cumsum(np.frombuffer(raw, dtype="<u8", count=count), dtype=np.uint64)
        halves[:, 1] = np.frombuffer(raw, dtype="<u8", count=count, offset=8 * count)
        starts = halves.reshape(-1).view("S16")
    if starts[0] != (0 if family == 4 else b"") or bool(np.any(starts[1:] <= starts[:-1])):
        raise ValueError("its boundaries are not in order")
    return Table(family, starts, codes)
