"""Stories of the last days as a feed: Atom, JSON Feed, a calendar."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from teiten.errors import ForbiddenError, UsageError
from teiten.web.asked import Asked
from teiten.web.pool import Pool

PATH = "/feed/{name}"
SEES = "viewer"

TYPES: Final = {
    "stories.atom": "application/atom+xml; charset=utf-8", "stories.json": "application/feed+json",
    "stories.ics": "text/calendar; charset=utf-8",
}  # fmt: skip
DAYS: Final = 31


async def build(asked: Asked, pool: Pool) -> Response:
    name = asked.told["name"]
    if name not in TYPES:
        raise UsageError(f"There is no feed '{name[:40]}'.", hint=f"There are: {', '.join(TYPES)}.")
    last = (asked.now - dt.timedelta(microseconds=1)).astimezone(asked.settings.zone).date()
    days = [last - dt.timedelta(days=n) for n in reversed(range(DAYS))]
    text = await pool.ask(("feed", name, asked.lang, last), lambda s: _made(s, asked, name, days))
    return Response(text, media_type=TYPES[name], headers={"cache-control": "max-age=60"})


def _made(session: Any, asked: Asked, name: str, days: list[dt.date]) -> bytes:
    """The feed. ForbiddenError where it would name an address of one's own."""
    from teiten import lang
    from teiten.alerts import feeds, now
    from teiten.detect import kept
    from teiten.publish import leaks

    chosen = replace(asked.settings, language=asked.lang)
    found = kept.span(session.lake, chosen, days)
    title = lang.words(asked.lang)("feed.title")
    made = feeds.Feed(title, asked.lang, chosen.publisher or "teiten", session.lake.meta.id, "")
    start, end = (dt.datetime.combine(day, dt.time(), chosen.zone) for day in (days[0], days[-1] + dt.timedelta(days=1)))
    around = now.beside(session.lake, chosen, [one for told in found.values() for one in told], start, end)
    entries = feeds.entries(found, chosen, made, around.networks)
    form = {"atom": feeds.atom, "json": feeds.as_json, "ics": feeds.calendar}[name.rpartition(".")[2]]
    text = form(entries, made)
    if leaks.find({"": text}, set(around.own)) is not None:
        raise ForbiddenError("The feed would name an address of your own, and is not shown.")
    return text
