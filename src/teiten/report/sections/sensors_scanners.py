"""TSUBAME's table: day by day how many addresses of each announced organisation of one country were seen, and of others."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any, Final

from teiten.classify import watchlists
from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.answers import hidden
from teiten.report.asked import sensors
from teiten.report.asked.sensors import OTHER
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Column, Section, Table

ID = "sensors_scanners"
ORDER = 36
KINDS: tuple[PeriodKind, ...] = ("monthly", "quarterly")
SHOWN: Final = 5
"""organisations with a column of their own"""
Counts = dict[dt.date, dict[str, tuple[int, int]]]
"""day -> organisation (or OTHER) -> addresses, packets"""


def build(context: Context) -> Section | None:
    """In a quarter; in a month where several sensors watch. Nothing where research scanners, or the country, are left out."""
    say, words, answers = context.say, context.words, context.answers
    code = sensors.country(answers)
    filters = answers.filters
    if code is None or filters.scanners == "out" or (filters.country and code not in filters.country):
        return None
    if context.kind == "monthly" and not answers.once(sensors.several):
        return None
    whole = answers.once(sensors.scanners_whole)
    every = next(row for row in whole if row["part"] == "all")
    if not every["packets"]:
        return None
    land, title = context.land(code), say("sensors.scanners_title", land=context.land(code))
    tried = next(row for row in whole if row["part"] == "port_scanners")
    told = {row["scanner"]: row for row in whole if row["part"] == "scanner"}
    if not told:
        return Section(ID, title, [context.sentence("sensors.scanners_none", land=land)])
    least = int(context.settings.threshold("port_scanner_ports"))
    findings = []
    if tried["hosts"]:
        hosts = words("count.addresses", n=tried["hosts"])
        findings.append(context.sentence("sensors.scanners_some", least=least, land=land, hosts=hosts))
    findings += _shares(context, land, told, every["packets"])
    notes = [words.joined(say("sensors.scanners_note", least=least), context.estimated([whole.error]))]
    return Section(ID, title, findings, blocks=[_block(context, land, list(told))], notes=notes)


def _shares(context: Context, land: str, told: dict[str, dict[str, Any]], whole: int) -> list[str]:
    """What share of the country's packets the announced ones sent, and with the others."""
    say, words = context.say, context.words
    announced = [row for name, row in told.items() if name != OTHER]
    packets = sum(row["packets"] for row in announced)
    others = told[OTHER]["packets"] if OTHER in told else 0
    total, share = context.packets(whole), words.percent((packets + others) / whole)
    if not announced:
        return [context.sentence("sensors.scanners_others", land=land, packets=total, share=share)]
    names = [_named(context, row["scanner"]) for row in announced]
    said = context.sentence(
        "sensors.scanners_announced",
        land=land,
        organisations=words.listed(names) if len(names) <= SHOWN else words("scanners.organisations", n=len(names)),
        hosts=words("count.addresses", n=sum(row["hosts"] for row in announced)),
        packets=total,
        share=words.percent(packets / whole),
    )
    return [words.joined(said, say("sensors.scanners_all", share=share))] if others else [said]


def _named(context: Context, scanner: str) -> str:
    about = watchlists.load(context.settings).organisations.get(scanner)
    return about.text(context.words.lang) if about else scanner


def _block(context: Context, land: str, told: list[str]) -> Block:
    say, words, answers = context.say, context.words, context.answers
    rows = answers.once(sensors.scanners_by_day)
    counts: Counts = defaultdict(dict)
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        if row["scanner"] is not None:
            counts[row["start"].astimezone(answers.period.tz).date()][row["scanner"]] = (row["hosts"], row["packets"])
            sums[row["scanner"]] += row["packets"]
    named = sorted((name for name in sums if name != OTHER), key=lambda name: (-sums[name], name))
    shown, rest = named[:SHOWN], named[SHOWN:]
    watched = {day: not _hidden(context, day) or day in counts for day in answers.period.days}
    heads = list(shown)
    parts = [[name] for name in shown]
    if rest:
        heads.append(say("sensors.scanners_rest", n=len(rest)))
        parts.append(rest)
    heads.append(say("sensors.scanners_other"))
    parts.append([OTHER])
    values = [[_sum(counts, watched, day, part) for day in answers.period.days] for part in parts]
    figure = _figure(context, land, heads, parts, values)
    cells = []
    for i, day in enumerate(answers.period.days):
        line = ("–" if column[i] is None else words.number(column[i] or 0) if column[i] else "" for column in values)
        cells.append((words.day(day), *line))
    columns = (Column(say("days.day"), "text"), *(Column(head) for head in heads))
    names = with_error(("day", "scanner", "hosts", "packets"), rows)
    error = {(r["start"], r["scanner"]): r.get("hosts_error") for r in rows}
    body: list[tuple[Any, ...]] = []
    for day in answers.period.days:
        for name in (*named, OTHER):
            hosts, packets = counts.get(day, {}).get(name, (0, 0)) if watched[day] else (None, None)
            start = dt.datetime.combine(day, dt.time(), answers.period.tz)
            body.append((day, name, hosts, *([error.get((start, name))] if rows.estimated else []), packets))
    data = context.data("sensors-scanners", figure.title, names, body, rows.sql)
    caption = context.sentence("sensors.scanners_caption", land=land)
    return Block(data, figure, Table(caption, columns, cells, folded=len(cells) > 31))


def _hidden(context: Context, day: dt.date) -> bool:
    """Was nobody watching on that day?"""
    start = dt.datetime.combine(day, dt.time(), context.period.tz)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), context.period.tz)
    return hidden(context.answers.coverage, start, end)


def _sum(counts: Counts, watched: dict[dt.date, bool], day: dt.date, names: list[str]) -> float | None:
    if not watched[day]:
        return None
    return float(sum(counts.get(day, {}).get(name, (0, 0))[0] for name in names))


def _figure(
    context: Context, land: str, heads: list[str], parts: list[list[str]], values: list[list[float | None]]
) -> figures.HeatFigure:
    items = [
        context.say("sensors.scanners_figure_item", name=head, n=days)
        for head, column in zip(heads, values, strict=True)
        if (days := sum(1 for value in column if value))
    ]
    return figures.HeatFigure(
        id="sensors-scanners",
        title=context.sentence("sensors.scanners_figure", land=land, list=context.words.listed(items[:3])),
        subtitle=context.sentence("sensors.scanners_subtitle", land=land, scope=context.scope),
        unit=context.say("sensors.scanners_unit"),
        rows=[
            figures.HeatRow(part[0], head, column, "other" if part == [OTHER] else "value")
            for head, part, column in zip(heads, parts, values, strict=True)
        ],
        times=[dt.datetime.combine(day, dt.time(), context.period.tz) for day in context.period.days],
        scale="all",
    )
