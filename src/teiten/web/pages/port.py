"""A port: who goes for it, from where, since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from teiten.engine import filters
from teiten.web.asked import Asked, place
from teiten.web.model import View
from teiten.web.pages import _heat, _notes, _said, _thing
from teiten.web.pool import Pool, together
from teiten.web.speech import Speech

PATH = "/port/{port:path}"
SEES = "viewer"
NEEDS = "analyst"


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["port"]
    found = filters.parse(asked.settings, port=text)  # UsageError for what is no port
    speech = Speech.of(asked)
    key = (found.port[0].protocol, found.port[0].first) if found.port else (found.protocol[0], None)
    title = speech.port_long(key)
    own = _thing.narrowed(asked, port=text)
    every, days, said = await together(_notes.every(pool), _heat.days(own, pool), _said.part(own, pool))
    more = [*days, *said, *_notes.part(own, [note for note in every if _about(note, key)])]
    view = await _thing.view(
        asked,
        pool,
        title,
        {"port": text},
        time="countries",
        tables=("countries", "asns", "sources", "sensors", "tools"),
        more=more,
    )
    return replace(view, parts=[*view.parts, *_notes.forms(own)])


def _about(note: Mapping[str, Any], key: tuple[int | None, int | None]) -> bool:
    """Is the note on that port? One that names no protocol is on both."""
    protocol, port = key
    if note["port"] != port or (port is None and note["protocol"] is None):
        return False
    return protocol is None or note["protocol"] in (None, protocol)


async def act(asked: Asked, pool: Pool, form: dict[str, str]) -> View:
    """Keeps a note on the port."""
    text = asked.told["port"]
    found = filters.parse(asked.settings, port=text)
    about = {"protocol": found.port[0].protocol, "port": found.port[0].first} if found.port else {"protocol": found.protocol[0]}
    await _notes.add(asked, pool, {**form, "what": "note"}, about)
    return View("", [], more={"redirect": asked.url(place("port", text)) + "#notes"})
