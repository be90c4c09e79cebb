"""Announced scanners: how much of everything they are, which organisations, with the period before; and the port scanners."""

from __future__ import annotations

from teiten.classify import watchlists
from teiten.periods import PeriodKind
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Column, Paragraph, Section, Table

ID = "scanners"
ORDER = 34
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly")
SHOWN = 10
"""organisations in the table on the page; the CSV has all"""
_CSV = ("rank", "scanner", "packets", "hosts", "share", "share_of", "rank_before", "packets_before", "difference", "change")


def build(context: Context) -> Section | None:
    """Nothing where nobody of a list was seen, and nobody tried many ports."""
    say, words, answers = context.say, context.words, context.answers
    if answers.filters.scanners == "out":
        return None
    scanning = answers.scanning
    if not scanning.packets and not scanning.port_scanners:
        return None
    rows = answers.scanners
    findings: list[Paragraph] = []
    if scanning.packets:
        findings.append(
            say(
                "scanners.finding",
                packets=context.packets(scanning.packets),
                share=words.percent(scanning.packets / max(1, answers.totals.packets)),
                hosts=words("count.addresses", n=scanning.hosts),
                organisations=words("scanners.organisations", n=len(rows)),
            )
        )
    else:
        findings.append(say("scanners.none"))
    if scanning.port_scanners:
        count = words("count.addresses", n=scanning.port_scanners)
        least = int(context.settings.threshold("port_scanner_ports"))
        findings.append(say("scanners.ports", hosts=count, least=least, announced=scanning.port_scanners_announced))
    blocks = [_table(context)] if rows else []
    return Section(ID, say("scanners.title"), findings, blocks=blocks, notes=[say("scanners.note")])


def _table(context: Context) -> Block:
    say, words, answers = context.say, context.words, context.answers
    rows = [row for row in answers.scanners if row["scanner"] is not None]
    known = watchlists.load(context.settings).organisations
    columns = [Column(say("column.rank"))]
    if answers.ranks_told:
        columns.append(Column(say("column.before")))
    columns += [Column(say("scanners.organisation"), "text"), Column(say("column.packets")), Column(say("scanners.share"))]
    if answers.comparable:
        columns.append(Column(say("column.change")))
    columns.append(Column(say("scanners.hosts"), spare=True))
    cells = []
    for row in rows[:SHOWN]:
        about = known.get(row["scanner"])
        line = [words.number(row["rank"])]
        if answers.ranks_told:
            line.append(words.number(row["rank_before"]) if row["rank_before"] else "–")
        share = row["packets"] / max(1, answers.totals.packets)
        line += [about.text(words.lang) if about else row["scanner"], words.number(row["packets"]), words.percent(share)]
        if answers.comparable:
            line.append(context.change(row["packets"], row["packets_before"]) or "–")
        cells.append((*line, context.estimate(row["hosts"], row.get("hosts_error") or 0.0)))
    which = "scanners.caption" if len(cells) == len(rows) else "scanners.caption_first"
    caption = say(which, n=len(cells), all=len(rows), total=answers.totals.packets)
    csv = with_error(_CSV, answers.scanners)
    data = context.data(ID, say("scanners.title"), csv, [tuple(row[c] for c in csv) for row in rows], answers.scanners.sql)
    return Block(data, table=Table(caption, tuple(columns), cells))
