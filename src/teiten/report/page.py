"""A report as one HTML page: semantic, without scripts, with nothing from elsewhere, in light and dark, for screen and paper.

Every text goes through `escape`; the only markup that is put in as it stands is the SVG that our own figures draw.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources

from teiten.lang import Words
from teiten.report.model import (
    Block,
    Column,
    Data,
    Fact,
    Footnote,
    Link,
    Numbers,
    Paragraph,
    Piece,
    Point,
    Quote,
    Report,
    Section,
    Table,
)  # fmt: skip
from teiten.report.rows import KINDS

CSP = "default-src 'none'; img-src 'self'; style-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'"
STYLE = "style.css"
DENSE = 9
"""columns, beyond which a table is set smaller"""
OWN = re.compile(
    r"(?:editions/\d+/)?(?:(?:data|sql|charts|lines)/[A-Za-z0-9_.-]+|manifest\.json)"
    r"|(?:\.\./)*(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-]+\.(?:html|xml|json|ics|csv|parquet|txt)"
)
"""a file of the folder, or of the site in which it lies, as a link may name it"""
MOVING = {"webp": "image/webp", "apng": "image/apng", "gif": "image/gif"}
"""Kinds of moving pictures, the best first, with their media types."""
NAMES = {"csv": "CSV", "json": "JSON", "parquet": "Parquet"}
"""how the kinds of files of rows are called"""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a page of a site has around it: the way to the site's root, lines of its head, HTML before and after the text."""

    root: str = ""
    head: str = ""
    before: str = ""
    after: str = ""


Drawn = Mapping[str, tuple[str, str]]
"""Block's data id -> its chart as SVG, wide and narrow (for a telephone)."""


_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])
"""control characters, which a page has no use for and a terminal that shows the file would obey"""


def clean(text: str) -> str:
    """The text without control characters."""
    return text.translate(_CONTROLS)


def escape(text: str) -> str:
    """The text for HTML, without control characters."""
    return html.escape(clean(text))


def style() -> str:
    """The page's style sheet."""
    return (resources.files(__package__) / STYLE).read_text(encoding="utf-8")


