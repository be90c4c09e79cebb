"""A map of the world: each country in the shade of its class, the small ones as dots, the unknown told in the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from teiten.data import world
from teiten.report.figures import _classes, _words
from teiten.report.figures._canvas import Sheet, clean, n
from teiten.report.figures._model import Figure

DOT = 7.0
"""radius in units of the map"""


@dataclass(frozen=True, kw_only=True)
class WorldFigure(Figure):
    """values: country's code -> value; what has none is drawn as 0. unknown: that of no known country.

    names: code -> what a reader sees; urls: code -> where a click leads (in a page of ours; none in a file).
    """

    RAMPED: ClassVar[bool] = True
    """its shades are steps of a ramp, and no things' colours"""
    ANY_WIDTH: ClassVar[bool] = True
    """without its key it has no letters, and can be shown at any width"""

    values: Mapping[str, float]
    names: Mapping[str, str] = field(default_factory=dict)
    urls: Mapping[str, str] = field(default_factory=dict)
    unknown: float = 0.0

    def is_empty(self) -> bool:
        return not any(self.values.values()) and not self.unknown

    @property
    def classes(self) -> _classes.Classes:
        """The classes of its shades."""
        return _classes.Classes.of(self.values.values())

    def paint(self, sheet: Sheet) -> None:
        found, classes = world.world(), self.classes
        wide = sheet.right - sheet.left
        scale = wide / found.width
        top = sheet.y
        sheet.items.append(f'<g transform="translate({n(sheet.left)} {n(top)}) scale({n(scale, 5)})" stroke-width="1.1">')
        paper = sheet.theme.paper
        sheet.items.append(f'<path d="{found.land}" fill="{sheet.theme.rule}" stroke="{paper}"/>')
        for code, path in found.shapes.items():
            paint = classes.shade(classes.number(self.values.get(code, 0.0)), sheet)
            self._put(sheet, code, f'<path d="{path}" fill="{paint}" stroke="{paper}">', "</path>")
        # those with something last, so that they lie above their neighbours
        for code, (x, y) in sorted(found.dots.items(), key=lambda item: self.values.get(item[0], 0.0)):
            value = self.values.get(code, 0.0)
            paint = classes.shade(classes.number(value), sheet)
            size = DOT if value else DOT * 0.6
            rim = f'stroke="{sheet.theme.axis}"'
            self._put(sheet, code, f'<circle cx="{x}" cy="{y}" r="{n(size)}" fill="{paint}" {rim}>', "</circle>")
        sheet.items.append("</g>")
        sheet.y = top + found.height * scale + 4
        if sheet.legend:
            said = f"{_words.word(sheet.lang, 'unknown')} {_words.number(self.unknown)}" if self.unknown else ""
            _classes.key(sheet, classes, self.unit, unknown=said)
            sheet.y += 6

    def _put(self, sheet: Sheet, code: str, shape: str, end: str) -> None:
        """One country, with its name and value as a tip, and the way to its page."""
        name = self.names.get(code, code)
        tip = f"<title>{clean(name)}: {clean(_words.number(self.values.get(code, 0.0)))}</title>" if sheet.tips else ""
        shown = f"{shape}{tip}{end}" if tip else f"{shape[:-1]}/>"
        url = self.urls.get(code, "")
        if not url.startswith("/") or url.startswith("//"):
            url = ""  # a place of ours, or none
        # the table beside it leads there by the keyboard: 240 stops here would only be in the way
        sheet.items.append(f'<a href="{clean(url)}" tabindex="-1">{shown}</a>' if url else shown)
