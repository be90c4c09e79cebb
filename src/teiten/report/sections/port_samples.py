"""Some sources of a port: what each did around the day with most, with its masked log lines; half of its address is covered."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from typing import Any, Final

from teiten.periods import PeriodKind
from teiten.publish import evidence, masks
from teiten.publish.evidence import Line
from teiten.report.asked import port_sources as asked
from teiten.report.context import Context
from teiten.report.model import Block, Column, Point, Quote, Section, Table
from teiten.report.sections import _port
from teiten.report.sections._sessions import Teller, quoted
from teiten.sessions.join import Session

ID = "port-samples"
ORDER = 28
KINDS: tuple[PeriodKind, ...] = ("span",)
LINES: Final = 12
"""lines of a source that stand on the page"""


def build(context: Context) -> Section | None:
    if not _port.seen(context):
        return None
    say = context.say
    title = say("port.samples")
    found = context.answers.once(asked.samples)
    if not found:
        return Section(ID, title, [say("port.samples_gone")])
    teller = Teller(context.words, context.period.tz, context.ports, masks.style(context.settings.mask))
    told = context.words.day(found[0].day)
    findings = [say("port.samples_told", day=told, **_port.names(context))]
    points = [Point(_point(context, teller, one)) for one in found]
    quotes, rebuilt = [], 0
    for one in found:
        lines = _lines(context, one)
        rebuilt += sum(bool(line.why) for line in lines)
        caption = say("port.samples_lines", land=context.land(one.country), n=len(lines))
        quotes.append(Quote(context.sentence("port.samples_lines", land=context.land(one.country), n=len(lines))
                            if lines else caption, quoted(teller, [lines])))  # fmt: skip
    notes = [say("port.samples_note"), *([say("port.samples_rebuilt", n=rebuilt)] if rebuilt else [])]
    return Section(ID, title, findings, points=points, blocks=[_table(context, teller, found)], notes=notes, quotes=quotes)


def covered(address: bytes) -> str:
    """The second half of an address under stars: 203.0.***.***; 2001:db8:****:****:... of an IPv6 address the first two groups
    stay."""
    if len(address) == 4:
        return f"{address[0]}.{address[1]}.***.***"
    groups = ipaddress.IPv6Address(address).exploded.split(":")
    return ":".join([*(g.lstrip("0") or "0" for g in groups[:2]), *["****"] * 6])


def _network(context: Context, one: asked.Sample) -> str:
    if one.asn is None:
        return context.say("port.samples_unknown")
    return context.say("port.samples_network", number=str(one.asn), name=one.as_name or "").strip()


def _point(context: Context, teller: Teller, one: asked.Sample) -> str:
    session = one.session
    fields: dict[str, Any] = {
        "land": context.land(one.country), "network": _network(context, one), "moment": teller.when(session.start),
        "packets": context.packets(session.packets), "ports": teller.row(session.ports), "n": session.tries,
    }  # fmt: skip
    if session.tries == 1 and session.events == 1:
        return context.say("port.samples_single", **fields)
    if session.tries == 1:
        return context.say("port.samples_again", length=teller.length(session.length), **fields)
    return context.say("port.samples_one", length=teller.length(session.length), **fields)


def _lines(context: Context, one: asked.Sample) -> list[Line]:
    cover = masks.style(context.settings.mask)
    lines = evidence.of_steps(context.answers.session, one.steps, cover, context.settings.reading, keep=LINES)
    text, hidden = str(ipaddress.ip_address(one.source)), covered(one.source)
    exploded = ipaddress.ip_address(one.source).exploded
    return [Line(line.text.replace(exploded, hidden).replace(text, hidden), line.gap, line.why) for line in lines]


def _table(context: Context, teller: Teller, found: Sequence[asked.Sample]) -> Block:
    say = context.say
    title = say("port.samples_caption")
    columns = (
        Column(say("sessions.start"), "text"), Column(say("sessions.length"), "text"), Column(say("sessions.source"), "text"),
        Column(say("column.country"), "text"), Column(say("column.packets")), Column(say("sessions.ports"), "text"),
    )  # fmt: skip
    rows, body = [], []
    for one in found:
        session, hidden = one.session, covered(one.source)
        length = teller.length(session.length) if session.events > 1 else "–"
        ports = teller.row(session.ports)
        rows.append(
            (
                teller.when(session.start),
                length,
                hidden,
                context.country(one.country),
                context.words.number(session.packets),
                ports,
            )
        )
        start = _floor(session, context, teller)
        named = " ".join(context.ports(session.ports[:100]))
        body.append(
            (start, round(session.length.total_seconds()), hidden, one.country, one.asn, session.packets, session.tries, named)
        )
    csv = ("start", "seconds", "source", "country", "asn", "packets", "tries", "ports")
    return Block(context.data(ID, title, csv, body, found[0].sql), table=Table(title, columns, rows, folded=True))


def _floor(session: Session, context: Context, teller: Teller) -> dt.datetime:
    """When it began, as exactly as the mask lets it be told."""
    at = session.start.astimezone(context.period.tz)
    if "hour" in teller.cover:
        return at.replace(hour=0, minute=0, second=0, microsecond=0)
    return at.replace(minute=0, second=0, microsecond=0) if "minute" in teller.cover else at
