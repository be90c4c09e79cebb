"""What the two stacks through time share: the chart with its gaps, what stood out, the table and the rows."""

from __future__ import annotations

import datetime as dt
import statistics
from typing import Any

from teiten.report import figures
from teiten.report.answers import Stack, What, touches
from teiten.report.asked import stories
from teiten.report.context import Context, protocol_name, with_error
from teiten.report.model import Block, Column, Section, Table

THINGS = {"ports": "port", "countries": "country"}
FLAT = 1.15
"""The highest bucket against the median: below this no bucket is worth a title."""
OUT = 3.0
"""A peak is told of where it is at least this many times the median of its series ..."""
WEIGHT = 0.1
"""... and at least this share of a median bucket of all packets above it."""
CHANCE = 6.0
"""... and the difference more than this many times what chance does to two counts."""
TOLD = 3
ABSENT = 0.15
"""A thing was absent where its mean lies below this share of its mean when it was there."""
FEWEST = 50
"""packets of a thing, below which it neither begins nor ends"""
MOSTLY = 0.25
"""of a day's busiest hour: a part below this share is not what it mostly was"""
LOW = 0.7
"""The least is told of where it lies below this share of the median."""


def section(context: Context, what: What, ident: str) -> Section | None:
    """The section of the ports' stack, or of the countries'."""
    stack = context.answers.stack(what)
    if not stack.keys and not stack.values:
        return None
    figure = _figure(context, what, stack, ident)
    notes = []
    gaps = context.answers.coverage.gaps
    if gaps:
        notes.append(context.say("series.gap_note", list=context.spans(context.answers.coverage)))
    title = context.say(f"series.{what}_title")
    # where stories are told, peaks and falls are theirs: the same is not said twice, nor otherwise
    said = [] if context.answers.once(stories.changes) is not None else findings(context, what, stack)
    return Section(ident, title, said, blocks=[_block(context, what, stack, figure)], notes=notes)


def label(context: Context, what: What, key: Any) -> str:
    if key in ("other", "unknown"):
        return context.say(f"thing.{key}")
    return context.port(key) if what == "ports" else context.country(key)


def _name(context: Context, what: What, key: Any) -> str:
    """A thing inside a sentence."""
    return context.port(key) if what == "ports" else context.land(key)


def colour(what: What, key: Any) -> str:
    if key in ("other", "unknown"):
        return str(key)
    if what == "countries":
        return str(key)
    protocol, port = key
    return protocol_name(protocol) if port is None else f"{port}/{protocol_name(protocol)}"


def when(context: Context, stack: Stack, i: int) -> str:
    """A bucket's name in a sentence: 10月9日(水); 5時台 of a day, 10月9日(水)5時台 of a week."""
    at = stack.times[i]
    if stack.step == "day":
        return context.say("series.on_day", day=context.words.day(at.date()))
    clock = context.words.clock(at) if context.kind == "daily" else context.words.moment(at)
    return context.say("series.at_hour", clock=clock)


def _peak(context: Context, what: What, stack: Stack) -> str:
    """The title: the highest bucket, and what it mostly was."""
    totals = stack.totals
    seen = [(v, -i) for i, v in enumerate(totals) if v is not None]
    if not seen or not stack.keys:
        return context.say(f"series.{what}_title")
    high, at = max(seen)
    i = -at
    parts = [(stack.values[k][i] or 0.0, n, k) for n, k in enumerate(stack.keys)]
    most, _, key = max(parts, key=lambda p: (p[0], -p[1]))
    first = stack.keys[0]
    ahead = all((stack.values[first][n] or 0.0) >= (stack.values[k][n] or 0.0) for k in stack.keys for n in range(len(totals)))
    sums = sorted((sum(v or 0.0 for v in stack.values[k]) for k in stack.keys), reverse=True)
    ahead = ahead and (len(sums) < 2 or sums[0] > sums[1])
    if ahead and high < FLAT * statistics.median(v for v, _ in seen):
        return context.sentence("series.figure_flat", thing=_name(context, what, first))
    name = stack.times[i]
    if what == "ports" and (told := _burst(context, stack, i, high)) is not None:
        return told
    if context.kind == "daily" and most < MOSTLY * high:
        return context.say("series.figure_only_hour", time=_time(context, stack, name))
    unknown = (stack.values.get("unknown") or [0.0] * len(totals))[i] or 0.0
    if unknown > most:
        time = context.words.day(name.date()) if stack.step == "day" else _time(context, stack, name)
        return context.say(f"series.figure_only_{stack.step}", time=time)
    if stack.step == "day":
        time, style = context.words.day(name.date()), f"series.figure_peak_{what}"
    else:
        time = context.words.clock(name) if context.kind == "daily" else context.words.moment(name)
        style = f"series.figure_hour_{what}"
    return context.say(style, time=time, share=context.words.percent(most / high, 0), thing=_name(context, what, key))


