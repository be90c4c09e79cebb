"""Day by day: the three daily charts (by port, by hour, by country) of a month, moving and as a calendar, on still axes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from teiten.periods import PeriodKind
from teiten.report import coverage
from teiten.report.answers import What, hidden
from teiten.report.context import Context, with_error
from teiten.report.figures.animate import Animation
from teiten.report.figures.calendar import CalendarFigure
from teiten.report.figures.day import DayFigure, DayRow, Days
from teiten.report.model import Block, Column, Data, Section, Table
from teiten.report.sections import _series

ID = "days"
ORDER = 65
KINDS: tuple[PeriodKind, ...] = ("monthly",)
WHOLE = 0.995
"""of a day observed: below this it is said beside its count"""
LISTED = 4
"""days whose bars are broken off that are named; more are counted"""
OFTEN = 0.2
"""the hour that is most often the busiest is named where it is so on this share of the days"""


def build(context: Context) -> Section | None:
    blocks = [b for b in (_things(context, "ports"), _hours(context), _things(context, "countries")) if b is not None]
    if not blocks:
        return None
    notes = [context.say("days.note")]
    if context.answers.coverage.gaps:
        notes.append(context.say("series.gap_note", list=context.spans(context.answers.coverage)))
    return Section(ID, context.say("days.title"), [context.say("days.finding")], blocks=blocks, notes=notes)


@dataclass(frozen=True, slots=True)
class _Chart:
    """What the frames and the calendar of one of the three charts have in common."""

    id: str
    days: Days
    leads: str
    """the frames' title: what was first on most days"""
    most: str
    """the calendar's: the largest of all bars"""
    subtitle: str
    unit: str


def _things(context: Context, what: What) -> Block | None:
    """The chart by port or by country: the month's largest, the rest, the unknown, in one order on every day."""
    stack = context.answers.stack(what)
    if not stack.values:
        return None
    kinds = {"other": "other", "unknown": "unknown"}
    rows = [
        DayRow(_series.colour(what, key), _series.label(context, what, key), kinds.get(key, "value"))  # type: ignore[arg-type]
        for key in stack.values
    ]
    values = [[column[i] for column in stack.values.values()] for i in range(len(stack.times))]
    days = _days(context, values, rows, _series.THINGS[what])
    names = [_name(context, what, key) for key in stack.values]
    subtitle = context.say(f"days.subtitle_{what}", n=len(stack.keys), month=context.period_name, scope=context.scope)
    chart = _Chart(
        f"days-{what}", days, _leads(context, what, days, names), _most(context, what, days, names), subtitle,
        context.say("series.unit_day"),
    )  # fmt: skip
    table = _table(context, chart, [r.label for r in rows], stack.totals)
    columns = ("start", "part", *(("dst_port", "protocol") if what == "ports" else ("country",)), "packets", "hosts")
    columns = with_error(columns, stack.rows)
    body = [tuple(row[name] for name in columns) for row in stack.rows]
    return _block(context, chart, context.data(chart.id, chart.leads, columns, body, stack.rows.sql), table)


def _name(context: Context, what: What, key: Any) -> str:
    """A thing inside a sentence."""
    if key in ("other", "unknown") or what == "ports":
        return _series.label(context, what, key)
    return context.land(key)


def _hours(context: Context) -> Block | None:
    """The chart by hour of the day: 24 bars on every day."""
    values = hours_of_days(context)
    days = _days(context, values, (), "plain")
    if not any(days.totals):
        return None
    clock = [context.words("date.hour", hour=str(h), hour2=f"{h:02d}") for h in range(25)]
    subtitle = context.say("days.subtitle_hours", month=context.period_name, scope=context.scope)
    chart = _Chart(
        "days-hours", days, _busiest(context, days, clock), _most(context, "hours", days, clock), subtitle,
        context.say("series.unit_hour"),
    )  # fmt: skip
    table = _table(context, chart, clock[:24], days.totals)
    rows = context.answers.by_hour
    columns = with_error(("start", "packets", "hosts"), rows)
    body = [tuple(r[name] for name in columns) for r in rows]
    return _block(context, chart, context.data(chart.id, chart.leads, columns, body, rows.sql), table)


def hours_of_days(context: Context) -> list[list[float | None]]:
    """For each day of the period 24 counts of packets; None where the hour was not observed, or the clock left it out.

    An hour that the clock shows twice counts as the mean of the two.
    """
    answers, period = context.answers, context.period
    counted = {r["start"].astimezone(dt.UTC): r["packets"] for r in answers.by_hour}
    sums: dict[tuple[dt.date, int], list[float]] = {}
    at = period.start.astimezone(dt.UTC)
    while at < period.end.astimezone(dt.UTC):
        here = at.astimezone(period.tz)
        packets = counted.get(at, 0)
        if packets or not hidden(answers.coverage, at, at + coverage.HOUR):
            sums.setdefault((here.date(), here.hour), []).append(packets)
        at += coverage.HOUR
    found = {key: sum(values) / len(values) for key, values in sums.items()}
    return [[found.get((day, hour)) for hour in range(24)] for day in period.days]


def _days(context: Context, values: Sequence[Sequence[float | None]], rows: Sequence[DayRow], things: str) -> Days:
    """The days with what is said of each: its packets, how much of it was observed, or why nothing was."""
    dates, said, reasons = context.period.days, [], []
    for day, counts in zip(dates, values, strict=True):
        start, end = (dt.datetime.combine(d, dt.time(), context.period.tz) for d in (day, day + dt.timedelta(days=1)))
        if all(v is None for v in counts):
            reasons.append(_reason(context, start, end))
            said.append("")
            continue
        packets = context.packets(round(sum(v or 0 for v in counts)))
        share = _observed(context, start, end)
        reasons.append("")
        said.append(
            packets if share > WHOLE else context.say("days.part", packets=packets, share=context.words.percent(share, 0))
        )
    return Days(dates, values, said, reasons, rows, things)


