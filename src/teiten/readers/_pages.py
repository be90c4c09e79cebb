"""Kernels that turn columns of integers into what a Parquet page holds: dictionaries, packed bits, packed differences.

Formats: github.com/apache/parquet-format, Encodings.md. Values are int64; one of them (`null`) may stand for null. What
is appended to says how far it is filled already, and the answer is how far it is then.
"""

from __future__ import annotations

from typing import Any, Final

from teiten.readers._addresses import dotted
from teiten.readers._jit import at, entry, get, get32, jit, put, put8, put32

LOW, HIGH, NULLS = 0, 1, 2
"""of `survey`"""
SMALL: Final = 1 << 16
"""values below this find their place in a dictionary by themselves"""
_BLOCK: Final = 128
_MINI: Final = 32


@entry
def survey(values: Any, n: int, null: int, out: Any) -> int:
    """Widens [LOW, HIGH] by the values, and counts the nulls among them. The nulls."""
    low, high = int(get(out, LOW)), int(get(out, HIGH))
    nulls = 0
    for i in range(n):
        value = int(get(values, i))
        # choices, not branches: which rows have a value cannot be guessed
        none = value == null
        nulls += 1 if none else 0
        value = low if none else value
        if value < low:
            low = value
        if value > high and not none:
            high = value
    put(out, LOW, low)
    put(out, HIGH, high)
    put(out, NULLS, get(out, NULLS) + nulls)
    return nulls


@entry
def compact(values: Any, n: int, null: int, out: Any, m: int) -> int:
    """Appends what is not null. `out` has room for one more."""
    for i in range(n):
        value = int(get(values, i))
        put(out, m, value)
        m += 1 if value != null else 0
    return m


@entry
def valid(values: Any, n: int, null: int, bits: Any, first: int) -> int:
    """Sets the bits (the lowest of a byte first) from number `first` on where the value is not null. The bits then."""
    p = first >> 3
    b = first & 7
    byte = int(at(bits, p))
    for i in range(n):
        byte |= (1 if get(values, i) != null else 0) << b
        b += 1
        if b == 8:
            put8(bits, p, byte)
            p += 1
            b = 0
            byte = 0
    if b:
        put8(bits, p, byte)
    return first + n


@entry
def places(values: Any, n: int, table: Any, most: int, distinct: Any, d: int, codes: Any, m: int) -> int:
    """Appends each value's place in the dictionary `distinct`, which grows. values: 0 to SMALL - 1, no nulls. table: int32,
    SMALL of them, 0 at first (`forget` makes it so again). The entries then; where they would be more than `most`, -1 less
    the entries."""
    for i in range(n):
        value = int(get(values, i))
        code = int(get32(table, value))
        if code == 0:
            if d >= most:
                return -1 - d
            put(distinct, d, value)
            d += 1
            code = d
            put32(table, value, code)
        put32(codes, m + i, code - 1)
    return d


@entry
def forget(table: Any, distinct: Any, d: int) -> int:
    """Empties the table of `places`. The entries."""
    for i in range(d):
        put32(table, get(distinct, i), 0)
    return d


@entry
def wide_places(
    values: Any, n: int, keys: Any, table: Any, mask: int, most: int, distinct: Any, d: int, codes: Any, m: int
) -> int:  # fmt: skip
    """As `places`, for values from 0 to 2**32 - 1. keys: int64, 0 at first; table: int32; mask + 1 of each, a power of two
    above `most`."""
    for i in range(n):
        value = int(get(values, i))
        slot = ((value * 40503) ^ (value >> 13)) & mask
        while True:
            key = int(get(keys, slot))
            if key == value + 1:
                put32(codes, m + i, get32(table, slot))
                break
            if key == 0:
                if d >= most:
                    return -1 - d
                put(keys, slot, value + 1)
                put32(table, slot, d)
                put32(codes, m + i, d)
                put(distinct, d, value)
                d += 1
                break
            slot = (slot + 1) & mask
    return d


@entry
def pack(codes: Any, n: int, width: int, out: Any, p: int) -> int:
    """Appends n int32 in `width` bits each, the lowest first, filled up with 0 to a multiple of 8 of them."""
    word = 0
    bits = 0
    end = p + ((n + 7) >> 3) * width
    for i in range(n):
        word |= int(get32(codes, i)) << bits
        bits += width
        while bits >= 8:
            put8(out, p, word & 255)
            p += 1
            word >>= 8
            bits -= 8
    while p < end:
        put8(out, p, word & 255)
        p += 1
        word >>= 8
    return end


@jit
def _varint(value: int, out: Any, p: int) -> int:
    while value > 127:
        put8(out, p, (value & 127) | 128)
        value >>= 7
        p += 1
    put8(out, p, value)
    return p + 1


@jit
def _zigzag(value: int) -> int:
    return 2 * value if value >= 0 else -2 * value - 1


@entry
def differences(values: Any, n: int, scratch: Any, out: Any) -> int:
    """DELTA_BINARY_PACKED of n > 0 values that lie within 2**53 of each other. scratch: 128 int64. The bytes."""
    p = int(_varint(_BLOCK, out, 0))
    p = int(_varint(_BLOCK // _MINI, out, p))
    p = int(_varint(n, out, p))
    last = int(get(values, 0))
    p = int(_varint(_zigzag(last), out, p))
    i = 1
    while i < n:
        count = min(_BLOCK, n - i)
        low = int(get(values, i)) - last
        for j in range(count):
            value = int(get(values, i + j))
            step = value - last
            last = value
            put(scratch, j, step)
            if step < low:
                low = step
        p = int(_varint(_zigzag(low), out, p))
        widths = p
        p += _BLOCK // _MINI
        for mini in range(_BLOCK // _MINI):
            first = mini * _MINI
            stop = min(count, first + _MINI)
            some = 0
            for j in range(first, stop):
                some |= int(get(scratch, j)) - low
            width = 0
            while some:
                some >>= 1
                width += 1
            put8(out, widths + mini, width)
            if width == 0:
                continue
            word = 0
            bits = 0
            end = p + _MINI * width // 8
            for j in range(first, stop):
                word |= (int(get(scratch, j)) - low) << bits
                bits += width
                while bits >= 8:
                    put8(out, p, word & 255)
                    p += 1
                    word >>= 8
                    bits -= 8
            while p < end:
                put8(out, p, word & 255)
                p += 1
                word >>= 8
        i += count
    return p


@entry
def quads(values: Any, n: int, out: Any, p: int) -> int:
    """Appends n IPv4 addresses as dotted quads, four bytes of length (little-endian) before each."""
    for i in range(n):
        end = int(dotted(int(get(values, i)), out, p + 4))
        put8(out, p, end - p - 4)
        put8(out, p + 1, 0)
        put8(out, p + 2, 0)
        put8(out, p + 3, 0)
        p = end
    return p
