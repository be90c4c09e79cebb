"""A heat map: things down, hours of the day or buckets of time across."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from teiten.report.figures import _axes, _classes, _scale, _text, _words
from teiten.report.figures._canvas import Sheet, n
from teiten.report.figures._colour import ramp
from teiten.report.figures._model import SHORT, Figure, Kind, Step, check_times


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One line of cells; None is a cell that was not observed (hatched), 0 one where nothing came."""

    key: str
    label: str
    values: Sequence[float | None]
    kind: Kind = "value"


@dataclass(frozen=True, kw_only=True)
class HeatFigure(Figure):
    """rows: 24 values each (hours of the day), or one for each of `times`.

    scale: 'all' one linear scale, 'log' one logarithmic scale, 'row' each row against its own maximum (the rhythm of a
    small thing beside a large one), 'classes' classes of round bounds that the key names. v_max holds the scale still from
    outside.
    """

    RAMPED: ClassVar[bool] = True
    """its shades are steps of a ramp, and no things' colours: they stay what they are on dark paper"""

    rows: Sequence[HeatRow]
    times: Sequence[dt.datetime] = ()
    step: Step = "day"
    scale: Literal["all", "log", "row", "classes"] = "row"
    v_max: float | None = None

    def __post_init__(self) -> None:
        if self.times:
            check_times(self.times, (r.values for r in self.rows))
        elif any(len(r.values) != 24 for r in self.rows):
            raise ValueError("a row of a heat map needs 24 values, or one for each of its times")

    @property
    def _count(self) -> int:
        return len(self.times) or 24

    def is_empty(self) -> bool:
        return all(v is None for r in self.rows for v in r.values)

    def paint(self, sheet: Sheet) -> None:
        sizes, theme = sheet.sizes, sheet.theme
        size = sizes.label
        peaks = [max((v for v in r.values if v is not None), default=0.0) for r in self.rows]
        top = self.v_max or max(peaks) or 1.0
        classes = _classes.Classes.of(v for r in self.rows for v in r.values) if self.scale == "classes" else None
        if classes is None:
            self._key(sheet, top)
        else:
            _classes.key(sheet, classes, self.unit, gap=any(v is None for r in self.rows for v in r.values))
        names = min(max(_text.width(_text.plain(r.label), size) for r in self.rows), sheet.width * 0.3)
        notes = [_words.number(p) if self.scale == "row" else "" for p in peaks]
        after = max(_text.width(t, sizes.note) for t in notes)
        x = sheet.left + names + 12
        width = sheet.right - x - (after + 10 if after else sheet.edge)
        step = width / self._count
        high = 20.0 if sheet.narrow else 26.0
        sheet.y += 10
        if after:
            head = _words.word(sheet.lang, "highest")
            sheet.text(sheet.right, sheet.y + sizes.note * 0.6, head, size=sizes.note, fill=theme.muted, anchor="end")
            sheet.y += sizes.note * 1.2
        sheet.grid = (x, sheet.y, x + width, high)
        for row, peak, note in zip(self.rows, peaks, notes, strict=True):
            base = sheet.y + high / 2 + size * 0.36
            sheet.text(x - 12, base, row.label, size=size, anchor="end", room=names, tip=row.label)
            if classes is not None:
                self._line(sheet, row, classes, (x, step, high))
                sheet.y += high
                continue
            full = (self.v_max or peak or 1.0) if self.scale == "row" else top
            for i, value in enumerate(row.values):
                gap = 1.0 if step > 6 else 0.0
                paint = self._paint(value, full, sheet)
                tip = self._tip(row, i, sheet.lang)
                sheet.rect(x + i * step, sheet.y, step - gap, high - (2 if sheet.narrow else 3), paint, tip=tip)
            if note:
                sheet.text(sheet.right, base, note, size=sizes.note, fill=theme.muted, anchor="end")
            sheet.y += high
        self._axis(sheet, x, width, step)

    def _paint(self, value: float | None, top: float, sheet: Sheet) -> str:
        if value is None:
            return sheet.hatch("gap")
        return ramp(sheet.theme.heat, _place(value, top, log=self.scale == "log"))

    def _line(self, sheet: Sheet, row: HeatRow, classes: _classes.Classes, place: tuple[float, float, float]) -> None:
        """A row's cells: one path a shade, cells of one shade beside each other as one where no air parts them."""
        x, step, high = place
        air, deep = (1.0 if step > 6 else 0.0), high - (2 if sheet.narrow else 3)
        shapes: dict[str, list[str]] = {}
        start = 0
        found = [None if value is None else classes.number(value) for value in row.values]
        for i, number in enumerate(found):
            if not air and i + 1 < len(found) and found[i + 1] == number:
                continue
            paint = sheet.hatch("gap") if number is None else classes.shade(number, sheet)
            wide = (i + 1 - start) * step - air
            shapes.setdefault(paint, []).append(f"M{n(x + start * step)} {n(sheet.y)}h{n(wide)}v{n(deep)}h-{n(wide)}z")
            start = i + 1
        for paint, drawn in shapes.items():
            sheet.path("".join(drawn), fill=paint)
        if self.times:
            sheet.plots[:] = [(x, x + step * self._count, self.times[0], _scale.bucket_end(self.times[-1], self.step))]

    def _key(self, sheet: Sheet, top: float) -> None:
        """The ramp with its ends named, and how it runs."""
        size = sheet.sizes.note
        sheet.y += size * 1.9
        low = "0"
        high = "100 %" if self.scale == "row" else _words.axis_number(top, top, sheet.lang)
        box = sheet.text(sheet.left, sheet.y, low, size=size, fill=sheet.theme.muted)
        x = (box.right if box else sheet.left) + 8
        long = 90.0 if sheet.narrow else 150.0
        for i in range(30):
            paint = ramp(sheet.theme.heat, i / 29)
            sheet.rect(x + i * long / 30, sheet.y - size * 0.8, long / 30 + 0.4, size * 0.9, paint)
        box = sheet.text(x + long + 8, sheet.y, high, size=size, fill=sheet.theme.muted)
        word = {"row": "row_scale", "log": "log_scale"}.get(self.scale, "")
        said = self.unit if not word else _words.word(sheet.lang, word) + (f" ({self.unit})" if self.unit else "")
        right = (box.right if box else x + long) + 16
        if said and sheet.right - right >= _text.width(_text.plain(said), size):
            sheet.text(right, sheet.y, said, size=size, fill=sheet.theme.muted)
        elif said:
            sheet.y += 5
            sheet.paragraph(said, size=size, most=2, fill=sheet.theme.muted)

    def _axis(self, sheet: Sheet, x: float, width: float, step: float) -> None:
        size, y = sheet.sizes.tick, sheet.y + 2
        rows = 1
        if not self.times:
            every = 6 if sheet.narrow else 3
            placed = [(x + h * step, _words.hour(h, sheet.lang)) for h in range(0, 24, every)]
            for at, _ in placed:
                sheet.line(at, y - 3, at, y + 4, sheet.theme.axis)
            _axes.row_of_labels(sheet, placed, y + 8 + size, low=sheet.left, high=sheet.right, size=size, centre=True)
        else:
            start, end = self.times[0], _scale.bucket_end(self.times[-1], self.step)
            span = end.timestamp() - start.timestamp()

            def place(at: dt.datetime) -> float:
                return x + width * (at.timestamp() - start.timestamp()) / span

            middle = 0.0 if self.step in SHORT else step / 2
            ticks = _scale.time_ticks(start, end, self.step, sheet.lang, place, lambda s: _text.width(s, size), middle)
            shown = {t.row for t in ticks if t.label}
            rows = len(shown)
            for row in sorted(shown):
                placed = [(place(t.at) + middle, t.label) for t in ticks if t.label and t.row == row]
                base = y + 8 + size * (1 + 1.45 * (row if 0 in shown else 0))
                _axes.row_of_labels(sheet, placed, base, low=sheet.left, high=sheet.right, size=size, centre=True)
        sheet.y = y + 8 + size * (1.45 * max(1, rows) + 0.2)

    def _tip(self, row: HeatRow, i: int, lang: str) -> str:
        if len(self.rows) * self._count > 800:
            return ""
        value = row.values[i]
        at = _words.moment(self.times[i], lang, daily=self.step not in SHORT) if self.times else _words.hour(i, lang)
        return f"{row.label} {at} — {_words.word(lang, 'gap') if value is None else _words.number(value)}"


def _place(value: float, top: float, *, log: bool) -> float:
    """0 for nothing, 1 for the top; what is more than nothing is seen to be so."""
    if value <= 0 or top <= 0:
        return 0.0
    part = math.log1p(value) / math.log1p(top) if log else value / top
    return min(1.0, 0.06 + 0.94 * part)
