"""The API for people: every address, what it gives, its columns and words; drawn from what the addresses say of themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from teiten import lang
from teiten.web.api import _forms, _shape, openapi
from teiten.web.api._shape import Address, Word
from teiten.web.asked import Asked
from teiten.web.model import Cell, Column, Part, Row, Table, View
from teiten.web.pool import Pool

PATH = "/api"
SEES = "viewer"
NAV = (95, "api.title")
TEMPLATE = "api.html"


async def build(asked: Asked, pool: Pool) -> View:
    say, limits = lang.words(asked.lang), asked.settings.api
    lead = [
        say("api.about"), say("api.lead_forms"), say("api.lead_pages"),
        say("api.lead_limits", rate=limits.requests_per_minute, burst=limits.burst, rows=limits.rows), say("api.lead_same"),
    ]  # fmt: skip
    groups = openapi.grouped()
    own = [one for name, found in groups.items() if name != "dshield" for one in _merged(found)]
    parts = [
        Part(
            "addresses",
            say("api.addresses"),
            sentences=lead,
            table=_table(asked, say("api.addresses"), own),
            links=[Cell(say("api.lead_description"), "/api/v1/openapi.json")],
        ),
        Part("words", say("api.words_title"), table=_words(asked)),
        Part("forms", say("api.forms_title"), table=_formats(asked)),
        Part(
            "dshield",
            say("api.dshield_title"),
            sentences=[say("api.dshield_lead")],
            table=_table(asked, say("api.dshield_title"), _merged(groups["dshield"]), columns=False),
        ),
    ]
    return View(say("api.title"), parts)


Line = tuple[str, Address]


def _merged(found: Sequence[Address]) -> list[Line]:
    """Addresses with the same answer as one line: the last part of the path lists them."""
    out: dict[tuple[str, int], list[Address]] = {}
    for one in found:
        out.setdefault((one.key, len(one.path.split("/")) if one.root == _shape.ROOT else 0), []).append(one)
    lines = []
    for same in out.values():
        first, last = same[0], same[-1]
        if first.root != _shape.ROOT:
            lines.append((openapi.shown(last.whole), first))
        elif len(same) > 1:
            names = " | ".join(one.path.rpartition("/")[2] for one in same)
            lines.append((f"{openapi.shown(first.whole.rpartition('/')[0])}/{names}", first))
        else:
            lines.append((openapi.shown(first.whole), first))
    return lines


def _table(asked: Asked, caption: str, lines: Sequence[Line], *, columns: bool = True) -> Table:
    say = lang.words(asked.lang)
    heads = [Column(say("api.address"), "text"), Column(say("api.gives"), "text")]
    heads += [Column(say("api.columns_title"), "text", spare=True)] if columns else []
    rows: list[Row] = []
    for text, one in lines:
        row: list[Cell | str] = [Cell(text, example_of(one)), say(f"api_address.{one.key}")]
        rows.append([*row, ", ".join(column.name for column in one.columns)] if columns else row)
    return Table(caption, heads, rows)


def example_of(one: Address) -> str:
    """An address that can be opened as it stands, where the parts of its path are no one lake's."""
    if {"source_id", "source_pos", "story", "report"} & set(one.parts):
        return ""
    path = re.sub(r"\{(\w+)\}", lambda found: str(one.parts[found[1]].example), one.whole)
    return path + ("?json" if one.root != _shape.ROOT else "")


def _words(asked: Asked) -> Table:
    say = lang.words(asked.lang)
    heads = [Column(say(f"api.{name}"), "text") for name in ("word", "values", "example")]
    rows: list[Row] = [(name, say(f"api_word.{name}"), _example(word)) for name, word in _shape.words().items()]
    return Table(say("api.words_title"), heads, rows)


def _example(word: Word) -> str:
    return " | ".join(map(str, word.schema["enum"])) if "enum" in word.schema else str(word.example)


def _formats(asked: Asked) -> Table:
    say = lang.words(asked.lang)
    rows: list[Row] = [(f"format={form}", kind.partition(";")[0]) for form, kind in _forms.TYPES.items()]
    return Table(say("api.forms_title"), [Column(say("api.word"), "text"), Column("Content-Type", "text")], rows)
