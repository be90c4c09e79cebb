"""The data on countries that a page shows, with the attribution that their licences ask for."""

from __future__ import annotations

from teiten import enrich
from teiten.report.context import Context
from teiten.report.model import Link, Paragraph


def attributions(context: Context) -> list[Paragraph]:
    """One line for each data set that told a country for the packets of the period. (No report shows an AS yet.)"""
    said: list[Paragraph] = []
    for found in enrich.attributions(context.answers.geo):
        if found.kind == "asn":
            continue
        date = context.words.date(found.date) if found.date else context.say("thing.unknown")
        before, _, after = context.say("about.geo", name=found.name, date=date, text="\0").partition("\0")
        licence = f" ({found.licence})" if found.licence else ""
        link = Link(found.text, found.url) if found.url else found.text
        said.append([piece for piece in (before, link, licence, after) if piece])
    return said
