"""The ground of every chart over time: value axis, time axis, bands of gaps, marks and thresholds with their labels."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from teiten.report.figures import _scale, _text, _words
from teiten.report.figures._canvas import Anchor, Sheet, n
from teiten.report.figures._colour import is_faint, on_paper
from teiten.report.figures._model import SHORT, Gap, Mark, Series, Step, Threshold

_LIFT = 11.0
"""px from the plot up to the lowest labels above it: clear of the highest label of the value axis."""
_UNIT: Final = 1.6
"""from the plot up to the unit's line, in sizes of a label: it is no part of the highest label, which reaches up 0.4 of them"""


@dataclass
class ValueAxis:
    """Values from 0 up; `ticks` in the unit of the data, the last is the top unless the top was set from outside.

    least: 0 on a linear axis; on a logarithmic one the decade at which it begins to be one: below, it runs on to 0, which has a
    place of its own (log(1 + value / least)), so that nothing is never drawn as something, nor left out.
    """

    ticks: list[float]
    top: float
    least: float = 0.0

    @classmethod
    def of(cls, highest: float, height: float, y_max: float | None, *, whole: bool = True) -> ValueAxis:
        """An axis for values up to `highest`, for a plot so high (px); `y_max` holds the top still from outside."""
        most = max(2, min(6, int(height / 48)))
        if y_max is not None and math.isfinite(y_max) and y_max > 0:
            return cls(_scale.fixed_steps(y_max, most), y_max)
        ticks = _scale.steps(highest, most, whole=whole)
        return cls(ticks, ticks[-1])

    @classmethod
    def logarithmic(cls, highest: float, lowest: float, height: float) -> ValueAxis:
        """A logarithmic axis from 0; lowest: the smallest value that is not 0."""
        ticks, least = _scale.decades(highest, lowest, max(2, int(height / 40)))
        return cls(ticks, ticks[-1], least)

    def part(self, value: float) -> float:
        """How far up a value stands: 0 for 0, 1 for the top, held between."""
        if self.least:
            place = math.log1p(max(0.0, value) / self.least) / math.log1p(self.top / self.least)
        else:
            place = value / self.top
        return min(1.0, max(0.0, place))

    def value(self, part: float) -> float:
        """The value that stands so far up."""
        return self.least * math.expm1(part * math.log1p(self.top / self.least)) if self.least else part * self.top

    def labels(self, lang: str) -> list[str]:
        return [_words.axis_number(t, self.ticks[-1], lang) for t in self.ticks]


@dataclass
class TimePlot:
    """A drawn ground: turns moments and values into px. Made by `time_plot`."""

    sheet: Sheet
    times: Sequence[dt.datetime]
    step: Step
    x: float
    y: float
    w: float
    h: float
    axis: ValueAxis
    end: dt.datetime = field(init=False)
    _from: float = field(init=False)
    _span: float = field(init=False)

    def __post_init__(self) -> None:
        self.end = _scale.bucket_end(self.times[-1], self.step)
        self._from = self.times[0].timestamp()
        self._span = max(1.0, self.end.timestamp() - self._from)
        self.edges = [self.at(t) for t in self.times] + [self.at(self.end)]

    def at(self, moment: dt.datetime) -> float:
        """px of a moment, held inside the plot."""
        part = (moment.timestamp() - self._from) / self._span
        return self.x + self.w * min(1.0, max(0.0, part))

    def of(self, value: float) -> float:
        """px of a value; what is above a top that was set from outside ends at the top."""
        return self.y + self.h * (1 - self.axis.part(value))

    @property
    def base(self) -> float:
        return self.y + self.h

    @property
    def bucket(self) -> float:
        """px of one bucket."""
        return self.w / len(self.times)


