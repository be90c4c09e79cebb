"""Our own charts (SVG, as `figures` draws them) as operators of a PDF's content stream: vectors, with their text as text.

It knows what `figures._canvas.Sheet` draws, and no more: rect, line, path, circle, text and hatchings; ValueError otherwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree

from teiten.report.pdf._write import number

_SVG: Final = "{http://www.w3.org/2000/svg}"
_PATH: Final = re.compile(r"([MLHVCQZmlhvcqz])|(-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?)")
_KAPPA: Final = 0.5522847498
_CAPS: Final = {"round": "1", "square": "2"}
_JOINS: Final = {"round": "1", "bevel": "2"}
Show = Callable[[str, float], tuple[str, float]]
"""text and size -> the text as the operand of Tj, and how wide it runs"""


@dataclass
class Drawn:
    """A chart as the content of a form: px, from the upper left corner down."""

    width: float
    height: float
    content: str
    patterns: dict[str, Hatch] = field(default_factory=dict)
    """name in the resources -> hatching"""


@dataclass(frozen=True)
class Hatch:
    """One cell of a hatching, and how far it is turned."""

    width: float
    height: float
    content: str
    turned: float


def convert(svg: str, show: Show) -> Drawn:
    """The drawing's operators. Its letters are asked of `show`."""
    root = ElementTree.fromstring(svg)
    drawn = Drawn(float(root.get("width", 0)), float(root.get("height", 0)), "")
    painter = _Painter(show, drawn)
    for one in root:
        painter.element(one)
    drawn.content = "\n".join(painter.out)
    return drawn


_MOVED: Final = re.compile(r"translate\(([\d.\-]+) ([\d.\-]+)\) scale\(([\d.]+)\)")


class _Painter:
    def __init__(self, show: Show, drawn: Drawn) -> None:
        self.out: list[str] = []
        self._show, self._drawn = show, drawn
        self._names: dict[str, str] = {}

    def element(self, one: ElementTree.Element) -> None:
        kind = one.tag.removeprefix(_SVG)
        if kind in ("title", "desc"):
            return
        if kind == "defs":
            for pattern in one:
                self._pattern(pattern)
            return
        paint = getattr(self, f"_{kind}", None)
        if paint is None or kind == "pattern" or (kind != "g" and one.get("transform") is not None):
            raise ValueError(f"no chart of ours has <{kind} {' '.join(one.keys())}>")
        paint(one)

    def _g(self, one: ElementTree.Element) -> None:
        """A group, moved and scaled alike in both directions, or not at all."""
        found = _MOVED.fullmatch(one.get("transform", ""))
        if found is None and one.get("transform") is not None:
            raise ValueError(f"no chart of ours has transform={one.get('transform')}")
        x, y, scale = (float(part) for part in found.groups()) if found else (0.0, 0.0, 1.0)
        self.out.append(f"q {scale:g} 0 0 {scale:g} {number(x)} {number(y)} cm")
        for child in one:
            self.element(child)
        self.out.append("Q")

    def _rect(self, one: ElementTree.Element) -> None:
        x, y, w, h = (float(one.get(key, 0)) for key in ("x", "y", "width", "height"))
        self._painted(one, f"{number(x)} {number(y)} {number(w)} {number(h)} re")

    def _line(self, one: ElementTree.Element) -> None:
        x1, y1, x2, y2 = (number(float(one.get(key, 0))) for key in ("x1", "y1", "x2", "y2"))
        self._painted(one, f"{x1} {y1} m {x2} {y2} l", filled=False)

    def _path(self, one: ElementTree.Element) -> None:
        self._painted(one, path(one.get("d", "")))

    def _circle(self, one: ElementTree.Element) -> None:
        x, y, r = (float(one.get(key, 0)) for key in ("cx", "cy", "r"))
        self._painted(one, circle(x, y, r))

    def _text(self, one: ElementTree.Element) -> None:
        said = one.text or "".join(child.tail or "" for child in one)
        if not said:
            return
        size = float(one.get("font-size", 10))
        shown, wide = self._show(said, size)
        x, y = float(one.get("x", 0)), float(one.get("y", 0))
        x -= wide * {"middle": 0.5, "end": 1.0}.get(one.get("text-anchor", ""), 0.0)
        stroke = one.get("stroke")
        mode = "0 Tr"
        if stroke:
            # a halo comes twice, the first time as a rim alone: it is hidden from readers there, and so here
            mode = f"2 Tr {colour(stroke, 'RG')} {number(float(one.get('stroke-width', 1)))} w 1 j"
        fill = colour(one.get("fill", "#000000"), "rg")
        hidden = one.get("aria-hidden") == "true"
        opened, closed = ("/Span <</ActualText ()>> BDC ", " EMC") if hidden else ("", "")
        self.out.append(
            f"q {opened}{fill} BT /F {number(size)} Tf {mode} 1 0 0 -1 {number(x)} {number(y)} Tm {shown} Tj ET{closed} Q"
        )

    def _painted(self, one: ElementTree.Element, shape: str, *, filled: bool = True) -> None:
        fill, stroke = one.get("fill", "#000000") if filled else "none", one.get("stroke", "none")
        fill = "none" if fill == "transparent" else fill
        if fill == stroke == "none" or not shape:
            return
        state = []
        if fill != "none":
            state.append(self._filling(fill))
        if stroke != "none":
            state.append(f"{colour(stroke, 'RG')} {number(float(one.get('stroke-width', 1)))} w")
            if cap := _CAPS.get(one.get("stroke-linecap", "")):
                state.append(f"{cap} J")
            if join := _JOINS.get(one.get("stroke-linejoin", "")):
                state.append(f"{join} j")
            if dash := one.get("stroke-dasharray"):
                state.append(f"[{' '.join(number(float(d)) for d in dash.replace(',', ' ').split())}] 0 d")
        paint = "B" if fill != "none" and stroke != "none" else "f" if fill != "none" else "S"
        self.out.append(f"q {' '.join(state)} {shape} {paint} Q")

    def _filling(self, fill: str) -> str:
        if fill.startswith("url(#"):
            return f"/Pattern cs /{self._names[fill[5:-1]]} scn"
        return colour(fill, "rg")

    def _pattern(self, one: ElementTree.Element) -> None:
        if one.tag != f"{_SVG}pattern":
            raise ValueError(f"no chart of ours defines <{one.tag}>")
        inner = _Painter(self._show, self._drawn)
        for child in one:
            inner.element(child)
        turned = re.fullmatch(r"rotate\((-?[\d.]+)\)", one.get("patternTransform", "rotate(0)"))
        if turned is None:
            raise ValueError(f"no hatching of ours is moved by {one.get('patternTransform')}")
        name = f"P{len(self._names)}"
        self._names[one.get("id", "")] = name
        w, h = float(one.get("width", 1)), float(one.get("height", 1))
        self._drawn.patterns[name] = Hatch(w, h, "\n".join(inner.out), math.radians(float(turned[1])))