def _burst(context: Context, stack: Stack, i: int, high: float) -> str | None:
    """The title where the ports that a burst tells of made a good part of the highest hour together."""
    found = context.answers.once(stories.changes)
    at = stack.times[i]
    for one in (d for story in (found.stories if found else ()) for d in story.detections):
        if len(one.about.ports) < 2 or one.start > at or (one.end is not None and one.end <= at):
            continue
        part = sum(stack.values[p][i] or 0.0 for p in one.about.ports if p in stack.values)
        if part >= MOSTLY * high:
            thing = context.words.listed(context.ports(one.about.ports))
            share = context.words.percent(part / high, 0)
            return context.say("series.figure_hour_ports", time=context.words.clock(at), share=share, thing=thing)
    return None


def _figure(context: Context, what: What, stack: Stack, ident: str) -> figures.StackFigure:
    say = context.say
    totals = stack.totals
    empty = not any(totals)
    kinds = {"other": "other", "unknown": "unknown"}
    series = [
        figures.Series(colour(what, k), label(context, what, k), v, kind=kinds.get(k, "value"))  # type: ignore[arg-type]
        for k, v in stack.values.items()
    ]
    gaps = [figures.Gap(g.start, g.end, say(f"series.gap_{g.reason}")) for g in context.answers.coverage.gaps]
    return figures.StackFigure(
        id=ident,
        title=say(f"series.{what}_title") if empty else _peak(context, what, stack),
        subtitle=say(f"series.subtitle_{stack.step}_{what}", n=len(stack.keys), scope=context.scope),
        unit=say(f"series.unit_{stack.step}"),
        times=stack.times,
        series=series,
        step=stack.step,
        things=THINGS[what],
        gaps=gaps,
    )


def findings(context: Context, what: What, stack: Stack) -> list[str]:
    """What began or ended within the period, what stood far out of its own usual, and the least there was."""
    said = _courses(context, what, stack) if stack.step == "day" else []
    said += _peaks(context, what, stack)
    if what == "ports":
        said += _low(context, stack)
    return said or [context.say(f"series.none_{stack.step}")]


def _long(context: Context, what: What, key: Any) -> str:
    return context.port_long(key) if what == "ports" else context.say("summary.from_country", country=context.land(key))


