"""What rose and fell against the quarter before: ports and countries in words, each with its row; ranks then and now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from teiten.periods import PeriodKind
from teiten.report import figures, rises
from teiten.report.answers import Ranked, What
from teiten.report.asked import quarter, quarter_peaks
from teiten.report.context import Context
from teiten.report.model import Block, Column, Link, Paragraph, Point, Section, Table
from teiten.report.sections import _movement, _ranking

ID = "quarter_moves"
ORDER = 26
KINDS: tuple[PeriodKind, ...] = ("quarterly",)
EACH: Final[dict[What, int]] = {"ports": 5, "countries": 5}
"""of those that rose, and of those that fell"""
PLACES: Final = 10
LEAST: Final = 0.1
"""of what it was before: what moved by less is not told, however surely"""
TWIN: Final = 0.8
"""of a country's movement that is one port's: it is told under the port"""
PART: Final = 0.001
"""of all packets of the quarter: what moved by less is not told either"""


def build(context: Context) -> Section:
    say, answers = context.say, context.answers
    if not answers.comparable:
        return Section(ID, say("quarter.moves_title"), [_movement.against(context)])
    moved = {what: _moved(context, what) for what in EACH}
    findings = [_movement.against(context), *(say(f"quarter.moves_none_{what}") for what, rows in moved.items() if not rows)]
    blocks = [_block(context, what, rows) for what, rows in moved.items() if rows]
    points = _points(context, moved)
    return Section(ID, say("quarter.moves_title"), findings, points=points, blocks=blocks, notes=[_rule(context)])


def _moved(context: Context, what: What) -> list[Ranked]:
    """Those that rose most, then those that fell most."""
    whole = context.answers.totals.packets

    def told(row: Ranked) -> bool:
        return abs(row.difference) >= max(LEAST * (row.packets_before or 0), PART * whole)

    moved = [row for row in context.answers.moved(what) if told(row)]
    rose, fell = ([r for r in moved if (r.difference > 0) is up][: EACH[what]] for up in (True, False))
    return rose + fell


def _points(context: Context, moved: dict[What, list[Ranked]]) -> list[Paragraph | Point]:
    """The ports, under each the countries whose movement is that port's; then the other countries."""
    countries = list(enumerate(moved["countries"]))
    out: list[Paragraph | Point] = []
    for n, row in enumerate(moved["ports"]):
        below = []
        for item in countries:
            cause = context.answers.main_cause("countries", item[1].key)
            same = (item[1].difference > 0) == (row.difference > 0)
            if cause is not None and same and cause[0] == row.key and cause[1] >= TWIN:
                below.append(item)
        countries = [item for item in countries if item not in below]
        out.append(Point(_point(context, "ports", n, row), [_point(context, "countries", *item) for item in below]))
    return out + [_point(context, "countries", *item) for item in countries]


def _point(context: Context, what: What, n: int, row: Ranked) -> Paragraph:
    """The sentence, and a way to the row that shows it."""
    shown = Link(context.say("quarter.moves_row"), f"#moved-{what}-{n}", f"data/quarter-moves-{what}.csv")
    return context.rich(
        "quarter.moves_point",
        said=context.words.joined(_movement.movement(context, what, row), _since(context, what, row)),
        link=shown,
    )


def _since(context: Context, what: What, row: Ranked) -> str:
    """Since when it is more, where a day can be named, and until when it was."""
    rise = context.answers.once(quarter_peaks.began).get((what, row.key)) if row.difference > 0 else None
    if rise is None:
        return ""
    dates = [*context.answers.before.days, *context.period.days]
    start = context.words.day(dates[rise.start])
    if rise.over:
        return context.say("quarter.moves_while", start=start, end=context.words.day(dates[rise.end - 1]))
    return context.say("quarter.moves_since", start=start)


def _rule(context: Context) -> str:
    words = context.words
    rule = context.say("quarter.moves_rule", least=words.percent(LEAST, 0), part=words.percent(PART))
    since = context.say(
        "quarter.moves_since_rule",
        base=rises.BASE,
        run=rises.RUN,
        spread=words.number(rises.SPREAD, 1),
        chance=words.number(rises.CHANCE),
        half=words.percent(rises.HALF, 0),
    )
    forged = context.answers.once(quarter.quarters)[-1].counts["spoofed_packets"] / max(1, context.answers.totals.packets)
    return words.joined(rule, since, context.say("quarter.moves_forged", share=words.percent(forged)) if forged >= PART else "")


def _block(context: Context, what: What, rows: Sequence[Ranked]) -> Block:
    say, words, answers = context.say, context.words, context.answers
    first = rows[0]
    name = context.port(first.key) if what == "ports" else context.land(first.key)
    key = "quarter.moves_figure" if first.difference > 0 else "quarter.moves_figure_fell"
    figure = figures.SlopeFigure(
        id=f"quarter-moves-{what}",
        title=context.sentence(key, thing=name, change=words.signed(first.difference)),
        subtitle=say(f"quarter.moves_subtitle_{what}", n=PLACES, scope=context.scope),
        rows=_slopes(context, what),
        before_label=words.quarter(answers.before.first),
        now_label=words.quarter(answers.period.first),
        things="port" if what == "ports" else "country",
        places=PLACES,
    )
    columns = (
        Column(say("column.port" if what == "ports" else "column.country"), "text"),
        Column(say("column.rank")),
        Column(say("quarter.rank_before")),
        Column(say("column.packets")),
        Column(say("quarter.packets_before"), spare=True),
        Column(say("column.difference")),
        Column(say("column.change"), spare=True),
    )
    cells = [
        (
            context.port_long(r.key) if what == "ports" else context.country(r.key),
            words.number(r.rank) if r.rank else "–",
            words.number(r.rank_before) if r.rank_before else "–",
            words.number(r.packets),
            words.number(r.packets_before or 0),
            words.signed(r.difference),
            context.change(r.packets, r.packets_before) or (say("movement.new") if not r.packets_before else "–"),
        )
        for r in rows
    ]
    table = Table(say(f"quarter.moves_caption_{what}"), columns, cells, places=[f"moved-{what}-{n}" for n in range(len(rows))])
    keys = ("dst_port", "protocol") if what == "ports" else ("country",)
    names = (*keys, "rank", "rank_before", "packets", "packets_before", "difference")
    body = [
        (*((r.key[1], r.key[0]) if what == "ports" else (r.key,)), r.rank, r.rank_before, r.packets, r.packets_before or 0,
         r.difference)
        for r in answers.moved(what)
    ]  # fmt: skip
    rows_sql = (answers.ports if what == "ports" else answers.countries).sql
    return Block(context.data(figure.id, figure.title, names, body, rows_sql), figure, table)


def _slopes(context: Context, what: What) -> list[figures.SlopeRow]:
    """Everything among the first ten now or before."""
    now = {r.key: r for r in context.answers.ranking(what) if r.rank is not None and r.rank <= PLACES}
    for row in context.answers.leading_before(what):
        if row.rank_before is not None and row.rank_before <= PLACES:
            now.setdefault(row.key, row)
    return [
        figures.SlopeRow(
            key=_ranking.key(what, r),
            label=context.port(r.key) if what == "ports" else context.country(r.key),
            before=r.rank_before,
            now=r.rank,
        )
        for r in now.values()
    ]
