"""Ports: through time, and ranked."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _heat, _ranked
from teiten.web.pool import Pool, together
from teiten.web.speech import Speech

PATH = "/ports"
SEES = "viewer"
NAV = (20, "web.ports")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    parts, heat = await together(_ranked.parts(asked, pool, "ports", "ports"), _heat.ports(asked, pool))
    return View(speech.say("web.ports"), [*parts, *heat], lead=[speech.span()])
