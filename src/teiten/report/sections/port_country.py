"""A port by day as one country tries it: hosts and packets (setting `country`, or --country)."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report import figures, rises
from teiten.report.asked import port as asked
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Section
from teiten.report.sections import _port

ID = "port-country"
ORDER = 16
KINDS: tuple[PeriodKind, ...] = ("span",)


def build(context: Context) -> Section | None:
    """Nothing where no country is followed."""
    code = context.settings.pictured
    if code is None or not _port.seen(context):
        return None
    say, course, land = context.say, _port.course(context), context.land(code)
    packets, hosts = (own[course.first :] for own in course.of(code))
    title = context.sentence("port.land", land=land)
    if not any(packets):
        return Section(ID, title, [say("port.land_none", land=land)])
    whole = next(row for row in context.answers.once(asked.lands) if row["country"] == code)
    all_hosts = max(1, context.answers.once(asked.parts).hosts)
    error = whole.get("hosts_error") or 0.0
    findings = [
        say(
            "port.land_total",
            land=land,
            hosts=_port.hosts(context, whole["hosts"], error),
            packets=context.packets(whole["packets"]),
            share=context.words.percent(min(1.0, whole["hosts"] / all_hosts)),
        )
    ]
    for rise in rises.rises(course.of(code)[1], course.first)[:2]:
        peak = context.words.number(course.of(code)[1][rise.peak] or 0)
        days = {"day": _port.day(context, rise.start), "peak_day": _port.day(context, rise.peak)}
        findings.append(say("port.land_rose", land=land, peak=peak, **days))
    return Section(ID, title, findings, blocks=[_hosts(context, code, hosts), _packets(context, code, packets)])


def _subtitle(context: Context, key: str, code: str) -> str:
    fields = {**_port.names(context), "land": context.land(code), "who": _port.who(context), "scope": context.scope}
    return context.sentence(key, **fields)


def _hosts(context: Context, code: str, hosts: _port.Counts) -> Block:
    say = context.say
    most, _ = _port.highest(hosts)
    title = context.sentence("port.figure_land", land=context.land(code), peak=context.words.number(most))
    series = [figures.Series(code, context.country(code), list(hosts))]
    found = rises.rises(_port.course(context).of(code)[1], _port.course(context).first)
    figure = _port.stack(
        context, "port-country-hosts", title, _subtitle(context, "port.subtitle_land", code), say("port.unit_hosts"), series,
        things="country", totals=False, marks=_port.marks(context, found),
    )  # fmt: skip
    return _block(context, code, figure, "hosts")


def _packets(context: Context, code: str, packets: _port.Counts) -> Block:
    _, at = _port.highest(packets)
    day = _port.day(context, at + _port.course(context).first)
    title = context.sentence("port.figure_land_packets", land=context.land(code), day=day)
    series = [figures.Series(code, context.country(code), list(packets))]
    subtitle = _subtitle(context, "port.subtitle_land_packets", code)
    figure = _port.stack(
        context,
        "port-country-packets",
        title,
        subtitle,
        context.say("port.unit_packets"),
        series,
        things="country",
        totals=False,
    )
    return _block(context, code, figure, "packets")


def _block(context: Context, code: str, figure: figures.StackFigure, what: str) -> Block:
    course = _port.course(context)
    columns: tuple[str, ...] = ("start", "country", what)
    if what == "hosts":
        columns = with_error(columns, course.rows)
    rows = [tuple(row[c] for c in columns) for row in course.rows if row["country"] == code]
    return Block(context.data(figure.id, figure.title, columns, rows, course.rows.sql), figure)
