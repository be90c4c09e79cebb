"""What the rankings share: the table with movement, the chart's rows, and who came, went, rose or fell."""

from __future__ import annotations

from teiten.report import figures
from teiten.report.answers import Ranked, What
from teiten.report.context import Context, protocol_name, with_error
from teiten.report.model import Block, Column, Table

SHOWN = {"daily": 10, "weekly": 10, "monthly": 20}
"""rows of a ranking on the page"""
TOGETHER = 4
"""things with equally many packets that are named together"""
CHART = {"daily": 10, "weekly": 10, "monthly": 10}


def name(context: Context, what: What, row: Ranked) -> str:
    """23/tcp; 中国; 不明."""
    if what == "ports":
        return context.say("thing.unknown") if row.key == (None, None) else context.port(row.key)
    return context.country(row.key)


def key(what: What, row: Ranked) -> str:
    """What the colour belongs to: '23/tcp', 'icmp', 'CN'."""
    if what == "countries":
        return row.key or "unknown"
    protocol, port = row.key
    return protocol_name(protocol) if port is None else f"{port}/{protocol_name(protocol)}"


def place(what: What, row: Ranked) -> str:
    """The name of a thing's row on the page: row-ports-23-tcp, row-countries-CN, row-countries-unknown."""
    return f"row-{what}-{key(what, row).replace('/', '-') or 'unknown'}"


def chosen(context: Context, what: What, most: int, rows: list[Ranked] | None = None) -> list[Ranked]:
    """The first of the ranking and, as a row of its own at the end, the unknown."""
    found = context.answers.ranking(what) if rows is None else rows
    named = [r for r in found if r.rank is not None][:most]
    return named + [r for r in found if r.rank is None]


def bars(context: Context, what: What, rows: list[Ranked]) -> list[figures.RankRow]:
    """The rows as a chart's."""
    return [
        figures.RankRow(
            key=key(what, row),
            label=name(context, what, row),
            value=row.packets,
            rank=row.rank,
            rank_before=row.rank_before,
            share=row.share,
            detail=context.service(row.key) if what == "ports" else "",
            kind="value" if row.rank is not None else "unknown",
        )
        for row in rows
    ]


def table(
    context: Context,
    what: What,
    rows: list[Ranked],
    caption: str,
    *,
    movement: bool = True,
    note: str = "",
    moves: bool | None = None,
) -> Table:
    """The ranking as a table. Without `movement` nothing is said of the period before; `moves`: but for the ranks."""
    say, words, answers = context.say, context.words, context.answers
    compares = movement and answers.comparable
    moves = movement and answers.ranks_told if moves is None else moves
    columns = [Column(say("column.rank"))]
    if moves:
        columns.append(Column(say("column.before")))
    columns.append(Column(say("column.port" if what == "ports" else "column.country"), "text"))
    if what == "ports":
        columns.append(Column(say("column.service"), "text", spare=True))
    columns += [Column(say("column.packets")), Column(say("column.share"))]
    if compares:
        columns.append(Column(say("column.change")))
    columns.append(Column(say("column.hosts"), spare=True))
    cells = []
    for row in rows:
        line = [words.number(row.rank) if row.rank else "–"]
        if moves:
            line.append(context.movement(row))
        line.append(name(context, what, row))
        if what == "ports":
            line.append(context.service(row.key))
        line += [words.number(row.packets), words.percent(row.share)]
        if compares:
            line.append(context.change(row.packets, row.packets_before) or "–")
        line.append(context.estimate(row.hosts, row.hosts_error))
        cells.append(tuple(line))
    # a day's ranking stands beside that of three days: only one of them can be led to
    places = [place(what, row) for row in rows] if movement else []
    note = words.joined(note, context.estimated(row.hosts_error for row in rows))
    return Table(caption, tuple(columns), cells, note, places=places)


def leader(context: Context, what: What, named: list[Ranked]) -> tuple[str, str]:
    """Who is first, and its share of all packets; several with equally many are named together, with the share of each."""
    first = [r for r in named if r.rank == named[0].rank]
    share = context.words.percent(first[0].share)
    if len(first) == 1:
        return (context.port_long(first[0].key) if what == "ports" else context.land(first[0].key)), share
    names = context.ports(r.key for r in first) if what == "ports" else [context.land(r.key) for r in first]
    if len(names) > TOGETHER:
        names = [*names[:TOGETHER], context.say("thing.more", n=len(names) - TOGETHER)]
    return context.say("thing.tied", list=context.words.listed(names)), context.say("thing.each", share=share)


def headline(context: Context, what: What, named: list[Ranked]) -> str:
    """The title of a ranking: who leads, with which share; or who leads together."""
    leading, share = leader(context, what, named)
    if len(named) > 1 and named[1].rank == named[0].rank:
        return context.sentence("thing.lead", things=leading, share=context.words.percent(named[0].share))
    if what == "ports":
        return context.say("ports.figure", port=leading, share=share)
    return context.sentence("countries.figure", country=leading, share=share)


CSV_COLUMNS = ("rank", "packets", "hosts", "share", "share_of", "rank_before", "packets_before", "difference", "change")


def block(context: Context, what: What, figure: figures.Figure, shown: Table) -> Block:
    """Chart and table with the whole ranking as CSV, as the engine answered it."""
    rows = context.answers.ports if what == "ports" else context.answers.countries
    things = ("dst_port", "protocol") if what == "ports" else ("country",)
    columns = with_error((CSV_COLUMNS[0], *things, *CSV_COLUMNS[1:]), rows)
    body = [tuple(row[c] for c in columns) for row in rows]
    return Block(context.data(figure.id, figure.title, columns, body, rows.sql), figure, shown)


def entered(context: Context, what: What, most: int) -> str:
    """Who came in among the first `most`; an empty text where none did."""
    if not context.answers.comparable:
        return ""
    items = []
    for row in context.answers.ranking(what)[:most]:
        if row.rank is None or row.rank > most or (row.rank_before is not None and row.rank_before <= most):
            continue
        style = "ports.item_first" if row.rank_before is None else "ports.item_new"
        items.append(context.say(style, thing=name(context, what, row), rank=row.rank, rank_before=row.rank_before or 0))
    return context.say("ports.entered", n=most, list=context.words.listed(items)) if items else ""


def left(context: Context, what: What, most: int) -> str:
    """Who dropped out of the first `most`; an empty text where none did."""
    if not context.answers.comparable:
        return ""
    items = []
    for row in context.answers.leading_before(what):
        if row.rank_before is None or row.rank_before > most or (row.rank is not None and row.rank <= most):
            continue
        style = "ports.item_gone" if row.rank is None else "ports.item_left"
        items.append(context.say(style, thing=name(context, what, row), rank=row.rank or 0, rank_before=row.rank_before))
    return context.say("ports.left", n=most, list=context.words.listed(items)) if items else ""
