"""Stories: what changed in the span, day by day, the last first."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import Part, View
from teiten.web.pages import _stories
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/stories"
SEES = "viewer"
NAV = (15, "web.stories")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    found = await _stories.told(asked, pool)
    parts = [Part(f"d{day}", speech.words.day(day), table=_stories.table(asked, own)) for day, own in found.items() if own] or [
        Part("none", speech.say("web.stories"), empty=speech.say("web.no_change"))
    ]
    return View(speech.say("web.stories"), parts, lead=[speech.span()], bar="filters")
