"""Weekly graphs by port and by region, as TSUBAME has them; on the running page of a month, a quarter and a year too."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import graphs
from teiten.report.asked.graphs import OTHER, UNKNOWN, Course, Place, Window
from teiten.report.context import Context, protocol_name
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _sensors

ID = "graphs"
ORDER = 28
KINDS: tuple[PeriodKind, ...] = ("weekly", "running")
HOUR: Final = 1 / 24


def build(context: Context) -> list[Section]:
    """A section for each window: of a weekly report the week's alone."""
    return [_section(context, window) for window in context.answers.once(graphs.windows)]


def _section(context: Context, window: Window) -> Section:
    say = context.say
    ports, lands = graphs.ports(context.answers, window), graphs.lands(context.answers, window)
    ident, title = f"{ID}_{window.name}", say(f"graphs.title_{window.name}")
    if not ports:
        return Section(
            ident, title, [context.sentence("graphs.none", window=_name(context, window), span=_span(context, window))]
        )
    blocks = [
        _figure(context, window, "ports", ports, graphs.ports_course(context.answers, window)),
        _ranking(context, window, "ports", ports),
        _figure(context, window, "regions", lands, graphs.regions_course(context.answers, window)),
        _ranking(context, window, "regions", lands),
    ]
    notes = [say("graphs.note"), say("graphs.note_regions")] if window.name == "week" else []
    return Section(
        ident, title, [_finding(context, window, ports), _leaders(context, ports, lands)], blocks=blocks, notes=notes
    )


def _name(context: Context, window: Window) -> str:
    return context.say(f"graphs.{window.name}")


def _span(context: Context, window: Window) -> str:
    """6月24日(水)から6月30日(火)まで; with the year where it is long."""
    date = context.words.date if window.name == "year" else context.words.day
    first, last = window.span[0].date(), window.span[1].date() - dt.timedelta(days=1)
    return context.say("graphs.span", start=date(first), end=date(last))


def _scope(context: Context, window: Window) -> str:
    """Sensors of the window, and how much of it they observed."""
    count, share = graphs.watching(context.answers, window.span)
    sensors = context.words("count.sensors", n=count)
    if share > 0.9995:
        return context.say("scope.sensors", sensors=sensors)
    return context.say("scope.coverage", sensors=sensors, share=context.words.percent(share))


def _finding(context: Context, window: Window, ports: list[Place]) -> str:
    """How much a sensor received a day, and before."""
    whole = next(row for row in context.answers.once(graphs.ports_counted) if row["whole"])
    days, days_before = (graphs.sensor_days(context.answers, span) for span in (window.span, window.before))
    now, before = whole[f"now_{window.name}"] / days, whole[f"before_{window.name}"] / days_before if days_before else 0.0
    fields = {"window": _name(context, window), "span": _span(context, window), "rate": _sensors.rate(context, now)}
    enough = days_before >= context.answers.comparable_share * days and days >= context.answers.comparable_share * days_before
    if before and enough:
        change = context.words.change((now - before) / before)
        return context.sentence("graphs.finding_before", before=_sensors.rate(context, before), change=change, **fields)
    return context.sentence("graphs.finding", **fields)


def _leaders(context: Context, ports: list[Place], lands: list[Place]) -> str:
    port = next((place for place in ports if place.rank == 1), None)
    land = next((place for place in lands if place.rank == 1), None)
    if port is None or land is None:
        return ""
    return context.say(
        "graphs.leaders",
        port=context.port_long(port.key),
        port_share=context.words.percent(port.share),
        region=_label(context, "regions", land.key),
        region_share=context.words.percent(land.share),
    )


def _label(context: Context, what: str, key: Any) -> str:
    if key in (OTHER, UNKNOWN, (None, None)):
        return context.say("thing.other" if key == OTHER else "thing.unknown")
    return context.port(key) if what == "ports" else context.say(f"region.{key}")


def _colour(what: str, key: Any) -> str:
    if what == "regions":
        return str(key)
    protocol, port = key
    return protocol_name(protocol) if port is None else f"{port}/{protocol_name(protocol)}"


