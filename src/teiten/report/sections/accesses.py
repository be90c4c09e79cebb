"""As the police's monthly observation has it: accesses of a day and address, sources a day, ranks before; victims too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from teiten.periods import PeriodKind
from teiten.report.asked import accesses
from teiten.report.asked.accesses import Flow
from teiten.report.context import Context
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _sensors

ID = "accesses"
ORDER = 29
KINDS: tuple[PeriodKind, ...] = ("monthly",)
SHOWN: Final = 10


def build(context: Context) -> Section | None:
    """Nothing where one sensor with one address watched: what it says is then said by the totals and the rankings."""
    say, answers = context.say, context.answers
    if not answers.once(accesses.wanted):
        return None
    flows, struck = answers.once(accesses.accesses), answers.once(accesses.victims)
    blocks: list[Block | None] = [_flows(context, flows, struck)]
    blocks.append(_ranked(context, "ports", list(answers.ports), answers.ports.sql))
    blocks.append(_ranked(context, "countries", list(answers.countries), answers.countries.sql))
    notes = [say("accesses.note")]
    findings = [_finding(context, flows)]
    if struck[0].packets:
        rates = {"rate": _number(context, struck[0].rate), "sources": _number(context, struck[0].sources)}
        findings.append(say("accesses.victims", **rates))
        lands = answers.once(accesses.victim_countries)
        blocks.append(_ranked(context, "victim_countries", list(lands), lands.sql))
        if answers.dropped:
            notes.append(say("accesses.lost"))
        else:
            ports = answers.once(accesses.victim_ports)
            blocks.append(_ranked(context, "victim_ports", list(ports), ports.sql))
    else:
        findings.append(say("accesses.victims_none"))
    return Section(ID, say("accesses.title"), findings, blocks=[block for block in blocks if block], notes=notes)


def _number(context: Context, value: float | None) -> str:
    return _sensors.rate(context, value)


def _difference(context: Context, now: float | None, before: float | None) -> str:
    """+12.3; a dash where either is not known."""
    if now is None or before is None:
        return "–"
    gap = now - before
    return context.words.signed(gap, 0 if abs(gap) >= 100 else 1 if abs(gap) >= 10 else 2)


def _percent(context: Context, now: float | None, before: float | None) -> str:
    return "–" if now is None or not before else context.words.change((now - before) / before)


def _finding(context: Context, flows: tuple[Flow, Flow]) -> str:
    now, before = flows
    fields = {"rate": _number(context, now.rate), "sources": _number(context, now.sources)}
    if not before.rate or not before.sources or not context.answers.comparable:
        return context.say("accesses.finding_plain", **fields)
    return context.say(
        "accesses.finding",
        old=_number(context, before.rate),
        old_sources=_number(context, before.sources),
        change=_percent(context, now.rate, before.rate),
        source_change=_percent(context, now.sources, before.sources),
        **fields,
    )


def _flows(context: Context, flows: tuple[Flow, Flow], struck: tuple[Flow, Flow]) -> Block:
    say = context.say
    lines: list[tuple[str, float | None, float | None]] = [
        ("row_accesses", flows[0].rate, flows[1].rate),
        ("row_sources", flows[0].sources, flows[1].sources),
        ("row_victim_packets", struck[0].rate, struck[1].rate),
        ("row_victims", struck[0].sources, struck[1].sources),
    ]
    heads = ["column.measure", "column.now", "column.before"]
    if context.answers.comparable:
        heads += ["column.difference", "column.change"]
    columns = tuple(Column(say(head), "text" if n == 0 else "number") for n, head in enumerate(heads))
    cells = []
    for name, now, before in lines:
        cell = [say(f"accesses.{name}"), _number(context, now), _number(context, before)]
        if context.answers.comparable:
            cell += [_difference(context, now, before), _percent(context, now, before)]
        cells.append(tuple(cell))
    body = [(name.removeprefix("row_"), _sensors.cell(now), _sensors.cell(before)) for name, now, before in lines]
    title = say("accesses.caption")
    sql = context.answers.once(accesses.by_day).sql
    return Block(
        context.data("accesses", title, ("measure", "value", "value_before"), body, sql), table=Table(title, columns, cells)
    )


def _ranked(context: Context, what: str, rows: Sequence[dict[str, Any]], sql: str) -> Block | None:
    """A ranking: rank (rank before), thing, count of an address and day, change; the unknown without a rank."""
    say, words, answers = context.say, context.words, context.answers
    if not rows:
        return None
    own, own_before = answers.per_address, answers.per_address_before
    port = what.endswith("ports")
    number = "src_port" if what == "victim_ports" else "dst_port"

    def rates(row: dict[str, Any]) -> tuple[float | None, float | None]:
        before = row["packets_before"]
        return own.rate(row["packets"]), None if before is None else own_before.rate(before)

    def place(row: dict[str, Any]) -> str:
        if row["rank"] is None:
            return "–"
        before = words.number(row["rank_before"]) if row["rank_before"] and answers.ranks_told else "–"
        return say("accesses.place", rank=row["rank"], rank_before=before)

    shown = [row for row in rows if row["rank"] is not None][:SHOWN] + [row for row in rows if row["rank"] is None]
    cells = []
    for row in shown:
        now, before = rates(row)
        unknown = port and row["protocol"] is None
        name = context.port((row["protocol"], row[number])) if port else context.country(row["country"])
        line = [place(row), say("thing.unknown") if unknown else name, _number(context, now)]
        cells.append(tuple(line + [_difference(context, now, before)] * answers.comparable))
    head = "accesses.source_port" if what == "victim_ports" else "column.port" if port else "column.country"
    columns = [Column(say("accesses.rank")), Column(say(head), "text"), Column(say("accesses.count"))]
    if answers.comparable:
        columns.append(Column(say("accesses.change")))
    things = (number, "protocol") if port else ("country",)
    names = ("rank", "rank_before", *things, "packets", "packets_before")
    body = [
        (*(row[name] for name in names), _sensors.cell(now), _sensors.cell(before))
        for row in rows
        for now, before in [rates(row)]
    ]
    caption = say(f"accesses.{what}")
    data = context.data(f"accesses-{what.replace('_', '-')}", caption, (*names, "per_ip", "per_ip_before"), body, sql)
    unit = say("accesses.unit_victims" if what.startswith("victim") else "accesses.unit")
    return Block(data, table=Table(unit, tuple(columns), cells), title=caption)
