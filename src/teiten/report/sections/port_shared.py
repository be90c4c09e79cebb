"""What else the sources of a port try on the same day: by how many hosts, and by lift."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report.asked import port_sources as asked
from teiten.report.asked.port_sources import Shared, Together
from teiten.report.context import Context, protocol_name
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _port

ID = "port-shared"
ORDER = 18
KINDS: tuple[PeriodKind, ...] = ("span",)
NAMED = 5
"""ports that a sentence names"""
WORTH = 0.01
"""share of the port's source-days from which on a sentence names a port"""
ROWS = 10
"""ports with most hosts, and ports with most lift, that the table on the page shows"""
STANDS_OUT = 2.0
"""lift from which on a port stands out"""


def build(context: Context) -> Section | None:
    if not _port.seen(context):
        return None
    say, words = context.say, context.words
    found = context.answers.once(asked.together)
    title = say("port.shared")
    if not found.own:
        return Section(ID, title, [say("port.shared_gone")] if found.since else [])
    fields = {"n": found.own, "alone": found.alone, "share": words.percent(found.alone / found.own)}
    findings = [say("port.shared_all", **_port.names(context), **fields)]
    if not found.ports:
        findings.append(say("port.shared_none", n=asked.SUPPORT))
    else:
        most = [_item(context, one) for one in found.ports if one.share >= WORTH][:NAMED]
        if most:
            findings.append(say("port.shared_hosts", list=words.listed(most)))
        best = [one for one in _by_lift(found) if one.lift >= STANDS_OUT][:NAMED]
        if best:
            items = [say("port.lift_item", port=context.port(one.key), lift=_lift(context, one.lift)) for one in best]
            findings.append(say("port.shared_lift", list=words.listed(items)))
    notes = [say("port.shared_rule", **_port.names(context), every=found.every, least=asked.SUPPORT)]
    if estimated := context.estimated(one.error for one in found.ports):
        notes.append(estimated)
    if found.since:
        notes.insert(0, say("port.shared_lost", day=words.date(found.since)))
    return Section(ID, title, findings, blocks=[_table(context, found)] if found.ports else [], notes=notes)


def _by_lift(found: Together) -> list[Shared]:
    return sorted(found.ports, key=lambda one: (-one.lift, -one.hosts, str(one.key)))


def _item(context: Context, one: Shared) -> str:
    fields = {"share": context.words.percent(one.share), "hosts": _port.hosts(context, one.hosts, one.error)}
    return context.say("port.shared_item", port=context.port(one.key), **fields)


def _lift(context: Context, lift: float) -> str:
    return context.words.number(lift, 0 if lift >= 100 else 1)


def _table(context: Context, found: Together) -> Block:
    say, words = context.say, context.words
    title = say("port.shared_caption", **_port.names(context))
    shown = [*found.ports[:ROWS], *_by_lift(found)[:ROWS]]
    columns = (
        Column(say("port.shared_port"), "text"), Column(say("port.shared_service"), "text", spare=True),
        Column(say("port.shared_count")), Column(say("port.shared_part", **_port.names(context))),
        Column(say("port.shared_base"), spare=True), Column(say("port.shared_value")),
    )  # fmt: skip
    rows = [
        (
            context.port(one.key), context.service(one.key) or "–", context.estimate(one.hosts, one.error),
            words.percent(one.share), words.percent(one.tried / found.every), _lift(context, one.lift),
        )
        for one in found.ports if one in shown
    ]  # fmt: skip
    csv = (
        "dst_port",
        "protocol",
        "hosts",
        "source_days",
        "share",
        "source_days_of_port",
        "source_days_of_other",
        "source_days_all",
        "lift",
    )
    body = [
        (one.key[1], protocol_name(one.key[0]), one.hosts, one.both, one.share, found.own, one.tried, found.every, one.lift)
        for one in found.ports
    ]
    return Block(context.data(ID, title, csv, body, found.sql), table=Table(title, columns, rows))
