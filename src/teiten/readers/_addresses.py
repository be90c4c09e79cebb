"""Kernels for addresses: packed as the lake keeps them, and as text."""

from __future__ import annotations

from typing import Any

from teiten.readers._jit import at, entry, get, jit, put8, put32


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
