"""How a port stands after the period: the last days of the lake."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report.asked import port as asked
from teiten.report.context import SAME, Context, with_error
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _port

ID = "port-after"
ORDER = 30
KINDS: tuple[PeriodKind, ...] = ("span",)


def build(context: Context) -> Section | None:
    """Nothing where the lake has no whole day after the period."""
    found = context.answers.once(asked.after)
    if found is None:
        return None
    say = context.say
    span = context.words("duration.days_of", n=len(found.days))
    return Section(ID, say("port.after"), [_told(context, found, span)], blocks=[_block(context, found)])


def _told(context: Context, found: asked.After, span: str) -> str:
    say, words = context.say, context.words
    if found.hosts_now is None:
        return say("port.after_unwatched", span=span)
    if not found.hosts_now:
        return say("port.after_none", span=span, **_port.names(context))
    rate = _port.rate(context, found.hosts_now)
    if not found.hosts_then:
        return say("port.after_plain", span=span, rate=rate)
    change = (found.hosts_now - found.hosts_then) / found.hosts_then
    fields = {"span": span, "rate": rate, "then": _port.rate(context, found.hosts_then), "n": found.days_then}
    if abs(change) < SAME:
        return say("port.after_same", **fields)
    way = "port.after_more" if change > 0 else "port.after_fewer"
    return say("port.after_told", change=say(way, change=words.percent(abs(change), 0)), **fields)


def _block(context: Context, found: asked.After) -> Block:
    say, words = context.say, context.words
    title = say("port.after_caption", **_port.names(context))
    columns = (Column(say("port.day"), "text"), Column(say("column.hosts")), Column(say("column.packets")))
    rows = [
        (
            words.date(day),
            "–" if hosts is None else context.estimate(hosts, found.rows.error),
            "–" if packets is None else words.number(packets),
        )
        for day, hosts, packets in zip(found.days, found.hosts, found.packets, strict=True)
    ]
    csv = with_error(("start", "packets", "hosts"), found.rows)
    body = [tuple(row[c] for c in csv) for row in found.rows]
    return Block(context.data(ID, title, csv, body, found.rows.sql), table=Table(title, columns, rows))
