"""Figures on a page: drawn wide and narrow on the server, with a legend of links and the values that a script may show.

A series' name in the legend is an address that leaves it out or takes it in, so it works and can be shared without a script.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import markupsafe

from teiten import lang
from teiten.report import figures
from teiten.web.asked import Asked

WIDE, NARROW = 900, 400
"""widths in px that figures are drawn for; the page shows the one that fits"""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing, and what a script needs to know of it (attributes data-...), px and ISO times.

    width, left, right of an axis across; start, end where it is one of time; top and high: of a heat map's rows."""

    svg: markupsafe.Markup
    told: dict[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the legend. paint: a colour as the style sheet names it; mark: how it is filled; url: without it, or with."""

    label: str
    url: str
    shown: bool
    paint: str
    mark: str = ""
    value: str = ""
    share: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure as the page shows it. values: JSON of the shown series by step, empty where time does not run in it."""

    drawings: dict[str, Drawing]
    legend: Sequence[Entry] = field(default_factory=list)
    values: str = ""
    note: str = ""
    switches: bool = False
    """can it be linear or logarithmic?"""
    stacks: bool = False
    """can it be stacked or lines?"""

    @property
    def long(self) -> bool:
        """Are there names in the legend that half a telephone's width does not hold?"""
        return any(sum(2 if ord(char) > 0x2E80 else 1 for char in one.label) > (12 if one.share else 16) for one in self.legend)


def chart(figure: Any, asked: Asked) -> Chart:
    """The figure, as the address wants it drawn."""
    if isinstance(figure, figures.HeatFigure) and figure.scale == "classes":
        return Chart(_drawings(figure, asked), values=_cells(figure, asked), note=figure.note)
    if isinstance(figure, figures.WorldFigure):
        return Chart(_drawings(figure, asked), _shades(figure, asked), note=figure.note)
    if not isinstance(figure, figures.StackFigure | figures.LineFigure):
        return Chart(_drawings(figure, asked), note=figure.note)
    every = figure
    shown = [one for one in every.series if one.key not in asked.hide]
    figure = replace(every, series=shown, scale=asked.scale)
    if asked.form == "lines" and isinstance(figure, figures.StackFigure):
        figure = _lines(figure)
    return Chart(
        _drawings(figure, asked),
        _legend(every, asked),
        _values(every, shown, asked),
        figure.note,
        switches=True,
        stacks=isinstance(every, figures.StackFigure),
    )


def _lines(figure: figures.StackFigure) -> figures.LineFigure:
    """The same series as lines."""
    same = ("id", "title", "subtitle", "unit", "alt", "note", "times", "series", "step", "things", "gaps", "marks",
            "thresholds", "y_max", "scale")  # fmt: skip
    told = {name: getattr(figure, name) for name in same} | {"series": [*figure.series, *figure.lines]}
    return figures.LineFigure(**told, whole=False)


def _drawings(figure: Any, asked: Asked) -> dict[str, Drawing]:
    """Wide and narrow; of what fits any width, one for both."""
    ramped, once = getattr(figure, "RAMPED", False), getattr(figure, "ANY_WIDTH", False)
    out = {}
    for name, width in (("wide", WIDE),) if once else (("wide", WIDE), ("narrow", NARROW)):
        # both are on the page, and each has names of its own
        own = replace(figure, id=f"{figure.id}-{name}")
        sheet = figures.sheet(own, width=width, lang=asked.lang, tips=ramped, bare=True)
        # our own drawing, whose texts are escaped where they are put in
        role = "group" if isinstance(figure, figures.WorldFigure) else "img"
        text = sheet.finish(figure.title, figure.alt or figure.title, sheet.y, role=role)
        svg = markupsafe.Markup(figures.themed(text, things=not ramped, classes=ramped))
        told: dict[str, str] = {}
        if sheet.grid is not None:
            left, top, right, high = sheet.grid
            told |= {"left": f"{left:g}", "right": f"{right:g}", "top": f"{top:g}", "high": f"{high:g}"}
        if len(sheet.plots) == 1:
            left, right, start, end = sheet.plots[0]
            told |= {"left": f"{left:g}", "right": f"{right:g}", "start": start.isoformat(), "end": end.isoformat()}
        out["any" if once else name] = Drawing(svg, told | {"width": f"{width}"} if told else {})
    return out


_MARKS: Final = {"unknown": "hatched", "other": ""}


def _legend(figure: Any, asked: Asked) -> list[Entry]:
    """The series from the top of the stack down, each with its sum and share where these mean something."""
    words = lang.words(asked.lang)
    stacked = isinstance(figure, figures.StackFigure)
    painted = figures.swatches(figure) if stacked else [(_ink(one, figure), False) for one in figure.series]
    counted = stacked and figure.totals
    whole = sum(one.total for one in figure.series if one.key not in asked.hide)
    out = []
    for series, (paint, dotted) in zip(figure.series, painted, strict=True):
        shown = series.key not in asked.hide
        out.append(
            Entry(
                label=series.label,
                url=asked.toggled(series.key) + f"#{figure.id}",
                shown=shown,
                paint=figures.variable(paint),
                mark="dotted" if dotted else _MARKS.get(series.kind, "") if stacked else "line",
                value=words.number(series.total) if counted else "",
                share=words.percent(series.total / whole) if counted and whole and shown else "",
            )
        )
    for line in figure.lines if stacked else ():
        # what is laid over a stack cannot be left out: its entry leads to the chart
        out.append(Entry(line.label, f"#{figure.id}", True, figures.variable(_ink(line, figure)), "line"))
    return out[::-1] if stacked else out


def _shades(figure: figures.WorldFigure, asked: Asked) -> list[Entry]:
    """The classes of a map from the highest down, nothing, and what is of no known country."""
    words, classes = lang.words(asked.lang), figure.classes
    sheet = figures.blank()
    labels = ["0", *classes.labels(asked.lang)]
    out = [Entry(label, "", True, figures.shade(classes.shade(n, sheet))) for n, label in enumerate(labels)][::-1]
    if figure.unknown:
        label = words("web_look.map_unknown")
        out.append(Entry(label, "", True, figures.variable(figures.LIGHT.unknown), "hatched", figures.number(figure.unknown)))
    return out


def _ink(series: figures.Series, figure: Any) -> str:
    if series.kind != "value":
        return figures.LIGHT.other if series.kind == "other" else figures.LIGHT.unknown
    return series.colour or figures.colour(figure.things, series.key)


def _values(every: Any, shown: Sequence[figures.Series], asked: Asked) -> str:
    """What a script shows at a step: JSON of its names, and of each series its name, colour and values (null: a gap)."""
    words = lang.words(asked.lang)
    within = every.step in figures.SHORT
    names = [words.moment(at) if within else words.date(at) for at in every.times]
    paints = dict(zip((one.key for one in every.series), _paints(every), strict=True))
    series = [[one.label, paints[one.key], [_short(value) for value in one.values]] for one in shown]
    told = {"names": "|".join(names), "series": series, "sum": isinstance(every, figures.StackFigure) and every.totals}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _cells(figure: figures.HeatFigure, asked: Asked) -> str:
    """The same of a heat map: names of its columns, and its rows."""
    words = lang.words(asked.lang)
    if figure.times:
        names = [words.moment(at) if figure.step in figures.SHORT else words.date(at) for at in figure.times]
    else:
        names = [words("chart.hour", hour=str(hour), hour2=f"{hour:02d}") for hour in range(24)]
    rows = [[row.label, "", [_short(value) for value in row.values]] for row in figure.rows]
    told = {"names": "|".join(names), "series": rows, "cells": True}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _paints(figure: Any) -> list[str]:
    return [figures.variable(paint) for paint, _ in figures.swatches(figure)] if isinstance(figure, figures.StackFigure) else [
        figures.variable(_ink(one, figure)) for one in figure.series
    ]  # fmt: skip


def _short(value: float | None) -> float | int | None:
    """A value for JSON: whole where it is whole, else of three digits."""
    if value is None or value == int(value):
        return None if value is None else int(value)
    return float(f"{value:.3g}")
