"""A matrix: things down, things across, a shade and (where there is room for all) a number in each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from teiten.report.figures import _text, _words
from teiten.report.figures._canvas import Sheet
from teiten.report.figures._colour import Theme, oklab, ramp
from teiten.report.figures._model import Figure

EVEN = "#ececea"
"""of a diverging scale: neither more nor less"""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One line of cells. values: 0 to 1 (of a diverging matrix -1 to 1), None: nobody watched (hatched).

    texts: what stands in the cells where those of the whole matrix fit; without, nothing stands there.
    """

    label: str
    values: Sequence[float | None]
    texts: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class MatrixFigure(Figure):
    """rows: as many values each as there are `columns` (their heads, short: numbers, say).

    column_breaks, row_breaks: indices before which a thicker gap tells groups apart. low, high: words at the ends of the
    key; with `diverging`, values run from -1 (blue) by 0 (pale) to 1 (red).
    """

    RAMPED: ClassVar[bool] = True
    """its shades are steps of a ramp, and no things' colours: they stay what they are on dark paper"""

    rows: Sequence[MatrixRow]
    columns: Sequence[str]
    column_breaks: Sequence[int] = ()
    row_breaks: Sequence[int] = ()
    low: str = "0"
    high: str = "1"
    diverging: bool = False

    def __post_init__(self) -> None:
        if any(len(row.values) != len(self.columns) or len(row.texts) not in (0, len(self.columns)) for row in self.rows):
            raise ValueError("a row of a matrix needs one value, and one text or none, for each of its columns")

    def is_empty(self) -> bool:
        return all(value is None for row in self.rows for value in row.values)

    def paint(self, sheet: Sheet) -> None:
        sizes, theme = sheet.sizes, sheet.theme
        size = sizes.label
        self._key(sheet)
        names = min(max(_text.width(_text.plain(row.label), size) for row in self.rows), sheet.width * 0.42)
        x = sheet.left + names + 12
        air = 6.0
        step = min((sheet.right - x - air * len(self.column_breaks)) / len(self.columns), 84.0)
        high = 24.0 if sheet.narrow else 28.0
        sheet.y += 12
        places = [x + i * step + air * sum(1 for b in self.column_breaks if b <= i) for i in range(len(self.columns))]
        self._heads(sheet, places, step)
        few = len(self.rows) * len(self.columns) <= 800
        texts = {text for row in self.rows for text, value in zip(row.texts, row.values, strict=False) if value is not None}
        # all of them or none: a cell without a number beside others with one would look as if nothing were known of it
        roomy = max((_text.width(_text.plain(text), sizes.note) for text in texts), default=0.0) <= step - 4
        for number, row in enumerate(self.rows):
            if number in self.row_breaks:
                sheet.y += air
            base = sheet.y + high / 2 + size * 0.36
            sheet.text(x - 12, base, row.label, size=size, anchor="end", room=names, tip=row.label)
            for i, value in enumerate(row.values):
                paint = sheet.hatch("gap") if value is None else self._shade(value, theme)
                text = row.texts[i] if row.texts else ""
                tip = f"{row.label} × {self.columns[i]} — {text or _words.word(sheet.lang, 'gap')}" if few else ""
                sheet.rect(places[i], sheet.y, step - (1 if step > 6 else 0), high - 2, paint, tip=tip)
                if text and value is not None and roomy:
                    # on the cell, not on paper: these two do not follow the theme
                    ink = "#111111" if oklab(paint)[0] > 0.62 else "#fefefe"
                    middle = places[i] + (step - 1) / 2
                    sheet.text(middle, sheet.y + high / 2 + sizes.note * 0.28, text, size=sizes.note, fill=ink, anchor="middle")
            sheet.y += high
        sheet.y += 4

    def _shade(self, value: float, theme: Theme) -> str:
        if not self.diverging:
            return ramp(theme.heat, value)
        return ramp((EVEN, theme.accent if value > 0 else theme.fall), abs(value))

    def _heads(self, sheet: Sheet, places: Sequence[float], step: float) -> None:
        """The columns' heads, every so many where they would touch."""
        size = sheet.sizes.tick
        wide = max(_text.width(_text.plain(head), size) for head in self.columns) + 4
        every = max(1, -(-int(wide) // max(1, int(step))))
        for i in range(0, len(self.columns), every):
            middle = places[i] + (step - 1) / 2
            room = 2 * min(middle - sheet.left, sheet.right - middle, every * step / 2 - 2)
            sheet.text(middle, sheet.y + size, self.columns[i], size=size, fill=sheet.theme.muted, anchor="middle", room=room)
        sheet.y += size * 1.5

    def _key(self, sheet: Sheet) -> None:
        """The shades with their ends named, and what they are shades of."""
        size = sheet.sizes.note
        sheet.y += size * 1.9
        box = sheet.text(sheet.left, sheet.y, self.low, size=size, fill=sheet.theme.muted, room=sheet.width * 0.28)
        x = (box.right if box else sheet.left) + 8
        long = 80.0 if sheet.narrow else 150.0
        for i in range(30):
            at = i / 29
            paint = self._shade(2 * at - 1 if self.diverging else at, sheet.theme)
            sheet.rect(x + i * long / 30, sheet.y - size * 0.8, long / 30 + 0.4, size * 0.9, paint)
        box = sheet.text(x + long + 8, sheet.y, self.high, size=size, fill=sheet.theme.muted, room=sheet.right - x - long - 8)
        right = (box.right if box else x + long) + 16
        if self.unit and sheet.right - right >= _text.width(_text.plain(self.unit), size):
            sheet.text(right, sheet.y, self.unit, size=size, fill=sheet.theme.muted)
        elif self.unit:
            sheet.y += 5
            sheet.paragraph(self.unit, size=size, most=2, fill=sheet.theme.muted)