def _overlap(gap: coverage.Gap, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
    low, high = (max(gap.start, start), min(gap.end, end))
    return max(dt.timedelta(), high.astimezone(dt.UTC) - low.astimezone(dt.UTC))


def _observed(context: Context, start: dt.datetime, end: dt.datetime) -> float:
    missing = sum((_overlap(g, start, end) for g in context.answers.coverage.gaps), dt.timedelta())
    return 1 - missing / (end.astimezone(dt.UTC) - start.astimezone(dt.UTC))


def _reason(context: Context, start: dt.datetime, end: dt.datetime) -> str:
    """Why that day has no records: the gap that covers most of it, with the operator's words where there are any."""
    gaps = context.answers.coverage.gaps
    if not gaps:
        return context.say("series.gap_silent")
    gap = max(gaps, key=lambda g: _overlap(g, start, end))
    return context.say(f"series.gap_{gap.reason}") + context.gap_words(gap)


# titles ---------------------------------------------------------------------------------------------------------------


def _firsts(days: Days) -> tuple[list[int], int]:
    """The place of each day's largest bar, 'other' aside, where it has no equal; and how many days have packets at all."""
    kinds = [row.kind for row in days.rows]
    firsts, whole = [], 0
    for counts in days.values:
        there = sorted(((v, k) for k, v in enumerate(counts) if v and (not kinds or kinds[k] != "other")), reverse=True)
        whole += any(counts)
        if there and (len(there) == 1 or there[0][0] > there[1][0]):
            firsts.append(there[0][1])
    return firsts, whole


def _leads(context: Context, what: str, days: Days, names: Sequence[str]) -> str:
    """What was first on most days."""
    firsts, whole = _firsts(days)
    if not firsts:
        return context.say(f"days.subtitle_{what}_plain", month=context.period_name)
    first = max(sorted(set(firsts)), key=firsts.count)
    count = firsts.count(first)
    if days.rows[first].kind == "unknown":
        return context.say("days.leads_unknown", m=count, n=whole)
    style = "all" if count == whole else "most"
    return context.sentence(f"days.leads_{what}_{style}", thing=names[first], m=count, n=whole)


def _busiest(context: Context, days: Days, clock: Sequence[str]) -> str:
    firsts, whole = _firsts(days)
    if not firsts:
        return context.say("hours.figure_flat")
    hour = max(sorted(set(firsts)), key=firsts.count)
    count = firsts.count(hour)
    if count < OFTEN * whole or (count == 1 and whole > 1):
        return context.say("days.busiest_changes")
    return context.say("days.busiest", m=count, n=whole, start=clock[hour], end=clock[hour + 1])


def _most(context: Context, what: str, days: Days, names: Sequence[str]) -> str:
    """The largest bar of the month that has a name; where others equal it, how many."""
    named = [k for k, row in enumerate(days.rows) if row.kind == "value"] if days.rows else list(range(24))
    value = max((counts[k] or 0.0 for counts in days.values for k in named), default=0.0)
    found = [(i, k) for i, counts in enumerate(days.values) for k in named if counts[k] == value]
    if not value or (days.rows and len({k for _, k in found}) > 1):
        return context.say(f"days.subtitle_{what}_plain", month=context.period_name)
    (i, k), packets = found[0], context.packets(round(value))
    if len(found) > 1:
        return context.sentence(f"days.top_{what}_often", thing=names[k], n=len(found), packets=packets)
    return context.sentence(f"days.top_{what}", thing=names[k], day=context.words.day(days.dates[i]), packets=packets)


# blocks ---------------------------------------------------------------------------------------------------------------


def _block(context: Context, chart: _Chart, data: Data, table: Table) -> Block:
    days = chart.days
    note = ""
    if days.cut:
        listed = len(days.cut) <= LISTED
        broken = (
            context.words.listed(map(context.words.day, days.cut)) if listed else context.say("days.on_days", n=len(days.cut))
        )
        note = context.say("days.cut", top=round(days.scale.top), days=broken)
    shared: dict[str, Any] = {"unit": chart.unit, "subtitle": chart.subtitle, "note": note}
    still = context.say("days.alt_still", title=chart.most, subtitle=chart.subtitle)
    calendar = CalendarFigure(id=chart.id, title=chart.most, alt=still, days=days, **shared)
    animation = None
    if context.settings.animations:
        frames = [DayFigure(id=chart.id, title=chart.leads, days=days, at=i, **shared) for i in range(len(days.dates))]
        alt = context.say("days.alt", title=chart.leads, most=chart.most, subtitle=chart.subtitle)
        animation = Animation(frames=frames, alt=alt)
    return Block(data, calendar, table, animation=animation)


def _table(context: Context, chart: _Chart, names: Sequence[str], totals: Sequence[float | None]) -> Table:
    columns = (
        Column(context.say("days.day"), "text"),
        *(Column(name) for name in names),
        Column(context.say("column.total")),
    )

    def cell(value: float | None) -> str:
        return "–" if value is None else context.words.number(value)

    rows = [
        (context.words.day(day), *map(cell, counts), cell(total))
        for day, counts, total in zip(chart.days.dates, chart.days.values, totals, strict=True)
    ]
    return Table(chart.subtitle, columns, rows, folded=True)
