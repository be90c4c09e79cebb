"""Is a change seen at one sensor alone, in one group, or everywhere? Ports that rose or fell, and where."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import Any, Final

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import sensors
from teiten.report.asked.sensors import Change
from teiten.report.context import Context
from teiten.report.model import Block, Column, Point, Section, Table
from teiten.report.sections import _sensors

ID = "sensors_spread"
ORDER = 38
KINDS: tuple[PeriodKind, ...] = ("monthly", "quarterly")
SHOWN: Final = 15
"""changes in the figure and the table"""
TOLD: Final = 6
"""ports in one point"""
MOST: Final = 4.0
"""times as much (or as little) as before, from which on the colour is full"""
WHERES: Final = ("everywhere", "group", "one", "several")
ENDS: Final = {1: "rose", -1: "fell"}


def build(context: Context) -> Section | None:
    """Nothing where one sensor alone was watching; a sentence where too few were watching before."""
    answers, say = context.answers, context.say
    if not answers.once(sensors.several):
        return None
    title = say("sensors.spread_title")
    if len(answers.once(sensors.comparable)) < 2:
        share = context.words.percent(answers.ranked_share, 0)
        return Section(ID, title, [say("sensors.spread_unknown", share=share)])
    changes = answers.once(sensors.changes)
    ports = [change for change in changes if change.key is not None]
    findings = [text for change in changes if change.key is None and (text := _whole(context, change))]
    if not ports:
        findings.append(say("sensors.spread_none"))
    blocks = [_block(context, ports)] if ports else []
    return Section(ID, title, findings, _points(context, ports), blocks=blocks, notes=[_rule(context)])


def _rule(context: Context) -> str:
    times, share = context.answers.once(sensors.thresholds)
    return context.say(
        "sensors.spread_rule",
        times=f"{times:g}",
        least=sensors.LEAST,
        share=context.words.percent(share, 0),
        rest=context.words.percent(1 - share, 0),
    )


def _whole(context: Context, change: Change) -> str:
    """All packets of one sensor alone rose or fell: that tells of its line rather than of the world."""
    if change.where != "one":
        return ""
    key = "sensors.spread_whole_rose_one" if change.direction > 0 else "sensors.spread_whole_fell_one"
    return context.say(key, sensor=_one(context, change.sensors[0]), change=_change(context, change))


def _one(context: Context, name: str) -> str:
    return _sensors.label(context, next(one for one in context.answers.once(sensors.watchers) if one.name == name))


def _rates(change: Change) -> tuple[float, float]:
    """Packets a day before and now, the mean of the sensors that show the change."""
    own = [cell for cell in change.cells if cell.sensor in change.sensors]
    return sum(c.rate_before or 0.0 for c in own) / len(own), sum(c.rate or 0.0 for c in own) / len(own)


def _change(context: Context, change: Change) -> str:
    before, now = (_sensors.rate(context, value) for value in _rates(change))
    return context.say("sensors.spread_rates", before=before, now=now)


def _points(context: Context, ports: list[Change]) -> list[Point]:
    """What rose, and what fell, everywhere; in a group; at one sensor; at some."""
    by: dict[tuple[str, str, int], list[Change]] = defaultdict(list)
    for change in ports:
        about = change.group or "" if change.where == "group" else change.sensors[0] if change.where == "one" else ""
        by[change.where, about, change.direction].append(change)
    out = []
    for (where, about, direction), own in sorted(by.items(), key=lambda one: (WHERES.index(one[0][0]), -one[0][2], one[0][1])):
        style = "sensors.spread_item_several" if where == "several" else "sensors.spread_item"
        items = [
            context.say(
                style,
                port=_sensors.port(context, change.key or (None, None)),
                change=_change(context, change),
                n=len(change.sensors),
                all=change.known,
            )
            for change in own
        ]
        group = _sensors.group(context, own[0].group) if where == "group" else ""
        sensor = _one(context, about) if where == "one" else ""
        listed = _sensors.some(context, items, TOLD)
        out.append(Point(context.say(f"sensors.spread_{where}_{ENDS[direction]}", list=listed, group=group, sensor=sensor)))
    return out


def _where(context: Context, change: Change) -> str:
    if change.where == "group":
        return context.say("sensors.spread_where_group", group=_sensors.group(context, change.group))
    if change.where == "one":
        return context.say("sensors.spread_where_one", sensor=_one(context, change.sensors[0]))
    return context.say(f"sensors.spread_where_{change.where}", n=len(change.sensors), all=change.known)


def _block(context: Context, ports: list[Change]) -> Block:
    say = context.say
    shown = ports[:SHOWN]
    figure = _figure(context, ports, shown)
    heads = ("column.port", "sensors.spread_direction", "sensors.spread_where", "sensors.spread_before", "sensors.spread_now")
    columns = tuple(Column(say(head), "text" if n < 3 else "number", spare=n == 1) for n, head in enumerate(heads))
    cells = []
    for change in shown:
        before, now = (_sensors.rate(context, value) for value in _rates(change))
        direction = say(f"sensors.spread_{ENDS[change.direction]}")
        port = _sensors.port(context, change.key or (None, None))
        cells.append((port, direction, _where(context, change), before, now))
    names = ("dst_port", "protocol", "change", "where", "group", "sensor", "packets", "packets_before")
    body: list[tuple[Any, ...]] = []
    for change in ports:
        protocol, number = change.key or (None, None)
        for cell in change.cells:
            head = (number, protocol, ENDS[change.direction], change.where, change.group, cell.sensor)
            rates = (_sensors.cell(cell.rate), _sensors.cell(cell.rate_before))
            body.append((*head, cell.packets, cell.packets_before, *rates, cell.moved))
    columns_of = (*names, "per_day", "per_day_before", "moved")
    data = context.data("sensors-spread", figure.title, columns_of, body, context.answers.once(sensors.moved).sql)
    return Block(data, figure, Table(say("sensors.spread_caption"), columns, cells))


def _figure(context: Context, ports: list[Change], shown: list[Change]) -> figures.MatrixFigure:
    say = context.say
    found = context.answers.once(sensors.watchers)
    rows = []
    # a port that rose at one sensor and fell at another has one row
    for change in {change.key: change for change in reversed(shown)}.values():
        times = [cell.times for cell in change.cells]
        values = [None if t is None else _shade(t) for t in times]
        label = _sensors.port(context, change.key or (None, None))
        rows.append(figures.MatrixRow(label, values, [_times(context, t) for t in times]))
    rows.reverse()
    return figures.MatrixFigure(
        id="sensors-spread",
        title=context.words.listed(_title(context, change) for change in ports[:2]),
        subtitle=say("sensors.spread_subtitle", scope=context.scope),
        unit=say("sensors.spread_unit"),
        note=_numbers(context),
        rows=rows,
        columns=[str(n) for n in range(1, len(found) + 1)],
        column_breaks=list(itertools.accumulate(len(own) for _, own in sensors.grouped(found)))[:-1],
        low=say("sensors.spread_low"),
        high=say("sensors.spread_high"),
        diverging=True,
    )


def _title(context: Context, change: Change) -> str:
    """52869/TCPは全体で減少."""
    port = _sensors.port(context, change.key or (None, None))
    return context.say(f"sensors.spread_figure_{ENDS[change.direction]}", port=port, where=_where(context, change))


def _numbers(context: Context) -> str:
    """Which number is which sensor."""
    found = context.answers.once(sensors.watchers)
    said, n = [], 1
    for _, own in sensors.grouped(found):
        first, last = _sensors.label(context, own[0]), _sensors.label(context, own[-1])
        if len(own) == 1:
            said.append(context.say("sensors.numbered", number=str(n), sensor=first))
        else:
            ends = {"first": str(n), "last": str(n + len(own) - 1), "sensor": first, "other": last}
            said.append(context.say("sensors.numbered_range", **ends))
        n += len(own)
    return context.words("number.comma").join(said)


def _shade(times: float) -> float:
    if times <= 0:
        return -1.0
    return max(-1.0, min(1.0, math.log(times) / math.log(MOST))) if math.isfinite(times) else 1.0


def _times(context: Context, times: float | None) -> str:
    if times is None:
        return ""
    if not math.isfinite(times):
        return context.words("movement.new")
    return f"{times:.2f}" if times < 10 else f"{times:.0f}" if times < 100 else "99+"
