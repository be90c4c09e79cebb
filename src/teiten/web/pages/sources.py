"""Sources: through time, and ranked."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _ranked
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/sources"
SEES = "viewer"
NAV = (50, "web.sources")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    return View(speech.say("web.sources"), await _ranked.parts(asked, pool, "sources", "sources"), lead=[speech.span()])
