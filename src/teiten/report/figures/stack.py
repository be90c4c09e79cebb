"""Composition over time: stacked bars or areas, at most seven things, the rest grey, the unknown hatched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from teiten.report.figures import _axes, _legend, _words, line
from teiten.report.figures._canvas import Sheet, n
from teiten.report.figures._colour import LIGHT, Theme, colour, distance
from teiten.report.figures._model import SHORT, Figure, Gap, Mark, Series, Step, Threshold, check_times

MOST = 7
"""Series with a colour of their own in one stack; more is for small multiples."""


@dataclass(frozen=True, kw_only=True)
class StackFigure(Figure):
    """Values of several things in each bucket of time, upon one another.

    times: the start of each bucket, aware, in the reader's zone; step: their length; series: from the bottom up, at
    most 7 of kind 'value', then one 'other' and one 'unknown'. form: 'bars' says a bucket is a bucket, 'areas' joins
    their middles. totals: write each series' sum and share into the legend (not for hosts, whose days do not add up).
    y_max: holds the axis still from outside. scale: with 'log' a bucket's height is its sum on a logarithmic axis, and the
    height is divided by shares: edges between layers can be read as parts of the sum, not on the axis.
    lines: other counts in the same unit, laid over the stack.
    """

    times: Sequence[dt.datetime]
    series: Sequence[Series]
    step: Step = "hour"
    things: str = "port"
    form: Literal["bars", "areas"] = "bars"
    gaps: Sequence[Gap] = ()
    marks: Sequence[Mark] = ()
    thresholds: Sequence[Threshold] = ()
    totals: bool = True
    y_max: float | None = None
    scale: Literal["linear", "log"] = "linear"
    lines: Sequence[Series] = ()

    def __post_init__(self) -> None:
        if sum(s.kind == "value" for s in self.series) > MOST:
            raise ValueError(f"a stack holds {MOST} series and 'other'; draw more as SmallMultiples")
        check_times(self.times, (s.values for s in (*self.series, *self.lines)))

    def is_empty(self) -> bool:
        return not self.times or all(v is None for s in self.series for v in s.values)

    def paint(self, sheet: Sheet) -> None:
        paints = _paints(self, sheet)
        entries = self._entries(sheet, paints)
        beside = 0.0 if sheet.narrow or not sheet.legend else _legend.column_width(sheet, entries, sheet.width * 0.3)
        sums = [sum(s.values[i] or 0.0 for s in self.series) for i in range(len(self.times))]
        top = sheet.y
        plot = _axes.time_plot(
            sheet,
            times=self.times,
            step=self.step,
            highest=max([*sums, *(v for s in self.lines for v in s.values if v is not None)]),
            y_max=self.y_max,
            unit=self.unit,
            gaps=self.gaps,
            marks=self.marks,
            thresholds=self.thresholds,
            right_room=beside + 28 if beside else sheet.edge,
            lowest=min((one for one in sums if one > 0), default=1.0) if self.scale == "log" else 0.0,
        )
        self._layers(plot, paints)
        for series in self.lines:
            line.draw(plot, series, self.things)
        _axes.tips(plot, [self._tip(i, sheet.lang) for i in range(len(self.times))], daily=self.step not in SHORT)
        _axes.annotate(plot, self.marks, self.thresholds)
        if beside:
            bottom = _legend.column(sheet, entries[::-1], sheet.right - beside, max(top, plot.y - 14), beside)
            sheet.y = max(sheet.y, bottom)
        elif sheet.legend:
            _legend.rows(sheet, entries)
        if self.scale == "log":
            sheet.y += 4
            sheet.paragraph(_words.word(sheet.lang, "log_stack"), size=sheet.sizes.note, most=3, fill=sheet.theme.muted)

    def _entries(self, sheet: Sheet, paints: list[tuple[str, str]]) -> list[_legend.Entry]:
        whole = sum(s.total for s in self.series)
        out = []
        for series, (paint, over) in zip(self.series, paints, strict=True):
            value = _words.number(series.total) if self.totals else ""
            share = _words.share(series.total / whole, sheet.lang) if self.totals and whole else ""
            out.append(_legend.Entry(series.label, paint, over, value, share))
        lines = [_legend.Entry(s.label, line.ink(s, sheet, self.things), line=True, dash=line.dash(s)) for s in self.lines]
        return [*out, *lines]

    def _layers(self, plot: _axes.TimePlot, paints: list[tuple[str, str]]) -> None:
        """Each series as one path from the zero line to its upper edge, the topmost first, each covering what is under it.

        So no hair of paper shines through between two layers, and the file holds every edge once. A hatching begins
        at its own lower edge: to fill the whole height with it would take the renderer ten times as long.
        """
        heights = [[0.0] * len(self.times)]
        for series in self.series:
            heights.append([g + max(0.0, v or 0.0) for g, v in zip(heights[-1], series.values, strict=True)])
        if self.scale == "log":
            heights = [[_divided(plot.axis, part, whole) for part, whole in zip(layer, heights[-1], strict=True)]
                       for layer in heights]  # fmt: skip
        seen = _axes.runs([None if all(s.values[i] is None for s in self.series) else 0.0 for i in range(len(self.times))])
        edge = plot.sheet.theme.paper if plot.bucket >= 4 else ""
        for number in reversed(range(len(self.series))):
            paint, over = paints[number]
            whole = "".join(self._outline(plot, heights[number + 1], [], a, b) for a, b in seen)
            own = ""
            if over or paint.startswith("url"):
                own = "".join(self._outline(plot, heights[number + 1], heights[number], a, b) for a, b in seen)
            plot.sheet.path(own if paint.startswith("url") else whole, fill=paint, stroke=edge, width=0.9)
            if over:
                plot.sheet.path(own, fill=over)

    def _outline(self, plot: _axes.TimePlot, upper: list[float], lower: list[float], a: int, b: int) -> str:
        """The buckets from a to before b between two edges; the lower is the zero line where there is none."""
        if self.form == "bars" and plot.bucket >= 5:
            return "".join(_bar(plot, i, upper[i], lower[i] if lower else 0.0) for i in range(a, b) if upper[i])
        there = self._edge(plot, upper, range(a, b))
        if not lower:
            return f"M{n(plot.edges[a])} {n(plot.base)}V{there}V{n(plot.base)}Z"
        back = self._edge(plot, lower, range(b - 1, a - 1, -1))
        return f"M{n(plot.edges[a])} {n(plot.of(lower[a]))}V{there}V{back}Z"

    def _edge(self, plot: _axes.TimePlot, heights: list[float], buckets: range) -> str:
        """The way along an edge, beginning with the height of its first point."""
        forth = buckets.step > 0
        if self.form == "areas":
            middles = [((plot.edges[i] + plot.edges[i + 1]) / 2, plot.of(heights[i])) for i in buckets]
            line = "L".join(f"{n(x)} {n(y, 1)}" for x, y in middles)
            last = plot.edges[buckets[-1] + 1 if forth else buckets[-1]]
            return f"{n(middles[0][1], 1)}L{line}H{n(last)}"
        return "V".join(f"{n(plot.of(heights[i]), 1)}H{n(plot.edges[i + 1 if forth else i])}" for i in buckets)

    def _tip(self, i: int, lang: str) -> str:
        shown = (*self.lines, *reversed(self.series))
        said = [f"{s.label} {_words.number(v)}" for s in shown if (v := s.values[i])]
        return ", ".join(said) or ("0" if any(s.values[i] is not None for s in self.series) else _words.word(lang, "gap"))


def _divided(axis: _axes.ValueAxis, part: float, whole: float) -> float:
    """The value whose place on the axis is that part of the whole's height."""
    return axis.value(axis.part(whole) * part / whole) if whole else 0.0


