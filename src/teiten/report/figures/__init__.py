"""Charts: one definition each, drawn as SVG for a page or a file and as PNG for a blog, alike to the pixel.

    figure = StackFigure(id="ports", title="...", times=..., series=[Series("23/tcp", "23/tcp", values), ...])
    svg = figures.draw(figure, width=1200, lang="ja")        # stands alone, or goes into a page as it is
    data = figures.png(svg, scale=2)

A kind of figure is a module here: a dataclass that paints itself on a sheet. What they share begins with _. A page
that takes the SVG in needs `fonts.WOFF2` as the family `fonts.FAMILY`; a PNG needs nothing.
"""

from __future__ import annotations

from teiten.data.fonts import covers
from teiten.report.figures._canvas import Sheet, identifier
from teiten.report.figures._colour import DARK, LIGHT, Theme, Thing, colour, on_dark, on_paper
from teiten.report.figures._model import SHORT, Figure, Gap, Mark, Series, Step, Threshold
from teiten.report.figures._png import png
from teiten.report.figures._themed import shade, theme_css, themed, variable, whole_css
from teiten.report.figures._words import number, word
from teiten.report.figures.beside import BesideFigure
from teiten.report.figures.calendar import CalendarFigure
from teiten.report.figures.day import DayFigure, DayRow, Days
from teiten.report.figures.heat import HeatFigure, HeatRow
from teiten.report.figures.hours import HoursFigure
from teiten.report.figures.line import LineFigure
from teiten.report.figures.matrix import MatrixFigure, MatrixRow
from teiten.report.figures.multiples import SmallMultiples
from teiten.report.figures.panels import Panel, PanelsFigure
from teiten.report.figures.rank import RankFigure, RankRow
from teiten.report.figures.slope import SlopeFigure, SlopeRow
from teiten.report.figures.stack import StackFigure, swatches
from teiten.report.figures.world import WorldFigure

__all__ = [
    "DARK",
    "LIGHT",
    "SHORT",
    "BesideFigure",
    "CalendarFigure",
    "DayFigure",
    "DayRow",
    "Days",
    "Figure",
    "Gap",
    "HeatFigure",
    "HeatRow",
    "HoursFigure",
    "LineFigure",
    "Mark",
    "MatrixFigure",
    "MatrixRow",
    "Panel",
    "PanelsFigure",
    "RankFigure",
    "RankRow",
    "Series",
    "SlopeFigure",
    "SlopeRow",
    "SmallMultiples",
    "StackFigure",
    "Step",
    "Theme",
    "Thing",
    "Threshold",
    "WorldFigure",
    "blank",
    "colour",
    "covers",
    "draw",
    "number",
    "on_dark",
    "on_paper",
    "png",
    "shade",
    "sheet",
    "swatches",
    "theme_css",
    "themed",
    "variable",
    "whole_css",
]


def draw(
    figure: Figure, *, width: float = 1200, lang: str = "ja", theme: Theme = LIGHT, tips: bool = True, outlines: bool = False
) -> str:
    """The figure as a complete SVG document, `width` px wide and as high as it needs.

    lang: 'ja' or 'en', of dates, units of time and the chart's own words; theme: the colours of paper and ink; tips:
    what a browser shows where the pointer rests; outlines: letters as shapes, for a file that is to look alike where
    the font is not (a page that has the font needs them not). No script, no style, nothing from elsewhere. ValueError
    below 200 px.
    """
    drawn = sheet(figure, width=width, lang=lang, theme=theme, tips=tips, outlines=outlines)
    return drawn.finish(figure.title, figure.alt or figure.title, drawn.y)


def sheet(
    figure: Figure,
    *,
    width: float = 1200,
    lang: str = "ja",
    theme: Theme = LIGHT,
    tips: bool = True,
    outlines: bool = False,
    bare: bool = False,
) -> Sheet:
    """The drawn sheet before it becomes text: where each text stands is in `boxes`, the height in `y`.

    bare: without title, subtitle, legend and note, for a page that says these itself."""
    if not 200 <= width <= 20_000:
        raise ValueError(f"a chart {width:g} px wide cannot be drawn: from 200 to 20,000")
    page = Sheet(identifier(figure.id), float(width), lang, theme, tips=tips, outlines=outlines, legend=not bare)
    sizes = page.sizes
    page.y = sizes.margin * 0.7
    if not bare:
        page.paragraph(figure.title, size=sizes.title, most=4, bold=True, leading=1.32, balance=True)
        if figure.subtitle:
            page.y += 3
            page.paragraph(figure.subtitle, size=sizes.subtitle, most=5, fill=theme.muted)
        page.y += 6
    if figure.is_empty():
        _empty(page)
    else:
        figure.paint(page)
    if figure.note and not bare:
        page.y += 6
        page.paragraph(figure.note, size=sizes.note, most=6, fill=theme.muted)
    page.y = float(round(page.y + sizes.margin * 0.8))
    return page


def blank() -> Sheet:
    """A sheet on which nothing is drawn, for its theme."""
    return Sheet("blank", 200.0)


def _empty(page: Sheet) -> None:
    """A hatched field that says that there is nothing, rather than an empty axis that looks like zero."""
    high = page.sizes.plot * 0.4
    size = page.sizes.label
    page.gap(page.left, page.y + 8, page.right - page.left, high)
    said = word(page.lang, "empty")
    page.text(page.width / 2, page.y + 8 + high / 2 + size * 0.36, said, size=size, anchor="middle", halo=True)
    page.y += high + 16
