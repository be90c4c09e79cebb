"""What was observed, in the analyst's own words: notes with a section of a report, with paragraphs, links and citations.

A note that names a section of its report stands at the end of that section's findings (`weave`); one that names `events`, or a
section that is not there this time, stands in a section of its own, under its title where it has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from teiten.periods import PeriodKind
from teiten.report.context import Context
from teiten.report.model import Block, Footnote, Link, Paragraph, Piece, Section
from teiten.report.notes import Note

ID = "events"
ORDER = 40
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly", "quarterly", "span")
_HEAD: Final = re.compile(r"#+\s+(.+)")
_ITEM: Final = re.compile(r"[-*\u30fb]\s*(.+)")
_MARKS: Final = re.compile(r"\^\[([^\[\]]+)\]|\[([^\[\]]+)\]\((https?://[^\s()]+)\)")
"""^[a citation https://...] is a footnote, [a text](https://...) a link"""
_URL: Final = re.compile(r"https?://\S+$")
_WIDE: Final = re.compile(r"[\u2e80-\uffef]")
"""what is written without spaces between words"""


def build(context: Context) -> list[Section]:
    return _sections(context, [note for note in mine(context) if note.section == ID])


def weave(context: Context, sections: Sequence[Section]) -> list[Section]:
    """The sections with the analyst's words in those that notes name; what names one that is not there goes to the events."""
    there = {section.id for section in sections}
    lost = [note for note in mine(context) if note.section != ID and note.section not in there]
    out = [_with(context, section, [n for n in mine(context) if n.section == section.id != ID]) for section in sections]
    if not lost:
        return out
    own = _sections(context, [n for n in mine(context) if n.section == ID or n in lost])
    rest = [section for section in out if section.id.partition("-")[0] != ID]
    last = {"addenda", "changes", "about"}
    at = next((i for i, section in enumerate(rest) if section.id in last), len(rest))
    return [*rest[:at], *own, *rest[at:]]


def mine(context: Context) -> list[Note]:
    """The notes with a section that speak the report's language, by their place, then as they were written."""
    found = [n for n in context.answers.notes if n.section is not None and n.speaks(context.words.lang)]
    return sorted(found, key=lambda n: (n.place is None, n.place or 0))


def _with(context: Context, section: Section, notes: Iterable[Note]) -> Section:
    added: list[Paragraph] = []
    for note in notes:
        title, paragraphs = told(note)
        lead = context.say("events.lead_titled", title=title) if title else context.say("events.lead")
        added += [lead, *paragraphs]
    return replace(section, findings=[*section.findings, *added]) if added else section


def _sections(context: Context, notes: Sequence[Note]) -> list[Section]:
    """One for all notes without a title, then one for each that has one; the rows of all stand under the last."""
    plain: list[Paragraph] = []
    out = []
    for note in notes:
        title, paragraphs = told(note)
        if title:
            out.append(Section(f"{ID}-{note.id}", title, paragraphs))
        else:
            plain += paragraphs
    if plain:
        out.insert(0, Section(ID, context.say("events.title", period=context.title_name), plain))
    if out:
        out[-1] = replace(out[-1], blocks=[_rows(context, notes)])
    return out


def told(note: Note) -> tuple[str, list[Paragraph]]:
    """Title ('' without one) and paragraphs of a note's text; an empty line begins a new paragraph, '- ' an item of a list."""
    title, paragraphs = "", list[str]()
    fresh = True
    for line in note.text.splitlines():
        text = line.strip()
        if not text:
            fresh = True
            continue
        if not title and not paragraphs and (head := _HEAD.fullmatch(text)):
            title = head[1]
        elif item := _ITEM.fullmatch(text):
            paragraphs.append(f"\u2022 {item[1]}")
            fresh = False
        elif fresh or not paragraphs:
            paragraphs.append(text)
            fresh = False
        else:
            paragraphs[-1] = _joined(paragraphs[-1], text)
    pieces = [_pieces(text) for text in paragraphs]
    if note.url:
        mark = Footnote(note.url, note.url)
        pieces = [*pieces[:-1], [*pieces[-1], mark]] if pieces else [[mark]]
    return title, list(pieces)


def _joined(one: str, other: str) -> str:
    """Two lines of a paragraph as one: Japanese goes on without a space."""
    return one + ("" if _WIDE.match(one[-1]) or _WIDE.match(other[0]) else " ") + other


def _pieces(text: str) -> list[Piece]:
    """Text with its links and footnotes."""
    out: list[Piece] = []
    at = 0
    for found in _MARKS.finditer(text):
        if found.start() > at:
            out.append(text[at : found.start()])
        out.append(_cited(found[1]) if found[1] else Link(found[2], found[3]))
        at = found.end()
    if at < len(text):
        out.append(text[at:])
    return out


def _cited(text: str) -> Footnote:
    """A citation: what it says, and the page at its end, if there is one."""
    url = _URL.search(text.strip())
    if url is None:
        return Footnote(text.strip())
    said = text.strip()[: url.start()].strip()
    return Footnote(said or url[0], url[0])


def _rows(context: Context, notes: Sequence[Note]) -> Block:
    columns = ("id", "created", "section", "lang", "text", "url")
    rows = [(n.id, n.created.astimezone(context.period.tz), n.section, n.lang, n.text, n.url) for n in notes]
    ids = ", ".join(f"'{n.id}'" for n in notes)
    sql = f"SELECT id, created, label AS section, lang, text, url\nFROM notes\nWHERE id IN ({ids})\nORDER BY created, id"
    return Block(context.data(ID, context.say("events.sql"), columns, rows, sql))
