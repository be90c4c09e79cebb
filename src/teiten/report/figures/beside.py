"""Several rankings beside each other, to be compared: one under the other on a telephone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from teiten.report.figures import _text
from teiten.report.figures._canvas import Box, Sheet, n
from teiten.report.figures._model import Figure
from teiten.report.figures.rank import RankFigure

LEAST = 280.0
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
        between = 28.0
        room = sheet.right - sheet.left
        columns = max(1, min(len(self.panels), int((room + between) // (LEAST + between))))
        width = (room - between * (columns - 1)) / columns
        drawn = [_draw(self._scaled(panel), sheet, width) for panel in self.panels]
        if self.unit:
            sheet.y += sheet.sizes.note * 1.6
            sheet.text(sheet.left, sheet.y, self.unit, size=sheet.sizes.note, fill=sheet.theme.muted, room=room)
        for first in range(0, len(drawn), columns):
            row = drawn[first : first + columns]
            for place, panel in enumerate(row):
                _put(sheet, panel, sheet.left + place * (width + between), sheet.y)
            sheet.y += max(panel.y for panel in row)

    def _scaled(self, panel: RankFigure) -> RankFigure:
        """The panel with bars as long as in all the others."""
        rows = [row for one in self.panels for row in one.rows]
        if self.shares:
            most = max((row.share or 0.0 for row in rows), default=0.0)
            whole = max((row.value / row.share for row in panel.rows if row.value and row.share), default=0.0)
            return replace(panel, x_max=most * whole or None)
        return replace(panel, x_max=max((row.value or 0.0 for row in rows), default=0.0) or None)


def _draw(panel: RankFigure, sheet: Sheet, width: float) -> Sheet:
    """The panel on a sheet of its own that has the margins of the space between panels."""
    own = Sheet(sheet.name, width, sheet.lang, sheet.theme, tips=sheet.tips, outlines=sheet.outlines, bare=True)
    size = own.sizes.label
    own.y = size * 0.6
    own.paragraph(panel.title, size=size * 1.08, most=2, bold=True, leading=1.4)
    if panel.subtitle:
        own.paragraph(panel.subtitle, size=own.sizes.note, most=3, fill=own.theme.muted)
    if panel.is_empty():
        high = size * 4
        own.rect(own.left, own.y + 8, own.right - own.left, high, own.hatch("gap"))
        own.text(own.width / 2, own.y + 8 + high / 2 + size * 0.36, _text.plain(panel.note or "–"), size=size, anchor="middle",
                 halo=True, room=own.right - own.left)  # fmt: skip
        own.y += high + 16
    else:
        panel.paint(own)
    return own


def _put(sheet: Sheet, panel: Sheet, x: float, y: float) -> None:
    """What was drawn on the panel's sheet, at that place of the whole."""
    sheet.items.append(f'<g transform="translate({n(x)} {n(y)})">')
    sheet.items += panel.items
    sheet.items.append("</g>")
    sheet.boxes += [Box(b.left + x, b.top + y, b.right + x, b.bottom + y, b.text) for b in panel.boxes]
    sheet.used |= panel.used
    sheet.letters |= panel.letters
