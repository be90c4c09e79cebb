"""One day among the days of a month: bars by thing or by hour, with the date, its place in the month, an axis held still.

A frame of a moving picture is such a figure; `calendar` draws the same days all at once.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from teiten.report.figures import _axes, _text, _words
from teiten.report.figures._canvas import Sheet, n
from teiten.report.figures._colour import colour
from teiten.report.figures._model import Figure, Kind

HOURS: Final = 24
FAR: Final = 2.5
"""The axis is cut where the longest bar is more than this many times the longest ordinary one; ordinary are all ..."""
FEW: Final = 0.02
"""... but this share of the bars (one at least)"""
ENOUGH: Final = 5
"""observed days below which nothing is ordinary: the axis holds all bars"""
_MARKED = (1, 8, 15, 22, 29)
_AXIS = 240.0
"""px for which the steps of the axis are chosen"""


@dataclass(frozen=True, slots=True)
class DayRow:
    """One bar of every day. key: what the colour belongs to; kind: 'other' is grey, 'unknown' hatched."""

    key: str
    label: str
    kind: Kind = "value"


@dataclass(frozen=True)
class Days:
    """The data of a month's days, which every frame shares: so axes, order and colours are one.

    rows: the bars from the top, empty for the 24 hours of the day; values: for each day one a row (or 24), None where
    nothing was observed; said: what stands beside the date ('1,234 packets'); reasons: why a day has no value at all,
    empty where it has; things: whose colours the rows have.
    """

    dates: Sequence[dt.date]
    values: Sequence[Sequence[float | None]]
    said: Sequence[str]
    reasons: Sequence[str]
    rows: Sequence[DayRow] = ()
    things: str = "plain"

    def __post_init__(self) -> None:
        count = len(self.dates)
        if not count or any(len(x) != count for x in (self.values, self.said, self.reasons)):
            raise ValueError("the days of a chart need values, words and a reason for each date")
        if any(len(v) != (len(self.rows) or HOURS) for v in self.values):
            raise ValueError("each day of a chart needs one value a row, or 24")

    @functools.cached_property
    def totals(self) -> list[float | None]:
        """All of each day; None where nothing was observed."""
        return [None if all(v is None for v in day) else sum(v or 0.0 for v in day) for day in self.values]

    @functools.cached_property
    def top(self) -> float:
        """What the axis must hold: the longest bar of all days, but for the few that would flatten all others."""
        bars = [v for day in self.values for v in day if v]
        return _ordinary(bars, enough=sum(t is not None for t in self.totals) >= ENOUGH)

    @functools.cached_property
    def total_top(self) -> float:
        """The same for the totals of the days."""
        totals = [t for t in self.totals if t]
        return _ordinary(totals, enough=len(totals) >= ENOUGH)

    @functools.cached_property
    def scale(self) -> _axes.ValueAxis:
        """The one axis of all days."""
        return _axes.ValueAxis.of(self.top, _AXIS, None)

    @property
    def cut(self) -> list[dt.date]:
        """The days with a bar that goes beyond the axis."""
        top = self.scale.top
        return [d for d, day in zip(self.dates, self.values, strict=True) if any((v or 0) > top for v in day)]

    def paint_of(self, row: DayRow, sheet: Sheet) -> str:
        if row.kind == "unknown":
            return sheet.hatch("unknown")
        return sheet.theme.other if row.kind == "other" else colour(self.things, row.key, sheet.theme)


def _ordinary(values: Sequence[float], *, enough: bool) -> float:
    found = sorted(values, reverse=True)
    if not found:
        return 1.0
    usual = found[min(len(found) - 1, max(1, math.ceil(FEW * len(found))))]
    return usual if enough and found[0] > FAR * usual else found[0]


@dataclass(frozen=True, kw_only=True)
class DayFigure(Figure):
    """The day number `at` (from 0) of `days`. Title, subtitle and note are those of all frames, so that they hold still."""

    days: Days
    at: int

    def paint(self, sheet: Sheet) -> None:
        self._head(sheet)
        self._strip(sheet)
        sheet.y += 4
        (self._bars if self.days.rows else self._hours)(sheet)

    def _head(self, sheet: Sheet) -> None:
        """The date, large, and what the whole day brought."""
        size, label = sheet.sizes.title * 1.3, sheet.sizes.label
        sheet.y += size * 1.15
        said = _words.date(self.days.dates[self.at], sheet.lang, "full")
        box = sheet.text(sheet.left, sheet.y, said, size=size, bold=True)
        room = sheet.right - (box.right if box else sheet.left) - 12
        sheet.text(sheet.right, sheet.y, self.days.said[self.at], size=label, anchor="end", room=room)
        sheet.y += 8

    def _strip(self, sheet: Sheet) -> None:
        """Where in the month: each day's whole as a small bar, this day's dark, with a line under it."""
        days, theme, size, high = self.days, sheet.theme, sheet.sizes.note, 24.0
        step = (sheet.right - sheet.left) / len(days.dates)
        base = _snap(sheet.y + high)
        for i, (day, total) in enumerate(zip(days.dates, days.totals, strict=True)):
            left, right = _snap(sheet.left + i * step), _snap(sheet.left + (i + 1) * step) - 1
            if total is None:
                sheet.gap(left, base - high, right - left, high)
            else:
                tall = _snap(high * min(1.0, total / days.total_top))
                sheet.rect(left, base - max(tall, 0.5 if total else 0), right - left, tall, theme.other)
                if i == self.at:
                    sheet.rect(left, base - max(tall, 0.5 if total else 0), right - left, tall, theme.ink)
            if i == self.at:
                sheet.rect(left, base + 1, right - left, 2.5, theme.ink)
            if day.day in _MARKED:
                sheet.text((left + right) / 2, base + 4 + size, str(day.day), size=size, fill=theme.muted, anchor="middle")
        sheet.y = base + 4 + size * 1.3

    def _nothing(self, sheet: Sheet, x: float, y: float, w: float, h: float) -> None:
        """A day without observation, and why: never bars of nothing."""
        sheet.gap(x, y, w, h)
        said = self.days.reasons[self.at] or _words.word(sheet.lang, "gap")
        size = sheet.sizes.label * 1.1
        sheet.text(x + w / 2, y + h / 2 + size * 0.36, said, size=size, anchor="middle", room=w - 16, halo=True)

    def _bars(self, sheet: Sheet) -> None:
        """A bar a row, its number at its end."""
        days, sizes, theme = self.days, sheet.sizes, sheet.theme
        names = min(max(_text.width(_text.plain(r.label), sizes.label) for r in days.rows), sheet.width * 0.3)
        told = {_short(v, sheet.lang) for day in days.values for v in day if v is not None}
        numbers = max((_text.width(said, sizes.label) for said in told), default=0.0)
        x = _snap(sheet.left + names + 8)
        width = _snap(sheet.right - numbers - 6 - x)
        axis, high = days.scale, 19.0
        top, base = _snap(sheet.y + sizes.tick * 1.6), 0.0
        base = top + high * len(days.rows) + 3
        above = top - sizes.tick * 0.7
        sheet.text(
            sheet.right, above, self.unit, size=sizes.tick, fill=theme.muted, anchor="end", room=sheet.right - sheet.left
        )
        placed = []
        for tick, text in zip(axis.ticks, axis.labels(sheet.lang), strict=True):
            at = x + _snap(width * tick / axis.top)
            sheet.line(at, top, at, base, theme.rule)
            placed.append((at, text))
        low = base + sizes.tick * 1.15
        _axes.row_of_labels(sheet, placed, low, low=x - names, high=sheet.width - 2, size=sizes.tick, centre=True)
        sheet.line(x - 0.5, top - 2, x - 0.5, base, theme.ink, 1)
        gone = days.totals[self.at] is None
        if gone:
            self._nothing(sheet, x, top, sheet.right - x, base - top)
        for i, (row, value) in enumerate(zip(days.rows, days.values[self.at], strict=True)):
            y = top + 1.5 + i * high
            middle = y + high / 2 + sizes.label * 0.36
            sheet.text(sheet.left, middle, row.label, size=sizes.label, room=names)
            if gone:
                continue
            long = _snap(width * min(1.0, (value or 0.0) / axis.top))
            sheet.rect(x, y + 2, max(long, 0.5 if value else 0.0), high - 4, days.paint_of(row, sheet))
            if value is not None and value > axis.top:
                _break(sheet, x + width * 0.93, y + high / 2, flat=True)
            said = _words.word(sheet.lang, "gap") if value is None else _short(value, sheet.lang)
            sheet.text(x + long + 5, middle, said, size=sizes.label)
        sheet.y = base + sizes.tick * 1.5

    def _hours(self, sheet: Sheet) -> None:
        """24 columns; an hour that was not observed is hatched."""
        days, sizes, theme = self.days, sheet.sizes, sheet.theme
        axis, height = days.scale, 190.0
        labels = axis.labels(sheet.lang)
        x = _snap(sheet.left + max(_text.width(t, sizes.tick) for t in labels) + 6)
        step = (sheet.right - x) / HOURS
        sheet.y += sizes.tick * 1.2
        sheet.text(sheet.left, sheet.y, self.unit, size=sizes.tick, fill=theme.muted, room=sheet.right - sheet.left)
        top = _snap(sheet.y + sizes.tick * 1.6)
        base = top + height
        for tick, text in zip(axis.ticks, labels, strict=True):
            y = base - _snap(height * tick / axis.top)
            sheet.line(x, y, sheet.right, y, theme.rule)
            sheet.text(x - 5, y + sizes.tick * 0.36, text, size=sizes.tick, fill=theme.muted, anchor="end")
        sheet.line(x, base + 0.5, sheet.right, base + 0.5, theme.ink, 1)
        ink = colour(days.things, "", theme)
        gone = days.totals[self.at] is None
        if gone:
            self._nothing(sheet, x, top, sheet.right - x, height)
        placed = []
        for hour, value in enumerate(days.values[self.at]):
            left, right = _snap(x + hour * step), _snap(x + (hour + 1) * step)
            if value is None and not gone:
                sheet.gap(left, top, right - left, height)
            if value:
                tall = _snap(height * min(1.0, value / axis.top))
                sheet.rect(left + 1, base - max(tall, 0.5), right - left - 2, max(tall, 0.5), ink)
                if value > axis.top:
                    _break(sheet, (left + right) / 2, top + height * 0.09, flat=False)
                    said = _short(value, sheet.lang)
                    half = _text.width(said, sizes.note) / 2
                    placed.append((min(max((left + right) / 2, x + half), sheet.right - half), said))
            sheet.line(left, base + 1, left, base + (6 if hour % 6 == 0 else 3), theme.axis)
        for at, said in _apart(placed, sizes.note):
            sheet.text(at, top - 4, said, size=sizes.note, anchor="middle")
        hours = [(x + h * step, _words.hour(h, sheet.lang)) for h in range(0, HOURS + 1, 6)]
        _axes.row_of_labels(
            sheet, hours, base + 8 + sizes.tick, low=sheet.left, high=sheet.width - 4, size=sizes.tick, centre=True
        )
        sheet.y = base + 8 + sizes.tick * 1.4


def _short(value: float, lang: str) -> str:
    """1,234; from a million on four digits of it (123.4万): a moving picture has no time for more, and no room."""
    if value < 1e6:
        return _words.number(value)
    return _words.axis_number(round(value, 3 - math.floor(math.log10(value))), value, lang)


def _apart(placed: Sequence[tuple[float, str]], size: float) -> list[tuple[float, str]]:
    """Those of the numbers over columns that stand clear of the one before."""
    out: list[tuple[float, str]] = []
    edge = 0.0
    for at, text in placed:
        half = _text.width(text, size) / 2
        if at - half >= edge:
            out.append((at, text))
            edge = at + half + 6
    return out


def _break(sheet: Sheet, x: float, y: float, *, flat: bool) -> None:
    """Two strokes of paper through a bar that goes on beyond the axis."""
    for move in (-2.5, 2.5):
        at, up = (x + move, y) if flat else (x, y + move)
        d = (
            f"M{n(at - 2)} {n(up + 10)}L{n(at + 2)} {n(up - 10)}"
            if flat
            else f"M{n(at - 9)} {n(up + 2)}L{n(at + 9)} {n(up - 2)}"
        )
        sheet.path(d, stroke=sheet.theme.paper, width=1.6, extent=(x - 14, y - 14, x + 14, y + 14))


def _snap(px: float) -> float:
    """To half a px: whole ones where the frame is drawn at twice its size, so that edges are sharp and compress well."""
    return round(px * 2) / 2
