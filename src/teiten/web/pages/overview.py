"""The overview: how much came now, what changed, what leads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from teiten.engine import questions
from teiten.report.model import Fact
from teiten.web.asked import SPANS, Asked
from teiten.web.model import Part, View
from teiten.web.pages import _map, _notes, _ranked, _stories
from teiten.web.pool import Pool, together
from teiten.web.speech import Speech

PATH = "/"
SEES = "viewer"
NAV = (10, "web.overview")
MOST_STORIES = 10
_REACH = ("hour", "day", "week")
_RANKED = ("ports", "countries", "sensors")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    few = replace(asked, n=5)
    totals, changed, notes, found, world, *ranked = await together(
        together(*(_totals(replace(asked, start=asked.now - SPANS[name], end=asked.now), pool) for name in _REACH)),
        _changed(asked, pool),
        _notes.every(pool),
        pool.ask(("series", "ports", asked.key), lambda s: _ranked.through_time(s, asked, "ports")),
        _map.part(asked, pool),
        *(_ranked.ranked(few, pool, what) for what in _RANKED),
    )
    facts = []
    for name, row in zip(_REACH, totals, strict=True):
        note = speech.say("web.before_was", n=row["packets_before"]) if row["packets_before"] is not None else ""
        facts.append(Fact(speech.say(f"web.last_{name}"), speech.words.number(row["packets"]), note))
    parts = [Part("now", speech.say("web.how_much"), facts=facts), changed]
    parts += _notes.part(asked, _notes.on_span(asked, notes))
    parts.append(_ranked.timed(asked, "ports", found, ranked[_RANKED.index("ports")], "ports-time"))
    parts.append(world)
    for what, rows in zip(_RANKED, ranked, strict=True):
        parts.append(
            Part(what, speech.say(f"web.{what}"), table=_ranked.table(asked, what, rows), empty=speech.say("web.nothing"))
        )
    return View(speech.say("web.overview"), parts, lead=[speech.span()])


async def _totals(span: Asked, pool: Pool) -> dict[str, Any]:
    def ask(session: Any) -> dict[str, Any]:
        return questions.totals(session, span.start, span.end, before=span.before, filters=span.filters)[0]

    return await pool.ask(("overview", span.key), ask)


async def _changed(asked: Asked, pool: Pool) -> Part:
    """What changed within the span, the last first."""
    speech = Speech.of(asked)
    found = await _stories.told(asked, pool)
    shown = [story for own in found.values() for story in own][:MOST_STORIES]
    return Part("changed", speech.say("web.changed"), table=_stories.table(asked, shown), empty=speech.say("web.no_change"))
