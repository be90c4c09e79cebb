"""Snappy, which corsaro writes where it is asked to: the kernel that unpacks it (github.com/google/snappy, format_description).

What it unpacks is as long as the packed bytes say, which the caller has looked at before.
"""

from __future__ import annotations

from typing import Any

from teiten.readers._jit import at, entry, put8


@entry
def unpack(buf: Any, p: int, end: int, out: Any, size: int) -> int:
    """buf[p:end], after its length, into `out` of `size` bytes. How many were written; -1 where it is not sound."""
    n = 0
    while p < end:
        tag = int(at(buf, p))
        p += 1
        kind = tag & 3
        length = (tag >> 2) + 1
        if kind == 0:
            if length > 60:
                more = length - 60
                if more > end - p:
                    return -1
                length = 0
                for i in range(more):
                    length |= int(at(buf, p + i)) << (8 * i)
                length += 1
                p += more
            if length > end - p or length > size - n:
                return -1
            for i in range(length):
                put8(out, n + i, at(buf, p + i))
            p += length
            n += length
            continue
        more = 4 if kind == 3 else kind
        if more > end - p:
            return -1
        back = 0
        for i in range(more):
            back |= int(at(buf, p + i)) << (8 * i)
        p += more
        if kind == 1:
            length = ((tag >> 2) & 7) + 4
            back |= (tag >> 5) << 8
        if back == 0 or back > n or length > size - n:
            return -1
        # where it reaches into itself the bytes repeat: one after the other
        for i in range(length):
            put8(out, n + i, at(out, n + i - back))
        n += length
    return n
