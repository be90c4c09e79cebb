"""Eight bytes at a time: the ends of words, numbers. Kernels built on unaligned loads, with a plain form of each.

The compiled forms may look at up to eight bytes past `end` (blocks are padded, see `_blocks.PAD`) but never answer by them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from teiten.readers import _jit
from teiten.readers._jit import PLAIN, at, jit, load64

_ONES: Final = np.uint64(0x0101010101010101)
_HIGH: Final = np.uint64(0x8080808080808080)
_LINE: Final = np.uint64(0x0A * 0x0101010101010101)
_EQUALS: Final = np.uint64(0x3D * 0x0101010101010101)
_COLON: Final = np.uint64(0x3A * 0x0101010101010101)
_CLOSE: Final = np.uint64(0x5D * 0x0101010101010101)
_PRINT: Final = np.uint64(0x21 * 0x0101010101010101)
_ZERO: Final = np.uint64(0x30 * 0x0101010101010101)
_NINE: Final = np.uint64(0x7676767676767676)
_LOW7: Final = np.uint64(0x7F7F7F7F7F7F7F7F)
_SPACES: Final = np.uint64(0x2020202020202020)
_LETTERS: Final = np.uint64(0x6060606060606060)
_SIX: Final = np.uint64(0x7979797979797979)
_PAIRS: Final = np.uint64(0x000000FF000000FF)
_MUL1: Final = np.uint64(0x000F424000000064)
_MUL2: Final = np.uint64(0x0000271000000001)
_U0, _U1, _U3, _U8, _U10, _U16, _U32, _U64 = (np.uint64(n) for n in (0, 1, 3, 8, 10, 16, 32, 64))
_ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)


def _lowest_typed(_context: Any, word: Any) -> Any:
    """Number of zero bits below the lowest one of a word that is not 0."""
    from llvmlite import ir

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    types = _jit._types()
    return types.uint64(types.uint64), build


_lowest: Any = _jit._intrinsic(_lowest_typed)


@jit
def _key_compiled(buf: Any, p: int, end: int) -> Any:
    w = load64(buf, p)
    e, c, b = w ^ _EQUALS, w ^ _COLON, w ^ _CLOSE
    found = ((w - _PRINT) & ~w) | ((e - _ONES) & ~e) | ((c - _ONES) & ~c) | ((b - _ONES) & ~b)
    found &= _HIGH
    n: Any = 8
    if found != _U0:
        n = np.int64(_lowest(found) >> _U3)
    if p + n > end:
        n = end - p
    if n < 8:
        w &= ~(_ALL << (np.uint64(n) << _U3))
    return n, np.int64(w)


@jit
def _number_compiled(buf: Any, p: int, end: int) -> Any:
    t = load64(buf, p) ^ _ZERO
    other = ((t + _NINE) | t) & _HIGH
    n: Any = 8
    if other != _U0:
        n = np.int64(_lowest(other) >> _U3)
    if p + n > end:
        n = end - p
    if n == 0:
        return 0, 0
    t <<= _U64 - (np.uint64(n) << _U3)
    t = t * _U10 + (t >> _U8)
    t = ((t & _PAIRS) * _MUL1 + ((t >> _U16) & _PAIRS) * _MUL2) >> _U32
    value: Any = np.int64(t)
    if n == 8:
        while p + n < end and n < 15:
            c = at(buf, p + n)
            if c < 48 or c > 57:
                break
            value = value * 10 + c - 48
            n += 1
        while p + n < end and 48 <= at(buf, p + n) <= 57:
            n += 1
    return n, value


@jit
def _word_end_compiled(buf: Any, p: Any, end: int) -> Any:
    while p < end:
        w = load64(buf, p)
        e, b = w ^ _EQUALS, w ^ _CLOSE
        found = (((w - _PRINT) & ~w) | ((e - _ONES) & ~e) | ((b - _ONES) & ~b)) & _HIGH
        if found != _U0:
            p += np.int64(_lowest(found) >> _U3)
            return min(p, end)
        p += 8
    return end


@jit
def _equals_compiled(buf: Any, p: Any, end: int) -> Any:
    while p < end:
        e = load64(buf, p) ^ _EQUALS
        found = (e - _ONES) & ~e & _HIGH
        if found != _U0:
            p += np.int64(_lowest(found) >> _U3)
            return min(p, end)
        p += 8
    return end


@jit
def _line_compiled(buf: Any, p: Any, end: int) -> Any:
    while p < end:
        e = load64(buf, p) ^ _LINE
        found = (e - _ONES) & ~e & _HIGH
        if found != _U0:
            p += np.int64(_lowest(found) >> _U3)
            return min(p, end)
        p += 8
    return end


@jit
def _hex_compiled(buf: Any, p: Any, end: int) -> Any:
    while p < end:
        w = load64(buf, p)
        t = w ^ _ZERO
        digit = (t & _LOW7) + _NINE | t  # the high bit of a byte is set where it is none
        letter = (w | _SPACES) ^ _LETTERS
        small = letter & _LOW7
        letter = (small + _SIX) | letter | ~(small + _LOW7)
        found = digit & letter & _HIGH
        if found != _U0:
            p += np.int64(_lowest(found) >> _U3)
            return min(p, end)
        p += 8
    return end


@jit
def _word_compiled(buf: Any, p: int, n: int) -> Any:
    return np.int64(load64(buf, p) & ((_U1 << np.uint64(8 * n)) - _U1))


@jit
def _key_plain(buf: Any, p: int, end: int) -> tuple[int, int]:
    n = 0
    key = 0
    while n < 8 and p + n < end:
        c = at(buf, p + n)
        if c <= 32 or c == 61 or c == 58 or c == 93:
            break
        # the eighth byte holds the sign, as in the compiled form
        key |= (c if n < 7 or c < 128 else c - 256) << (8 * n)
        n += 1
    return n, key


@jit
def _number_plain(buf: Any, p: int, end: int) -> tuple[int, int]:
    n = 0
    value = 0
    while p + n < end:
        c = at(buf, p + n)
        if c < 48 or c > 57:
            break
        if n < 15:
            value = value * 10 + c - 48
        n += 1
    return n, value


@jit
def _word_end_plain(buf: Any, p: int, end: int) -> int:
    while p < end:
        c = at(buf, p)
        if c <= 32 or c == 61 or c == 93:
            return p
        p += 1
    return end


@jit
def _equals_plain(buf: Any, p: int, end: int) -> int:
    while p < end and at(buf, p) != 61:
        p += 1
    return p


@jit
def _line_plain(buf: Any, p: int, end: int) -> int:
    while p < end and at(buf, p) != 10:
        p += 1
    return p


key_at: Any = _key_plain if PLAIN else _key_compiled
"""(buf, p, end) -> (n, key): the n <= 8 bytes before white space, '=', ':' or ']', as a little-endian number"""

number_at: Any = _number_plain if PLAIN else _number_compiled
"""(buf, p, end) -> (n, value): n digits; of more than fifteen the value is of the first fifteen"""

word_end: Any = _word_end_plain if PLAIN else _word_end_compiled
"""(buf, p, end) -> offset of the first white space, '=' or ']' from p, or end"""

next_equals: Any = _equals_plain if PLAIN else _equals_compiled
"""(buf, p, end) -> offset of the first '=' from p, or end"""


@jit
def _hex_plain(buf: Any, p: int, end: int) -> int:
    while p < end:
        c = at(buf, p)
        if not (48 <= c <= 57 or 97 <= (c | 32) <= 102):
            break
        p += 1
    return p


@jit
def _word_plain(buf: Any, p: int, n: int) -> int:
    out = 0
    for i in range(n):
        out |= at(buf, p + i) << (8 * i)
    return out


next_line: Any = _line_plain if PLAIN else _line_compiled
"""(buf, p, end) -> offset of the first line feed from p, or end"""

hex_end: Any = _hex_plain if PLAIN else _hex_compiled
"""(buf, p, end) -> offset of the first byte from p that is no hexadecimal digit, or end"""

word: Any = _word_plain if PLAIN else _word_compiled
"""(buf, p, n) -> the n <= 7 bytes at p as a little-endian number; they may lie after the line"""


def key(text: str) -> int:
    """The key of a word of up to eight characters."""
    return int.from_bytes(text.encode().ljust(8, b"\0"), "little", signed=True)
