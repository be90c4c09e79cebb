"""A sensor: what reached it."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _thing
from teiten.web.pool import Pool

PATH = "/sensor/{sensor:path}"
SEES = "viewer"


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["sensor"]
    return await _thing.view(
        asked, pool, text, {"sensor": text}, time="ports", tables=("ports", "countries", "asns", "sources")
    )
