"""Comparison over time: lines with their names beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from teiten.report.figures import _axes, _legend, _text, _words
from teiten.report.figures._canvas import Sheet
from teiten.report.figures._colour import colour, on_paper
from teiten.report.figures._model import SHORT, Figure, Gap, Mark, Series, Step, Threshold, check_times


@dataclass(frozen=True, kw_only=True)
class LineFigure(Figure):
    """Several things over time, compared. Fields as in StackFigure; a dashed series is the one compared with.

    A line ends where a value is None; a value that stands alone is a dot.
    """

    times: Sequence[dt.datetime]
    series: Sequence[Series]
    step: Step = "day"
    things: str = "port"
    gaps: Sequence[Gap] = ()
    marks: Sequence[Mark] = ()
    thresholds: Sequence[Threshold] = ()
    whole: bool = True
    y_max: float | None = None
    scale: Literal["linear", "log"] = "linear"

    def __post_init__(self) -> None:
        check_times(self.times, (s.values for s in self.series))

    def is_empty(self) -> bool:
        return not self.times or all(v is None for s in self.series for v in s.values)

    def paint(self, sheet: Sheet) -> None:
        size = sheet.sizes.label
        drawn = [s for s in self.series if any(v is not None for v in s.values)]
        names = max((_text.width(_text.plain(s.label), size) for s in drawn), default=0.0)
        beside = len(drawn) <= 9 and names <= sheet.width * (0.2 if sheet.narrow else 0.25)
        plot = _axes.time_plot(
            sheet,
            times=self.times,
            step=self.step,
            highest=max(v for s in drawn for v in s.values if v is not None),
            y_max=self.y_max,
            unit=self.unit,
            whole=self.whole,
            gaps=self.gaps,
            marks=self.marks,
            thresholds=self.thresholds,
            right_room=names + 14 if beside else sheet.edge,
            lowest=_axes.lowest(drawn) if self.scale == "log" else 0.0,
        )
        for series in reversed(drawn):
            draw(plot, series, self.things)
        _axes.tips(plot, [self._tip(i, sheet.lang) for i in range(len(self.times))], daily=self.step not in SHORT)
        _axes.annotate(plot, self.marks, self.thresholds)
        if beside:
            self._names(plot, drawn)
        elif sheet.legend:
            _legend.line_of(
                sheet, [_legend.Entry(s.label, ink(s, sheet, self.things), line=True, dash=dash(s)) for s in self.series]
            )

    def _names(self, plot: _axes.TimePlot, drawn: Sequence[Series]) -> None:
        """The name of each line at its end, moved apart where ends are close, with a thin line from one to the other."""
        sheet, size = plot.sheet, plot.sheet.sizes.label
        ends = []
        for series in drawn:
            last = max(i for i, v in enumerate(series.values) if v is not None)
            ends.append((plot.of(series.values[last] or 0.0), middle(plot, last), series))
        ends.sort(key=lambda e: e[0])
        places = _axes.spread([e[0] for e in ends], size * 1.3, plot.y, plot.base)
        x = plot.x + plot.w + 10
        for (y, end, series), place in zip(ends, places, strict=True):
            if abs(place - y) > 3 or end < plot.x + plot.w - plot.bucket:
                sheet.polyline([(end + 3, y), (x - 3, place)], sheet.theme.axis, 0.7)
            sheet.text(
                x,
                place + size * 0.36,
                series.label,
                size=size,
                fill=on_paper(ink(series, sheet, self.things), sheet.theme),
                bold=True,
            )

    def _tip(self, i: int, lang: str) -> str:
        said = [f"{s.label} {_words.number(v)}" for s in self.series if (v := s.values[i]) is not None]
        return ", ".join(said) or _words.word(lang, "gap")


def draw(plot: _axes.TimePlot, series: Series, things: str) -> None:
    """A series' line on a ground: it ends where a value is None; a value that stands alone is a dot."""
    sheet, colour_of = plot.sheet, ink(series, plot.sheet, things)
    width = 1.6 if plot.bucket < 4 else 2.4
    for first, after in _axes.runs(series.values):
        points = [(middle(plot, i), plot.of(series.values[i] or 0.0)) for i in range(first, after)]
        if len(points) == 1:
            sheet.circle(*points[0], max(2.0, width), colour_of)
            continue
        _axes.strong_line(sheet, points, colour_of, width, dash(series))


def ink(series: Series, sheet: Sheet, things: str) -> str:
    """The colour of a series' line."""
    if series.kind == "value":
        return series.colour or colour(things, series.key, sheet.theme)
    return sheet.theme.other if series.kind == "other" else sheet.theme.unknown


def middle(plot: _axes.TimePlot, i: int) -> float:
    """px of the middle of a bucket."""
    return (plot.edges[i] + plot.edges[i + 1]) / 2


def dash(series: Series) -> str:
    """How a series' line is broken, if it is."""
    return "5 4" if series.dashed else ""