def _courses(context: Context, what: What, stack: Stack) -> list[str]:
    """Things that were all but absent up to a bucket, or from one on: at least a tenth of the period on either side."""
    said = []
    for key in stack.keys:
        seen = stack.values[key]
        values = [v or 0.0 for v in seen]
        if sum(values) < FEWEST:
            continue
        level = max(values) / 4
        strong = [i for i, v in enumerate(values) if v >= level]
        if not strong:
            continue
        # what was not observed is no absence
        least = max(2, sum(v is not None for v in seen) // 10)
        first, last = strong[0], strong[-1]
        earlier, later = [v for v in seen[:first] if v is not None], [v for v in seen[last + 1 :] if v is not None]
        inside = statistics.mean([v for v in seen[first : last + 1] if v is not None])
        if len(earlier) >= least and last - first >= least and statistics.mean(earlier) < ABSENT * inside:
            said.append(context.say("series.began", thing=_long(context, what, key), when=when(context, stack, first)))
        if len(later) >= least and last - first >= least and statistics.mean(later) < ABSENT * inside:
            said.append(context.say("series.ended", thing=_long(context, what, key), when=when(context, stack, last)))
    return said


def _peaks(context: Context, what: What, stack: Stack) -> list[str]:
    """What stood far out of its own usual, at most three."""
    usual_all = statistics.median([v for v in stack.totals if v is not None] or [0])
    found = []
    for key in stack.keys:
        values = [(v, i) for i, v in enumerate(stack.values[key]) if v is not None]
        if len(values) < 5:
            continue
        usual = statistics.median(v for v, _ in values)
        high, i = max(values, key=lambda item: (item[0], -item[1]))
        rare = high - usual > CHANCE * (high + usual) ** 0.5
        if usual and high >= OUT * usual and high - usual >= WEIGHT * usual_all and rare:
            found.append((high - usual, i, key, high, usual))
    if not found:
        return []
    items = []
    style = "series.peak" if what == "ports" else "series.peak_country"
    for _, i, key, high, usual in sorted(sorted(found, key=lambda f: -f[0])[:TOLD], key=lambda f: f[1]):
        name = _name(context, what, key)
        items.append(
            context.say(
                style,
                thing=name,
                when=when(context, stack, i),
                packets=context.packets(round(high)),
                times=context.words.number(high / usual, 1 if high < 10 * usual else 0),
            )
        )
    return [context.say("series.finding_peaks", list=context.words.listed(items))]


def _low(context: Context, stack: Stack) -> list[str]:
    """The least of all buckets, where it lies far below the median and no gap explains it; and whether all fell alike."""
    ends = [*stack.times[1:], context.period.end]
    seen = [
        (v, i)
        for i, v in enumerate(stack.totals)
        if v is not None and not touches(context.answers.coverage, stack.times[i], ends[i])
    ]
    if len(seen) < 5:
        return []
    usual = statistics.median(v for v, _ in seen)
    low, i = min(seen)
    if low >= LOW * usual or usual - low <= CHANCE * (usual + low) ** 0.5:
        return []
    parts = []
    for key in stack.keys:
        own = statistics.median(v for n, v in enumerate(stack.values[key]) if v is not None and n != i)
        if own:
            parts.append((stack.values[key][i] or 0.0) / own)
    alike = len(parts) >= 4 and max(parts) < (1 + LOW) / 2
    return [
        context.say(
            "series.low" if alike else "series.low_plain",
            when=when(context, stack, i),
            packets=context.packets(round(low)),
            share=context.words.percent(low / usual, 0),
        )
    ]


def _block(context: Context, what: What, stack: Stack, figure: figures.StackFigure) -> Block:
    say = context.say
    columns = (
        Column(say("column.time"), "text"),
        *(Column(label(context, what, k)) for k in stack.values),
        Column(say("column.total")),
    )
    rows = []
    for i, (at, whole) in enumerate(zip(stack.times, stack.totals, strict=True)):
        cells = [_cell(context, column[i]) for column in stack.values.values()]
        rows.append((_time(context, stack, at), *cells, _cell(context, whole)))
    table = Table(say(f"series.caption_{what}", step=say(f"series.{stack.step}")), columns, rows, folded=True)
    names = ("start", "part", *(("dst_port", "protocol") if what == "ports" else ("country",)), "packets", "hosts")
    names = with_error(names, stack.rows)
    body = [tuple(row[n] for n in names) for row in stack.rows]
    return Block(context.data(figure.id, figure.title, names, body, stack.rows.sql), figure, table)


def _time(context: Context, stack: Stack, at: dt.datetime) -> str:
    if stack.step == "day":
        return context.words.day(at.date())
    return context.words.clock(at) if context.kind == "daily" else context.words.moment(at)


def _cell(context: Context, value: float | None) -> str:
    return "–" if value is None else context.words.number(value)
