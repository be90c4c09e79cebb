"""Events, page by page; when sensors watched; stories."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten import coverage
from teiten.engine.filters import thing_text
from teiten.web.api import _forms
from teiten.web.asked import Asked
from teiten.web.pages import _stories, events
from teiten.web.pool import Pool


async def listed(request: Request, asked: Asked, pool: Pool) -> Response:
    own = replace(asked, n=asked.n if "n" in asked.words else 100)
    after = events.place_of(asked)
    found = await pool.ask(("events", own.key, after), lambda s: events.rows(s, own, after))
    made = _forms.answer(request, "events", list(found), events.COLUMNS)
    following = events.next_of(own, found)
    if following:
        made.headers["link"] = f'<{asked.url(after=following)}>; rel="next"'
    return made


async def watched(request: Request, asked: Asked, pool: Pool) -> Response:
    found = await pool.ask(("coverage", asked.key), lambda s: coverage.watched(s, asked.start, asked.end, asked.filters.sensor))
    return _forms.answer(request, "coverage", [asdict(one) for one in found], ("sensor", "start", "end", "addresses", "basis"))


async def stories(request: Request, asked: Asked, pool: Pool) -> Response:
    found = await _stories.told(asked, pool)
    return _forms.answer(request, "stories", [_row(asked, one) for own in found.values() for one in own], _STORY)


_STORY = ("day", "id", "kind", "state", "title", "ports", "country", "asn", "sensor", "first", "last", "times", "days", "rank")


def _row(asked: Asked, story: Any) -> dict[str, Any]:
    about = story.about
    told = {
        "title": _stories.words(asked, story)[0],
        "ports": ",".join(thing_text(*port) for port in about.ports) or None,
        "country": about.country,
        "asn": about.asn,
        "sensor": about.sensor,
    }
    return {name: told[name] if name in told else getattr(story, name) for name in _STORY}


SCOPES = {"/events": "events", "/coverage": "read", "/stories": "read"}
ROUTES = {"/events": listed, "/coverage": watched, "/stories": stories}
DESCRIBED: dict[str, tuple[str, dict[str, str]]] = {
    "/events": ("Events, the newest first; the header Link names what follows, also while others come in", {}),
    "/coverage": ("When each sensor was watching, with how many addresses", {}),
    "/stories": ("What changed, as it stands on each day of the span", {}),
}
