"""Countries: through time, and ranked."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _map, _ranked
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/countries"
SEES = "viewer"
NAV = (30, "web.countries")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    parts = [await _map.part(asked, pool), *await _ranked.parts(asked, pool, "countries", "countries")]
    return View(speech.say("web.countries"), parts, lead=[speech.span()])
