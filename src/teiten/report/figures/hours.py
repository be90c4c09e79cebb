"""The hours of the day: 24 bars, mean per day, with the period before beside them where it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from teiten.report.figures import _axes, _legend, _text, _words
from teiten.report.figures._canvas import Sheet
from teiten.report.figures._colour import colour, ramp
from teiten.report.figures._model import Figure


@dataclass(frozen=True, kw_only=True)
class HoursFigure(Figure):
    """values: 24, the mean of each hour of the day over the days observed; None where an hour was never observed.

    before: the same for the period before, drawn as wider bars behind; label, before_label: their names in the legend. key
    and things: whose colour the bars have.
    """

    values: Sequence[float | None]
    before: Sequence[float | None] = ()
    label: str = ""
    before_label: str = ""
    key: str = ""
    things: str = "plain"
    y_max: float | None = None

    def __post_init__(self) -> None:
        if len(self.values) != 24 or len(self.before) not in (0, 24):
            raise ValueError("a chart of the hours needs 24 values")

    def is_empty(self) -> bool:
        return all(v is None for v in self.values)

    def paint(self, sheet: Sheet) -> None:
        sizes, theme = sheet.sizes, sheet.theme
        ink, pale = colour(self.things, self.key, theme), ramp((theme.other, theme.paper), 0.3)
        height = sizes.plot * 0.8
        highest = max(v for v in (*self.values, *self.before) if v is not None)
        axis = _axes.ValueAxis.of(highest, height, self.y_max, whole=highest >= 5)
        labels = axis.labels(sheet.lang)
        x = sheet.left + max(_text.width(t, sizes.tick) for t in labels) + 8
        width = sheet.right - x
        if self.before:
            _legend.line_of(sheet, [_legend.Entry(self.label, ink), _legend.Entry(self.before_label, pale)])
        if self.unit:
            sheet.y += sizes.tick * 1.7
            sheet.text(sheet.left, sheet.y, self.unit, size=sizes.tick, fill=theme.muted, room=sheet.right - sheet.left)
        sheet.y += sizes.tick * 1.1
        top, base = sheet.y, sheet.y + height
        for value, text in zip(axis.ticks, labels, strict=True):
            y = base - height * value / axis.top
            sheet.line(x, y, x + width, y, theme.rule)
            sheet.text(x - 8, y + sizes.tick * 0.36, text, size=sizes.tick, fill=theme.muted, anchor="end")
        step = width / 24
        air = min(4.0, step * 0.12)
        for hour, number in enumerate(self.values):
            left = x + hour * step
            tip = self._tip(hour, sheet.lang)
            old = self.before[hour] if self.before else None
            inner = air if old is None else step * 0.24
            if number is None:
                sheet.gap(left, top, step, height, tip=tip)
            if old is not None:
                high = height * min(1.0, old / axis.top)
                sheet.rect(left + air, base - high, step - 2 * air, high, pale, tip=tip)
            if number is not None:
                high = height * min(1.0, number / axis.top)
                sheet.rect(left + inner, base - high, step - 2 * inner, high, ink, tip=tip)
        sheet.line(x, base, x + width, base, theme.ink, 1.2)
        self._hours(sheet, x, step, base)

    def _hours(self, sheet: Sheet, x: float, step: float, base: float) -> None:
        """0, 6, 12, 18 and the ends of the axis on a telephone, every third hour else: at the edge where the hour begins."""
        size = sheet.sizes.tick
        every = 6 if sheet.narrow else 3
        for hour in range(25):
            sheet.line(x + hour * step, base, x + hour * step, base + (7 if hour % every == 0 else 3), sheet.theme.axis)
        placed = [(x + h * step, _words.hour(h, sheet.lang)) for h in range(0, 25, every)]
        _axes.row_of_labels(sheet, placed, base + 10 + size, low=sheet.left, high=sheet.width - 4, size=size, centre=True)
        sheet.y = base + 10 + size * 1.5

    def _tip(self, hour: int, lang: str) -> str:
        number = self.values[hour]
        said = _words.word(lang, "gap") if number is None else _words.number(round(number, 1))
        old = self.before[hour] if self.before else None
        more = f", {self.before_label} {_words.number(round(old, 1))}" if old is not None else ""
        return f"{_words.hour(hour, lang)} — {said}{more}"
