"""Kernels for addresses: packed as the lake keeps them, and as text."""

from __future__ import annotations

from typing import Any

from teiten.readers._jit import at, entry, get, get32, jit, put, put8, put32


@entry
def pack(families: Any, high: Any, low: Any, n: int, offsets: Any, data: Any) -> int:
    """n addresses of both families (int64 each) into one buffer of bytes in network order; offsets are int32. Its size."""
    size = 0
    for i in range(n):
        put32(offsets, i, size)
        family = int(get(families, i))
        if family == 4:
            for j in range(4):
                put8(data, size + j, (int(get(low, i)) >> (24 - 8 * j)) & 255)
            size += 4
        elif family == 6:
            for j in range(8):
                put8(data, size + j, (int(get(high, i)) >> (56 - 8 * j)) & 255)
                put8(data, size + 8 + j, (int(get(low, i)) >> (56 - 8 * j)) & 255)
            size += 16
    put32(offsets, n, size)
    return size


@jit
def dotted(value: int, data: Any, size: int) -> int:
    """An IPv4 address as a dotted quad at data[size:]. The offset after it."""
    for part in range(4):
        octet = (value >> (24 - 8 * part)) & 255
        if octet >= 100:
            put8(data, size, 48 + octet // 100)
            size += 1
        if octet >= 10:
            put8(data, size, 48 + octet // 10 % 10)
            size += 1
        put8(data, size, 48 + octet % 10)
        size += 1
        if part < 3:
            put8(data, size, 46)
            size += 1
    return size


@entry
def dotted_quads(packed: Any, valid: Any, n: int, offsets: Any, data: Any) -> int:
    """n IPv4 addresses, 4 bytes each where `valid` (a byte each) says so -> dotted quads; offsets are int32. The size."""
    size = 0
    p = 0
    for i in range(n):
        put32(offsets, i, size)
        if at(valid, i) == 0:
            continue
        value = (at(packed, p) << 24) | (at(packed, p + 1) << 16) | (at(packed, p + 2) << 8) | at(packed, p + 3)
        p += 4
        size = int(dotted(value, data, size))
    put32(offsets, n, size)
    return size


@entry
def locate(addresses: Any, n: int, index: Any, starts: Any, places: Any, out: Any) -> int:
    """n IPv4 addresses (int64) -> the place of each in sorted stretches, whose boundaries and places are int32.

    starts: first addresses less 2**31, rising, the first of them that of 0.0.0.0. index: for each /16 (65537, int32) the
    last stretch that begins at or before its first address; the last one is the last stretch.
    """
    for i in range(n):
        value = int(get(addresses, i))
        low = int(get32(index, value >> 16))
        high = int(get32(index, (value >> 16) + 1))
        wanted = value - 2147483648
        while low < high:
            middle = (low + high + 1) >> 1
            if get32(starts, middle) <= wanted:
                low = middle
            else:
                high = middle - 1
        put(out, i, get32(places, low))
    return n
