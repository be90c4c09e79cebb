"""An AS: what comes from that network."""

from __future__ import annotations

from dataclasses import replace

from teiten.engine import filters
from teiten.errors import UsageError
from teiten.web.asked import Asked, place
from teiten.web.model import View
from teiten.web.pages import _notes, _thing
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/asn/{asn}"
SEES = "viewer"
NEEDS = "analyst"


async def build(asked: Asked, pool: Pool) -> View:
    number = _number(asked)
    title = Speech.of(asked).say("thing.unknown") if number is None else f"AS{number}"
    notes = [note for note in await _notes.every(pool) if number is not None and note["asn"] == number]
    own = _thing.narrowed(asked, asn=asked.told["asn"])
    tables = ("ports", "countries", "sources", "sensors")
    view = await _thing.view(
        asked, pool, title, {"asn": asked.told["asn"]}, time="ports", tables=tables, more=_notes.part(own, notes)
    )
    return replace(view, parts=[*view.parts, *(_notes.forms(own) if number is not None else [])])


def _number(asked: Asked) -> int | None:
    """The AS; None for the unknown ones. UsageError."""
    found = filters.parse(asked.settings, asn=asked.told["asn"]).asn
    if len(found) != 1:
        raise UsageError("That is more than one AS.", hint="The page of networks takes several as a filter.")
    return found[0]


async def act(asked: Asked, pool: Pool, form: dict[str, str]) -> View:
    """Keeps a note on the AS."""
    number = _number(asked)
    if number is None:
        raise UsageError("A note is about an AS that is known.")
    await _notes.add(asked, pool, {**form, "what": "note"}, {"asn": number})
    return View("", [], more={"redirect": asked.url(place("asn", f"AS{number}")) + "#notes"})