def page(
    report: Report,
    words: Words,
    drawn: Drawn,
    moving: Mapping[str, tuple[int, int]] | None = None,
    pdf: str = "",
    frame: Frame | None = None,
) -> str:
    """The whole `index.html`. moving: data id -> width and height of its moving pictures, px; pdf: the name of its PDF; frame:
    the site that it is part of."""
    frame = frame or Frame()
    numbers = Numbers()
    out = [
        "<!DOCTYPE html>",
        f'<html lang="{escape(report.lang)}">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta name="description" content="{escape(report.description)}">',
        f"<title>{escape(report.title)}</title>",
        f'<link rel="stylesheet" href="{frame.root}{STYLE}">',
        *filter(None, [frame.head]),
        "</head>",
        "<body>",
        f'<a class="skip" href="#{escape(report.sections[0].id)}">{escape(words("page.skip"))}</a>',
        *filter(None, [frame.before]),
        f"<header><h1>{escape(report.title)}</h1><p>{escape(report.subtitle)}</p>",
        f"{_notice(report, numbers)}{_pdf(pdf, words)}</header>",
        _contents(report, words),
        "<main>",
        *(_section(section, words, drawn, moving or {}, numbers) for section in report.sections),
        "</main>",
        *filter(None, [frame.after]),
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(out)


def _notice(report: Report, numbers: Numbers) -> str:
    notice = f'<p class="notice">{escape(report.notice)}</p>' if report.notice else ""
    return notice + (f'<p class="edition">{_inline(report.edition, numbers)}</p>' if report.edition else "")


def _pdf(name: str, words: Words) -> str:
    return f'<p class="files"><a href="{escape(name)}">{escape(words("page.pdf"))}</a></p>' if name else ""


def _contents(report: Report, words: Words) -> str:
    if len(report.sections) < 2:
        return ""  # a way to the only one is none
    items = "".join(f'<li><a href="#{escape(s.id)}">{escape(s.title)}</a></li>' for s in report.sections)
    return f'<nav aria-label="{escape(words("page.contents"))}"><ul>{items}</ul></nav>'


def _section(section: Section, words: Words, drawn: Drawn, moving: Mapping[str, tuple[int, int]], numbers: Numbers) -> str:
    head = f'<section id="{escape(section.id)}"><h2>{escape(section.title)}</h2>'
    parts = [head, *(f"<p>{_inline(p, numbers)}</p>" for p in section.findings)]
    if section.facts:
        parts.append(f'<dl class="facts">{"".join(map(_fact, section.facts))}</dl>')
    if section.points:
        parts.append(f"<ul>{''.join(_point(p, numbers) for p in section.points)}</ul>")
    parts.extend(_block(block, words, drawn, moving) for block in section.blocks)
    parts.extend(_quote(quote, words) for quote in section.quotes)
    if section.notes:
        parts.append(f'<div class="notes">{"".join(f"<p>{_inline(p, numbers)}</p>" for p in section.notes)}</div>')
    if footnotes := numbers.new():
        parts.append(f'<ol class="footnotes">{"".join(_footnote(n, note) for n, note in footnotes)}</ol>')
    return "\n".join([*parts, "</section>"])


def _point(point: Paragraph | Point, numbers: Numbers) -> str:
    if not isinstance(point, Point):
        return f"<li>{_inline(point, numbers)}</li>"
    text = _inline(point.text, numbers)
    below = "".join(f"<li>{_inline(p, numbers)}</li>" for p in point.below)
    return f"<li>{text}{f'<ul>{below}</ul>' if below else ''}</li>"


def _inline(paragraph: Paragraph, numbers: Numbers) -> str:
    return "".join(_piece(p, numbers) for p in ([paragraph] if isinstance(paragraph, str) else paragraph))


def _piece(piece: Piece, numbers: Numbers) -> str:
    if isinstance(piece, Link):
        return f'<a href="{escape(_safe(piece))}">{escape(piece.text)}</a>'
    if isinstance(piece, Footnote):
        number = numbers.of(piece)
        return f'<sup><a href="#note-{number}">*{number}</a></sup>'
    return escape(piece)


def _footnote(number: int, note: Footnote) -> str:
    text = _piece(Link(note.text, note.url), Numbers()) if note.url else escape(note.text)
    return f'<li id="note-{number}"><span>*{number}</span> {text}</li>'


def _safe(link: Link) -> str:
    """Only https, http and addresses inside the folder: no `javascript:` however it came here."""
    own = link.url.startswith(("https://", "http://", "#")) or OWN.fullmatch(link.url)
    return link.url if own else "#"


def _fact(fact: Fact) -> str:
    note = f'<dd class="against">{escape(fact.note)}</dd>' if fact.note else ""
    return f"<div><dt>{escape(fact.name)}</dt><dd>{escape(fact.value)}</dd>{note}</div>"


def _block(block: Block, words: Words, drawn: Drawn, moving: Mapping[str, tuple[int, int]]) -> str:
    parts = []
    if block.title:
        parts.append(f"<h3>{escape(block.title)}</h3>")
    if block.animation is not None and block.data.id in moving:
        parts.append(_moving(block, words, *moving[block.data.id]))
    if block.data.id in drawn:
        wide, narrow = drawn[block.data.id]
        parts.append(f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>')
    caption = ""
    if block.table is not None:
        parts.append(_folded(block.table, words, _table))
    caption = f'<figcaption class="files">{_files(block, words)}</figcaption>'
    return f'<figure id="figure-{escape(block.data.id)}">{"".join(parts)}{caption}</figure>'


FEW = 4
"""lines that are shown without being asked for"""


def _quote(quote: Quote, words: Words) -> str:
    lines = escape("\n".join(quote.lines))
    shown = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(quote.caption)}"><pre>{lines}</pre></div>'
    file = f'<p class="files"><a href="{escape(lines_path(quote))}">{escape(words("page.lines"))}</a></p>' if quote.file else ""
    opened = " open" if len(quote.lines) <= FEW else ""
    return f'<details class="lines"{opened}><summary>{escape(quote.caption)}</summary>{shown}{file}</details>'


def _moving(block: Block, words: Words, width: int, height: int) -> str:
    """A moving picture that can be put away; who asked for less motion gets the still one, and so does paper."""
    times = block.animation.durations
    said = words("page.moving", days=words("duration.days_of", n=len(times)), seconds=round(sum(times) / 1000))
    still = f'<source media="(prefers-reduced-motion: reduce), print" srcset="{escape(chart_path(block.data, "svg"))}">'
    *better, plain = MOVING
    kinds = "".join(f'<source type="{MOVING[k]}" srcset="{escape(chart_path(block.data, k))}">' for k in better)
    image = (
        f'<img src="{escape(chart_path(block.data, plain))}" alt="{escape(block.animation.alt)}"'
        f' width="{width}" height="{height}" loading="lazy" decoding="async">'
    )
    picture = f"<picture>{still}{kinds}{image}</picture>"
    return f'<details class="moving" open><summary>{escape(said)}</summary>{picture}</details>'


def _folded(table: Table, words: Words, draw: Callable[[Table], str]) -> str:
    if not table.folded:
        return draw(table)
    return f"<details><summary>{escape(words('page.table'))}: {escape(table.caption)}</summary>{draw(table)}</details>"


def _table(table: Table) -> str:
    heads = "".join(map(_head, table.columns))
    places = [f' id="{escape(place)}"' for place in table.places] or [""] * len(table.rows)
    rows = "".join(f"<tr{at}>{''.join(_cells(table, row))}</tr>" for at, row in zip(places, table.rows, strict=True))
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption and not table.folded else ""
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    dense = ' class="dense"' if len(table.columns) > DENSE else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(table.caption)}"><table{dense}>{caption}'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{note}"
    )


