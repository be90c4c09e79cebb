"""An AS: what comes from that network."""

from __future__ import annotations

from teiten.engine import filters
from teiten.web.asked import Asked
from teiten.web.model import View
from teiten.web.pages import _thing
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/asn/{asn}"
SEES = "viewer"


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["asn"]
    number = filters.parse(asked.settings, asn=text).asn[0]
    title = Speech.of(asked).say("thing.unknown") if number is None else f"AS{number}"
    return await _thing.view(
        asked, pool, title, {"asn": text}, time="ports", tables=("ports", "countries", "sources", "sensors")
    )
