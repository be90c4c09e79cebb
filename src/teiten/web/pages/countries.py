"""Countries: through time, and ranked."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _map, _ranked
from teiten.web.pool import Pool, together
from teiten.web.speech import Speech

PATH = "/countries"
SEES = "viewer"
NAV = (30, "web.countries")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    world, parts = await together(_map.part(asked, pool), _ranked.parts(asked, pool, "countries", "countries"))
    return View(speech.say("web.countries"), [world, *parts], lead=[speech.span()])
