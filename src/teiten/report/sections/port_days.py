"""Hosts and packets of a port by day, the world stacked by country."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import port as asked
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _port

ID = "port-days"
ORDER = 12
KINDS: tuple[PeriodKind, ...] = ("span",)


def build(context: Context) -> Section | None:
    """Nothing where nothing arrived."""
    if not _port.seen(context):
        return None
    say, course = context.say, _port.course(context)
    hosts, packets = course.hosts[course.first :], course.packets[course.first :]
    most, at = _port.highest(hosts)
    middle = _port.hosts(context, _port.usual(hosts))
    findings = [
        say("port.days_mean", usual=middle, day=_port.day(context, at + course.first), peak=_port.hosts(context, most)),
        say("port.days_packets", **_most(context, packets)),
    ]
    return Section(ID, say("port.days"), findings, blocks=[_hosts(context), _packets(context)], notes=_notes(context))


def _most(context: Context, packets: _port.Counts) -> dict[str, str]:
    most, at = _port.highest(packets)
    return {"day": _port.day(context, at + _port.course(context).first), "packets": context.packets(most)}


def _notes(context: Context) -> list[str]:
    gaps = context.answers.coverage.gaps
    said = [context.say("series.gap_note", list=context.spans(context.answers.coverage))] if gaps else []
    if not context.answers.once(asked.risen):
        said.append(_port.rule(context))
    estimated = context.estimated([_port.course(context).error])
    return [*said, *([estimated] if estimated else [])]


def _hosts(context: Context) -> Block:
    say, course = context.say, _port.course(context)
    rises = context.answers.once(asked.risen)
    hosts = course.hosts[course.first :]
    most, _ = _port.highest(hosts)
    usual = _port.usual(hosts)
    port = _port.name(context)
    if rises:
        title = say("port.figure_rise", port=port, day=_port.day(context, rises[0].start))
    elif usual:
        title = say("port.figure_flat", port=port, usual=_port.rate(context, usual))
    else:
        title = say("port.figure_few", port=port, peak=context.words.number(most))
    series = _port.by_country(context, 1)
    subtitle = _subtitle(context, "port.subtitle_hosts", series)
    figure = _port.stack(
        context, "port-hosts", title, subtitle, say("port.unit_hosts"), series,
        things="country", totals=False, marks=_port.marks(context, rises),
    )  # fmt: skip
    columns = with_error(("start", "country", "hosts"), course.rows)
    rows = [tuple(row[c] for c in columns) for row in course.rows]
    return Block(context.data("port-hosts", title, columns, rows, course.rows.sql), figure, _table(context))


def _packets(context: Context) -> Block:
    say, course = context.say, _port.course(context)
    most = _most(context, course.packets[course.first :])
    title = say("port.figure_packets", **_port.names(context), day=most["day"])
    series = _port.by_country(context, 0)
    subtitle = _subtitle(context, "port.subtitle_packets", series)
    figure = _port.stack(context, "port-packets", title, subtitle, say("port.unit_packets"), series, things="country")
    columns = ("start", "country", "packets")
    rows = [tuple(row[c] for c in columns) for row in course.rows]
    return Block(context.data("port-packets", title, columns, rows, course.rows.sql), figure)


def _subtitle(context: Context, key: str, series: list[figures.Series]) -> str:
    named = [s for s in series if s.kind == "value"]
    return context.say(key, **_port.names(context), n=len(named), who=_port.who(context), scope=context.scope)


def _table(context: Context) -> Table:
    say, words, course = context.say, context.words, _port.course(context)
    rows = []
    for at in range(course.first, len(course.days)):
        hosts, packets = course.hosts[at], course.packets[at]
        shown = (
            ("–", "–") if hosts is None or packets is None else (context.estimate(hosts, course.error), words.number(packets))
        )
        rows.append((_port.day(context, at), *shown))
    columns = (Column(say("port.day"), "text"), Column(say("column.hosts")), Column(say("column.packets")))
    return Table(say("port.caption_days", **_port.names(context)), columns, rows, folded=True)
