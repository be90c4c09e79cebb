"""At what hour: the 24 hours of the day with the period before beside them; hours without records are no zeros."""

from __future__ import annotations

import statistics

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Column, Section, Table

ID = "hours"
ORDER = 60
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly")
FEWEST = 6
"""hours of a day with records, below which nothing is said of them"""
FLAT = 1.15
"""The busiest hour against the quietest: below this there is no rhythm to speak of."""


def build(context: Context) -> Section | None:
    say, answers = context.say, context.answers
    values = answers.hour_of_day()
    seen = [(v, h) for h, v in enumerate(values) if v is not None]
    if not seen or not max(seen)[0] or (context.kind == "daily" and len(seen) < FEWEST):
        return None
    old = answers.hour_of_day(before=True) if answers.comparable else []
    (high, peak), (low, trough) = max(seen), min(seen)
    daily = context.kind == "daily"
    flat = high < FLAT * low
    clock = [context.words("date.hour", hour=str(h), hour2=f"{h:02d}") for h in range(25)]
    figure = figures.HoursFigure(
        id="hours",
        title=say("hours.figure_flat") if flat else say("hours.figure", peak=clock[peak], low=clock[trough]),
        subtitle=say("hours.subtitle_daily" if daily else "hours.subtitle", scope=context.scope),
        unit=say("hours.unit"),
        values=values,
        before=old,
        label=say("column.now"),
        before_label=say("column.before"),
    )
    finding = say(
        _finding(flat=flat, daily=daily, part=daily and len(seen) < len(values)),
        n=len(seen),
        mean=context.packets(round(statistics.mean(v for v, _ in seen))),
        peak=clock[peak],
        peak_end=clock[peak + 1],
        packets=context.packets(round(high)),
        low=clock[trough],
        low_end=clock[trough + 1],
        low_packets=context.packets(round(low)),
    )
    return Section(ID, say("hours.title"), [finding], blocks=[_block(context, figure, values, old, clock)])


def _finding(*, flat: bool, daily: bool, part: bool) -> str:
    """Which sentence; part: a day of which some hours have no records."""
    if part:
        return "hours.finding_flat_part" if flat else "hours.finding_daily_part"
    return "hours.finding_flat" if flat else "hours.finding_daily" if daily else "hours.finding"


def _block(
    context: Context, figure: figures.HoursFigure, values: list[float | None], old: list[float | None], clock: list[str]
) -> Block:
    say = context.say
    digits = 0 if context.kind == "daily" else 1
    heads = [Column(say("hours.hour")), Column(say("column.packets" if context.kind == "daily" else "hours.mean"))]
    if old:
        heads.append(Column(say("column.before")))
    rows = []
    for hour in range(24):
        cells = [clock[hour], _cell(context, values[hour], digits)]
        if old:
            cells.append(_cell(context, old[hour], digits))
        rows.append(tuple(cells))
    table = Table(say("hours.caption"), tuple(heads), rows, folded=True)
    packets = context.answers.by_hour
    columns = with_error(("start", "packets", "hosts"), packets)
    body = [tuple(r[name] for name in columns) for r in packets]
    return Block(context.data("hours", figure.title, columns, body, packets.sql), figure, table)


def _cell(context: Context, value: float | None, digits: int) -> str:
    return "–" if value is None else context.words.number(value, digits)
