"""A report as a PDF: A4, tagged, with bookmarks, links, metadata and its charts as vectors; made here, without another program.

    data = pdf.write(report, words, {"ports": svg}, made=moment, author="Example CERT")

The letters are those of the package's font, of which the file carries what it uses, so that it looks alike everywhere. The same
report gives the same bytes. Why this is not a typesetting program: docs/decisions/0043.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from teiten import __version__
from teiten.lang import Words
from teiten.report.figures import _text
from teiten.report.model import Block, Link, Point, Report, Section
from teiten.report.page import data_path
from teiten.report.pdf._flow import BODY, SMALL, Flow
from teiten.report.pdf._pages import FOOT, HEIGHT, INK, MARGIN, MUTED, RIGHT, ROOM, Element, Pages, chart_scale

NAME: Final = "report.pdf"
MANY: Final = 40
"""rows of a table that the page folds away: a longer one is not printed, but named"""


def write(
    report: Report, words: Words, charts: Mapping[str, str], *, made: dt.datetime | None = None, author: str = ""
) -> bytes:
    """The PDF's bytes. charts: data id -> its drawing (SVG with its text as text, in the colours of paper)."""
    pages = Pages(report.lang)
    flow = Flow(pages)
    top = pages.root.add("Sect")
    flow.heading(top, 1, report.title, 21)
    pages.y += 3
    flow.paragraph(top, report.subtitle, fill=MUTED)
    if report.notice:
        flow.paragraph(top, report.notice, bold=True)
    if report.edition:
        flow.paragraph(top, report.edition, size=SMALL + 0.6)
    with pages.marked(None):
        pages.y += 6
        pages.line(MARGIN, pages.y, RIGHT, stroke=INK, width=1.6)
    contents = _contents(flow, top, report, words)
    starts = {}
    for section in report.sections:
        _section(flow, section, charts, words)
        starts[section.id] = pages._places[section.id][0]
    for section_id, (page, y, owner) in contents.items():
        said = str(starts[section_id] + 1)
        with pages.marked(owner, page):
            pages.text(RIGHT - _text.width(said, BODY - 0.6), y, said, BODY - 0.6, fill=MUTED, page=page)
    return pages.finish(report.title, report.description, author, made, f"teiten {__version__}")


def _contents(flow: Flow, top: Element, report: Report, words: Words) -> dict[str, tuple[int, float, Element]]:
    """The list of sections; where each one's page number is to stand, once it is known."""
    pages = flow.pages
    pages.y += 6
    found = top.add("TOC", alt=words("page.contents"))
    out = {}
    for section in report.sections:
        item = found.add("TOCI")
        size = BODY - 0.6
        pages.need(size * 2)
        flow.paragraph(item, [Link(_text.fit(section.title, size, ROOM - 40), f"#{section.id}")], size=size, kind="P")
        out[section.id] = (pages.page, pages.y - size * (flow._leading / 2 - 0.36), item.parts[-1])
    return {key: (page, y, owner) for key, (page, y, owner) in out.items() if isinstance(owner, Element)}


def _section(flow: Flow, section: Section, charts: Mapping[str, str], words: Words) -> None:
    pages = flow.pages
    owner = pages.root.add("Sect")
    flow.space(20)
    bare = not (section.findings or section.facts or section.points)
    below = _high(flow, section.blocks[0], charts) if bare and section.blocks else 60.0
    flow.heading(owner, 2, section.title, 14.5, place=section.id, below=below)
    pages.y += 4
    for paragraph in section.findings:
        flow.paragraph(owner, paragraph)
        pages.y += 3
    if section.facts:
        flow.space(6)
        flow.facts(owner, section.facts)
    points = []
    for point in section.points:
        points.append((point.text if isinstance(point, Point) else point, 0))
        points += [(below, 1) for below in point.below] if isinstance(point, Point) else []
    if points:
        flow.points(owner, points)
    for block in section.blocks:
        _block(flow, owner, block, charts, words)
    for quote in section.quotes:
        flow.quote(owner, quote)
    for note in section.notes:
        flow.paragraph(owner, note, size=SMALL, fill=MUTED)
        pages.y += 2
    for number, footnote in flow.numbers.new():
        pages.need(SMALL * 2)
        pages.place(f"note-{number}")
        body = [Link(footnote.text, footnote.url)] if footnote.url else [footnote.text]
        flow.paragraph(owner, body, size=SMALL, fill=MUTED, indent=20, mark=f"*{number}", kind="Note")


def _high(flow: Flow, block: Block, charts: Mapping[str, str]) -> float:
    """How much room is wanted under a heading for what follows: a chart's height, or that of a short table."""
    chart = charts.get(block.data.id)
    if chart is not None and block.figure is not None:
        return min(_size(chart)[1], HEIGHT * 0.7)
    return flow.room(block.table) + 12 if block.table is not None else 60.0


def _size(chart: str) -> tuple[float, float]:
    """Width and height of a chart on the page."""
    wide, high = (float(chart.split(f'{key}="', 1)[1].split('"', 1)[0]) for key in ("width", "height"))
    scale = chart_scale(wide)
    return wide * scale, high * scale


def _block(flow: Flow, owner: Element, block: Block, charts: Mapping[str, str], words: Words) -> None:
    pages, chart = flow.pages, charts.get(block.data.id)
    flow.space(8)
    if block.title:
        flow.heading(owner, 3, block.title, BODY + 0.6, below=_high(flow, block, charts))
        pages.y += 2
    if chart is not None and block.figure is not None:
        _chart(flow, owner, block, chart)
    if block.table is None:
        return
    # what is folded away on the page is shown by a chart, or is long
    if not block.table.folded or (chart is None and len(block.table.rows) <= MANY):
        flow.table(owner, block.table)
    elif chart is None:
        said = words("page.elsewhere", table=block.table.caption or block.title, file=data_path(block.data))
        flow.paragraph(owner, said, size=SMALL, fill=MUTED)


def _chart(flow: Flow, owner: Element, block: Block, chart: str) -> None:
    pages = flow.pages
    whole = HEIGHT - FOOT - MARGIN
    tall = min(_size(chart)[1], whole)
    if tall > pages.left and tall * 0.8 <= pages.left:
        # a little smaller is better than half a page of nothing
        tall = pages.left
    pages.need(tall)
    pages.place(f"figure-{block.data.id}")
    figure = owner.add("Figure", alt=block.figure.alt or block.figure.title)
    pages.chart(chart, figure, tall)
    pages.y += 4
