"""Many series, one scale: a small chart for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from teiten.report.figures import _axes, _scale, _text, _words
from teiten.report.figures._canvas import Sheet, n
from teiten.report.figures._colour import colour
from teiten.report.figures._model import SHORT, Figure, Gap, Series, Step, check_times


@dataclass(frozen=True, kw_only=True)
class SmallMultiples(Figure):
    """A panel for each series, in their order, all on one value axis and one time axis. Fields as in StackFigure.

    gaps: those of all panels; own_gaps: a series' key -> those of its panel alone.
    """

    times: Sequence[dt.datetime]
    series: Sequence[Series]
    step: Step = "day"
    things: str = "port"
    gaps: Sequence[Gap] = ()
    own_gaps: Mapping[str, Sequence[Gap]] = field(default_factory=dict)
    columns: int = 0
    y_max: float | None = None

    def __post_init__(self) -> None:
        check_times(self.times, (s.values for s in self.series))

    def is_empty(self) -> bool:
        return not self.times or all(v is None for s in self.series for v in s.values)

    def paint(self, sheet: Sheet) -> None:
        sizes, theme = sheet.sizes, sheet.theme
        columns = min(len(self.series), self.columns or (2 if sheet.narrow else 4))
        high = 62.0 if sheet.narrow else 92.0
        highest = max(v for s in self.series for v in s.values if v is not None)
        axis = _axes.ValueAxis.of(highest, 100, self.y_max)
        if self.y_max is None and highest >= 1e-9:
            axis = _axes.ValueAxis([t for t in axis.ticks if t <= highest * 1.02], highest * 1.04)
        labels = axis.labels(sheet.lang)
        gutter = max(_text.width(t, sizes.tick) for t in labels) + 8
        between = 14.0 if sheet.narrow else 22.0
        width = (sheet.right - sheet.left - gutter - between * (columns - 1)) / columns
        head = sizes.label * 1.9
        sheet.y += sizes.note * 1.6
        said = _words.word(sheet.lang, "panel_scale")
        if self.unit:
            said = f"{self.unit} ({said})"
        sheet.text(sheet.left, sheet.y, said, size=sizes.note, fill=theme.muted, room=sheet.right - sheet.left)
        rows = -(-len(self.series) // columns)
        sheet.y += 4
        top = sheet.y
        for number, series in enumerate(self.series):
            row, place = divmod(number, columns)
            plot = _axes.TimePlot(sheet, self.times, self.step, sheet.left + gutter + place * (width + between),
                                  top + row * (high + head + 10) + head, width, high, axis)  # fmt: skip
            self._panel(plot, series, labels if place == 0 else [""] * len(labels))
            if row == rows - 1 or number + columns >= len(self.series):
                self._ends(plot)
        sheet.y = top + rows * (high + head + 10) + sizes.tick * 1.1

    def _panel(self, plot: _axes.TimePlot, series: Series, labels: Sequence[str]) -> None:
        sheet, sizes, theme = plot.sheet, plot.sheet.sizes, plot.sheet.theme
        for gap in (*self.gaps, *self.own_gaps.get(series.key, ())):
            left, right = plot.at(gap.start), plot.at(gap.end)
            sheet.gap(left, plot.y, max(right - left, 1.0), plot.h, tip=gap.label)
        for value, text in zip(plot.axis.ticks, labels, strict=True):
            y = plot.of(value)
            sheet.line(plot.x, y, plot.x + plot.w, y, theme.rule)
            sheet.text(plot.x - 8, y + sizes.tick * 0.36, text, size=sizes.tick, fill=theme.muted, anchor="end")
        paint = sheet.hatch("unknown") if series.kind == "unknown" else (
            theme.other if series.kind == "other" else series.colour or colour(self.things, series.key, theme)
        )  # fmt: skip
        path = []
        for first, after in _axes.runs(series.values):
            for i in range(first, after):
                left, right = plot.edges[i], plot.edges[i + 1]
                air = (right - left) * 0.12 if right - left > 4 else 0.0
                if series.values[i]:
                    y = plot.of(series.values[i] or 0.0)
                    path.append(f"M{n(left + air)} {n(plot.base)}V{n(y)}H{n(right - air)}V{n(plot.base)}Z")
        sheet.path("".join(path), fill=paint)
        sheet.line(plot.x, plot.base, plot.x + plot.w, plot.base, theme.ink)
        peak = max((v for v in series.values if v is not None), default=None)
        said = _words.word(sheet.lang, "gap") if peak is None else _words.word(sheet.lang, "peak", value=_words.number(peak))
        room = plot.w - _text.width(said, sizes.note) - 8
        base = plot.y - 7
        if room < sizes.label * 3.2:
            said, room = "", plot.w
        sheet.text(plot.x, base, series.label, size=sizes.label, bold=True, room=room, tip=series.label)
        sheet.text(plot.x + plot.w, base, said, size=sizes.note, fill=theme.muted, anchor="end")

    def _ends(self, plot: _axes.TimePlot) -> None:
        """The first and the last day (or hour) under the lowest panel of a column."""
        size, lang = plot.sheet.sizes.tick, plot.sheet.lang
        daily = self.step not in SHORT
        first, last = self.times[0], self.times[-1]
        single = not daily and first.date() == last.date()
        form = "month" if self.step == "month" else "month_day"
        one = _words.hour(first.hour, lang) if single else _words.date(first, lang, form)
        end = _scale.bucket_end(last, self.step)
        two = _words.hour(24 if end.date() > first.date() else end.hour, lang) if single else _words.date(last, lang, form)
        if self.step == "minute":
            one, two = _words.clock(first, lang), _words.clock(end, lang)
        y = plot.base + size * 1.25
        box = plot.sheet.text(plot.x, y, one, size=size, fill=plot.sheet.theme.muted)
        if box and plot.x + plot.w - _text.width(two, size) > box.right + 8:
            plot.sheet.text(plot.x + plot.w, y, two, size=size, fill=plot.sheet.theme.muted, anchor="end")