def _head(column: Column) -> str:
    """A column's head; one without words is none, and would be read as an empty one."""
    if not column.title:
        return f"<td{_class(column)}></td>"
    return f'<th scope="col"{_class(column)}>{escape(column.title)}</th>'


def _cells(table: Table, row: tuple[str, ...]) -> list[str]:
    return [f"<td{_class(c)}>{escape(cell)}</td>" for c, cell in zip(table.columns, row, strict=True)]


def _class(column: Column) -> str:
    names = (["n"] if column.align == "number" else []) + (["spare"] if column.spare else [])
    return f' class="{" ".join(names)}"' if names else ""


def _files(block: Block, words: Words) -> str:
    links = [(NAMES[kind], data_path(block.data, kind)) for kind in KINDS]
    if block.data.sql:
        links.append((words("page.sql"), sql_path(block.data)))
    if block.figure is not None:
        links += [(kind.upper(), chart_path(block.data, kind)) for kind in ("svg", *(["png"] if block.png else []))]
    if block.animation is not None:
        links += [(name, chart_path(block.data, name.lower())) for name in ("GIF", "APNG", "WebP")]
    return " ".join(f'<a href="{escape(path)}">{escape(text)}</a>' for text, path in links)


def data_path(data: Data, kind: str = "csv") -> str:
    """Where a block's rows lie as that kind of file, from the page."""
    return f"data/{data.id}.{kind}"


def sql_path(data: Data) -> str:
    """Where the SQL of a block lies, from the page."""
    return f"sql/{data.id}.sql"


def lines_path(quote: Quote) -> str:
    """Where the text file of a quote lies, from the page."""
    return f"lines/{quote.file}.txt"


def chart_path(data: Data, kind: str) -> str:
    """Where a block's chart lies, from the page."""
    return f"charts/{data.id}.{kind}"
