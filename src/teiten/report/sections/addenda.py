"""What was added later: dated addenda, notes and corrections of the analyst, below the text that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from teiten.periods import PeriodKind
from teiten.report.context import Context
from teiten.report.model import Block, Link, Paragraph, Piece, Section
from teiten.report.notes import Note

ID = "addenda"
ORDER = 90
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly", "quarterly", "span")


def build(context: Context) -> Section | None:
    shown = [n for n in context.answers.notes if n.speaks(context.words.lang) and not _stands_elsewhere(context, n)]
    others = [n for n in context.answers.notes if not n.speaks(context.words.lang) and n.kind == "addendum"]
    if not shown and not others:
        return None
    findings: list[Paragraph] = []
    for note in shown:
        findings += _told(context, note)
    notes = [_elsewhere(context, lang, others) for lang in sorted({n.lang for n in others if n.lang})]
    return Section(ID, _title(context, shown), findings, blocks=[_rows(context, shown)] if shown else [], notes=notes)


def _stands_elsewhere(context: Context, note: Note) -> bool:
    """The words for a gap stand at the gap, where one was found; those for a section in it."""
    if note.section is not None:
        return True
    return note.kind == "gap" and any(note.touches(g.start, g.end) for g in context.answers.coverage.gaps)


def _title(context: Context, shown: Sequence[Note]) -> str:
    kinds = {note.kind for note in shown}
    if kinds <= {"addendum"}:
        return context.say("notes.title")
    return context.say("notes.title_both" if "addendum" in kinds else "notes.title_notes")


def _told(context: Context, note: Note) -> list[Paragraph]:
    """'(2019/2/20 19:30追記)', then what was written, a paragraph a line."""
    days = ""
    if note.first and note.last and note.kind == "gap":
        both = [context.words.date(note.first), *([context.words.date(note.last)] if note.last != note.first else [])]
        days = context.say("date.span", start=both[0], end=both[1]) if len(both) == 2 else both[0]
    said: list[Paragraph] = [context.say(f"notes.{note.kind}", stamp=stamp(context, note), days=days)]
    if note.kind == "correction":
        said.append(context.say("notes.correction_of", label=_label(context, note)))
    lines: list[Sequence[Piece]] = [[line] for line in note.text.splitlines() if line.strip()]
    if note.url:
        link = Link(note.url, note.url)
        lines = [*lines[:-1], [*lines[-1], " ", link]] if lines else [[link]]
    return [*said, *lines]


def _label(context: Context, note: Note) -> str:
    key = f"notes.label.{note.label}"
    label = context.say(key) if key in context.words else str(note.label or "")
    return context.say("notes.labelled", label=label, value=note.value) if note.value else label


def stamp(context: Context, note: Note) -> str:
    """When it was written, in the report's zone."""
    return context.words.stamp(note.created.astimezone(context.period.tz))


def _elsewhere(context: Context, lang: str, others: Sequence[Note]) -> str:
    mine = [n for n in others if n.lang == lang]
    name = f"notes.lang_{lang}"
    return context.say(
        "notes.elsewhere",
        n=len(mine),
        lang=context.say(name) if name in context.words else lang,
        list=context.words.listed(stamp(context, n) for n in mine),
    )


def _rows(context: Context, shown: Sequence[Note]) -> Block:
    columns = ("id", "created", "kind", "lang", "text", "url")
    rows = [(n.id, n.created.astimezone(context.period.tz), n.kind, n.lang, n.text, n.url) for n in shown]
    ids = ", ".join(f"'{n.id}'" for n in shown)
    sql = f"SELECT {', '.join(columns)}\nFROM notes\nWHERE id IN ({ids})\nORDER BY created, id"
    return Block(context.data(ID, context.say("notes.sql"), columns, rows, sql))
