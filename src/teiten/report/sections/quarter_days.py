"""Packets and unique hosts by day, TCP and UDP apart; peaks are marked, told of what made them, forged ones by that name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import quarter
from teiten.report.asked.quarter_peaks import Peak
from teiten.report.context import Context
from teiten.report.figures import Panel, Series
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _peaks, _quarter

ID = "quarter_days"
ORDER = 12
KINDS: tuple[PeriodKind, ...] = ("quarterly",)
NOON: Final = dt.timedelta(hours=12)
DAYS: Final = 4
"""days of forged sources that are named in a row"""
LEAST: Final = 0.01
"""forged hosts of a quarter's day, as a share of its hosts, from which on the course without them is drawn"""


def build(context: Context) -> Section:
    say, course = context.say, context.answers.once(quarter.days)
    blocks = [block for name in ("tcp", "udp") if (block := _figure(context, course, name)) is not None]
    blocks.append(_table(context, course))
    found = _peaks.block(context)
    blocks += [found] if found else []
    findings = [*_findings(context), *_peaks.differing(context)]
    notes = [say("quarter.days_note"), *_quarter.gap_notes(context)]
    if not found:
        notes.append(_peaks.rule(context))
    estimated = context.estimated([course.rows.error])
    notes += [estimated] if estimated else []
    return Section(ID, say("quarter.days_title"), findings, points=_peaks.points(context), blocks=blocks, notes=notes)


def _findings(context: Context) -> list[str]:
    """How many peaks there were, and which of them are of forged sources."""
    every = _peaks.numbered(context.answers)
    if not every:
        return [context.say("quarter.peaks_none")]
    forged = [(n, p) for n, p in every if p.is_forged]
    said = [context.say("quarter.peaks_found", n=len(every))]
    if forged:
        dates = context.period.days
        named = [_quarter.days(context, dates[p.span.first : p.span.last + 1]) for _, p in forged]
        named = list(dict.fromkeys(named))
        days = context.words.listed(named[:DAYS])
        if len(named) > DAYS:
            days = context.say("quarter.peaks_and_more", list=days, n=len(named) - DAYS)
        said.append(context.say("quarter.peaks_forged", n=len(forged), days=days))
    return [context.words.joined(*said)]


def _figure(context: Context, course: quarter.Days, name: str) -> Block | None:
    """A protocol's two panels; nothing where it had no packet."""
    say = context.say
    if not any(course.values[f"{name}_packets"]):
        return None
    ink = figures.colour("protocol", name)
    peaks = [(n, p) for n, p in _peaks.numbered(context.answers) if p.course.startswith(name)]
    panels = []
    for measure in ("packets", "hosts"):
        values = course.values[f"{name}_{measure}"]
        forged = course.values[f"{name}_{measure}_spoofed"]
        label = say("quarter.line", protocol=name.upper())
        lines = [Series(name, label, values, colour=ink)]
        if any(f and v and f >= LEAST * v for f, v in zip(forged, values, strict=True)):
            without = [None if v is None else v - (f or 0.0) for v, f in zip(values, forged, strict=True)]
            own = say("quarter.line_without", protocol=name.upper())
            lines = [Series(name, own, without, colour=ink), Series("all", label, values, kind="other")]
        marks = [
            figures.Mark(course.times[p.span.top] + NOON, _peaks.number(n)) for n, p in peaks if p.course == f"{name}_{measure}"
        ]
        panels.append(Panel(unit=say(f"quarter.unit_{measure}"), series=lines, marks=marks))
    title = _title(context, course, name)
    figure = figures.PanelsFigure(
        id=f"quarter-days-{name}",
        title=title,
        subtitle=say("quarter.days_subtitle", protocol=name.upper(), scope=context.scope),
        alt=say("quarter.days_alt" if peaks else "quarter.days_alt_none", title=title, protocol=name.upper(), n=len(peaks)),
        note=_marks(context, peaks),
        times=course.times,
        panels=panels,
        gaps=_quarter.gaps(context),
    )
    columns = ["day"]
    for measure in ("packets", "hosts"):
        columns += [f"{name}_{measure}{suffix}" for suffix in ("", "_scanners", "_spoofed")]
    body = [(at, *(_quarter.whole(course.values[c][i]) for c in columns[1:])) for i, at in enumerate(course.times)]
    return Block(context.data(figure.id, title, columns, body, course.rows.sql), figure)


def _marks(context: Context, peaks: Sequence[tuple[int, Peak]]) -> str:
    """What the numbers in a chart are, and which of them are peaks of forged sources."""
    if not peaks:
        return ""
    forged = "".join(_peaks.number(n) for n, p in peaks if p.is_forged)
    said = context.say("quarter.days_marks")
    return context.words.joined(said, context.say("quarter.days_marks_forged", list=forged) if forged else "")


def _title(context: Context, course: quarter.Days, name: str) -> str:
    """The highest day of packets and of hosts."""
    words, said = context.words, {}
    for measure in ("packets", "hosts"):
        values = [(v, -i) for i, v in enumerate(course.values[f"{name}_{measure}"]) if v is not None]
        most, at = max(values)
        said[measure], said[f"{measure}_day"] = words.large(round(most)), words.day(course.times[-at].date())
    return context.say("quarter.days_figure", protocol=name.upper(), **said)


def _table(context: Context, course: quarter.Days) -> Block:
    say, words = context.say, context.words
    names = (
        "tcp_packets", "tcp_hosts", "tcp_hosts_spoofed", "udp_packets", "udp_hosts", "udp_hosts_spoofed", "packets", "hosts",
    )  # fmt: skip
    spare = {"tcp_hosts_spoofed", "udp_hosts_spoofed"}
    columns = (
        Column(say("days.day"), "text"),
        *(Column(say(f"quarter.column_{name}"), spare=name in spare) for name in names),
    )
    rows = [
        (words.day(at.date()), *(_quarter.cell(context, course.values[name][i]) for name in names))
        for i, at in enumerate(course.times)
    ]
    caption = say("quarter.days_caption")
    body = [(at, *(_quarter.whole(course.values[n][i]) for n in names)) for i, at in enumerate(course.times)]
    data = context.data("quarter-days", caption, ("day", *names), body, course.rows.sql)
    return Block(data, table=Table(caption, columns, rows, folded=True))