def circle(x: float, y: float, r: float) -> str:
    """A circle as four curves."""
    k = r * _KAPPA
    points = [
        (x + r, y), (x + r, y + k), (x + k, y + r), (x, y + r), (x - k, y + r), (x - r, y + k), (x - r, y), (x - r, y - k),
        (x - k, y - r), (x, y - r), (x + k, y - r), (x + r, y - k), (x + r, y),
    ]  # fmt: skip
    told = [f"{number(a)} {number(b)}" for a, b in points]
    curves = " ".join(f"{' '.join(told[n : n + 3])} c" for n in (1, 4, 7, 10))
    return f"{told[0]} m {curves} h"


def path(d: str) -> str:
    """An SVG path's data as operators. ValueError for what no chart of ours draws (arcs)."""
    if re.sub(_PATH, "", d).strip(" ,\n"):
        raise ValueError(f"no path of ours has {re.sub(_PATH, '', d).strip()!r}")
    out: list[str] = []
    command, given = "", list[float]()
    x = y = sx = sy = 0.0
    need = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4, "Z": 0}

    def step() -> None:
        nonlocal x, y, sx, sy, command
        upper = command.upper()
        ox, oy = (x, y) if command.islower() else (0.0, 0.0)
        if upper == "H":
            x = ox + given[0]
        elif upper == "V":
            y = oy + given[0]
        elif upper == "Z":
            x, y = sx, sy
            out.append("h")
            return
        points = [(given[n] + ox, given[n + 1] + oy) for n in range(0, len(given) - 1, 2)] if upper in "MLCQ" else [(x, y)]
        if upper == "Q":
            (qx, qy), (ex, ey) = points
            points = [(x + (qx - x) * 2 / 3, y + (qy - y) * 2 / 3), (ex + (qx - ex) * 2 / 3, ey + (qy - ey) * 2 / 3), (ex, ey)]
        x, y = points[-1]
        if upper == "M":
            sx, sy = x, y
            command = "l" if command == "m" else "L"
        letter = {"M": "m", "C": "c", "Q": "c"}.get(upper, "l")
        out.append(" ".join(f"{number(a)} {number(b)}" for a, b in points) + f" {letter}")

    for match in _PATH.finditer(d):
        if match[1]:
            command, given = match[1], []
        else:
            given.append(float(match[2]))
        if command and len(given) == need[command.upper()]:
            step()
            given = []
    return " ".join(out)


def colour(text: str, operator: str) -> str:
    """'#rrggbb' as operands and operator (rg to fill, RG to stroke)."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError(f"no chart of ours is painted {text!r}")
    return " ".join(number(int(text[n : n + 2], 16) / 255) for n in (1, 3, 5)) + f" {operator}"
