"""Who asks for what: the ports of the largest countries, the countries of the most asked-for ports."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from teiten.periods import PeriodKind
from teiten.report.answers import What
from teiten.report.context import Context
from teiten.report.model import Block, Column, Section, Table

ID = "pairs"
ORDER = 70
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly")
STANDS_OUT = 0.15
"""A country's share for a port is told of where it lies this much above that of all countries together."""
COLUMNS = ("country", "dst_port", "protocol", "packets", "share")


def build(context: Context) -> Section | None:
    lands, ports = context.answers.partners("countries"), context.answers.partners("ports")
    if not lands or not ports:
        return None
    findings = _standing_out(context)
    blocks = [_block(context, "countries"), _block(context, "ports")]
    return Section(ID, context.say("pairs.title"), findings, blocks=blocks)


def _standing_out(context: Context) -> list[str]:
    """The country whose traffic is most unlike everybody's, if any stands out."""
    overall = {row.key: row.share for row in context.answers.ranking("ports")}
    best: tuple[float, Any] | None = None
    for row in context.answers.partners("countries"):
        key = (row["protocol"], row["dst_port"])
        above = row["share"] - overall.get(key, 0.0)
        if above >= STANDS_OUT and (best is None or above > best[0]):
            best = (above, row)
    if best is None:
        return []
    row = best[1]
    key = (row["protocol"], row["dst_port"])
    return [
        context.sentence(
            "pairs.finding",
            country=context.land(row["country"]),
            port=context.port_long(key),
            share=context.words.percent(row["share"]),
            all_share=context.words.percent(overall.get(key, 0.0)),
        )
    ]


def _block(context: Context, what: What) -> Block:
    say, words = context.say, context.words
    rows = context.answers.partners(what)

    def own(row: dict[str, Any]) -> Any:
        return row["country"] if what == "countries" else (row["protocol"], row["dst_port"])

    def name(row: dict[str, Any], *, country: bool) -> str:
        return context.country(row["country"]) if country else context.port((row["protocol"], row["dst_port"]))

    lines = []
    for _, group in groupby(rows, own):
        found = list(group)
        items = [say("pairs.item", thing=name(r, country=what == "ports"), share=words.percent(r["share"], 0)) for r in found]
        lines.append((name(found[0], country=what == "countries"), words("number.comma").join(items)))
    heads = ("column.country", "column.top_ports") if what == "countries" else ("column.port", "column.top_countries")
    table = Table(say(f"pairs.caption_{what}"), tuple(Column(say(h), "text") for h in heads), lines)
    title = say(f"pairs.{what}_title")
    body = [tuple(row[c] for c in COLUMNS) for row in rows]
    ident = "ports-of-countries" if what == "countries" else "countries-of-ports"
    return Block(context.data(ident, title, COLUMNS, body, rows.sql), None, table, title)