def time_plot(
    sheet: Sheet,
    *,
    times: Sequence[dt.datetime],
    step: Step,
    highest: float,
    y_max: float | None,
    unit: str,
    whole: bool = True,
    gaps: Sequence[Gap] = (),
    marks: Sequence[Mark] = (),
    thresholds: Sequence[Threshold] = (),
    right_room: float = 0.0,
    height: float = 0.0,
    gutter: float = 0.0,
    lowest: float = 0.0,
) -> TimePlot:
    """Draws the ground under a chart over time, from `sheet.y` down; moves `sheet.y` below the labels of the time axis.

    right_room: px kept free at the right for labels; gutter: at least so many for those of the value axis, where several
    are to be of one width; lowest: the smallest value that is not 0, for a logarithmic axis (0: a linear one). Marks and
    thresholds are drawn by `annotate` afterwards, above
    the data; gaps lie under it, and the data has nothing there.
    """
    sizes, theme = sheet.sizes, sheet.theme
    height = height or sizes.plot
    highest = max([highest, *(t.value for t in thresholds if math.isfinite(t.value))])
    axis = ValueAxis.of(highest, height, y_max, whole=whole)
    if lowest > 0:
        axis = ValueAxis.logarithmic(highest, lowest, height)
        unit = _words.word(sheet.lang, "with_scale", unit=unit, scale=_words.word(sheet.lang, "log_axis"))
    labels = axis.labels(sheet.lang)
    gutter = max([gutter, *(_text.width(label, sizes.tick) + 8 for label in labels)])
    x = sheet.left + gutter
    width = sheet.right - right_room - x
    if unit:
        sheet.y += sizes.tick * 1.5
        sheet.text(sheet.left, sheet.y, unit, size=sizes.tick, fill=theme.muted, room=sheet.right - sheet.left)
    plot = TimePlot(sheet, times, step, x, 0.0, width, height, axis)
    strip = _strip(plot, gaps, marks)
    sheet.y += strip.height + (_LIFT if strip.height else sizes.tick * (_UNIT if unit else 0.9))
    plot.y = sheet.y
    if times:
        sheet.plots.append((x, x + width, times[0], plot.end))
    for gap in gaps:
        left, right = plot.at(gap.start), plot.at(gap.end)
        sheet.gap(left, plot.y, max(right - left, 1.0), height, tip=_gap_tip(gap, sheet.lang))
    for value, label in zip(axis.ticks, labels, strict=True):
        y = plot.of(value)
        sheet.line(x, y, x + width, y, theme.rule)
        sheet.text(x - 8, y + sizes.tick * 0.36, label, size=sizes.tick, fill=theme.muted, anchor="end")
    strip.draw(plot)
    _time_axis(plot)
    return plot


def baseline(plot: TimePlot) -> None:
    """The zero line, above the data."""
    plot.sheet.line(plot.x, plot.base, plot.x + plot.w, plot.base, plot.sheet.theme.ink, 1.2)


def annotate(plot: TimePlot, marks: Sequence[Mark], thresholds: Sequence[Threshold]) -> None:
    """The lines of marks and thresholds, and the thresholds' labels, above the data."""
    sheet, theme, sizes = plot.sheet, plot.sheet.theme, plot.sheet.sizes
    for mark in _inside(plot, marks):
        x = plot.at(mark.at)
        when = _words.moment(mark.at, sheet.lang, daily=False)
        sheet.path(
            f"M{n(x)} {n(plot.y - 4)}V{n(plot.base)}", stroke=theme.accent, width=1.4, dash="2 3", tip=f"{when} — {mark.label}"
        )
    shown = sorted((t for t in thresholds if 0 < t.value <= plot.axis.top), key=lambda t: -t.value)
    places = spread([plot.of(t.value) - 5 for t in shown], sizes.tick * 1.15, plot.y + sizes.tick, plot.base - 5)
    for threshold, place in zip(shown, places, strict=True):
        y = plot.of(threshold.value)
        sheet.line(plot.x, y, plot.x + plot.w, y, theme.ink, 1.2, "7 4")
        sheet.text(plot.x + plot.w - 4, place, threshold.label, size=sizes.tick, anchor="end", room=plot.w * 0.9, halo=True)
    baseline(plot)


