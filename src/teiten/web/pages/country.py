"""A country: what comes from there."""

from __future__ import annotations

from teiten.data import countries
from teiten.engine import filters
from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _thing
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/country/{country}"
SEES = "viewer"


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["country"]
    code = filters.parse(asked.settings, country=text).country[0]
    title = Speech.of(asked).say("thing.unknown") if code is None else countries.name(code, asked.lang)
    return await _thing.view(
        asked, pool, title, {"country": text}, time="ports", tables=("ports", "asns", "sources", "sensors", "tools")
    )
