"""What goes out from the observer's own side and looks like a scan; only where there is something to say."""

from __future__ import annotations

from collections.abc import Sequence

from teiten.classify.own import Finding
from teiten.periods import PeriodKind
from teiten.report.context import Context
from teiten.report.model import Block, Column, Data, Section, Table

ID = "own"
ORDER = 80
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly")
PORTS = 8
"""ports of a finding that are named"""


def build(context: Context) -> Section | None:
    found = context.answers.own if context.settings.own_side else []
    if not found:
        return None
    say = context.say
    points = [_point(context, one) for one in found]
    findings = [say("own.finding", n=len({one.machine for one in found}))]
    notes = [say("own.advice"), say("own.advice_known"), say("own.hidden"), _rules(context, found)]
    if context.answers.own_counted:
        notes.append(say("own.counted", n=context.answers.own_counted))
    return Section(ID, say("own.title"), findings, points=points, blocks=[_block(context, found)], notes=notes)


def _ports(context: Context, one: Finding) -> str:
    named = context.ports([(protocol, port) for protocol, port in one.ports[:PORTS]])
    more = len(one.ports) - len(named)
    return context.words.listed([*named, *([context.say("own.more", n=more)] if more else [])])


def _point(context: Context, one: Finding) -> str:
    return context.say(
        f"own.{one.rule}",
        machine=context.say("own.machine", name=one.name),
        ports=_ports(context, one),
        destinations=one.destinations,
        packets=context.packets(one.packets),
        count=one.score,
        days=_days(context, one),
    )


def _days(context: Context, one: Finding) -> str:
    if one.days == 1:
        return context.words.day(one.first)
    span = context.say("date.span", start=context.words.day(one.first), end=context.words.day(one.last))
    every = one.days == (one.last - one.first).days + 1
    return span if every else context.say("own.days", span=span, n=one.days)


def _rules(context: Context, found: Sequence[Finding]) -> str:
    """What had to be met, with the numbers in force."""
    told = {one.rule: context.say(f"own.rule_{one.rule}", n=one.threshold) for one in found}
    return context.say("own.rules", list=context.words.listed(told.values()))


def _block(context: Context, found: Sequence[Finding]) -> Block:
    say, number = context.say, context.words.number
    columns = (
        Column(say("own.column_machine"), "text"),
        Column(say("column.port"), "text"),
        Column(say("own.column_days")),
        Column(say("own.column_destinations")),
        Column(say("column.packets")),
    )
    rows = [
        (
            say("own.machine", name=one.name),
            _ports(context, one),
            number(one.days),
            number(one.destinations),
            number(one.packets),
        )
        for one in found
    ]
    names = ("machine", "rule", "ports", "first", "last", "days", "destinations", "packets", "count", "threshold")
    body = [
        (
            one.name, one.rule, " ".join(context.port(p) for p in one.ports), one.first, one.last, one.days, one.destinations,
            one.packets, one.score, one.threshold,
        )
        for one in found
    ]  # fmt: skip
    data: Data = context.data(ID, say("own.title"), names, body, context.answers.own_sql)
    return Block(data, table=Table(say("own.caption"), columns, rows))
