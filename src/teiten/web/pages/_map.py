"""The map of the world: what came from each country, each a way to its page."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from teiten.data import countries, world
from teiten.report import figures
from teiten.web.asked import Asked, place
from teiten.web.model import Part
from teiten.web.pages import _finding, _ranked
from teiten.web.pool import Pool
from teiten.web.speech import Speech

EVERY: Final = 400
"""more countries than there are"""
_NAMED: Final = 3


async def part(asked: Asked, pool: Pool) -> Part:
    """The map of the span, in the unit that is asked for."""
    speech = Speech.of(asked)
    whole = replace(asked, n=EVERY)
    rows = await pool.ask(("map", whole.key), lambda s: _ranked.rank(s, whole, "countries"))
    measure = "per_ip" if asked.unit == "per-ip" else asked.by
    values = {row["country"]: float(row[measure] or 0) for row in rows if row["country"]}
    unknown = next((float(row[measure] or 0) for row in rows if not row["country"]), 0.0)
    found = world.world()
    codes = [*found.shapes, *found.dots]
    first = [speech.country(row["country"]) for row in rows if row["country"]][:_NAMED]
    unit = speech.say(f"web_look.unit_{asked.unit.replace('-', '_')}")
    title = _finding.world(asked, rows)
    drawn = _finding.line(
        asked, speech.say("web_finding.what", what=speech.say("web_look.map"), unit=unit), rows.total or 0, None
    )
    alt = speech.say("web_look.map_alt", span=speech.span(), unit=unit, list=speech.words.listed(first)) if first else title
    figure = figures.WorldFigure(
        id="world",
        title=title,
        subtitle=drawn,
        unit=unit,
        alt=alt,
        note=speech.words.joined(speech.say("web_look.map_small"), speech.say("web_look.map_source")),
        values=values,
        names={code: countries.name(code, asked.lang) for code in codes},
        # what lies beyond a link is the country alone: a filter on others would find nothing there
        urls={code: asked.url(place("country", code), country=None) for code in codes if values.get(code)},
        unknown=unknown,
    )
    if figure.is_empty():
        return Part("world", speech.say("web_look.map"), empty=speech.say("web_look.map_none"))
    return Part("world", title, drawn=drawn, figure=figure)
