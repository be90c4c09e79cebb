"""A month as a calendar: each day a small chart of the same bars, on one scale; the still beside the moving picture."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from teiten import lang as languages
from teiten.report.figures import _legend, _text, _words
from teiten.report.figures._canvas import Sheet, n
from teiten.report.figures._colour import colour
from teiten.report.figures._model import Figure
from teiten.report.figures.day import Days

_AIR = 8.0
"""px between two days on a screen"""


@dataclass(frozen=True, kw_only=True)
class CalendarFigure(Figure):
    """The days of `days` by weeks, Monday first; a day without observation is hatched."""

    days: Days

    def is_empty(self) -> bool:
        return all(total is None for total in self.days.totals)

    def paint(self, sheet: Sheet) -> None:
        days, size = self.days, sheet.sizes.note
        if days.rows:
            paints = [(r, days.paint_of(r, sheet)) for r in days.rows]
            _legend.line_of(sheet, [_legend.Entry(r.label, paint) for r, paint in paints])
        sheet.y += size * 1.8
        full = _words.word(sheet.lang, "full_bar", value=_words.number(days.scale.top))
        said = _words.word(sheet.lang, "with_scale", unit=self.unit, scale=full) if self.unit else full
        sheet.text(sheet.left, sheet.y, said, size=size, fill=sheet.theme.muted, room=sheet.right - sheet.left)
        air = 4.0 if sheet.narrow else _AIR
        step = (sheet.right - sheet.left + air) / 7
        sheet.y += size * 1.7
        for i, name in enumerate(languages.words(sheet.lang)("date.weekdays").split(",")):
            sheet.text(sheet.left + i * step, sheet.y, name, size=size, fill=sheet.theme.muted)
        sheet.y += size * 0.4
        first = days.dates[0] - dt.timedelta(days=days.dates[0].weekday())
        tall = self._tall(sheet)
        high = size * 1.5 + tall + air * 1.6
        widest = max(_text.width(_total(t, sheet.lang), size) for t in days.totals)
        told = _text.width("30", size) + 6 + widest < step - air
        for i, day in enumerate(days.dates):
            week, place = divmod((day - first).days, 7)
            self._day(sheet, i, sheet.left + place * step, sheet.y + week * high, step - air, tall, told=told)
        sheet.y += ((days.dates[-1] - first).days // 7 + 1) * high

    def _tall(self, sheet: Sheet) -> float:
        """px of the bars of one day."""
        if not self.days.rows:
            return 34.0 if sheet.narrow else 52.0
        return len(self.days.rows) * (4.0 if sheet.narrow else 6.0)

    def _day(self, sheet: Sheet, i: int, x: float, y: float, wide: float, tall: float, *, told: bool) -> None:
        days, theme, size = self.days, sheet.theme, sheet.sizes.note
        day, total = days.dates[i], days.totals[i]
        sheet.line(x, y + 1, x + wide, y + 1, theme.rule)
        sheet.text(x, y + size * 1.25, str(day.day), size=size, bold=True)
        if told:
            sheet.text(x + wide, y + size * 1.25, _total(total, sheet.lang), size=size, fill=theme.muted, anchor="end")
        top = y + size * 1.5 + 2
        tip = f"{_words.date(day, sheet.lang, 'full')} — {days.said[i]}"
        if total is None:
            sheet.gap(x, top, wide, tall, tip=tip)
            return
        if days.rows:
            self._bars(sheet, i, x, top, wide, tall)
        else:
            self._hours(sheet, i, x, top, wide, tall)
        if sheet.tips:
            sheet.rect(x, y + 2, wide, top + tall - y - 2, "none", tip=tip, extra=' pointer-events="all"')

    def _bars(self, sheet: Sheet, i: int, x: float, top: float, wide: float, tall: float) -> None:
        high = tall / len(self.days.rows)
        for k, (row, value) in enumerate(zip(self.days.rows, self.days.values[i], strict=True)):
            part = (value or 0.0) / self.days.scale.top
            y = top + k * high
            if value:
                sheet.rect(x, y, max(wide * min(1.0, part), 0.5), high - 1, self.days.paint_of(row, sheet))
            if part > 1:
                self._break(sheet, x + wide * 0.9, y + high / 2, 2, high / 2)
        sheet.line(x, top - 1, x, top + tall, sheet.theme.axis, 0.8)

    def _hours(self, sheet: Sheet, i: int, x: float, top: float, wide: float, tall: float) -> None:
        ink, step = colour(self.days.things, "", sheet.theme), wide / len(self.days.values[i])
        for hour, value in enumerate(self.days.values[i]):
            left = x + hour * step
            if value is None:
                sheet.gap(left, top, step, tall)
                continue
            part = value / self.days.scale.top
            high = tall * min(1.0, part)
            sheet.rect(left, top + tall - high, step * 0.84, high, ink)
            if part > 1:
                self._break(sheet, left + step * 0.42, top + tall * 0.12, step * 0.6, 1)
        sheet.line(x, top + tall, x + wide, top + tall, sheet.theme.axis, 0.8)

    @staticmethod
    def _break(sheet: Sheet, x: float, y: float, wide: float, tall: float) -> None:
        """A stroke of paper through a bar that goes on beyond the scale."""
        sheet.path(f"M{n(x - wide)} {n(y + tall)}L{n(x + wide)} {n(y - tall)}", stroke=sheet.theme.paper, width=1.5)


def _total(total: float | None, lang: str) -> str:
    return "" if total is None else _words.axis_number(round(total), total, lang)
