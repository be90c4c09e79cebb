"""Telnet scans without Mirai's mark beside Mirai's hosts, by day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import infected
from teiten.report.asked.infected import Day, Hosts, typical
from teiten.report.context import Context
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _hosts

ID = "quarter_telnet"
ORDER = 16
KINDS: tuple[PeriodKind, ...] = ("quarterly",)
ROWS: Final = 10
"""countries in the table"""
_MIRAI, _TELNET = "#2961b1", "#d55e00"
"""of the two lines: blue and vermilion, told apart by every kind of eye"""


def build(context: Context) -> Section | None:
    """Nothing where nobody scanned Telnet without the mark (or no sequence number tells)."""
    if context.answers.filters.tool:
        return None
    hosts = context.answers.once(infected.hosts(context.settings.pictured))
    if not any(hosts.telnet[day] for day in hosts.days):
        return None
    say, words = context.say, context.words
    without, mirai = (typical(course[day] for day in hosts.days) or (0, 0, 0) for course in (hosts.telnet, hosts.mirai))
    findings = [
        words.joined(
            say("quarter_telnet.without", usual=_hosts.usual(context, hosts.telnet, hosts.days)),
            _hosts.beyond(context, hosts.telnet, hosts.days, hosts.before),
        )
    ]
    if mirai[2]:
        key = "quarter_telnet.above" if without[2] > mirai[2] else "quarter_telnet.below"
        findings.append(say(key, mirai=context.about(mirai[2], "hosts"), share=words.percent(without[2] / mirai[2], 0)))
    whole = max(1, sum(sum(days.values()) for days in hosts.telnet_countries.values()))
    first = [(code, sum(days.values())) for code, days in hosts.telnet_countries.items() if code][:3]
    if first:
        items = [words("quarter_mirai.part", thing=context.land(code), share=words.percent(n / whole)) for code, n in first]
        findings.append(say("quarter_telnet.lands", list=words.listed(items)))
    least = int(context.settings.threshold("telnet_packets"))
    notes = [say("quarter_telnet.definition", least=least), say("hosts_by_day.note", clear=words.percent(_hosts.CLEAR, 0))]
    blocks = [_lines(context, hosts), _countries(context, hosts)]
    return Section(ID, say("quarter_telnet.title"), findings, blocks=blocks, notes=notes)


def _lines(context: Context, hosts: Hosts) -> Block:
    """All Mirai hosts, those of them that try Telnet, and the others that do: a line each, and what they came to."""
    say, words = context.say, context.words
    lines = [
        (hosts.mirai, say("quarter_telnet.mirai"), _MIRAI, False),
        (hosts.mirai_telnet, say("quarter_telnet.mirai_telnet"), _MIRAI, True),
        (hosts.telnet, say("quarter_telnet.others"), _TELNET, False),
    ]
    series = [
        figures.Series(str(n), label, [hosts_of(course, day) for day in hosts.days], dashed=dashed, colour=colour)
        for n, (course, label, colour, dashed) in enumerate(lines)
    ]
    day, peak = _hosts.most(hosts.telnet, hosts.days)
    figure = figures.LineFigure(
        id="quarter-telnet",
        title=say("quarter_telnet.figure", day=words.day(day), hosts=context.about(peak, "hosts")),
        subtitle=say("quarter_telnet.subtitle", scope=context.scope),
        unit=say("hosts_by_day.unit"),
        times=_hosts.times(context, hosts.days),
        series=series,
        step="day",
        things="plain",
        gaps=_hosts.gaps(context),
    )
    rows = [_row(context, label, course, hosts) for course, label, _, _ in lines]
    heads = (
        Column(say("column.measure"), "text"),
        Column(say("quarter_telnet.middle")),
        Column(say("quarter_telnet.range")),
        Column(say("quarter_telnet.most"), "text", spare=True),
        Column(say("quarter_telnet.middle_before")),
    )
    columns = ("day", "mirai", "mirai_wide", "mirai_telnet", "telnet_without_mirai")
    courses = (hosts.mirai, hosts.wide, hosts.mirai_telnet, hosts.telnet)
    body = [(day, *(course[day] for course in courses)) for day in hosts.days]
    sums = (
        "sum(mirai) AS mirai, sum(wide) AS mirai_wide, sum(mirai_telnet) AS mirai_telnet, sum(telnet) AS telnet_without_mirai"
    )
    where = f"part = 'country' AND day >= DATE '{hosts.days[0]}'"
    sql = f"SELECT day, {sums}\nFROM (\n{hosts.rows.sql}\n)\nWHERE {where}\nGROUP BY day\nORDER BY day"
    data = context.data("quarter-telnet", figure.title, columns, body, sql)
    return Block(data, figure, Table(say("quarter_telnet.caption"), heads, rows))


def hosts_of(course: _hosts.Course, day: Day) -> float | None:
    """A day's hosts as a chart takes them."""
    value = course[day]
    return None if value is None else float(value)


def _row(context: Context, label: str, course: _hosts.Course, hosts: Hosts) -> tuple[str, ...]:
    words = context.words
    now, then = (typical(course[day] for day in some) for some in (hosts.days, hosts.before))
    if now is None:
        return (label, "–", "–", "–", "–")
    day, peak = _hosts.most(course, hosts.days)
    spread = words("quarter_telnet.span", low=now[0], high=now[1])
    place = words("quarter_telnet.on", day=words.day(day), n=peak)
    return (label, words.number(now[2]), spread, place, words.number(then[2]) if then else "–")


def _countries(context: Context, hosts: Hosts) -> Block:
    """The first countries of those without the mark, with their Mirai hosts beside."""
    say, words = context.say, context.words
    days: Sequence[Day] = hosts.days
    whole = max(1, sum(sum(course.values()) for course in hosts.telnet_countries.values()))
    named = [code for code in hosts.telnet_countries if code is not None][:ROWS]
    rows = []
    for code in [*named, *([None] if None in hosts.telnet_countries else [])]:
        course = hosts.telnet_countries[code]
        without, mirai = (
            _hosts.amount(context, _hosts.mean(c, days, hosts.mirai)) for c in (course, hosts.countries.get(code, {}))
        )
        rows.append((context.country(code), without, words.percent(sum(course.values()) / whole), mirai))
    heads = (
        Column(say("column.country"), "text"),
        Column(say("quarter_telnet.others")),
        Column(say("column.share")),
        Column(say("quarter_telnet.mirai")),
    )
    table = Table(say("quarter_telnet.caption_countries"), heads, rows)
    where = f"part = 'country' AND telnet > 0 AND day >= DATE '{hosts.days[0]}'"
    sql = f"SELECT day, country, telnet AS hosts\nFROM (\n{hosts.rows.sql}\n)\nWHERE {where}\nORDER BY ALL"
    body = [
        (row["day"], row["country"], row["telnet"])
        for row in hosts.rows
        if row["part"] == "country" and row["telnet"] and row["day"] >= hosts.days[0]
    ]
    data = context.data("quarter-telnet-countries", table.caption, ("day", "country", "hosts"), body, sql)
    return Block(data, table=table, title=say("quarter_telnet.by_country"))