def swatches(figure: StackFigure, theme: Theme = LIGHT) -> list[tuple[str, bool]]:
    """For each series its colour, and whether dots lie over it, for a legend drawn elsewhere."""
    sheet = Sheet("swatches", 200.0, theme=theme)
    painted = zip(figure.series, _paints(figure, sheet), strict=True)
    return [(theme.unknown if one.kind == "unknown" else paint, bool(over)) for one, (paint, over) in painted]


def _bar(plot: _axes.TimePlot, i: int, high: float, low: float) -> str:
    """One bar with a little air at its sides."""
    left, right = plot.edges[i], plot.edges[i + 1]
    air = min(3.0, (right - left) * 0.12)
    base = n(plot.of(low))
    return f"M{n(left + air)} {base}V{n(plot.of(high))}H{n(right - air)}V{base}Z"


def _paints(figure: StackFigure, sheet: Sheet) -> list[tuple[str, str]]:
    """For each series its paint and what is laid over it: dots where a neighbour below has nearly the same colour."""
    out: list[tuple[str, str]] = []
    for series in figure.series:
        if series.kind == "unknown":
            out.append((sheet.hatch("unknown"), ""))
            continue
        paint = sheet.theme.other if series.kind == "other" else series.colour or colour(figure.things, series.key, sheet.theme)
        close = any(p.startswith("#") and distance(p, paint) < 7 for p, o in out if not o)
        out.append((paint, sheet.hatch("dots") if close else ""))
    return out
