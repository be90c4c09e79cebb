"""Where the packets to a port come from: countries and networks by hosts, and what tools its sources use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from teiten.engine.questions import Rows
from teiten.periods import PeriodKind
from teiten.report.asked import port as asked
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _port, _tools

ID = "port-origins"
ORDER = 22
KINDS: tuple[PeriodKind, ...] = ("span",)
NAMED = 5
"""countries, or networks, that a sentence names"""
ROWS = 15
"""rows of a table on the page"""


def build(context: Context) -> Section | None:
    if not _port.seen(context):
        return None
    say, words, answers = context.say, context.words, context.answers
    lands, (networks, names), found = answers.once(asked.lands), answers.once(asked.networks), answers.once(asked.tools)
    whole = max(1, answers.once(asked.parts).hosts)

    def share(row: Mapping[str, Any]) -> str:
        return words.percent(min(1.0, row["hosts"] / whole))

    known = [row for row in lands if row["country"] is not None]
    items = [say("port.origins_land", land=context.land(row["country"]), share=share(row)) for row in known[:NAMED]]
    findings = [say("port.origins_lands", n=len(known), list=words.listed(items))] if known else []
    some = [row for row in networks if row["asn"] is not None][:NAMED]
    if some:
        items = [say("port.origins_land", land=_network(names, row["asn"]), share=share(row)) for row in some]
        findings.append(say("port.origins_networks", list=words.listed(items)))
    named = [row for row in found if row["tool"] is not None]
    items = [say("port.origins_tool", tool=_tools.name(row["tool"]), share=share(row)) for row in named]
    findings.append(say("port.origins_tools", list=words.listed(items)) if items else say("port.origins_no_tool"))
    blocks = [
        _block(context, "lands", "country", lands, say("column.country"), context.country, whole),
        _block(context, "networks", "asn", networks, say("port.origins_as"), lambda asn: _named(context, names, asn), whole),
    ]
    if named:
        blocks.append(
            _block(context, "tools", "tool", found, say("port.origins_tool_head"), lambda t: _tool(context, t), whole)
        )
    return Section(ID, say("port.origins"), findings, blocks=blocks, notes=_notes(context, lands, networks, found))


def _notes(context: Context, *rows: Rows) -> list[str]:
    estimated = context.estimated(r.error for r in rows)
    return [context.say("countries.note"), *([estimated] if estimated else [])]


def _network(names: Mapping[int, str], asn: int) -> str:
    return f"AS{asn} {names.get(asn, '')}".strip()


def _named(context: Context, names: Mapping[int, str], asn: int | None) -> str:
    return context.say("thing.unknown") if asn is None else _network(names, asn)


def _tool(context: Context, tool: str | None) -> str:
    return context.say("tools.unknown") if tool is None else _tools.name(tool)


def _block(context: Context, what: str, column: str, rows: Rows, head: str, name: Callable[[Any], str], whole: int) -> Block:
    """Rows by hosts, the unknown last; what is beyond the table is in the CSV."""
    say, words = context.say, context.words
    title = say(f"port.origins_caption_{what}")
    columns = (
        Column(say("column.rank")), Column(head, "text"), Column(say("column.hosts")), Column(say("port.origins_share")),
        Column(say("column.packets"), spare=True),
    )  # fmt: skip
    known = [row for row in rows if row[column] is not None]
    unknown = [row for row in rows if row[column] is None]
    shown = []
    for row in [*known[:ROWS], *unknown]:
        above = sum(other["hosts"] > row["hosts"] for other in known)
        place = "–" if row[column] is None else words.number(above + 1)
        hosts = context.estimate(row["hosts"], row.get("hosts_error") or 0.0)
        share = words.percent(min(1.0, row["hosts"] / whole))
        shown.append((place, name(row[column]), hosts, share, words.number(row["packets"])))
    more = len(known) - ROWS
    note = say("port.origins_more", n=more) if more > 0 else ""
    csv = with_error((column, "packets", "hosts"), rows)
    body = [tuple(row[c] for c in csv) for row in rows]
    data = context.data(f"port-{column}", title, csv, body, rows.sql)
    return Block(data, table=Table(title, columns, shown, note))
