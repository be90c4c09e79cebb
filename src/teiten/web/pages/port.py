"""A port: who goes for it, from where, since when."""

from __future__ import annotations

from teiten.engine import filters
from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _heat, _thing
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/port/{port:path}"
SEES = "viewer"


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["port"]
    found = filters.parse(asked.settings, port=text)  # UsageError for what is no port
    speech = Speech.of(asked)
    key = (found.port[0].protocol, found.port[0].first) if found.port else (found.protocol[0], None)
    title = speech.port_long(key)
    more = await _heat.days(_thing.narrowed(asked, port=text), pool)
    return await _thing.view(
        asked,
        pool,
        title,
        {"port": text},
        time="countries",
        tables=("countries", "asns", "sources", "sensors", "tools"),
        more=more,
    )
