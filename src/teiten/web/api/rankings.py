"""Rankings and series."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten.engine import series
from teiten.engine.questions import THINGS, Rows
from teiten.errors import UsageError
from teiten.web.api import _forms
from teiten.web.asked import Asked
from teiten.web.pages import _ranked
from teiten.web.pool import Pool

_WHAT = {"what": f"what is counted: {', '.join(THINGS)}"}


def _what(request: Request) -> str:
    what = str(request.path_params["what"])
    if what not in THINGS:
        raise UsageError(f"'{what[:40]}' cannot be ranked.", hint=f"Choose one of: {', '.join(THINGS)}.")
    return what


async def rank(request: Request, asked: Asked, pool: Pool) -> Response:
    what = _what(request)
    return _forms.answer(request, what, list(await _ranked.ranked(asked, pool, what)))


async def through_time(request: Request, asked: Asked, pool: Pool) -> Response:
    what = _what(request)

    def ask(session: Any) -> Rows:
        top = min(asked.n, 20)
        return series.series(session, what, asked.start, asked.end, asked.step, top=top, by=asked.by, filters=asked.filters)

    found = await pool.ask(("rows of a series", what, asked.key), ask)
    return _forms.answer(request, f"{what}-time", list(found))


SCOPES = {"/rank/{what}": "read", "/series/{what}": "read"}
ROUTES = {"/rank/{what}": rank, "/series/{what}": through_time}
DESCRIBED: dict[str, tuple[str, dict[str, str]]] = {
    "/rank/{what}": ("The ranking of a thing, with where each stood in the time before", _WHAT),
    "/series/{what}": ("The largest (n, at most 20) by hour or day, the rest and the unknown", _WHAT),
}
