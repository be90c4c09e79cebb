"""Asns: through time, and ranked."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _ranked
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/asns"
SEES = "viewer"
NAV = (40, "web.asns")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    return View(speech.say("web.asns"), await _ranked.parts(asked, pool, "asns", "asns"), lead=[speech.span()])
