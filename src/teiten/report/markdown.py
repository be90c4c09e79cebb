"""A report as Markdown with PNG charts, to be pasted into a blog. Text from outside is escaped: it stays text."""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from urllib import parse

from teiten.lang import Words
from teiten.report.model import Block, Footnote, Link, Numbers, Paragraph, Piece, Point, Quote, Report, Section, Table
from teiten.report.page import NAMES, OWN, chart_path, data_path, lines_path, sql_path
from teiten.report.rows import KINDS

_SPECIAL = re.compile(r"([\\`*_\[\]|])")
_IN_A_URL = "%/:?#[]@!$&'*+,;=~-._"
"""what stays as it is in a link's address; brackets, quotes and spaces would end it, or be markup"""
_BREAKS = re.compile(r"[\r\n\t\x00-\x1f\x7f]+")


def escape(text: str) -> str:
    """The text as Markdown that shows it: no markup, no HTML, no new line."""
    # < and & as HTML has them: a blog may take the text for HTML before it takes it for Markdown
    return _SPECIAL.sub(r"\\\1", html.escape(_BREAKS.sub(" ", text), quote=False))


def markdown(report: Report, words: Words, drawn: Collection[str], alts: dict[str, str]) -> str:
    """The whole `report.md`. `drawn` are the data ids that have a chart, `alts` what each chart says."""
    out = [f"# {escape(report.title)}", escape(report.subtitle), *([f"**{escape(report.notice)}**"] if report.notice else [])]
    numbers = Numbers()
    if report.edition:
        out.append(_inline(report.edition, numbers))
    for section in report.sections:
        out.extend(_section(section, words, drawn, alts, numbers))
    return "\n\n".join(out) + "\n"


def _section(section: Section, words: Words, drawn: Collection[str], alts: dict[str, str], numbers: Numbers) -> list[str]:
    out = [f"## {escape(section.title)}", *(_inline(p, numbers) for p in section.findings)]
    facts = [f"- {escape(f.name)}: {escape(f.value)}" + (f" ({escape(f.note)})" if f.note else "") for f in section.facts]
    points = [line for p in section.points for line in _point(p, numbers)]
    out.extend("\n".join(items) for items in (facts, points) if items)
    for block in section.blocks:
        out.extend(_block(block, words, drawn, alts))
    for quote in section.quotes:
        out.extend(_quote(quote, words))
    out.extend(_inline(p, numbers) for p in section.notes)
    out.extend(_footnote(number, note) for number, note in numbers.new())
    return out


def _point(point: Paragraph | Point, numbers: Numbers) -> list[str]:
    """The lines of a point: those under it are indented by the width of its mark and more, as every reader takes it."""
    if not isinstance(point, Point):
        return [f"- {_inline(point, numbers)}"]
    return [f"- {_inline(point.text, numbers)}", *(f"    - {_inline(p, numbers)}" for p in point.below)]


def _block(block: Block, words: Words, drawn: Collection[str], alts: dict[str, str]) -> list[str]:
    out = [f"### {escape(block.title)}"] if block.title else []
    if block.animation is not None:
        # a blog takes a GIF where it takes a picture
        out.append(f"![{escape(block.animation.alt)}]({chart_path(block.data, 'gif')})")
        out.append(f"[{words('page.still')}]({chart_path(block.data, 'png')})")
    elif block.data.id in drawn:
        out.append(f"![{escape(alts.get(block.data.id, ''))}]({chart_path(block.data, 'png')})")
    if block.table is not None and not block.table.folded:
        out.append(_table(block.table))
        if block.table.note:
            out.append(escape(block.table.note))
    files = [(NAMES[kind], data_path(block.data, kind)) for kind in KINDS]
    if block.data.sql:
        files.append((words("page.sql"), sql_path(block.data)))
    out.append(" · ".join(f"[{name}]({path})" for name, path in files))
    return out


def _quote(quote: Quote, words: Words) -> list[str]:
    """Lines as they are: a fence that is longer than any run of its own characters in them."""
    lines = [_BREAKS.sub(" ", line) for line in quote.lines]
    fence = "`" * max([3, *(len(run) + 1 for line in lines for run in re.findall("`+", line))])
    out = [f"**{escape(quote.caption)}**", "\n".join([fence, *lines, fence])]
    return [*out, f"[{words('page.lines')}]({lines_path(quote)})"] if quote.file else out


def _table(table: Table) -> str:
    lines = [
        "| " + " | ".join(escape(c.title) for c in table.columns) + " |",
        "| " + " | ".join("---:" if c.align == "number" else "---" for c in table.columns) + " |",
        *("| " + " | ".join(map(escape, row)) + " |" for row in table.rows),
    ]
    return "\n".join(lines)


def _inline(paragraph: Paragraph, numbers: Numbers) -> str:
    return "".join(_piece(p, numbers) for p in ([paragraph] if isinstance(paragraph, str) else paragraph))


def _piece(piece: Piece, numbers: Numbers) -> str:
    if isinstance(piece, Link):
        return _link(piece)
    return escape(f"*{numbers.of(piece)}") if isinstance(piece, Footnote) else escape(piece)


def _footnote(number: int, note: Footnote) -> str:
    return f"{escape(f'*{number}')}: {_link(Link(note.text, note.url))}"


def _link(link: Link) -> str:
    url = link.file or link.url
    if not (url.startswith(("https://", "http://")) or OWN.fullmatch(url)):
        return escape(link.text)
    return f"[{escape(link.text)}]({parse.quote(url, safe=_IN_A_URL)})"
