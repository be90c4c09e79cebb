"""Sensors: through time, and ranked."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _ranked
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/sensors"
SEES = "viewer"
NAV = (70, "web.sensors")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    return View(speech.say("web.sensors"), await _ranked.parts(asked, pool, "sensors", "sensors"), lead=[speech.span()])
