"""A story: in words, its hours beside the usual ones, who carries it, what became of it day by day, and the analyst's mark."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from teiten.detect import taught
from teiten.engine.filters import thing_text
from teiten.errors import UsageError
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Field, Form, Part, View
from teiten.web.pages import _belongs, _notes, _ranked, _stories, _story_parts, _thing, stories
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/story/{story}"
SEES = "viewer"
NEEDS = "analyst"
_BEFORE = dt.timedelta(days=7)


async def build(asked: Asked, pool: Pool) -> View:
    history = await _history(asked, pool)
    # of one that is over, what was last told of it
    story, ended = next((one for one in reversed(history) if one.state != "resting"), history[-1]), history[-1]
    title, sentences, doubts, sure = _stories.words(asked, story)
    speech = Speech.of(asked)
    say, about = speech.say, story.about
    filters = {
        **({"port": ",".join(thing_text(*p) for p in _ports(about.ports))} if about.ports else {}),
        **({"country": about.country or "unknown"} if about.country is not None else {}),
        **({"asn": str(about.asn or "unknown")} if about.asn is not None else {}),
        **({"sensor": about.sensor} if about.sensor else {}),
    }
    first = story.first.astimezone(asked.settings.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    end = dt.datetime.combine(story.day, dt.time(), asked.settings.zone) + dt.timedelta(days=1)
    own = _thing.narrowed(replace(asked, words=_only_lang(asked)), **filters)
    span = {"period": None, "from": own.moment(first - _BEFORE), "to": own.moment(end)}
    own = replace(own, words={**own.words, **{k: v for k, v in span.items() if v}}, start=first - _BEFORE, end=end)
    what = "countries" if about.ports else "ports"
    found = await pool.ask(("series", what, own.key), lambda s: _ranked.through_time(s, own, what))
    told = next((one.detections for one in reversed(history) if one.detections), ())
    notes = [note for note in await _notes.every(pool) if note["kind"] == "story" and f'"{story.id}"' in (note["value"] or "")]
    parts = [
        Part("words", say("web.in_words"), sentences=[*sentences, *doubts, *([sure] if sure else [])],
             facts=_story_parts.facts(asked, story)),
        Part("time", say(f"web.{what}_time"), figure=_ranked.stack(own, what, found)),
        *(part for n, one in enumerate(told) for part in _story_parts.detection(own, one, n)),
        *(await _counted(asked, own, pool, told)),
        _story_parts.days(asked, history),
        *_notes.part(asked, notes),
        Part("ways", say("web_events.ways"), links=_ways(asked, own, story)),
        _form(asked, ended),
    ]  # fmt: skip
    return View(title, parts, lead=[stories.state(speech, ended)], bar="none")


def _ports(ports: Sequence[Any]) -> list[Any]:
    """Those that can be asked for together: of ports and protocols without ports, the ports."""
    return [port for port in ports if port[1] is not None] or list(ports)


async def _counted(asked: Asked, own: Asked, pool: Pool, told: Sequence[Any]) -> list[Part]:
    """The sources of what its last detection counted; none of what no source makes."""
    if not told or told[0].kind in _belongs.NOT_MADE:
        return []
    say, one = Speech.of(asked).say, told[0]
    rows = await pool.ask(("sources of", one.id, one.day), lambda s: _belongs.sources(s, asked, one))
    start, end = _belongs.span(asked, one)
    speech = Speech.of(asked)
    sentence = say("web_story.its_own_say", start=speech.at(start), end=speech.at(end))
    found = replace(own, words={**own.words, "from": own.moment(start), "to": own.moment(end)}, start=start, end=end)
    title = say("web_story.its_own")
    return [Part("sources", title, sentences=[sentence], table=_ranked.table(found, "sources", rows), empty=say("web.nothing"),
                 sql=rows.sql)]  # fmt: skip


def _only_lang(asked: Asked) -> dict[str, str]:
    return {k: v for k, v in asked.words.items() if k in ("lang", "unit", "form", "scale", "hide")}


async def _history(asked: Asked, pool: Pool) -> list[Any]:
    """The story on each of its days, in order. UsageError for one that there is not."""
    from teiten.detect import kept

    text = asked.told["story"]

    def ask(session: Any) -> list[Any]:
        return list(kept.history(session.lake, asked.settings, text))

    history = await pool.ask(("story", text), ask)
    if not history:
        raise UsageError(f"There is no story {text[:40]}.", hint="The page of stories lists those that there are.")
    return sorted(history, key=lambda one: one.day)


def _ways(asked: Asked, own: Asked, story: Any) -> list[Cell]:
    speech = Speech.of(asked)
    say, about = speech.say, story.about
    out = [Cell(thing_text(*port), own.url(place("port", thing_text(*port)), port=None)) for port in about.ports[:5]]
    if about.country is not None:
        name = speech.country(about.country) if about.country else say("thing.unknown")
        out.append(Cell(name, own.url(place("country", about.country or "unknown"), country=None)))
    if about.asn is not None:
        out.append(Cell(f"AS{about.asn}", own.url(place("asn", about.asn or "unknown"), asn=None)))
    out += [Cell(say("web_story.its_sources"), own.url("/sources")), Cell(say("web.its_events"), own.url("/events"))]
    return out


def _form(asked: Asked, story: Any) -> Part:
    """Marks the story, which teaches: the same again is told from a larger size on, or with these words."""
    say = Speech.of(asked).say
    choices = [(verdict, say(f"web_story.is_{verdict}")) for verdict in taught.VERDICTS]
    fields = (
        Field("label", say("web_story.what_is_it"), "choice", "explained", choices),
        Field("text", say("web_note.why"), "area", required=True, most=4000),
    )
    days = asked.settings.threshold("detect_taught_days")
    note = say("web_story.teaches", false=f"{asked.settings.threshold('detect_taught_false'):g}",
               explained=f"{asked.settings.threshold('detect_taught_explained'):g}", days=f"{days:g}")  # fmt: skip
    form = Form(asked.url(), fields, say("web_story.mark"), note=note)
    return Part("mark", say("web_story.mark_title"), form=form)


async def act(asked: Asked, pool: Pool, form: dict[str, str]) -> View:
    """Keeps the mark, and shows the story with it."""
    history = await _history(asked, pool)
    verdict, text = form.get("label", ""), form.get("text", "").strip()
    if verdict not in taught.VERDICTS:
        raise UsageError("What is the story?", hint=f"Choose one of: {', '.join(taught.VERDICTS)}.")
    if not text:
        raise UsageError("A note without a text says nothing.", hint="Write why.")
    given = taught.mark(history[-1], history, verdict, asked.settings.zone)
    await _notes.keep(asked, pool, "story", {**given, "text": text[:4000], "author": form.get("by") or None})
    return View("", [], more={"redirect": asked.url(place("story", history[-1].id))})
