"""Scanners: through time, and ranked."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _ranked
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/scanners"
SEES = "viewer"
NAV = (60, "web.scanners")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    return View(speech.say("web.scanners"), await _ranked.parts(asked, pool, "scanners", "scanners"), lead=[speech.span()])
