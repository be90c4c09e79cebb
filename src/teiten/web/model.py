"""What a page is made of: parts with sentences, facts, a figure, a table; every cell may lead elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from teiten.report.model import Column, Fact

__all__ = ["Cell", "Column", "Fact", "Field", "Form", "Part", "Row", "Table", "View"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, and where it leads. share: a bar behind it, 0 to 1."""

    text: str
    url: str = ""
    share: float | None = None


Bar = Literal["all", "filters", "spans", "none"]
Row = Sequence["Cell | str"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table for people; `rows_url`: where its rows can be had, an address of the API without its format."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""
    rows_url: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form. kind: text, area, date or choice; choices: value and its words; hidden where it has no label."""

    name: str
    label: str = ""
    kind: str = "text"
    value: str = ""
    choices: Sequence[tuple[str, str]] = ()
    required: bool = False
    most: int = 2000
    """characters"""


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody of that role may send to a page's `act`. The template adds the word that guards it."""

    action: str
    fields: Sequence[Field]
    send: str
    """what stands on its button"""
    role: str = "analyst"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a page. figure: one of `report.figures`, drawn wide and narrow; empty: what stands there for nothing.

    raw: text as it came, line by line, shown as such. links: ways on from here.
    """

    id: str
    title: str
    sentences: Sequence[str] = ()
    drawn: str = ""
    """under a title that says what a chart shows: what is drawn, of what"""
    facts: Sequence[Fact] = ()
    figure: Any = None
    table: Table | None = None
    empty: str = ""
    sql: str = ""
    wide: bool = False
    """on a wall's width, where two parts stand side by side: this one takes both places"""
    raw: str = ""
    links: Sequence[Cell] = ()
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A page: title, parts, and what else the template wants."""

    title: str
    parts: Sequence[Part]
    lead: Sequence[str] = ()
    status: int = 200
    bar: Bar = "all"
    """what stands above the parts: spans, unit and filters; without the unit; spans alone; or nothing: what the page heeds"""
    more: dict[str, Any] = field(default_factory=dict)
