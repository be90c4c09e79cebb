"""The kernel over an Avro block's records: by a plan made of the file's schema, into columns of numbers."""

from __future__ import annotations

from typing import Any, Final

from teiten.readers import _jit
from teiten.readers._jit import at, entry, get, jit, put, put8
from teiten.readers.flowtuple import _codes as k

_ROW: Final = k.ROW
_INTEGER, _TEXT, _FIXED, _INTEGERS, _TEXTS = k.INTEGER, k.TEXT, k.FIXED, k.INTEGERS, k.TEXTS
_HUGE: Final = k.HUGE
_NULL: Final = -1


@jit
def _number(buf: Any, p: int, end: int) -> tuple[int, int]:
    """A zigzag number of variable length, and where it ends: -1 where it is not whole, or longer than 64 bits."""
    value = 0
    shift = 0
    while p < end and shift < 63:
        byte = int(at(buf, p))
        p += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return (value >> 1) ^ -(value & 1), p
        shift += 7
    if p < end and int(at(buf, p)) <= 1:
        return _HUGE, p + 1
    return 0, -1


@jit
def _past(buf: Any, p: int, end: int, kind: int, size: int) -> int:
    """Where a value that nobody asks for ends; -1 where it is not whole."""
    if kind == _INTEGER:
        _, p = _number(buf, p, end)
        return p
    length = size
    if kind == _TEXT:
        length, p = _number(buf, p, end)
        if p < 0:
            return -1
    return -1 if length < 0 or length > end - p else p + length


@jit
def _array(buf: Any, p: int, end: int, kind: int, size: int) -> tuple[int, int]:
    """The first number of an array (-1: there is none), and where the array ends; -1 where it is not whole."""
    first = _NULL
    seen = 0
    while True:
        count, p = _number(buf, p, end)
        if p < 0 or count == 0:
            return first, p
        if count < 0:
            # the count's sign says that the bytes of the items follow
            count = -count
            _, p = _number(buf, p, end)
            if p < 0:
                return first, -1
        if count > end - p:
            return first, -1
        for _ in range(count):
            if kind == _INTEGERS and seen == 0:
                first, p = _number(buf, p, end)
                seen = 1
            else:
                p = _past(buf, p, end, kind - _INTEGERS, size)
            if p < 0:
                return first, -1


@entry
def decode(
    buf: Any, p: int, end: int, most: int, plan: Any, fields: int, out: Any, room: int, outcomes: Any, ends: Any, hashes: Any,
    key: int, hashed: int, state: Any,
) -> int:  # fmt: skip
    """At most so many records of buf[p:end]. Fills `out` (columns, room), outcomes, ends, hashes; how many were whole."""
    n = 0
    sound = 1
    while n < most:
        begin = p
        outcome = 0
        for row in range(fields):
            # a value that is null: not known
            value = _NULL
            kind = int(get(plan, row * _ROW))
            column = int(get(plan, row * _ROW + 2))
            null = int(get(plan, row * _ROW + 3))
            there = 1
            if null >= 0:
                branch, p = _number(buf, p, end)
                if p >= 0 and (branch < 0 or branch > 1):
                    p = -1
                there = 0 if branch == null else 1
            if p >= 0 and there == 1:
                if kind == _INTEGER:
                    if p < end and int(at(buf, p)) < 128:
                        byte = int(at(buf, p))
                        value = (byte >> 1) ^ -(byte & 1)
                        p += 1
                    else:
                        value, p = _number(buf, p, end)
                elif kind >= _INTEGERS:
                    value, p = _array(buf, p, end, kind, int(get(plan, row * _ROW + 1)))
                else:
                    p = _past(buf, p, end, kind, int(get(plan, row * _ROW + 1)))
            if p < 0:
                break
            if column >= 0:
                if value < int(get(plan, row * _ROW + 4)) or value > int(get(plan, row * _ROW + 5)):
                    outcome = int(get(plan, row * _ROW + 6))
                put(out, column * room + n, value)
        if p < 0:
            p = begin
            sound = 0
            break
        put8(outcomes, n, outcome)
        put(ends, n, p)
        if hashed:
            put(hashes, n, _jit.signed(_jit.hash_of(buf, begin, p, _jit.unsigned(key))))
        n += 1
    put(state, 0, p)
    put(state, 1, sound)
    return n
