"""The package's font inside a PDF: which glyph draws a character, how wide it is, and the font with only the glyphs in use.

The font is OpenType with CFF outlines (Adobe Technical Note 5176). In a PDF it is a CIDFontType0 whose program keeps every
glyph's place: those that are not used are emptied where they stand, which deflate makes nothing of. So no table of the
program has to be rewritten.
"""

from __future__ import annotations

import functools
import itertools
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from teiten.data import fonts
from teiten.errors import DataError

_CHARSET, _CHARSTRINGS, _ROS = 15, 17, (12, 30)
_END: Final = b"\x0e"
"""endchar: a glyph that draws nothing"""
SUBSTITUTE: Final = "〓"
"""geta: stands for a character that the font cannot draw, as printers have it"""


@dataclass(frozen=True)
class Font:
    """The font, opened. `cids`: code point -> the number by which a PDF asks for its glyph."""

    cff: bytes
    cids: dict[int, int]
    places: dict[int, int]
    """cid -> its place among the glyphs"""
    widths: dict[int, int]
    """code point -> width in thousandths of the size"""
    box: tuple[int, int, int, int]

    def subset(self, cids: Collection[int]) -> bytes:
        """The CFF program in which only those glyphs (and .notdef) draw something; as long as the whole."""
        keep = {0, *(self.places[cid] for cid in cids)}
        out = bytearray(self.cff)
        at = _top(self.cff)[_CHARSTRINGS][0]
        for place, (start, end) in enumerate(_index(self.cff, at)[0]):
            if place not in keep:
                out[start:end] = _END + bytes(end - start - 1) if end > start else b""
        return bytes(out)

    def cid(self, char: str) -> int:
        """The glyph of a character: that of SUBSTITUTE where it has none."""
        found = self.cids.get(ord(char))
        return self.cids.get(ord(SUBSTITUTE), 0) if found is None else found

    def width(self, text: str) -> float:
        """Width in em."""
        other = self.widths.get(ord(SUBSTITUTE), 1000)
        return sum(self.widths.get(ord(c), other) for c in text) / 1000


@functools.cache
def load() -> Font:
    """The font that the package carries. DataError where its file is damaged."""
    data = fonts.unpacked().read_bytes()
    try:
        return parse(data)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise DataError(f"{fonts.unpacked()}: the font cannot be read ({error}).", hint="Remove that file.") from None


def parse(data: bytes) -> Font:
    """An OpenType font with CFF outlines."""
    tables = {}
    for n in range(struct.unpack(">H", data[4:6])[0]):
        tag, _, start, size = struct.unpack(">4sIII", data[12 + 16 * n : 28 + 16 * n])
        tables[tag] = data[start : start + size]
    cff = tables[b"CFF "]
    count = struct.unpack(">H", tables[b"maxp"][4:6])[0]
    places = dict(_charset(cff, count)) if _ROS in _top(cff) else {n: n for n in range(count)}
    cid_of = {place: cid for cid, place in places.items()}
    cids = {point: cid_of[glyph] for point, glyph in _cmap(tables[b"cmap"])}
    left, bottom, right, top = struct.unpack(">4h", tables[b"head"][36:44])
    return Font(cff, cids, places, fonts.widths(), (left, bottom, right, top))


def _cmap(table: bytes) -> Iterator[tuple[int, int]]:
    """Code point and glyph, from a subtable of format 4 or 12."""
    found = {}
    for n in range(struct.unpack(">H", table[2:4])[0]):
        start = struct.unpack(">I", table[8 + 8 * n : 12 + 8 * n])[0]
        found[struct.unpack(">H", table[start : start + 2])[0]] = table[start:]
    if 12 in found:
        sub = found[12]
        for n in range(struct.unpack(">I", sub[12:16])[0]):
            first, last, glyph = struct.unpack(">III", sub[16 + 12 * n : 28 + 12 * n])
            yield from ((point, glyph + point - first) for point in range(first, last + 1))
        return
    sub = found[4]
    twice = struct.unpack(">H", sub[6:8])[0]
    half = twice // 2
    ends = struct.unpack(f">{half}H", sub[14 : 14 + twice])
    starts, deltas, offsets = (struct.unpack(f">{half}H", sub[16 + twice * k : 16 + twice * (k + 1)]) for k in (1, 2, 3))
    ranges = 16 + twice * 3
    for n in range(half):
        for point in range(starts[n], min(ends[n], 0xFFFE) + 1):
            glyph = point
            if offsets[n]:
                at = ranges + 2 * n + offsets[n] + 2 * (point - starts[n])
                glyph = struct.unpack(">H", sub[at : at + 2])[0]
                if not glyph:
                    continue
            if glyph := (glyph + deltas[n]) & 0xFFFF:
                yield point, glyph


def _index(cff: bytes, at: int) -> tuple[list[tuple[int, int]], int]:
    """An INDEX: where each of its objects lies, and where it ends."""
    count = struct.unpack(">H", cff[at : at + 2])[0]
    if not count:
        return [], at + 2
    size = cff[at + 2]
    base = at + 3 + (count + 1) * size - 1
    ends = [base + int.from_bytes(cff[at + 3 + n * size : at + 3 + (n + 1) * size], "big") for n in range(count + 1)]
    return list(itertools.pairwise(ends)), ends[-1]


def _top(cff: bytes) -> dict[int | tuple[int, int], list[int]]:
    """The Top DICT: operator -> whole numbers before it (fractions, which none of ours needs, as 0)."""
    _, at = _index(cff, cff[2])
    ((at, end),) = _index(cff, at)[0]
    out: dict[int | tuple[int, int], list[int]] = {}
    given: list[int] = []
    while at < end:
        b = cff[at]
        at += 1
        if b <= 21:
            key: int | tuple[int, int] = b
            if b == 12:
                key = (12, cff[at])
                at += 1
            out[key], given = given, []
        elif b == 30:
            while cff[at] & 0xF != 0xF and cff[at] >> 4 != 0xF:
                at += 1
            at += 1
            given.append(0)
        elif b in (28, 29):
            size = 2 if b == 28 else 4
            given.append(int.from_bytes(cff[at : at + size], "big", signed=True))
            at += size
        elif b <= 246:
            given.append(b - 139)
        else:
            given.append((b - 247) * 256 + cff[at] + 108 if b <= 250 else -(b - 251) * 256 - cff[at] - 108)
            at += 1
    return out


def _charset(cff: bytes, count: int) -> Iterator[tuple[int, int]]:
    """CID and place of every glyph."""
    at = _top(cff).get(_CHARSET, [0])[0]
    form = cff[at]
    at += 1
    yield 0, 0
    place = 1
    while place < count:
        first = struct.unpack(">H", cff[at : at + 2])[0]
        at += 2
        left = 0
        if form:
            size = form
            left = int.from_bytes(cff[at : at + size], "big")
            at += size
        for cid in range(first, first + left + 1):
            yield cid, place
            place += 1
