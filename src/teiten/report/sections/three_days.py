"""For a day: the ranking of ports over it and the two days before, as a daily overview has it (seeds' P1)."""

from __future__ import annotations

import datetime as dt

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.answers import ranked
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Section
from teiten.report.sections import _ranking

ID = "three-days"
ORDER = 4
KINDS: tuple[PeriodKind, ...] = ("daily",)


def build(context: Context) -> Section | None:
    say, words = context.say, context.words
    start, answer = context.answers.three_days
    extent = context.answers.extent
    if extent is not None and extent[0] > start + dt.timedelta(days=1):
        return None  # of a log that is shorter, the ranking is that of the day
    rows = _ranking.chosen(context, "ports", 10, [ranked(row, "ports") for row in answer])
    if not rows or rows[0].rank is None:
        return None
    total = int(answer.total or 0)
    last = context.period.first
    days = {"start": words.day(start.date()), "end": words.day(last)}
    figure = figures.RankFigure(
        id="three-days",
        title=say("three_days.figure", port=context.port_long(rows[0].key), share=words.percent(rows[0].share)),
        subtitle=say("three_days.subtitle", **days, scope=context.sensors),
        unit=say("ports.packets_unit"),
        rows=_ranking.bars(context, "ports", rows),
        things="port",
        heading=say("column.port"),
        total=context.packets(total),
    )
    caption = say("three_days.caption", **days, total=total)
    moves = context.answers.ranks_told
    table = _ranking.table(
        context, "ports", rows, caption, movement=False, moves=moves, note=say("three_days.note") if moves else ""
    )
    before = ("rank_before", "packets_before") if moves else ()
    columns = with_error(("rank", "dst_port", "protocol", "packets", "hosts", "share", "share_of", *before), answer)
    title = figure.title
    body = [tuple(row[c] for c in columns) for row in answer]
    data = context.data("three-days", title, columns, body, answer.sql)
    finding = say("three_days.finding", port=context.port_long(rows[0].key), packets=context.packets(rows[0].packets))
    return Section(ID, say("three_days.title"), [finding], blocks=[Block(data, figure, table)])
