"""What rose and what fell against the period before: ports with ranks now and then, as a monthly text lists them."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.answers import Ranked
from teiten.report.context import Context
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _ranking, _stories

ID = "movers"
ORDER = 35
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly")
EACH = 5


def build(context: Context) -> Section | None:
    say, answers = context.say, context.answers
    # a day's overview tells what changed beside the usual, and the ranking of three days who passed whom
    if not answers.comparable or _stories.changes(context) is not None:
        return None
    moved = answers.moved("ports")
    rose = [r for r in moved if r.difference > 0][:EACH]
    fell = [r for r in moved if r.difference < 0][:EACH]
    if not moved:
        return Section(ID, say("movers.title"), [say("movers.none")], notes=[say("movers.rule")])
    block = _block(context, rose, fell)
    return Section(ID, say("movers.title"), blocks=[block], notes=[say("movers.rule")])


def _block(context: Context, rose: list[Ranked], fell: list[Ranked]) -> Block:
    say, words = context.say, context.words
    first = (rose or fell)[0]
    key = "movers.figure" if rose else "movers.figure_fell"
    figure = figures.SlopeFigure(
        id="movers",
        title=say(key, thing=context.port(first.key), change=words.signed(first.difference)),
        subtitle=say("movers.subtitle", scope=context.scope),
        rows=_slopes(context),
        before_label=say("column.before"),
        now_label=say("column.now"),
        things="port",
        places=10,
    )
    columns = (
        Column(say("column.port"), "text"),
        Column(say("column.service"), "text", spare=True),
        Column(say("column.rank")),
        Column(say("column.before")),
        Column(say("column.packets")),
        Column(say("column.difference")),
        Column(say("column.change"), spare=True),
    )
    rows = [
        (
            _ranking.name(context, "ports", r),
            context.service(r.key),
            words.number(r.rank) if r.rank else "–",
            words.number(r.rank_before) if r.rank_before else "–",
            words.number(r.packets),
            words.signed(r.difference),
            context.change(r.packets, r.packets_before) or (say("movement.new") if not r.packets_before else "–"),
        )
        for r in rose + fell
    ]
    table = Table(say("movers.caption"), columns, rows)
    names = ("dst_port", "protocol", "rank", "rank_before", "packets", "packets_before", "difference")
    body = [
        (r.key[1], r.key[0], r.rank, r.rank_before, r.packets, r.packets_before or 0, r.difference)
        for r in context.answers.moved("ports")
    ]
    data = context.data("movers", figure.title, names, body, context.answers.ports.sql)
    return Block(data, figure, table)


def _slopes(context: Context) -> list[figures.SlopeRow]:
    """Everything among the first ten now or before."""
    now = {r.key: r for r in context.answers.ranking("ports") if r.rank is not None and r.rank <= 10}
    for row in context.answers.leading_before("ports"):
        if row.rank_before is not None and row.rank_before <= 10:
            now.setdefault(row.key, row)
    return [
        figures.SlopeRow(
            key=_ranking.key("ports", r),
            label=context.port(r.key),
            before=r.rank_before,
            now=r.rank,
        )
        for r in now.values()
    ]
