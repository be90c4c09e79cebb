"""What sent the packets: the tools that sources are taken to use, with the period before; and the kinds of packets."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections._tools import name

ID = "tools"
ORDER = 36
KINDS: tuple[PeriodKind, ...] = ("monthly",)
_CSV = ("rank", "tool", "packets", "hosts", "share", "share_of", "rank_before", "packets_before", "difference", "change")


def build(context: Context) -> Section | None:
    """Nothing where no tool was recognised."""
    say, words, answers = context.say, context.words, context.answers
    packets, hosts = answers.tooled
    if not packets:
        return None
    whole = max(1, answers.totals.packets)
    first = answers.tools[0]
    findings = [
        say(
            "tools.finding",
            packets=context.packets(packets),
            share=words.percent(packets / whole),
            hosts=words("count.addresses", n=hosts),
            tool=name(first["tool"]),
            first=words.percent(first["packets"] / packets),
        )
    ]
    parts = [
        words("tools.kind", kind=words(f"tools.kind_{row['kind'] or 'unknown'}"), share=words.percent(row["packets"] / whole))
        for row in answers.kinds
    ]
    findings.append(say("tools.kinds", total=answers.totals.packets, parts=words.listed(parts)))
    return Section(ID, say("tools.title"), findings, blocks=[_table(context)], notes=[say("tools.note")])


def _table(context: Context) -> Block:
    say, words, answers = context.say, context.words, context.answers
    columns = [Column(say("column.rank"))]
    if answers.ranks_told:
        columns.append(Column(say("column.before")))
    columns += [Column(say("tools.tool"), "text"), Column(say("column.packets")), Column(say("tools.share"))]
    if answers.comparable:
        columns.append(Column(say("column.change")))
    columns.append(Column(say("tools.hosts"), spare=True))
    cells = []
    for row in answers.tools:
        line = [words.number(row["rank"]) if row["rank"] else "–"]
        if answers.ranks_told:
            line.append(words.number(row["rank_before"]) if row["rank_before"] else "–")
        line += [name(row["tool"]) if row["tool"] else say("tools.unknown")]
        line += [words.number(row["packets"]), words.percent(row["packets"] / max(1, answers.totals.packets))]
        if answers.comparable:
            line.append(context.change(row["packets"], row["packets_before"]) or "–")
        cells.append((*line, context.estimate(row["hosts"], row.get("hosts_error") or 0.0)))
    caption = say("tools.caption", total=answers.totals.packets)
    csv = with_error(_CSV, answers.tools)
    data = context.data(ID, say("tools.title"), csv, [tuple(row[c] for c in csv) for row in answers.tools], answers.tools.sql)
    return Block(data, table=Table(caption, tuple(columns), cells))
