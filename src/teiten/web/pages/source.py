"""A source: what it tried, when, and what it is taken for."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _thing
from teiten.web.pool import Pool

PATH = "/source/{src:path}"
SEES = "viewer"


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["src"]
    return await _thing.view(asked, pool, text, {"src": text}, time="ports", tables=("ports", "sensors", "tools", "scanners"))
