"""The data on countries and networks that a page shows, with the attributions that their licences ask for."""

from __future__ import annotations

import datetime as dt
from typing import Final

from teiten import enrich
from teiten.report.context import Context
from teiten.report.model import Link, Paragraph, Piece

WITH_NETWORKS: Final = ("quarterly", "span")
"""kinds of report that show AS numbers and their holders"""


def attributions(context: Context) -> list[Paragraph]:
    """One line for each data set that told a country for the packets of the period."""
    said: list[Paragraph] = []
    for found in enrich.attributions(context.answers.geo):
        if found.kind == "asn":
            continue
        date = _date(context, found.date)
        before, _, after = context.say("about.geo", name=found.name, date=date, text="\0").partition("\0")
        said.append([piece for piece in (before, *_credit(found), after) if piece])
    return said


def networks(context: Context) -> list[Paragraph]:
    """One line for each data set that told an AS, with all whose data it is made of; nothing where a report shows none."""
    if context.kind not in WITH_NETWORKS:
        return []
    sets: dict[tuple[str, dt.date | None], list[list[Piece]]] = {}
    for found in enrich.attributions(context.answers.geo):
        if found.kind == "asn":
            sets.setdefault((found.name, found.date), []).append(_credit(found))
    return [
        context.rich("about.asn", date=_date(context, date), credits=context.row(credits))
        for (_, date), credits in sets.items()
    ]


def _date(context: Context, date: dt.date | None) -> str:
    return context.words.date(date) if date else context.say("thing.unknown")


def _credit(found: enrich.Attribution) -> list[Piece]:
    """The text that the licence asks for, linked, with the licence."""
    link: Piece = Link(found.text, found.url) if found.url else found.text
    return [link, f" ({found.licence})"] if found.licence else [link]