def _inside(plot: TimePlot, marks: Iterable[Mark]) -> list[Mark]:
    return [m for m in marks if plot.times[0] <= m.at <= plot.end]


@dataclass
class _Strip:
    """The rows of labels above a plot: marks and reasons of gaps, none upon another."""

    rows: list[list[tuple[float, float, str, float, bool]]] = field(default_factory=list)
    size: float = 13.0
    left_out: list[str] = field(default_factory=list)

    @property
    def height(self) -> float:
        return len(self.rows) * self.size * 1.4 + (2 if self.rows else 0)

    def draw(self, plot: TimePlot) -> None:
        theme = plot.sheet.theme
        for number, row in enumerate(self.rows):
            y = plot.y - _LIFT - (len(self.rows) - 1 - number) * self.size * 1.4
            for left, _right, text, at, mark in row:
                ink = theme.accent if mark else theme.muted
                plot.sheet.text(left, y, text, size=self.size, fill=ink)
                if number < len(self.rows) - 1:
                    under = self.rows[number + 1 :]
                    if not any(a - 3 < at < b + 3 for r in under for a, b, *_ in r):
                        plot.sheet.line(at, y + 4, at, plot.y - 3, ink, 0.8)


def _strip(plot: TimePlot, gaps: Sequence[Gap], marks: Sequence[Mark]) -> _Strip:
    """Places each label centred above its place, in the lowest row where it is free; at most three rows."""
    sheet = plot.sheet
    strip = _Strip(size=sheet.sizes.tick)
    low, high = sheet.left, sheet.right
    wanted = [(at, label, False) for at, label in _gap_labels(plot, gaps)]
    wanted += [(plot.at(m.at), m.label, True) for m in _inside(plot, marks) if m.label]
    for at, label, is_mark in wanted:
        text = _text.fit(_text.plain(label), strip.size, (high - low) * 0.95)
        wide = _text.width(text, strip.size)
        left = min(max(at - wide / 2, low), high - wide)
        for row in [*reversed(strip.rows), None]:
            if row is None:
                if len(strip.rows) == 3:
                    break
                row = []
                strip.rows.insert(0, row)
            if all(left + wide + 10 <= a or b + 10 <= left for a, b, *_ in row):
                row.append((left, left + wide, text, at, is_mark))
                break
    return strip


def _gap_labels(plot: TimePlot, gaps: Sequence[Gap]) -> list[tuple[float, str]]:
    """Where the reasons of gaps stand: a reason that comes again is said at its longest gap, with how often it comes."""
    by_label: dict[str, list[Gap]] = {}
    for gap in gaps:
        if gap.end > plot.times[0] and gap.start < plot.end:
            by_label.setdefault(gap.label or _words.word(plot.sheet.lang, "gap"), []).append(gap)
    out = []
    for label, same in by_label.items():
        longest = max(same, key=lambda g: g.end - g.start)
        at = (plot.at(longest.start) + plot.at(longest.end)) / 2
        out.append((at, label if len(same) == 1 else f"{label} ×{len(same)}"))
    return out


def _gap_tip(gap: Gap, lang: str) -> str:
    start, end = (_words.moment(t, lang, daily=False) for t in (gap.start, gap.end))
    return f"{gap.label or _words.word(lang, 'gap')} ({start} – {end})"


