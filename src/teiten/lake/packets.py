"""A keyed 64-bit hash of an event's stored columns: what a captured packet is told by when another capture has it too.

It is made from an event as a reader has it, and again from the lake's row: so nothing of it needs to be kept. Only what a
packet itself says goes in. Not in it are what depends on how it was captured or stored (sensor, source, interface, payload,
which a setting keeps or not) and what an ICMP error quotes, of which `teiten forget` may blank addresses.

The hash is vector multiply-shift (Dietzfelbinger, 1996), two sums of 32-bit words times secret numbers of 64 bits, of which the
upper halves are taken: whoever does not know the key cannot prepare two packets with the same hash, and by chance two have it
once in 2^63. What is kept of forgotten packets was made so: COLUMNS must stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

Hashes = npt.NDArray[np.uint64]
Words = npt.NDArray[Any]

NUMBERS: Final = (
    "protocol", "src_port", "dst_port", "icmp_type", "icmp_code", "ttl", "ip_id", "ip_len", "tcp_flags", "tcp_seq", "tcp_ack",
    "tcp_window", "tcp_opt_len", "ip_flags", "frag_offset", "payload_len",
)  # fmt: skip
"""columns of 32 bits or fewer; null is -1"""
ADDRESSES: Final = ("src_ip", "dst_ip")
RECEIVED: Final = "received"
"""of `time_basis`: the time is the input's, not the packet's, and says nothing of it"""
COLUMNS: Final = ("time", "time_basis", *ADDRESSES, *NUMBERS)
"""what is read of the lake's rows"""
EVENT: Final = np.uint64(0xFFFFFFFE)
OTHER: Final = np.uint64(1)
"""the lowest bit: 0 of a packet, 1 of a record that made no event (its hash is of its bytes)"""
_BLOCK: Final = 1 << 14
"""rows that are hashed at once: so many stay in the processor's cache"""


@dataclass(frozen=True, slots=True)
class Address:
    """Addresses of n packets: `low` the last 32 bits of each; where any is IPv6, `six` has the three words before, the first of
    them the address's first, and a 1 (None: all are IPv4; zeros for those that are)."""

    low: Words
    six: tuple[Words, Words, Words, Words] | None = None


@dataclass(frozen=True, slots=True)
class Packets:
    """What is hashed of n packets. time: µs, int64. received: which of them have no time of their own; None: none.

    number: a column of NUMBERS as integers of any width.
    """

    time: npt.NDArray[np.int64]
    received: npt.NDArray[np.bool_] | None
    source: Address
    target: Address
    number: Callable[[str], Words]


def hashes(packets: Packets, key: int) -> Hashes:
    """The hash of each, with the lake's key."""
    n = len(packets.time)
    time = packets.time if packets.received is None else np.where(packets.received, 0, packets.time)
    words: list[Words | None] = [time, time >> 32]
    for address in (packets.source, packets.target):
        words += [address.low, *(address.six or (None,) * 4)]
    words += [packets.number(name) for name in NUMBERS]
    factors = _factors(key, len(words))
    out = np.empty(n, np.uint64)
    for at in range(0, n, _BLOCK):
        out[at : at + _BLOCK] = _sums([None if w is None else w[at : at + _BLOCK] for w in words], factors)
    return out


def _sums(words: list[Words | None], factors: npt.NDArray[np.uint64]) -> Hashes:
    first = words[0]
    assert first is not None
    high, low = np.full(len(first), factors[0, 0], np.uint64), np.full(len(first), factors[1, 0], np.uint64)
    product = np.empty(len(first), np.uint64)
    for place, word in enumerate(words, start=1):
        if word is None:
            continue
        # the lower 32 bits of it, whatever its width and sign
        value = word.astype(np.uint32).astype(np.uint64)
        for total, factor in ((high, factors[0, place]), (low, factors[1, place])):
            np.multiply(value, factor, out=product)
            total += product
    return (high & np.uint64(0xFFFFFFFF00000000)) | (low >> np.uint64(32) & EVENT)


def _factors(key: int, words: int) -> npt.NDArray[np.uint64]:
    """(2, 1 + words) secret numbers of 64 bits, by splitmix64 from the key."""
    out, mask = [], (1 << 64) - 1
    for n in range(1, 2 * (words + 1) + 1):
        x = (key + n * 0x9E3779B97F4A7C15) & mask
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        out.append(x ^ (x >> 31))
    return np.array(out, np.uint64).reshape(2, words + 1)


def of_frame(rows: pl.DataFrame, key: int) -> Hashes:
    """The hashes of rows of the lake, which have COLUMNS."""
    received = rows["time_basis"] == RECEIVED
    return hashes(
        Packets(
            rows["time"].to_physical().to_numpy(),
            received.to_numpy() if received.any() else None,
            _address(rows["src_ip"]),
            _address(rows["dst_ip"]),
            lambda name: rows[name].fill_null(-1).to_numpy(),
        ),
        key,
    )


def _address(column: pl.Series) -> Address:
    size = column.bin.size()
    if not len(column) or (size.max() == 4 and size.min() == 4):
        return Address(_word(column))
    parts = [_word(column.bin.slice(at, 4)) for at in (0, 4, 8, 12)]
    six = (size == 16).to_numpy()
    words = [np.where(six, part, 0).astype(np.uint32) for part in parts[:3]]
    return Address(np.where(six, parts[3], parts[0]), (words[0], words[1], words[2], six))


def _word(four: pl.Series) -> Words:
    return four.bin.reinterpret(dtype=pl.UInt32, endianness="big").fill_null(0).to_numpy()