def _figure(context: Context, window: Window, what: str, places: list[Place], course: Course) -> Block:
    say = context.say
    named = [place.key for place in places if place.rank is not None and place.key != OTHER][: graphs.DRAWN]
    by = graphs.step(context.answers, window)
    hourly = by == "hour"
    per = HOUR if hourly else 1.0
    series = [figures.Series(_colour(what, key), _label(context, what, key), course.rates(key, per)) for key in named]
    first = _label(context, what, named[0]) if named else ""
    style = f"graphs.{what}_figure"
    figure = figures.LineFigure(
        id=f"graphs-{window.name}-{what}",
        title=say(style, port=first, region=first) if named else say(f"graphs.title_{window.name}"),
        subtitle=say(f"graphs.{what}_subtitle_{by}", n=len(named), span=_span(context, window), scope=_scope(context, window)),
        unit=say("graphs.unit_hour" if hourly else "graphs.unit_day"),
        times=course.times,
        series=series,
        step=by,
        things="port" if what == "ports" else "region",
        gaps=_gaps(context, window),
        whole=False,
    )
    return Block(context.data(figure.id, figure.title, *_rows(what, course, per), course.rows.sql), figure)


def _gaps(context: Context, window: Window) -> list[figures.Gap]:
    start, end = window.span
    return [
        figures.Gap(max(g.start, start), min(g.end, end), context.say(f"series.gap_{g.reason}"))
        for g in context.answers.coverage.gaps
        if g.start < end and g.end > start
    ]


def _rows(what: str, course: Course, per: float) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The columns and rows of a course: every bucket and thing, nothing where nobody was watching."""
    body: list[tuple[Any, ...]] = []
    for key in sorted(course.packets, key=lambda key: (key == OTHER, -sum(course.packets[key]), str(key))):
        rates = course.rates(key, per)
        name = (key,) if what == "regions" else (None, None, OTHER) if key == OTHER else (key[1], key[0], "top")
        for at, packets, days, rate in zip(course.times, course.packets[key], course.days, rates, strict=True):
            known = rate is not None
            body.append((at, *name, packets if known else None, round(days, 6), _sensors.cell(rate)))
    things = ("region",) if what == "regions" else ("dst_port", "protocol", "part")
    return ("start", *things, "packets", "sensor_days", "per_sensor_hour" if per == HOUR else "per_sensor_day"), body


def _ranking(context: Context, window: Window, what: str, places: list[Place]) -> Block:
    say, words = context.say, context.words
    shown = [place for place in places if place.rank is not None][: graphs.RANKED]
    shown += [place for place in places if place.rank is None]
    compared = any(place.rate_before is not None for place in shown)
    earlier = [Column(say("graphs.rank_earlier"))] if compared else []
    heads = [Column(say("column.rank")), *earlier]
    heads.append(Column(say("column.port" if what == "ports" else "graphs.region"), "text"))
    heads += [Column(say("graphs.rate")), Column(say("column.share"))]
    heads += [Column(say("graphs.earlier"), spare=True)] if compared else []
    cells = []
    for place in shown:
        line = [words.number(place.rank) if place.rank else "–"]
        line += [words.number(place.rank_before) if place.rank_before else "–"] if compared else []
        line += [_label(context, what, place.key), _sensors.rate(context, place.rate), words.percent(place.share)]
        cells.append((*line, _sensors.rate(context, place.rate_before)) if compared else tuple(line))
    caption = context.sentence(f"graphs.{what}_rank", window=_name(context, window))
    things = ("dst_port", "protocol") if what == "ports" else ("region",)
    body = [
        (p.rank, *((p.key[1], p.key[0]) if what == "ports" else (p.key,)), p.packets, round(p.share, 9), _sensors.cell(p.rate),
         p.rank_before, _sensors.cell(p.rate_before))
        for p in places
    ]  # fmt: skip
    columns = ("rank", *things, "packets", "share", "per_sensor_day", "rank_before", "per_sensor_day_before")
    rows = context.answers.once(graphs.ports_counted if what == "ports" else graphs.regions_by_day)
    data = context.data(f"graphs-{window.name}-{what}-rank", caption, columns, body, rows.sql)
    return Block(data, table=Table(say("graphs.caption"), tuple(heads), cells), title=caption)
