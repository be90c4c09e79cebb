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
    values: Any, n: int, keys: Any, table: Any, mask: int, salt: int, most: int, distinct: Any, d: int, codes: Any, m: int
) -> int:  # fmt: skip
    """As `places`, for values from 0 to 2**32 - 1. keys: int64, 0 at first; table: int32; mask + 1 of each, a power of two
    above `most`. salt: an odd number that nobody knows, so that nobody can send values that fall on one slot."""
    for i in range(n):
        value = int(get(values, i))
        slot = ((value * salt) >> 24) & mask
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
def address_places(
    families: Any, high: Any, low: Any, n: int, table: Any, mask: int, salt: int, distinct: Any, d: int, out: Any
) -> int:  # fmt: skip
    """For n addresses of both families, their places in `distinct` (family, high, low each), which grows; -1 for none.
    table: int32, 0 at first, mask + 1 of them: more than there are addresses. The entries then."""
    for i in range(n):
        family = int(get(families, i))
        if family != 4 and family != 6:
            put(out, i, -1)
            continue
        upper = int(get(high, i)) if family == 6 else 0
        lower = int(get(low, i))
        slot = ((((upper * salt) >> 19) ^ lower ^ (lower >> 31)) * salt >> 24) & mask
        while True:
            place = int(get32(table, slot)) - 1
            if place < 0:
                put(distinct, 3 * d, family)
                put(distinct, 3 * d + 1, upper)
                put(distinct, 3 * d + 2, lower)
                place = d
                d += 1
                put32(table, slot, d)
                break
            same = get(distinct, 3 * place) == family and get(distinct, 3 * place + 1) == upper
            if same and get(distinct, 3 * place + 2) == lower:
                break
            slot = (slot + 1) & mask
        put(out, i, place)
    return d


@entry
def address_words(distinct: Any, chosen: Any, n: int, out: Any, p: int) -> int:
    """Appends n of those addresses as 4 or 16 bytes, four bytes of length (little-endian) before each."""
    for i in range(n):
        place = 3 * int(get(chosen, i))
        halves = int(get(distinct, place)) == 6
        for j in range(4):
            put8(out, p + j, (16 if halves else 4) if j == 0 else 0)
        p += 4
        lower = int(get(distinct, place + 2))
        if halves:
            upper = int(get(distinct, place + 1))
            for j in range(8):
                put8(out, p + j, (upper >> (56 - 8 * j)) & 255)
                put8(out, p + 8 + j, (lower >> (56 - 8 * j)) & 255)
            p += 16
        else:
            for j in range(4):
                put8(out, p + j, (lower >> (24 - 8 * j)) & 255)
            p += 4
    return p


@entry
def slices(data: Any, starts: Any, lengths: Any, n: int, out: Any, p: int) -> int:
    """Appends n stretches of the bytes `data`, four bytes of length (little-endian) before each; none where start is -1."""
    for i in range(n):
        start = int(get(starts, i))
        if start < 0:
            continue
        size = int(get(lengths, i))
        for j in range(4):
            put8(out, p + j, (size >> (8 * j)) & 255)
        p += 4
        for j in range(size):
            put8(out, p + j, at(data, start + j))
        p += size
    return p


@entry
def pack(codes: Any, n: int, width: int, out: Any) -> int:
    """n int32 in `width` bits each, the lowest first, into words of int32. The words, the last filled up with 0."""
    word = 0
    bits = 0
    w = 0
    for i in range(n):
        word |= int(get32(codes, i)) << bits
        bits += width
        if bits >= 32:
            # (the lower half as a signed number)
            put32(out, w, ((word & 4294967295) ^ 2147483648) - 2147483648)
            w += 1
            word >>= 32
            bits -= 32
    if bits:
        put32(out, w, ((word & 4294967295) ^ 2147483648) - 2147483648)
        w += 1
    return w


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
