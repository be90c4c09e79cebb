"""A sheet to draw on: collects SVG elements, and remembers where every text stands so that tests can see overlaps."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from teiten.data import fonts
from teiten.report.figures import _outlines, _text
from teiten.report.figures._colour import LIGHT, Theme

Anchor = Literal["start", "middle", "end"]
NARROW = 620
"""Below this width in px the layout is that of a telephone."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a text stands, in px."""

    left: float
    top: float
    right: float
    bottom: float
    text: str

    def overlaps(self, other: Box, slack: float = 0.5) -> bool:
        return (
            self.left + slack < other.right
            and other.left + slack < self.right
            and self.top + slack < other.bottom
            and other.top + slack < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Sizes:
    """Font sizes and margins in px."""

    title: float
    subtitle: float
    label: float
    tick: float
    note: float
    margin: float
    plot: float


WIDE = Sizes(title=23, subtitle=15, label=15, tick=14, note=13, margin=24, plot=360)
SLIM = Sizes(title=18, subtitle=13, label=12.5, tick=12, note=11.5, margin=12, plot=240)


@dataclass
class Sheet:
    """A drawing in the making. `y` is how far down it is filled; x and y in px from the upper left corner."""

    name: str
    width: float
    lang: str = "ja"
    theme: Theme = LIGHT
    y: float = 0.0
    items: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    tips: bool = True
    outlines: bool = False
    legend: bool = True
    """does a figure draw its own? A page that lists its series beside it wants none"""
    letters: set[str] = field(default_factory=set)
    extents: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    """item -> where it lies (left, top, right, bottom, generously); an item that is not there may lie anywhere"""
    plots: list[tuple[float, float, dt.datetime, dt.datetime]] = field(default_factory=list)
    """where time runs: left and right in px, and the moments there, of each plot with a time axis"""
    grid: tuple[float, float, float, float] | None = None
    """where the cells of a heat map lie: left, top, right, and a row's height, px"""
    at: float | None = None
    """of a part of another sheet, without margins of its own: where on that it begins"""

    @property
    def narrow(self) -> bool:
        return self.width < NARROW

    @property
    def edge(self) -> float:
        """px kept free at the right of a plot whose legend stands elsewhere: half of a label under its end."""
        return 0.0 if self.legend else 20.0

    @property
    def sizes(self) -> Sizes:
        return SLIM if self.narrow else WIDE

    @property
    def left(self) -> float:
        return self.sizes.margin if self.at is None else self.at

    @property
    def right(self) -> float:
        return self.width - self.sizes.margin if self.at is None else self.at + self.width

    # -- shapes ------------------------------------------------------------------------------------------------------

    def rect(self, x: float, y: float, w: float, h: float, fill: str, *, tip: str = "", extra: str = "") -> None:
        """A filled rectangle; `tip` is what a browser shows when the pointer rests on it."""
        if w <= 0 or h < 0:
            return
        shape = f'<rect x="{n(x)}" y="{n(y)}" width="{n(w)}" height="{n(h)}" fill="{fill}"{extra}'
        self.items.append(shape + (f"><title>{clean(tip)}</title></rect>" if tip and self.tips else "/>"))
        self.extents[self.items[-1]] = (x, y, x + w, y + h)

    def line(
        self, x1: float, y1: float, x2: float, y2: float, stroke: str, width: float = 1, dash: str = "", extra: str = ""
    ) -> None:
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.items.append(
            f'<line x1="{n(x1)}" y1="{n(y1)}" x2="{n(x2)}" y2="{n(y2)}" stroke="{stroke}" stroke-width="{n(width)}"'
            f"{dashes}{extra}/>"
        )

    def path(
        self,
        d: str,
        *,
        fill: str = "none",
        stroke: str = "",
        width: float = 1,
        dash: str = "",
        tip: str = "",
        extent: tuple[float, float, float, float] | None = None,
    ) -> None:
        """A path; `extent` is where it lies, for those who draw only what moves."""
        if not d:
            return
        line = f' stroke="{stroke}" stroke-width="{n(width)}" stroke-linejoin="round" stroke-linecap="round"' if stroke else ""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        inner = f"><title>{clean(tip)}</title></path>" if tip and self.tips else "/>"
        self.items.append(f'<path d="{d}" fill="{fill}"{line}{dashes}{inner}')
        if extent is not None:
            self.extents[self.items[-1]] = extent

    def polyline(self, points: Sequence[tuple[float, float]], stroke: str, width: float, dash: str = "") -> None:
        self.path("M" + "L".join(f"{n(x)} {n(y)}" for x, y in points), stroke=stroke, width=width, dash=dash)

    def circle(self, x: float, y: float, r: float, fill: str, stroke: str = "", tip: str = "") -> None:
        line = f' stroke="{stroke}" stroke-width="1.5"' if stroke else ""
        inner = f"><title>{clean(tip)}</title></circle>" if tip and self.tips else "/>"
        self.items.append(f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" fill="{fill}"{line}{inner}')

    def hatch(self, kind: Literal["unknown", "gap", "dots"]) -> str:
        """The paint of what is unknown, of gaps, or of dots over a colour that two things share."""
        self.used.add(kind)
        return f"url(#{self.name}-{kind})"

    def gap(self, x: float, y: float, w: float, h: float, tip: str = "") -> None:
        """A field where nothing was observed, hatched by single strokes: a pattern takes the renderer ten times as long."""
        if w <= 0 or h <= 0:
            return
        self.rect(x, y, w, h, self.theme.gap_paper, tip=tip)
        # a whole number of px compresses well; the strokes' round ends lie inside the field
        apart, strokes, rim = 13.0, [], min(0.8, w / 3, h / 3)
        at = x + y + -(x + y) % apart  # on one grid all over the drawing
        while at < x + y + w + h:  # the stroke on which x + y is `at`, from upper right to lower left
            right, left = min(x + w - rim, at - y - rim), max(x + rim, at - y - h + rim)
            if right > left:
                strokes.append(f"M{n(right)} {n(at - right)}L{n(left)} {n(at - left)}")
            at += apart
        self.path("".join(strokes), stroke=self.theme.gap, width=1.6, tip=tip, extent=(x - 1, y - 1, x + w + 1, y + h + 1))

    # -- text --------------------------------------------------------------------------------------------------------

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        fill: str = "",
        anchor: Anchor = "start",
        bold: bool = False,
        room: float = 0,
        halo: bool = False,
        tip: str = "",
    ) -> Box | None:
        """One line, its baseline at y; cut with … where it is wider than `room`. Returns where it stands."""
        shown = _text.plain(text)
        if room:
            shown = _text.fit(shown, size, room)
        if not shown:
            return None
        wide = _text.width(shown, size)
        left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
        box = Box(left, y - _text.ASCENT * size, left + wide, y + _text.DESCENT * size, shown)
        self.boxes.append(box)
        theme = self.theme
        fill = fill or theme.ink
        extra = "" if anchor == "start" else f' text-anchor="{anchor}"'
        if self.outlines:
            first = len(self.items)
            self._shapes(left, y, shown, size, fill, bold=bold, halo=halo)
            for item in self.items[first:]:  # letters reach a little beyond their box, a halo 2 px more
                self.extents[item] = (left - 4, y - size * 1.1, left + wide + 4, y + size * 0.4)
            return box
        if halo:
            self.items.append(
                f'<text x="{n(x)}" y="{n(y)}" font-size="{n(size)}"{extra} fill="{theme.paper}" stroke="{theme.paper}"'
                f' stroke-width="4" stroke-linejoin="round" aria-hidden="true">{clean(shown)}</text>'
            )
        if bold:  # the one weight of the font, thickened alike in every renderer
            extra += f' stroke="{fill}" stroke-width="{n(size * 0.034)}" stroke-linejoin="round"'
        inner = f"<title>{clean(tip)}</title>" if tip and self.tips else ""
        self.items.append(
            f'<text x="{n(x)}" y="{n(y)}" font-size="{n(size)}" fill="{fill}"{extra}>{inner}{clean(shown)}</text>'
        )
        return box

    def _shapes(self, x: float, y: float, text: str, size: float, fill: str, *, bold: bool, halo: bool) -> None:
        """The text as the shapes of its letters, each kept once for the whole drawing."""
        letters, at = [], 0.0
        for char in text:
            if _outlines.outline(char):
                self.letters.add(char)
                letters.append(f'<use href="#{self.name}-{ord(char):x}" x="{at:g}"/>')
            at += _text.width(char, 1000)
        # the letters are drawn at 1000 px an em, so a stroke is given in thousandths of the size
        rim = f' stroke="{fill}" stroke-width="34" stroke-linejoin="round"' if bold else ""
        place = f'transform="translate({n(x)} {n(y)}) scale({size / 1000:g})"'
        if halo:
            paper = self.theme.paper
            ring = f'fill="{paper}" stroke="{paper}" stroke-width="{4000 / size:.0f}" stroke-linejoin="round"'
            self.items.append(f"<g {place} {ring}>{''.join(letters)}</g>")
        self.items.append(f'<g {place} fill="{fill}"{rim}>{"".join(letters)}</g>')

    def paragraph(
        self,
        text: str,
        *,
        size: float,
        most: int,
        fill: str = "",
        bold: bool = False,
        leading: float = 1.45,
        balance: bool = False,
    ) -> None:
        """Lines from margin to margin, from `y` down; moves `y`."""
        broken = (_text.balanced if balance else _text.wrap)(_text.plain(text), size, self.right - self.left, most)
        for row in broken:
            self.y += size * leading
            self.text(self.left, self.y - size * (leading - 1) / 2 - size * 0.1, row, size=size, fill=fill, bold=bold)

    # -- the whole ---------------------------------------------------------------------------------------------------

    def finish(self, title: str, description: str, height: float, *, role: str = "img") -> str:
        """The SVG document. role: 'group' where there are links in it, which an image has not."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{n(self.width)}" height="{n(height)}"'
            f' viewBox="0 0 {n(self.width)} {n(height)}" role="{role}" aria-labelledby="{self.name}-title {self.name}-desc"'
            f" lang=\"{clean(self.lang)}\" font-family=\"'{fonts.FAMILY}', 'Noto Sans CJK JP', 'Noto Sans JP',"
            " 'Hiragino Sans', 'Yu Gothic', sans-serif\" text-rendering=\"geometricPrecision\">"
        )
        parts = [
            head,
            f'<title id="{self.name}-title">{clean(title)}</title>',
            f'<desc id="{self.name}-desc">{clean(description)}</desc>',
            self._patterns(),
            f'<rect width="{n(self.width)}" height="{n(height)}" fill="{self.theme.paper}"/>',
            *self.items,
            "</svg>\n",
        ]
        return "\n".join(p for p in parts if p)

    def _patterns(self) -> str:
        """The hatchings and the letters that were used, under names of this figure's own."""
        theme = self.theme
        drawn = {
            "unknown": (6, f'<rect width="6" height="6" fill="{theme.paper}"/>', theme.unknown, 2.4),
            "gap": (9, f'<rect width="9" height="9" fill="{theme.gap_paper}"/>', theme.gap, 1.6),
        }
        out = []
        for kind, (size, ground, ink, thick) in drawn.items():
            if kind in self.used:
                out.append(
                    f'<pattern id="{self.name}-{kind}" width="{size}" height="{size}" patternUnits="userSpaceOnUse"'
                    f' patternTransform="rotate(45)">{ground}<line x1="{size / 2:g}" y1="0" x2="{size / 2:g}" y2="{size}"'
                    f' stroke="{ink}" stroke-width="{thick}"/></pattern>'
                )
        if "dots" in self.used:
            out.append(
                f'<pattern id="{self.name}-dots" width="7" height="7" patternUnits="userSpaceOnUse">'
                f'<circle cx="2" cy="2" r="1.2" fill="{theme.paper}"/>'
                f'<circle cx="5.5" cy="5.5" r="1.2" fill="{theme.paper}"/></pattern>'
            )
        for char in sorted(self.letters):
            out.append(f'<path id="{self.name}-{ord(char):x}" d="{_outlines.outline(char)}"/>')
        return f"<defs>{''.join(out)}</defs>" if out else ""


def n(value: float, decimals: int = 2) -> str:
    """A coordinate: at most so many decimals (one or more), no trailing zeros."""
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def clean(text: str) -> str:
    """Text as XML character data or an attribute's value."""
    return escape(_text.plain(text), quote=True)


def identifier(text: str) -> str:
    """The text as an XML id: what is neither letter, digit, - nor _ becomes -."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")
    return name if re.match(r"[A-Za-z_]", name) else f"figure-{name}".rstrip("-")


def lowest(boxes: Iterable[Box]) -> float:
    """The lower edge of the lowest text."""
    return max((b.bottom for b in boxes), default=0.0)
