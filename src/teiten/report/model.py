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
    """A text that leads elsewhere."""

    text: str
    url: str


Paragraph = str | Sequence[str | Link]
"""A sentence or more; where it holds links, the pieces in their order."""


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


@dataclass(frozen=True, slots=True)
class Data:
    """The rows behind a chart and its table, as they go to CSV, and the SQL that gives them. `id` names the files."""

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
    points: Sequence[Paragraph] = ()
    facts: Sequence[Fact] = ()
    blocks: Sequence[Block] = ()
    notes: Sequence[Paragraph] = ()


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
