"""Operators told of infected hosts in the quarter: how many hosts, to how many contacts, how many unseen since."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report.asked import told as asked
from teiten.report.context import Context
from teiten.report.model import Block, Column, Data, Paragraph, Section, Table

ID = "quarter_told"
ORDER = 19
KINDS: tuple[PeriodKind, ...] = ("quarterly",)


def build(context: Context) -> Section | None:
    """Nothing where nobody was told, or where the report's filters choose among hosts."""
    answers, say, words = context.answers, context.say, context.words
    if answers.filters.words:
        return None
    told = answers.once(asked.told)
    if told is None:
        return None
    whole = told.all
    findings: list[Paragraph] = [say("quarter_told.told", hosts=whole.hosts, contacts=told.contacts, letters=told.letters)]
    days = f"{context.settings.notifying.unseen / 86_400:g}"
    if whole.followed:
        share = words.percent(whole.unseen / whole.followed)
        findings.append(say("quarter_told.unseen", followed=whole.followed, unseen=whole.unseen, share=share, days=days))
    else:
        findings.append(say("quarter_told.too_early", days=days))
    notes: list[Paragraph] = [say("quarter_told.definition", days=days)]
    if told.doubt:
        notes.append(say("quarter_told.doubt", n=told.doubt))
    return Section(ID, say("quarter_told.title"), findings, blocks=[_block(context, told)], notes=notes)


def _block(context: Context, told: asked.Told) -> Block:
    say, words = context.say, context.words
    columns = (
        Column(say("quarter_told.claim"), "text"), Column(say("quarter_told.hosts")), Column(say("quarter_told.followed")),
        Column(say("quarter_told.gone")), Column(say("column.share")),
    )  # fmt: skip
    rows = []
    for line in told.lines:
        share = words.percent(line.unseen / line.followed) if line.followed else "–"
        numbers = (words.number(n) for n in (line.hosts, line.followed, line.unseen))
        rows.append((say(f"quarter_told.{line.claim or 'every'}"), *numbers, share))
    table = Table(say("quarter_told.caption"), columns, rows)
    data = [(line.claim or "all", line.hosts, line.followed, line.unseen) for line in told.lines]
    return Block(Data("quarter-told", ("claim", "hosts", "followed", "unseen"), data, ""), table=table, title=table.caption)