def _time_axis(plot: TimePlot) -> None:
    """Ticks and labels under the plot; moves `sheet.y` below them."""
    sheet, sizes, theme = plot.sheet, plot.sheet.sizes, plot.sheet.theme
    middle = 0.0 if plot.step in SHORT else plot.bucket / 2
    ticks = _scale.time_ticks(
        plot.times[0], plot.end, plot.step, sheet.lang, plot.at, lambda s: _text.width(s, sizes.tick), middle
    )
    for tick in ticks:
        x = plot.at(tick.at)
        if plot.step in SHORT or plot.bucket < 6:
            long = 8 if tick.major or tick.label else 4
            sheet.line(x, plot.base, x, plot.base + long, theme.axis)
    rows = {t.row for t in ticks if t.label}
    for row in sorted(rows):
        base = plot.base + 10 + sizes.tick * (1 + 1.45 * (row if 0 in rows else 0))
        placed = [(plot.at(t.at) + middle, t.label) for t in ticks if t.label and t.row == row]
        row_of_labels(sheet, placed, base, low=sheet.left, high=sheet.right, size=sizes.tick, centre=True)
    sheet.y = plot.base + 10 + sizes.tick * (1.45 * max(1, len(rows)) + 0.2)


def row_of_labels(
    sheet: Sheet, placed: Sequence[tuple[float, str]], y: float, *, low: float, high: float, size: float, centre: bool
) -> None:
    """Labels on one line, each centred on its x, moved inside the sheet; one that would touch the one before is left out."""
    edge = -math.inf
    for x, label in placed:
        wide = _text.width(_text.plain(label), size)
        left = min(max(x - (wide / 2 if centre else 0), low), high - wide)
        if left < edge:
            continue
        sheet.text(left, y, label, size=size, fill=sheet.theme.muted)
        edge = left + wide + 6


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones (ascending), each at least `apart` from the next, kept from low to high if they fit."""
    places = list(wanted)
    for _ in range(60):
        moved = False
        for i in range(len(places) - 1):
            lack = apart - (places[i + 1] - places[i])
            if lack > 0.01:
                places[i] -= lack / 2
                places[i + 1] += lack / 2
                moved = True
        if places and places[0] < low:
            places[0] = low
        if places and places[-1] > high:
            places[-1] = high
        if not moved:
            break
    for i in range(1, len(places)):  # what is left over is pushed down, then up
        places[i] = max(places[i], places[i - 1] + apart)
    if places and places[-1] > high:
        places[-1] = high
        for i in range(len(places) - 2, -1, -1):
            places[i] = min(places[i], places[i + 1] - apart)
    return places


def lowest(series: Iterable[Series]) -> float:
    """The smallest value that is more than 0, for a logarithmic axis; 1 where there is none."""
    return min((v for one in series for v in one.values if v is not None and v > 0), default=1.0)


def strong_line(sheet: Sheet, points: Sequence[tuple[float, float]], ink: str, width: float, dash: str = "") -> None:
    """A line that stands out from what it crosses; one of a light colour gets a darker rim, or it would drown in white."""
    sheet.polyline(points, sheet.theme.paper, width + 2.4)
    if is_faint(ink, sheet.theme):
        sheet.polyline(points, on_paper(ink, sheet.theme), width + 1, dash)
        width -= 0.6
    sheet.polyline(points, ink, width, dash)


def runs(values: Sequence[float | None]) -> list[tuple[int, int]]:
    """The stretches without None: (first, after the last)."""
    out = []
    start: int | None = None
    for i, value in enumerate([*values, None]):
        if value is not None and start is None:
            start = i
        elif value is None and start is not None:
            out.append((start, i))
            start = None
    return out


def tips(plot: TimePlot, rows: Sequence[str], *, daily: bool, at_most: int = 200) -> None:
    """What the browser shows at each bucket, as invisible columns; not where they would be too many."""
    if len(plot.times) > at_most or not plot.sheet.tips:
        return
    for i, text in enumerate(rows):
        if text:
            left, right = plot.edges[i], plot.edges[i + 1]
            name = _words.moment(plot.times[i], plot.sheet.lang, daily=daily)
            plot.sheet.rect(left, plot.y, right - left, plot.h, "none", tip=f"{name} — {text}", extra=' pointer-events="all"')


__all__ = [
    "Anchor",
    "TimePlot",
    "ValueAxis",
    "annotate",
    "baseline",
    "lowest",
    "row_of_labels",
    "runs",
    "spread",
    "strong_line",
    "time_plot",
    "tips",
]
