"""A report's parts set one under the other: paragraphs with links, lists, facts, tables that go on over pages, quotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from teiten.report.figures import _text
from teiten.report.model import Fact, Footnote, Link, Numbers, Paragraph, Quote, Table
from teiten.report.pdf import _pages
from teiten.report.pdf._font import SUBSTITUTE
from teiten.report.pdf._pages import HEIGHT, INK, LINK, MARGIN, MUTED, RIGHT, ROOM, Element, Pages

BODY: Final = 10.0
SMALL: Final = 8.2
_SIZES: Final = (8.6, 7.8, 7.0, 6.6, 6.0, 5.4, 4.6)
"""sizes that a table is tried in"""
_EASY: Final = 7.0
"""a size that is read with ease: only below it words are broken so that a table fits"""
_TOGETHER: Final = HEIGHT * 0.45
"""a table up to so high stays on one page"""
_GAP: Final = 9.0
"""between columns"""


@dataclass(frozen=True)
class Span:
    """A run of text that is alike: where a link leads, whether it stands raised."""

    said: str
    to: str = ""
    raised: bool = False


class Flow:
    """Sets parts on pages, from the top down."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.numbers = Numbers()
        self._leading = 1.62 if pages.lang == "ja" else 1.45

    def space(self, high: float) -> None:
        if self.pages.y > MARGIN + 1:
            self.pages.y += high

    def heading(self, owner: Element, level: int, said: str, size: float, *, place: str = "", below: float = 60.0) -> None:
        """A heading with so much room under it: for some lines, or for the chart that follows."""
        lines = _text.balanced(self._clean(said), size, ROOM, 6)
        self.pages.need(len(lines) * size * 1.35 + 4 + below)
        if place:
            self.pages.place(place)
        if level == 2:
            self.pages.bookmark(said)
        element = owner.add(f"H{level}")
        for line in lines:
            self.pages.y += size * 1.35
            with self.pages.marked(element):
                self.pages.text(MARGIN, self.pages.y - size * 0.3, line, size, bold=True)

    def paragraph(
        self,
        owner: Element,
        paragraph: Paragraph,
        *,
        size: float = BODY,
        fill: str = INK,
        indent: float = 0.0,
        bold: bool = False,
        kind: str = "P",
        mark: str = "",
    ) -> None:
        """Lines over the room, with links and footnotes' marks where they stand; `mark` hangs before the first."""
        spans = self.spans(paragraph)
        element = owner if not kind else owner.add(kind)
        if mark:
            self.pages.need(size * self._leading)
            with self.pages.marked(owner.add("Lbl") if kind == "LBody" else element):
                self.pages.text(
                    MARGIN + indent - _text.width(mark, size) - size * 0.45, self._baseline(size), mark, size, fill=fill
                )
        links: dict[int, Element] = {}
        for line in self._lines(spans, size, ROOM - indent):
            self.pages.need(size * self._leading)
            x, y = MARGIN + indent, self._baseline(size)
            for at, piece in line:
                span = spans[at]
                small = size * 0.72 if span.raised else size
                wide = _text.width(piece, small)
                target = element if not span.to else links.setdefault(at, element.add("Link"))
                with self.pages.marked(target):
                    colour = LINK if span.to else fill
                    self.pages.text(x, y - (size * 0.32 if span.raised else 0), piece, small, fill=colour, bold=bold)
                if span.to:
                    self.pages.link(x, y, wide, size, span.to, span.said, target)
                x += wide
            self.pages.y += size * self._leading

    def _baseline(self, size: float) -> float:
        return self.pages.y + size * (self._leading / 2 + 0.36)

    def spans(self, paragraph: Paragraph) -> list[Span]:
        """The paragraph's runs; footnotes get their numbers."""
        out = []
        for piece in [paragraph] if isinstance(paragraph, str) else paragraph:
            if isinstance(piece, Footnote):
                number = self.numbers.of(piece)
                out.append(Span(f"*{number}", f"#note-{number}", True))
            elif isinstance(piece, Link):
                # files of the folder are not where the PDF is read
                to = piece.url if piece.url.startswith(("https://", "http://", "#")) else ""
                out.append(Span(self._clean(piece.text), to))
            else:
                out.append(Span(self._clean(piece)))
        return [span for span in out if span.said]

    def _clean(self, said: str) -> str:
        """One line, of characters that the font can draw; spaces at its ends stay, since it may be a piece of a sentence."""
        core = _text.plain(said)
        ends = (" " if said[:1].isspace() else "", " " if said[-1:].isspace() and core else "")
        known = self.pages.font.cids
        return ends[0] + "".join(c if ord(c) in known else SUBSTITUTE for c in core) + ends[1]

    def _lines(self, spans: Sequence[Span], size: float, room: float) -> list[list[tuple[int, str]]]:
        """Lines as pieces: which span, and what of it."""
        whole = "".join(span.said for span in spans)
        owner = [n for n, span in enumerate(spans) for _ in span.said]
        out, at = [], 0
        while at < len(whole):
            cut = at + _text._break(whole[at:], size, room)
            line: list[tuple[int, str]] = []
            first, last = at, cut
            while last > first and whole[last - 1] == " ":
                last -= 1
            for n in range(first, last):
                if line and line[-1][0] == owner[n]:
                    line[-1] = (owner[n], line[-1][1] + whole[n])
                else:
                    line.append((owner[n], whole[n]))
            out.append(line)
            at = cut
            while at < len(whole) and whole[at] == " ":
                at += 1
        return out

    # -- what is more than a paragraph -------------------------------------------------------------------------------

    def points(self, owner: Element, texts: Sequence[tuple[Paragraph, int]]) -> None:
        """A list; each point with how deep it stands (0, 1)."""
        found = owner.add("L")
        for said, deep in texts:
            item = found.add("LI")
            size = BODY if not deep else BODY - 0.8
            self.paragraph(item, said, size=size, indent=14.0 + 14.0 * deep, mark="•", kind="LBody")
            self.pages.y += 1.5

    def facts(self, owner: Element, facts: Sequence[Fact]) -> None:
        """Numbers to be seen first, side by side."""
        across = min(4, max(2, len(facts)))
        wide = (ROOM - _GAP * (across - 1)) / across
        found = owner.add("L")
        for n in range(0, len(facts), across):
            self.pages.need(58)
            for k, fact in enumerate(facts[n : n + across]):
                x, y = MARGIN + k * (wide + _GAP), self.pages.y
                with self.pages.marked(None):
                    self.pages.line(x, y, x + wide, stroke=INK, width=1.2)
                body = found.add("LI").add("LBody")
                value = self._clean(fact.value)
                size = min(16.0, 16.0 * wide / max(1.0, _text.width(value, 16)))
                with self.pages.marked(body):
                    self.pages.text(x, y + 12, _text.fit(self._clean(fact.name), SMALL, wide), SMALL, fill=MUTED)
                    self.pages.text(x, y + 31, value, size)
                    for row, line in enumerate(_text.wrap(self._clean(fact.note), 7.4, wide, 2)):
                        self.pages.text(x, y + 42 + 9.5 * row, line, 7.4, fill=MUTED)
            self.pages.y += 60

    def quote(self, owner: Element, quote: Quote) -> None:
        """Lines as they are, small, broken where they must be."""
        self.space(4)
        self.paragraph(owner, quote.caption, size=SMALL, fill=MUTED)
        element = owner.add("P")
        size = 6.6
        for line in quote.lines:
            for row in _text.wrap(self._clean(line), size, ROOM - 10, 12):
                self.pages.need(size * 1.5)
                with self.pages.marked(element):
                    self.pages.text(MARGIN + 10, self.pages.y + size * 1.1, row, size)
                self.pages.y += size * 1.5
        self.pages.y += 4

    def room(self, table: Table) -> float:
        """How much room is wanted for it: all that it needs where it is short, else that of some rows."""
        size, widths = self._columns(table)
        high = sum(self._high(row, size, widths) for row in table.rows) + size * 5
        return high if high <= _TOGETHER else size * 12

    def table(self, owner: Element, table: Table) -> None:
        """A table; its head stands on every page that it goes on to."""
        self.space(6)
        size, widths = self._columns(table)
        self.pages.need(self.room(table))
        if table.caption:
            self.pages.need(size * 8)
            self.paragraph(owner, table.caption, size=SMALL, fill=MUTED, kind="Caption")
        element = owner.add("Table")
        self._row(element, table, [c.title for c in table.columns], size, widths, head=True)
        for n, row in enumerate(table.rows):
            if self._high(row, size, widths) > self.pages.left:
                self.pages.turn()
                self._row(None, table, [c.title for c in table.columns], size, widths, head=True)
            if n < len(table.places):
                self.pages.place(table.places[n])
            self._row(element, table, row, size, widths)
        self.pages.y += 4
        if table.note:
            self.paragraph(owner, table.note, size=SMALL, fill=MUTED)

    def _columns(self, table: Table) -> tuple[float, list[float]]:
        """The size in which it fits, and how wide each column is.

        What is looked for, in this order: heads and cells whole; cells whole and heads broken, down to a size that is read
        with ease; words broken, too; whatever fits.
        """
        rows = table.rows or [tuple(c.title for c in table.columns)]
        shares = [max(_text.width(self._clean(row[k]), 1.0) for row in rows) for k in range(len(table.columns))]
        heads = [_text.width(self._clean(c.title), 1.0) for c in table.columns]
        words = [_longest(self._clean(c.title)) for c in table.columns]
        least = [
            share if column.align == "number" else min(share, max(_longest(self._clean(row[k])) for row in rows))
            for k, (share, column) in enumerate(zip(shares, table.columns, strict=True))
        ]
        room = ROOM - _GAP * (len(shares) - 1)
        for size in _SIZES:
            full = [max(pair) * size + 1 for pair in zip(shares, heads, strict=True)]
            if sum(full) <= room:
                spare = (room - sum(full)) / len(full)
                return size, [w + min(spare, 46.0) for w in full]
            whole = [max(pair) * size + 1 for pair in zip(shares, words, strict=True)]
            if size >= _EASY and sum(whole) <= room:
                return size, _spread(whole, full, room)
            broken = [max(pair) * size + 1 for pair in zip(least, words, strict=True)]
            if size < _EASY and sum(broken) <= room:
                return size, _spread(broken, full, room)
        return _SIZES[-1], [ROOM / len(table.columns) - _GAP for _ in table.columns]

    def _high(self, row: Sequence[str], size: float, widths: Sequence[float]) -> float:
        return max(len(self._wrapped(cell, size, w)) for cell, w in zip(row, widths, strict=True)) * size * 1.35 + size * 0.5

    def _wrapped(self, cell: str, size: float, wide: float) -> list[str]:
        return _text.wrap(self._clean(cell), size, wide, 6) or [""]

    def _row(
        self,
        owner: Element | None,
        table: Table,
        row: Sequence[str],
        size: float,
        widths: Sequence[float],
        *,
        head: bool = False,
    ) -> None:
        """A row; one of no element is an artifact (the head once more, on the next page)."""
        high = self._high(row, size, widths)
        self.pages.need(high + (size * 3 if head else 0))
        element = owner.add("TR") if owner else None
        x = MARGIN
        for column, cell, wide in zip(table.columns, row, widths, strict=True):
            one = element.add("TH" if head else "TD", scope="Column" if head else "") if element else None
            with self.pages.marked(one):
                for n, line in enumerate(self._wrapped(cell, size, wide)):
                    at = x + wide - _text.width(line, size) if column.align == "number" else x
                    self.pages.text(at, self.pages.y + size * (1.1 + 1.35 * n), line, size, bold=head)
            x += wide + _GAP
        self.pages.y += high
        with self.pages.marked(None):
            end = min(RIGHT, x - _GAP)
            self.pages.line(MARGIN, self.pages.y, end, stroke=INK if head else _pages.RULE, width=0.8 if head else 0.4)


def _longest(said: str) -> float:
    """The width, in em, of its longest word that should stay whole; of kanji and kana four stay together."""
    return min(9.0, max((min(_text.width(w, 1.0), 4.0 if not w.isascii() else 9.0) for w in said.split()), default=1.0))


def _spread(least: Sequence[float], full: Sequence[float], room: float) -> list[float]:
    """Column widths between the least and the full ones that together take the room."""
    over = [f - m for m, f in zip(least, full, strict=True)]
    share = (room - sum(least)) / sum(over) if sum(over) > 0 else 0.0
    return [m + o * min(1.0, share) for m, o in zip(least, over, strict=True)]
