"""Several courses over the same days, a panel for each, upon one another: each on its own value axis, all on one time axis."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from teiten.report.figures import _axes, _legend, _text, _words, line
from teiten.report.figures._canvas import Sheet
from teiten.report.figures._model import SHORT, Figure, Gap, Mark, Series, Step, check_times

TALL = 0.6
"""of a usual plot's height"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel: what its values are ('packets a day'), its lines, the first one uppermost, and its own marks."""

    unit: str
    series: Sequence[Series]
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, kw_only=True)
class PanelsFigure(Figure):
    """Panels from above to below. Fields as in LineFigure; a series that several panels have stands once in the legend."""

    times: Sequence[dt.datetime]
    panels: Sequence[Panel]
    step: Step = "day"
    things: str = "plain"
    gaps: Sequence[Gap] = ()

    def __post_init__(self) -> None:
        for panel in self.panels:
            check_times(self.times, (s.values for s in panel.series))

    def is_empty(self) -> bool:
        return not self.times or all(v is None for p in self.panels for s in p.series for v in s.values)

    def paint(self, sheet: Sheet) -> None:
        shown = [p for p in self.panels if any(v is not None for s in p.series for v in s.values)]
        height = sheet.sizes.plot * TALL
        axes = [_axes.ValueAxis.of(_highest(p), height, None) for p in shown]
        gutter = max(_text.width(label, sheet.sizes.tick) for a in axes for label in a.labels(sheet.lang)) + 8
        for number, panel in enumerate(shown):
            if number:
                sheet.y += sheet.sizes.tick * 0.6
            self._panel(sheet, panel, height, gutter, gaps=self.gaps if number == 0 else _unsaid(self.gaps))
        legend: dict[str, _legend.Entry] = {}
        for series in (s for p in shown for s in p.series):
            paint = line.ink(series, sheet, self.things)
            legend.setdefault(series.label, _legend.Entry(series.label, paint, line=True, dash=line.dash(series)))
        if len(legend) > 1:
            _legend.line_of(sheet, list(legend.values()))

    def _panel(self, sheet: Sheet, panel: Panel, height: float, gutter: float, gaps: Sequence[Gap]) -> None:
        plot = _axes.time_plot(
            sheet,
            times=self.times,
            step=self.step,
            highest=_highest(panel),
            y_max=None,
            unit=panel.unit,
            gaps=gaps,
            marks=panel.marks,
            height=height,
            gutter=gutter,
        )
        for series in reversed(panel.series):
            line.draw(plot, series, self.things)
        _axes.tips(plot, [_tip(panel, i, sheet.lang) for i in range(len(self.times))], daily=self.step not in SHORT)
        _axes.annotate(plot, panel.marks, ())


def _highest(panel: Panel) -> float:
    return max(v for s in panel.series for v in s.values if v is not None)


def _unsaid(gaps: Sequence[Gap]) -> list[Gap]:
    """The gaps of the panels below: hatched alike, their reasons said above."""
    return [Gap(g.start, g.end, " ") for g in gaps]


def _tip(panel: Panel, i: int, lang: str) -> str:
    said = [f"{s.label} {_words.number(v)}" for s in panel.series if (v := s.values[i]) is not None]
    return ", ".join(said) or _words.word(lang, "gap")
