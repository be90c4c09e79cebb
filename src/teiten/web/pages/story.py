"""A story: in words, what became of it day by day, and the traffic that it is about."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from teiten.engine.filters import thing_text
from teiten.errors import UsageError
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Table, View
from teiten.web.pages import _ranked, _stories, _thing
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/story/{story}"
SEES = "viewer"
_BEFORE = dt.timedelta(days=7)


async def build(asked: Asked, pool: Pool) -> View:
    from teiten.detect import kept

    text = asked.told["story"]

    def ask(session: Any) -> list[Any]:
        return list(kept.history(session.lake, asked.settings, text))

    history = await pool.ask(("story", text), ask)
    if not history:
        raise UsageError(f"There is no story {text[:40]}.", hint="The page of stories lists those that there are.")
    story = max(history, key=lambda one: one.day)
    title, sentences, doubts, sure = _stories.words(asked, story)
    speech = Speech.of(asked)
    about = story.about
    filters = {
        **({"port": ",".join(thing_text(*p) for p in about.ports)} if about.ports else {}),
        **({"country": about.country} if about.country else {}),
        **({"asn": str(about.asn)} if about.asn else {}),
        **({"sensor": about.sensor} if about.sensor else {}),
    }
    first = story.first.astimezone(asked.settings.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    end = dt.datetime.combine(story.day, dt.time(), asked.settings.zone) + dt.timedelta(days=1)
    own = replace(_thing.narrowed(asked, **filters), start=first - _BEFORE, end=end)
    what = "countries" if about.ports else "ports"
    found = await pool.ask(("series", what, own.key), lambda s: _ranked.through_time(s, own, what))
    days = [
        (speech.words.plain(one.day), one.state, "–" if one.times is None else f"{one.times:,.1f}",
         speech.words.number(one.rank) if one.rank else "–") for one in sorted(history, key=lambda one: one.day, reverse=True)
    ]  # fmt: skip
    columns = [Column(speech.say("web.day"), "text"), Column(speech.say("web.state"), "text"), Column(speech.say("web.times")),
               Column(speech.say("web.rank"))]  # fmt: skip
    way = "/events" if not about.ports else place("port", thing_text(*about.ports[0]))
    parts = [
        Part("words", speech.say("web.in_words"), sentences=[*sentences, *doubts, *([sure] if sure else [])]),
        Part("time", speech.say(f"web.{what}_time"), figure=_ranked.stack(own, what, found)),
        Part("days", speech.say("web.days"), table=Table(speech.say("web.days"), columns, days)),
        Part("rows", speech.say("web.rows"), table=Table(
            speech.say("web.rows"), [Column("", "text")], [(Cell(speech.say("web.its_traffic"), own.url(way)),),
            (Cell(speech.say("web.its_events"), own.url("/events")),)])),
    ]  # fmt: skip
    return View(title, parts, lead=[f"teiten explain {story.id}"])
