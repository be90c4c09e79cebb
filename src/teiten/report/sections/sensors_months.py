"""TSUBAME's comparison: what a sensor received a day, in the mean of each month, the groups of sensors side by side."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from teiten.periods import Period, PeriodKind
from teiten.report import figures
from teiten.report.asked import sensors
from teiten.report.asked.sensors import Rate
from teiten.report.context import Context
from teiten.report.model import Block, Column, Data, Section, Table
from teiten.report.sections import _sensors

ID = "sensors_months"
ORDER = 30
KINDS: tuple[PeriodKind, ...] = ("monthly", "quarterly")
SAME: Final = 0.03
"""groups whose means differ by less are 'about the same'"""
SEVERAL: Final = 1.5
"""addresses of a sensor, in the mean, from which on packets an address are told as well"""
PANELS: Final = 12
"""sensors drawn one by one where there are no groups"""

Months = list[tuple[Period, dict[str, Rate]]]
Groups = list[tuple[str | None, list[str]]]
"""group -> names of its sensors, in any of the months"""


def build(context: Context) -> Section | None:
    """Of one sensor a sentence, in a quarter; nothing in a month."""
    say, answers = context.say, context.answers
    if not answers.once(sensors.several):
        if context.kind != "quarterly":
            return None
        return Section(ID, _title(context), [say("sensors.alone")])
    months = answers.once(sensors.months)
    groups = _groups(context, months)
    blocks = [_block(context, months, groups, per_address=False)]
    if any(rate.address_days >= SEVERAL * rate.days > 0 for _, rates in months for rate in rates.values()):
        blocks.append(_block(context, months, groups, per_address=True))
    notes = [say("sensors.months_note"), _sensors.names(context)]
    return Section(ID, _title(context), _findings(context, months, groups), blocks=blocks, notes=notes)


def _title(context: Context) -> str:
    told = {one.group for one in context.answers.once(sensors.watchers)}
    return context.say("sensors.months_title_both" if {_sensors.HOME, _sensors.ABROAD} <= told else "sensors.months_title")


def _groups(context: Context, months: Months) -> Groups:
    """The groups of the period, each with all its sensors of any of the months."""
    known = context.settings
    every = sorted({name for _, rates in months for name in rates})
    found = [group for group, _ in sensors.grouped(context.answers.once(sensors.watchers))]
    return [(g, [n for n in every if (((s := known.sensor(n)) and s.group) or None) == g]) for g in found]


def _mean(rates: dict[str, Rate], names: list[str], *, per_address: bool = False) -> float | None:
    """Of a month: all packets of those sensors, by all the days (or addresses and days) they watched."""
    whole = sensors.together(rates[name] for name in names if name in rates)
    return whole.per_address if per_address else whole.per_sensor


def _findings(context: Context, months: Months, groups: Groups) -> list[str]:
    say = context.say
    last, rates = months[-1]
    items = []
    for group, names in groups:
        value = _mean(rates, names)
        if value is not None:
            count = sum(1 for name in names if name in rates and rates[name].days)
            members = _sensors.members(context, group, count)
            items.append(say("sensors.months_item", group=members, rate=_sensors.rate(context, value)))
    said = (
        [say("sensors.months_finding", month=context.words.month(last.first), list=context.words.listed(items))]
        if items
        else []
    )
    own = [month for month in months if month[0].first >= context.period.first]
    sides = {group: [_mean(rates, names) for _, rates in own] for group, names in groups}
    if len(sides) == 2 and all(value for values in sides.values() for value in values):
        said.append(_compared(context, sides))
    return said


def _compared(context: Context, sides: dict[str | None, list[float | None]]) -> str:
    """Which of two groups received more in every month of the period; each group has a value for every month."""
    (one, first), (other, second) = sides.items()
    ratios = [(b or 0.0) / (a or 1.0) for a, b in zip(first, second, strict=True)]
    if all(abs(r - 1) < SAME for r in ratios):
        return context.say("sensors.months_same", one=_sensors.group(context, one), other=_sensors.group(context, other))
    if all(r > 1 for r in ratios) or all(r < 1 for r in ratios):
        more, less = (other, one) if ratios[0] > 1 else (one, other)
        told = [r if ratios[0] > 1 else 1 / r for r in ratios]
        low, high = (context.words.number(value, 2) for value in (min(told), max(told)))
        names = {"more": _sensors.group(context, more), "less": _sensors.group(context, less)}
        if low == high:
            key = "sensors.months_more" if len(ratios) > 1 else "sensors.months_more_single"
            return context.sentence(key, times=low, **names)
        return context.sentence("sensors.months_more_range", low=low, high=high, **names)
    return context.say("sensors.months_either", one=_sensors.group(context, one), other=_sensors.group(context, other))


def _block(context: Context, months: Months, groups: Groups, *, per_address: bool) -> Block:
    say, words = context.say, context.words
    which = "address" if per_address else "sensor"
    times = [dt.datetime.combine(month.first, dt.time(), month.tz) for month, _ in months]
    found = context.answers.once(sensors.watchers)
    single = len(groups) == 1
    series = []
    if single:
        for one in found[:PANELS]:
            values = [_mean(rates, [one.name], per_address=per_address) for _, rates in months]
            series.append(figures.Series(one.name, _sensors.label(context, one), values))
    else:
        for group, names in groups:
            values = [_mean(rates, names, per_address=per_address) for _, rates in months]
            series.append(figures.Series(group or "other", _sensors.short(context, group, len(names)), values))
    title = say(f"sensors.months_figure_{which}")
    figure = figures.SmallMultiples(
        id=f"sensors-months-{which}" if per_address else "sensors-months",
        title=title,
        subtitle=say(f"sensors.months_subtitle_{which}", scope=context.scope),
        unit=say(f"sensors.unit_{which}"),
        times=times,
        series=series,
        step="month",
        things="sensor",
        columns=min(len(series), 4) if single else len(series),
    )
    cells: list[tuple[str, ...]] = []
    for group, names in groups:
        if not single or len(names) > 1:
            head = context.sentence("sensors.mean_of", group=_sensors.members(context, group, len(names)))
            cells.append((head, *(_sensors.rate(context, _mean(r, names, per_address=per_address)) for _, r in months)))
        for one in found:
            if one.group == group:
                own = (_sensors.rate(context, _mean(r, [one.name], per_address=per_address)) for _, r in months)
                cells.append((_sensors.label(context, one), *own))
    early = months[-3][0].first if len(months) > 3 else months[0][0].first
    heads = (Column(words.month(month.first), spare=month.first < early) for month, _ in months)
    columns = (Column(say("sensors.sensor"), "text"), *heads)
    data = _data(context, figure, months, groups, per_address=per_address)
    return Block(data, figure, Table(say(f"sensors.months_caption_{which}"), columns, cells))


def _data(context: Context, figure: figures.Figure, months: Months, groups: Groups, *, per_address: bool) -> Data:
    """A row for each month and sensor, and for each month and group (without a sensor), as far as anybody was watching."""
    rows: list[tuple[Any, ...]] = []
    for month, rates in months:
        for group, names in groups:
            for name in (None, *names):
                one = sensors.together(rates[n] for n in (names if name is None else [name]) if n in rates)
                mean, days = (one.per_address, one.address_days) if per_address else (one.per_sensor, one.days)
                if mean is not None:
                    rows.append((month.name, group, name, one.packets, round(days, 6), _sensors.cell(mean)))
    watched, mean_of = ("address_days", "per_address_day") if per_address else ("days_watched", "per_sensor_day")
    columns = ("month", "group", "sensor", "packets", watched, mean_of)
    return context.data(figure.id, figure.title, columns, rows, context.answers.once(sensors.daily).sql)
