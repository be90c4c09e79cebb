"""Several rankings beside each other, to be compared: one under the other on a telephone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from teiten.report.figures import _words
from teiten.report.figures._canvas import Sheet
from teiten.report.figures._model import Figure
from teiten.report.figures.rank import RankFigure

LEAST = 230.0
"""px that a ranking needs; fewer stand in a row where there is no room"""


@dataclass(frozen=True, kw_only=True)
class BesideFigure(Figure):
    """Rankings whose bars mean the same: `shares` True draws equal shares equally long, whatever the counts.

    Each panel's title is its heading, its subtitle stands under that; their ids, units and notes play no part.
    """

    panels: Sequence[RankFigure]
    shares: bool = True

    def is_empty(self) -> bool:
        return all(panel.is_empty() for panel in self.panels)

    def paint(self, sheet: Sheet) -> None:
        between = 24.0
        room = sheet.right - sheet.left
        columns = max(1, min(len(self.panels), int((room + between) // (LEAST + between))))
        width = (room - between * (columns - 1)) / columns
        if self.unit:
            sheet.y += sheet.sizes.note * 1.6
            sheet.text(sheet.left, sheet.y, self.unit, size=sheet.sizes.note, fill=sheet.theme.muted, room=room)
        for first in range(0, len(self.panels), columns):
            row = self.panels[first : first + columns]
            top = sheet.y
            sheet.y = max(
                _draw(self._scaled(panel), sheet, sheet.left + place * (width + between), top, width)
                for place, panel in enumerate(row)
            )

    def _scaled(self, panel: RankFigure) -> RankFigure:
        """The panel with bars as long as in all the others."""
        rows = [row for one in self.panels for row in one.rows]
        if self.shares:
            most = max((row.share or 0.0 for row in rows), default=0.0)
            whole = max((row.value / row.share for row in panel.rows if row.value and row.share), default=0.0)
            return replace(panel, x_max=most * whole or None)
        return replace(panel, x_max=max((row.value or 0.0 for row in rows), default=0.0) or None)


def _draw(panel: RankFigure, sheet: Sheet, x: float, y: float, width: float) -> float:
    """The panel in its part of the sheet, from y down. Returns its lower edge."""
    own = Sheet(sheet.name, width, sheet.lang, sheet.theme, tips=sheet.tips, outlines=sheet.outlines, at=x)
    own.items, own.boxes, own.used, own.letters = sheet.items, sheet.boxes, sheet.used, sheet.letters
    size = own.sizes.label
    own.y = y + size * 0.6
    own.paragraph(panel.title, size=size * 1.08, most=2, bold=True, leading=1.4)
    if panel.subtitle:
        own.paragraph(panel.subtitle, size=own.sizes.note, most=3, fill=own.theme.muted)
    if not panel.is_empty():
        panel.paint(own)
        return own.y
    high = size * 4
    own.rect(own.left, own.y + 8, width, high, own.hatch("gap"))
    said = panel.note or _words.word(own.lang, "empty")
    own.text(x + width / 2, own.y + 8 + high / 2 + size * 0.36, said, size=size, anchor="middle", halo=True, room=width)
    return own.y + high + 16
