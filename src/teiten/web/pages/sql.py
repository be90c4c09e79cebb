"""The SQL console: one SELECT over the documented views, in a process of its own with limits (promise 16)."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from teiten.engine.duckdb import views
from teiten.errors import QueryError, TeitenError, UsageError
from teiten.web import asking
from teiten.web.asked import Asked
from teiten.web.model import Column, Part, Table, View
from teiten.web.pages import _charted, _examples, _frames
from teiten.web.pool import BusyError, Pool
from teiten.web.speech import Speech

if TYPE_CHECKING:
    import polars as pl
    from starlette.requests import Request

PATH = "/sql"
SEES = "analyst"
TOLD = "sql"
NAV = (90, "web.sql")
TEMPLATE = "sql.html"
NEEDS = "viewer"
STILL = True
SHOWN: Final = 200
"""rows on a page where the address does not say how many"""
CHARTS: Final = ("auto", "line", "bar", "none")


async def build_for(request: Request, asked: Asked, pool: Pool) -> View | Response:
    """The page; or, with `format`, the whole answer as a file."""
    desk, query = asking.of(pool), asked.words.get("q", "")
    form = asked.words.get("format")
    if form is not None and form not in _frames.TYPES:
        raise UsageError(f"format '{form[:40]}' is unknown.", hint=f"Choose one of: {', '.join(_frames.TYPES)}.")
    speech = Speech.of(asked)
    if not query:
        return _page(asked, [], query)
    if not desk.wanted_here(request, query):
        return _page(asked, [_part(speech, [speech.say("web_sql.led_here")])], query, confirm=True)
    try:
        answer = await desk.ask(request, query)
    except TeitenError as error:
        if form is not None:
            return Response(f"{error}\n", _status(error), media_type="text/plain")
        return _page(asked, [_part(speech, _sentences(speech, error))], query, error=error)
    if form is not None:
        body = await asyncio.to_thread(_frames.file, answer.frame, form)
        headers = {"content-disposition": f'attachment; filename="query.{form}"', "cache-control": "no-store"}
        return Response(body, media_type=_frames.TYPES[form], headers=headers)
    return _answered(asked, speech, answer, query)


async def act(asked: Asked, pool: Pool, form: dict[str, str]) -> View:
    """A query that a form of ours sends: it is asked at its own address."""
    query = form.get("q", "").strip()
    if len(query) > asking.LONGEST:
        raise QueryError(f"A query has {asking.LONGEST:,} characters at most; this one has {len(query):,}.")
    asking.of(pool).say(query)
    words = {name: form.get(name) or None for name in ("chart", "y", "n")}
    return View("SQL", [], more={"redirect": asked.url(PATH, q=query, **words)})


def _answered(asked: Asked, speech: Speech, answer: asking.Answer, query: str) -> View:
    frame, most = answer.frame, asked.n if "n" in asked.words else SHOWN
    rows = [tuple(_frames.shown(value) for value in row) for row in frame.head(most).iter_rows()]
    columns = [Column(name, "number" if kind.is_numeric() else "text") for name, kind in frame.schema.items()]
    told = [speech.say("web_sql.took", n=frame.height, seconds=f"{answer.seconds:.1f}")]
    if answer.kept:
        told = [speech.say("web_sql.kept", n=frame.height)]
    if frame.height > most:
        told.append(speech.say("web_sql.cut", n=most, all=frame.height))
    table = Table(" ".join(query.split())[:200], columns, rows)
    found = _charted.shape(frame)
    chart, number = _choice(asked, found)
    parts = [Part("answer", speech.say("web.answer"), sentences=told, table=table, empty=speech.say("web.no_rows"))]
    if chart != "none":
        title = speech.say("web_sql.chart_title", what=number, by=(found.time if chart == "line" else found.name) or "")
        drawn = _charted.figure(frame, found, chart, number, title, asked.settings.zone, asked.lang)
        parts.insert(
            0, Part("chart", speech.say("web_sql.chart"), figure=drawn, sentences=_of_chart(speech, frame, found, chart))
        )
    here = asked.url(PATH, format=None)
    more: dict[str, Any] = {
        "kinds": [(kind, asked.url(PATH, chart=kind)) for kind in (*found.kinds, "none")] if found.kinds else [],
        "chart": chart,
        "numbers": [(name, asked.url(PATH, y=name)) for name in found.numbers] if _many(found, chart) else [],
        "number": number,
        "files": [(form, f"{here}&format={form}") for form in _frames.TYPES],
    }
    return _page(asked, parts, query, **more)


def _many(found: _charted.Shape, chart: str) -> bool:
    """Is one of several columns drawn?"""
    return len(found.numbers) > 1 and (chart == "bar" or (chart == "line" and found.name is not None))


def _choice(asked: Asked, found: _charted.Shape) -> tuple[str, str]:
    """The chart and the column that the address asks for, else what fits; 'none' where nothing does. UsageError."""
    chart = asked.words.get("chart", "auto")
    if chart not in CHARTS:
        raise UsageError(f"chart '{chart[:40]}' is unknown.", hint=f"Choose one of: {', '.join(CHARTS)}.")
    number = asked.words.get("y", "")
    number = number if number in found.numbers else next(iter(found.numbers), "")
    if chart == "auto":
        chart = next(iter(found.kinds), "none")
    return (chart if chart in found.kinds else "none"), number


def _of_chart(speech: Speech, frame: pl.DataFrame, found: _charted.Shape, chart: str) -> list[str]:
    """What the chart leaves out."""
    if chart == "bar" and frame.height > _charted.BARS:
        return [speech.say("web_sql.first_bars", n=_charted.BARS, all=frame.height)]
    if chart == "line":
        lines = frame[found.name].n_unique() if found.name else len(found.numbers)
        if lines > _charted.LINES:
            return [speech.say("web_sql.first_lines", n=_charted.LINES, all=lines)]
    return []


def _sentences(speech: Speech, error: TeitenError) -> list[str]:
    out = [error.message]
    near = getattr(error, "near", ())
    if near:
        out.append(speech.say("web_sql.near", names=", ".join(near)))
    return [*out, error.hint] if error.hint else out


def _status(error: TeitenError) -> int:
    return 503 if isinstance(error, BusyError) else 400


def _part(speech: Speech, sentences: list[str]) -> Part:
    return Part("answer", speech.say("web.answer"), sentences=sentences)


def _marked(query: str, error: TeitenError | None) -> tuple[str, str, str, int, int] | None:
    """The query before, in and after the place that is wrong, with its line and column, counted from 1."""
    if not isinstance(error, QueryError) or error.at is None or error.at > len(query):
        return None
    at = error.at
    before = query[:at]
    return (
        before, query[at : at + error.length] or " ", query[at + error.length :], before.count("\n") + 1,
        at - (before.rfind("\n") + 1) + 1,
    )  # fmt: skip


def _page(asked: Asked, parts: list[Part], query: str, error: TeitenError | None = None, **more: Any) -> View:
    speech = Speech.of(asked)
    described = [
        (name, [(one["column"], one["type"], one[asked.lang]) for one in columns])
        for name, columns in groupby(views(stranger=True), key=lambda one: one["view"])
    ]
    told: dict[str, Any] = {
        "query": query,
        "described": described,
        "examples": [
            (speech.say(f"web_sql.example_{key}"), text, asked.url(PATH, q=text, **_PLAIN))
            for key, text in _examples.examples(asked)
        ],
        "marked": _marked(query, error),
        "confirm": False,
        "kinds": [], "chart": "none", "numbers": [], "number": "", "files": [],
        "limits": speech.say("web_sql.limits", seconds=int(asking.LIMITS.seconds), memory=asking.LIMITS.memory_mb,
                             answer=asking.LIMITS.answer_mb),
    }  # fmt: skip
    status = _status(error) if error is not None else 200
    return View("SQL", parts, status=status, more=told | more, bar="none")


_PLAIN: Final = {"chart": None, "y": None, "format": None, "n": None}
