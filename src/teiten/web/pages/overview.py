"""The overview: how much came now, what changed, what leads."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from teiten.engine import questions
from teiten.report.model import Fact
from teiten.web.asked import SPANS, Asked, place
from teiten.web.model import Cell, Column, Part, Table, View
from teiten.web.pages import _ranked
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/"
NAV = (10, "web.overview")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    facts = []
    for name in ("hour", "day", "week"):
        low = asked.now - SPANS[name]
        span = replace(asked, start=low, end=asked.now)
        told = await pool.ask(
            ("totals", span.key), lambda s, span=span: questions.totals(s, span.start, span.end, before=span.before, filters=span.filters)
        )
        row = told[0]
        note = speech.say("web.before_was", n=row["packets_before"]) if row["packets_before"] is not None else ""
        facts.append(Fact(speech.say(f"web.last_{name}"), speech.words.number(row["packets"]), note))
    parts = [Part("now", speech.say("web.how_much"), facts=facts), await _changed(asked, pool)]
    found = await pool.ask(("series", "ports", asked.key), lambda s: _ranked.through_time(s, asked, "ports"))
    parts.append(Part("ports-time", speech.say("web.ports_time"), figure=_ranked.stack(asked, "ports", found)))
    few = replace(asked, n=5)
    for what in ("ports", "countries", "sensors"):
        rows = await pool.ask(("rank", what, few.key), lambda s, what=what: _ranked.rank(s, few, what))
        parts.append(Part(what, speech.say(f"web.{what}"), table=_ranked.table(asked, what, rows), empty=speech.say("web.nothing")))
    return View(speech.say("web.overview"), parts, lead=[speech.span()])


async def _changed(asked: Asked, pool: Pool) -> Part:
    """What changed on the last day of which stories are kept."""
    from teiten.detect import kept

    speech = Speech.of(asked)

    def stories(session: object) -> tuple[dt.date | None, list[object]]:
        lake = session.lake  # type: ignore[attr-defined]
        days = [d for d in kept.days(lake, asked.settings) if d <= asked.now.astimezone(asked.settings.zone).date()]
        return (days[-1], list(kept.stories(lake, asked.settings, days[-1]))) if days else (None, [])

    day, found = await pool.ask(("stories", asked.now.date()), stories)
    rows = [
        (Cell(one.id, asked.url(place("story", one.id))), one.kind, one.state, "" if one.times is None else f"{one.times:,.1f}")
        for one in found
        if one.state != "resting" and one.verdict != "false"  # type: ignore[attr-defined]
    ]
    columns = [Column("ID", "text"), Column("kind", "text"), Column("state", "text"), Column("times")]
    return Part("changed", speech.say("web.changed"), table=Table(speech.say("web.changed"), columns, rows), empty=speech.say("web.no_change"))
