"""A country: what comes from there."""

from __future__ import annotations

from dataclasses import replace

from teiten.data import countries
from teiten.engine import filters
from teiten.errors import UsageError
from teiten.web.asked import Asked, place
from teiten.web.model import View
from teiten.web.pages import _notes, _thing
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/country/{country}"
SEES = "viewer"
NEEDS = "analyst"


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["country"]
    code = filters.parse(asked.settings, country=text).country[0]
    title = Speech.of(asked).say("thing.unknown") if code is None else countries.name(code, asked.lang)
    notes = [note for note in await _notes.every(pool) if code and note["country"] == code and note["kind"] != "story"]
    own = _thing.narrowed(asked, country=text)
    tables = ("ports", "asns", "sources", "sensors", "tools")
    view = await _thing.view(asked, pool, title, {"country": text}, time="ports", tables=tables, more=_notes.part(own, notes))
    return replace(view, parts=[*view.parts, *(_notes.forms(own) if code else [])])


async def act(asked: Asked, pool: Pool, form: dict[str, str]) -> View:
    """Keeps a note on the country."""
    text = asked.told["country"]
    code = filters.parse(asked.settings, country=text).country[0]
    if code is None:
        raise UsageError("A note is about a country that is known.")
    await _notes.add(asked, pool, {**form, "what": "note"}, {"country": code})
    return View("", [], more={"redirect": asked.url(place("country", text)) + "#notes"})
