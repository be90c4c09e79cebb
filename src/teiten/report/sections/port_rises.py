"""When the hosts of a port rose, by a rule that is printed, and the countries that rose with it."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report import rises
from teiten.report.asked import port as asked
from teiten.report.context import Context
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _port

ID = "port-rises"
ORDER = 14
KINDS: tuple[PeriodKind, ...] = ("span",)
NAMED = 7
"""countries that a sentence names"""
ROWS = 15
"""countries of a rise that the table on the page shows"""


def build(context: Context) -> Section | None:
    """Nothing where nothing rose."""
    found = context.answers.once(asked.risen)
    if not found:
        return None
    course = _port.course(context)
    lands = [asked.rising(course, rise) for rise in found]
    findings = []
    for rise, risen in zip(found, lands, strict=True):
        items = [
            context.say(
                "port.land_rise",
                land=context.land(one.country),
                before=_port.rate(context, one.before),
                now=_port.rate(context, one.now),
            )
            for one in risen[:NAMED]
        ]
        key = "port.lands_rise" if items else "port.lands_rise_none"
        findings.append(context.say(key, day=_port.day(context, rise.start), list=context.words.listed(items)))
        if wide := asked.widened(context.answers, rise):
            old, new = (_port.rate(context, n) for n in wide)
            findings.append(context.say("port.rise_widened", day=_port.day(context, rise.start), old=old, new=new))
    blocks = [_table(context, found), *([_lands(context, found, lands)] if any(lands) else [])]
    return Section(ID, context.say("port.rises"), findings, blocks=blocks, notes=[_port.rule(context), _lands_rule(context)])


def _lands_rule(context: Context) -> str:
    return context.say("port.lands_rule", times=f"{asked.GREATER:g}")


def _table(context: Context, found: list[rises.Rise]) -> Block:
    say, course = context.say, _port.course(context)
    title = say("port.rises_caption")
    names = ("port.rise_start", "port.rise_usual", "port.rise_height", "port.rise_peak", "port.rise_peak_day", "port.rise_end")
    columns = [Column(say(n), "number" if n in names[1:4] else "text", spare=n == names[2]) for n in names]
    rows, body = [], []
    for rise in found:
        peak = course.hosts[rise.peak] or 0
        open_ = rise.end == len(course.days)
        end = say("port.rise_open") if open_ else _port.day(context, rise.end) if rise.over else say("port.rise_next")
        usual, height = _port.rate(context, rise.usual), _port.rate(context, rise.height)
        shown = (context.estimate(peak, course.error), _port.day(context, rise.peak), end)
        rows.append((_port.day(context, rise.start), usual, height, *shown))
        ended = course.days[rise.end] if rise.over and not open_ else None
        body.append((course.days[rise.start], rise.usual, rise.height, peak, course.days[rise.peak], ended))
    csv = ("start", "median_before", "threshold", "peak_hosts", "peak_day", "over")
    return Block(context.data(ID, title, csv, body, course.rows.sql), table=Table(title, tuple(columns), rows))


def _lands(context: Context, found: list[rises.Rise], lands: list[list[asked.Rising]]) -> Block:
    say, course = context.say, _port.course(context)
    title = say("port.lands_caption")
    columns = (
        Column(say("port.rise_start"), "text"), Column(say("column.country"), "text"), Column(say("port.rise_before")),
        Column(say("port.rise_now")), Column(say("port.rise_part"), spare=True),
    )  # fmt: skip
    rows, body = [], []
    for rise, risen in zip(found, lands, strict=True):
        for n, one in enumerate(risen):
            name, share = context.country(one.country), context.words.percent(one.part)
            if n < ROWS:
                start = _port.day(context, rise.start)
                rows.append((start, name, _port.rate(context, one.before), _port.rate(context, one.now), share))
            body.append((course.days[rise.start], one.country, round(one.before, 3), round(one.now, 3), round(one.part, 6)))
    csv = ("start", "country", "hosts_a_day_before", "hosts_a_day", "share_of_rise")
    data = context.data("port-rises-countries", title, csv, body, course.rows.sql)
    return Block(data, table=Table(title, columns, rows))
