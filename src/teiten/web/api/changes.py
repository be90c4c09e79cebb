"""What changed: detections, stories, what became of a story day by day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten.engine.filters import thing_text
from teiten.web.api import _forms
from teiten.web.api._door import NothingError
from teiten.web.api._shape import SPAN, Address, Column, columns, of_view, pick
from teiten.web.asked import Asked
from teiten.web.pages import _stories
from teiten.web.pool import Pool

_DETECTION = (
    "day", "place", "id", "kind", "ports", "country", "asn", "sensor", "sensor_group", "start", "end", "peak", "packets",
    "hosts", "usual", "times", "measure", "score", "confidence", "sources", "parts", "reason",
)  # fmt: skip
_STORY = (
    "day", "place", "id", "kind", "state", "ports", "country", "asn", "sensor", "sensor_group", "first", "last", "times",
    "peak", "peak_day", "rank", "rank_before", "days", "again", "verdict", "because",
)  # fmt: skip
_SURE = ("day", "place", "id", "kind")
_DETECTIONS: tuple[Column, ...] = of_view("detections", *_DETECTION, never_null=_SURE)
_STORIES: tuple[Column, ...] = of_view("stories", *_STORY, never_null=_SURE)
_TOLD = columns("title:text")
_WORDED: tuple[Column, ...] = (*_STORIES, *_TOLD)


def _days(asked: Asked) -> tuple[dt.date, dt.date]:
    """First and last day of the span."""
    zone = asked.settings.zone
    return asked.start.astimezone(zone).date(), (asked.end - dt.timedelta(microseconds=1)).astimezone(zone).date()


def _rows(view: str, names: tuple[str, ...], asked: Asked) -> Any:
    first, last = _days(asked)

    def ask(session: Any) -> list[dict[str, Any]]:
        shown = ", ".join(f'"{name}"' for name in names)
        sql = f"SELECT {shown} FROM {view} WHERE day BETWEEN ? AND ? AND zone = ? ORDER BY day DESC, place LIMIT ?"
        rows: list[dict[str, Any]] = session.query(sql, [first, last, session.zone_name, asked.n])
        return rows

    return ask


async def detections(request: Request, asked: Asked, pool: Pool) -> Response:
    found = await pool.ask(("api", "detections", _days(asked), asked.n), _rows("detections", _DETECTION, asked))
    return _forms.answer(request, "detections", found, _DETECTIONS)


async def stories(request: Request, asked: Asked, pool: Pool) -> Response:
    """Those that go on and those that came; resting ones, and those that an analyst called false, are left out."""
    found = await _stories.told(asked, pool)
    rows = [_row(asked, at, one) for own in found.values() for at, one in enumerate(own, 1)]
    return _forms.answer(request, "stories", rows[: asked.n], _WORDED)


async def story(request: Request, asked: Asked, pool: Pool) -> Response:
    from teiten.detect import kept

    text = str(request.path_params["story"])

    def ask(session: Any) -> list[Any]:
        return list(kept.history(session.lake, asked.settings, text))

    history = await pool.ask(("api", "story", text), ask)
    if not history:
        raise NothingError(f"There is no story {text[:40]}.", hint="/api/v1/stories lists those that there are.")
    rows = [_row(asked, 1, one) for one in sorted(history, key=lambda one: one.day, reverse=True)]
    return _forms.answer(request, f"story-{history[0].id}", rows, _WORDED)


def _row(asked: Asked, place: int, story: Any) -> dict[str, Any]:
    about = story.about
    told = {
        "place": place,
        "title": _stories.words(asked, story)[0],
        "ports": " ".join(thing_text(*port) for port in about.ports) or None,
        "country": about.country,
        "asn": about.asn,
        "sensor": about.sensor,
        "sensor_group": about.group,
    }
    return {one.name: told[one.name] if one.name in told else getattr(story, one.name) for one in _WORDED}


ADDRESSES = [
    Address("/detections", "detections", detections, _DETECTIONS, (*SPAN, "n"), example="period=week"),
    Address("/stories", "stories", stories, _WORDED, (*SPAN, "n"), example="period=week"),
    Address("/stories/{story}", "story", story, _WORDED, (), pick(("story",))),
]
