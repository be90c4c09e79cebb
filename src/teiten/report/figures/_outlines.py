"""Letters as shapes, read from the carried font: for a drawing that leaves us and must look alike without any font.

The font is OpenType with CFF outlines (Adobe Technical Notes 5176 and 5177), built by tools/build_fonts.py without
hints and subroutines; so of Type 2 charstrings only the moves, lines and curves remain to be read here.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterator

from teiten.data import fonts
from teiten.errors import DataError


@functools.lru_cache(maxsize=4096)
def outline(char: str) -> str:
    """The SVG path of a character, y downwards, 1000 units an em; the font's empty box for what it has no glyph for.

    DataError where the font cannot be read.
    """
    points, strings = _font()
    glyph = points.get(ord(char), 0)
    try:
        return _path(strings(glyph))
    except (IndexError, struct.error) as error:
        raise DataError(f"The font that teiten carries is damaged ({error}).", hint="Install teiten again.") from None


@functools.cache
def _font() -> tuple[dict[int, int], Callable[[int], bytes]]:
    """Code point -> glyph number, and glyph number -> its charstring."""
    data = fonts.unpacked().read_bytes()
    count = struct.unpack_from(">H", data, 4)[0]
    tables = {}
    for i in range(count):
        tag, _, start, length = struct.unpack_from(">4sIII", data, 12 + 16 * i)
        tables[tag] = data[start : start + length]
    cff = tables[b"CFF "]
    names_end = _index(cff, cff[2])[1]
    tops, _ = _index(cff, names_end)
    charstrings = _top_dict(cff[tops[0] : tops[1]])[17]
    offsets, _ = _index(cff, charstrings)
    return _cmap(tables[b"cmap"]), lambda glyph: cff[offsets[glyph] : offsets[glyph + 1]]


def _index(data: bytes, at: int) -> tuple[list[int], int]:
    """An INDEX at that offset: where each entry begins (and the last ends), and where the INDEX itself ends."""
    count, size = struct.unpack_from(">HB", data, at)
    if count == 0:
        return [], at + 2
    base = at + 2 + (count + 1) * size
    offsets = [base + int.from_bytes(data[at + 3 + i * size : at + 3 + (i + 1) * size], "big") for i in range(count + 1)]
    return offsets, offsets[-1]


def _top_dict(data: bytes) -> dict[int, int]:
    """Operator -> its last operand, where that is a whole number; escaped operators (12 x) are 1200 + x."""
    out: dict[int, int] = {}
    last, at = 0, 0
    while at < len(data):
        first = data[at]
        if first <= 21:
            operator, at = (first, at + 1) if first != 12 else (1200 + data[at + 1], at + 2)
            out[operator] = last
        elif first == 28:
            last, at = struct.unpack_from(">h", data, at + 1)[0], at + 3
        elif first == 29:
            last, at = struct.unpack_from(">i", data, at + 1)[0], at + 5
        elif first == 30:  # a real number: nibbles up to an f
            at += 1
            while data[at] & 15 != 15:
                at += 1
            at += 1
        elif first <= 246:
            last, at = first - 139, at + 1
        else:
            last, at = _two_bytes(first, data[at + 1]), at + 2
    return out


def _two_bytes(first: int, second: int) -> int:
    return (first - 247) * 256 + second + 108 if first <= 250 else -(first - 251) * 256 - second - 108


def _cmap(data: bytes) -> dict[int, int]:
    """A character map of format 4."""
    for i in range(struct.unpack_from(">H", data, 2)[0]):
        start = struct.unpack_from(">I", data, 8 + 8 * i)[0]
        if struct.unpack_from(">H", data, start)[0] == 4:
            break
    else:
        raise DataError("The font that teiten carries has no character map.", hint="Install teiten again.")
    segments = struct.unpack_from(">H", data, start + 6)[0] // 2
    ends, firsts, deltas, ranges = (
        struct.unpack_from(f">{segments}H", data, start + 14 + k * 2 * segments + (2 if k else 0)) for k in range(4)
    )
    out = {}
    for i in range(segments):
        for point in range(firsts[i], min(ends[i], 0xFFFE) + 1):
            if ranges[i] == 0:
                glyph = (point + deltas[i]) & 0xFFFF
            else:
                place = start + 16 + 6 * segments + 2 * i + ranges[i] + 2 * (point - firsts[i])
                glyph = struct.unpack_from(">H", data, place)[0]
                glyph = (glyph + deltas[i]) & 0xFFFF if glyph else 0
            out[point] = glyph
    return out


class _Pen:
    """Collects relative SVG commands; y is turned downwards."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def move(self, dx: float, dy: float) -> None:
        # Type 2 moves on from where the outline ended, SVG's z would go back to its beginning: so none is written, and
        # a filled path is closed by itself.
        self.parts.append(f"m{dx:g} {-dy:g}")

    def line(self, dx: float, dy: float) -> None:
        if dy == 0:
            self.parts.append(f"h{dx:g}")
        elif dx == 0:
            self.parts.append(f"v{-dy:g}")
        else:
            self.parts.append(f"l{dx:g} {-dy:g}")

    def curve(self, ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> None:
        points = (ax, -ay, ax + bx, -ay - by, ax + bx + cx, -ay - by - cy)
        self.parts.append("c" + " ".join(f"{p:g}" for p in points))


def _path(code: bytes) -> str:
    """A Type 2 charstring -> an SVG path of relative commands, from the origin."""
    pen = _Pen()
    stack: list[float] = []
    for operator, value in _tokens(code):
        if operator is None:
            stack.append(value)
            continue
        if operator == 14:
            break
        _draw(pen, operator, stack)
        stack = []
    return ("M0 0" + "".join(pen.parts)) if pen.parts else ""


def _tokens(code: bytes) -> Iterator[tuple[int | None, float]]:
    """(None, number) or (operator, 0)."""
    at = 0
    while at < len(code):
        first = code[at]
        if first == 28:
            yield None, struct.unpack_from(">h", code, at + 1)[0]
            at += 3
        elif first <= 31:
            yield first, 0
            at += 1
        elif first <= 246:
            yield None, first - 139
            at += 1
        elif first <= 254:
            yield None, _two_bytes(first, code[at + 1])
            at += 2
        else:
            yield None, struct.unpack_from(">i", code, at + 1)[0] / 65536
            at += 5


def _draw(pen: _Pen, operator: int, args: list[float]) -> None:
    """One operator. A first move may carry the glyph's width before its own operands: they are taken from the end."""
    if operator == 21:  # rmoveto
        pen.move(args[-2], args[-1])
    elif operator == 22:  # hmoveto
        pen.move(args[-1], 0)
    elif operator == 4:  # vmoveto
        pen.move(0, args[-1])
    elif operator in (5, 25):  # rlineto, rlinecurve
        lines = len(args) if operator == 5 else len(args) - 6
        for i in range(0, lines, 2):
            pen.line(args[i], args[i + 1])
        if operator == 25:
            pen.curve(*args[-6:])
    elif operator in (6, 7):  # hlineto, vlineto: by turns
        for i, value in enumerate(args):
            level = (i % 2 == 0) == (operator == 6)
            pen.line(value if level else 0, 0 if level else value)
    elif operator in (8, 24):  # rrcurveto, rcurveline
        for i in range(0, len(args) - (2 if operator == 24 else 0), 6):
            pen.curve(*args[i : i + 6])
        if operator == 24:
            pen.line(*args[-2:])
    elif operator in (26, 27):  # vvcurveto, hhcurveto
        _like_curves(pen, args, upright=operator == 26)
    elif operator in (30, 31):  # vhcurveto, hvcurveto: by turns
        _turning_curves(pen, args, upright=operator == 30)
    else:
        raise IndexError(f"operator {operator} in a glyph")


def _like_curves(pen: _Pen, args: list[float], *, upright: bool) -> None:
    """Curves that begin and end in the same direction; an odd number first is the other coordinate of the first."""
    odd = args[0] if len(args) % 4 else 0
    for i in range(1 if len(args) % 4 else 0, len(args), 4):
        a, bx, by, c = args[i : i + 4]
        if upright:
            pen.curve(odd, a, bx, by, 0, c)
        else:
            pen.curve(a, odd, bx, by, c, 0)
        odd = 0


def _turning_curves(pen: _Pen, args: list[float], *, upright: bool) -> None:
    """Curves that begin in one direction and end in the other; a fifth number ends the last one."""
    for i in range(0, len(args) - 3, 4):
        a, bx, by, c = args[i : i + 4]
        rest = args[i + 4] if len(args) - i == 5 else 0
        if upright:
            pen.curve(0, a, bx, by, c, rest)
        else:
            pen.curve(a, 0, bx, by, rest, c)
        upright = not upright
