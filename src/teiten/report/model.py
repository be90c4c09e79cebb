"""What a report is made of: sections of findings, charts and tables, each with the rows and the SQL behind it.

Plain data, without layout: `page` makes HTML of it, `markdown` a text for a blog, `bundle` the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Align = Literal["text", "number"]


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads elsewhere: https, http, `#place` of the page, or a file of the folder (`data/ports.csv`)."""

    text: str
    url: str
    file: str = ""
    """for `#place`: the file of the folder with the same, where there is no page (`report.md`)"""


@dataclass(frozen=True, slots=True)
class Footnote:
    """A mark (*1) in the text, and what stands under its section: who says so. Equal ones share a number."""

    text: str
    url: str = ""


Piece = str | Link | Footnote
Paragraph = str | Sequence[Piece]
"""A sentence or more; where it holds links or footnotes, the pieces in their order."""


@dataclass(frozen=True, slots=True)
class Point:
    """One of a list of points, with those that belong under it."""

    text: Paragraph
    below: Sequence[Paragraph] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table for people: its head, and whether numbers or words stand in it.

    `spare` ones give way on a telephone.
    """

    title: str
    align: Align = "number"
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table for people: every cell is text as it is to be read. `folded` ones are shown on demand."""

    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    folded: bool = False
    places: Sequence[str] = ()
    """a name for each row, unique on the page, which a `#place` leads to"""


@dataclass(frozen=True, slots=True)
class Data:
    """The rows behind a chart and its table, as they go to CSV, and the SQL that gives them. `id` names the files.

    Without SQL (rows that no question gives as they stand) no file of it is offered."""

    id: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    sql: str


@dataclass(frozen=True, slots=True)
class Block:
    """A chart, a table, or both, made from one set of rows. `title` is for a block without a chart."""

    data: Data
    figure: Any = None
    """a figure of `teiten.report.figures`"""
    table: Table | None = None
    title: str = ""
    png: bool = True
    """whether the chart is there as PNG, too"""
    animation: Any = None
    """a moving picture of the same rows (`figures.animate.Animation`); `figure` is what stands still for it"""


@dataclass(frozen=True, slots=True)
class Quote:
    """Lines as they are to be shown, letter for letter: masked lines of a log, say. Folded where they are many.

    `file` names the folder's `lines/<file>.txt` that holds these and perhaps more; quotes may share one, whose `whole` is
    written once.
    """

    caption: str
    lines: Sequence[str]
    file: str = ""
    whole: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A number to be seen first: what it counts, the number, and what to compare it with."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a report. `findings` are sentences, `points` a list of them, `notes` the small print."""

    id: str
    title: str
    findings: Sequence[Paragraph] = ()
    points: Sequence[Paragraph | Point] = ()
    facts: Sequence[Fact] = ()
    blocks: Sequence[Block] = ()
    notes: Sequence[Paragraph] = ()
    quotes: Sequence[Quote] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report in one language.

    `description` is a sentence or two for search results and previews; `notice` must be read before all else.
    """

    lang: str
    title: str
    subtitle: str
    description: str
    sections: Sequence[Section]
    notice: str = ""
    edition: Paragraph = ""
    """which edition it is, and what was added since"""


class Numbers:
    """Numbers footnotes in the order in which they are met, over a whole report."""

    def __init__(self) -> None:
        self._known: dict[Footnote, int] = {}
        self._shown = 0

    def of(self, note: Footnote) -> int:
        """Its number: the next one where it is met for the first time."""
        return self._known.setdefault(note, len(self._known) + 1)

    def new(self) -> list[tuple[int, Footnote]]:
        """Those met since the last time this was asked: the ones to stand under this section."""
        found = [(number, note) for note, number in self._known.items() if number > self._shown]
        self._shown = len(self._known)
        return found
