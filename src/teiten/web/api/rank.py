"""Rankings and series as rows: JSON, CSV, Parquet, Arrow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten.engine.questions import THINGS
from teiten.errors import UsageError
from teiten.report import rows as forms
from teiten.report.model import Data
from teiten.web.asked import Asked
from teiten.web.pages import _ranked, events
from teiten.web.pool import Pool

TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


async def rank(request: Request, asked: Asked, pool: Pool) -> Response:
    what = request.path_params["what"]
    if what not in THINGS:
        raise UsageError(f"'{what}' cannot be ranked.", hint=f"Choose one of: {', '.join(THINGS)}.")
    found = await pool.ask(("rank", what, asked.key), lambda s: _ranked.rank(s, asked, what))
    return answer(request, what, list(found))


def answer(request: Request, name: str, rows: list[dict[str, Any]]) -> Response:
    """Rows in the form that `format` names."""
    form = request.query_params.get("format", "json")
    if form not in TYPES:
        raise UsageError(f"format '{form}' is unknown.", hint=f"Choose one of: {', '.join(TYPES)}.")
    columns = tuple(rows[0]) if rows else ()
    data = Data(name, columns, [tuple(row[c] for c in columns) for row in rows], "")
    headers = {"content-disposition": f'attachment; filename="{name}.{form}"'} if form != "json" else {}
    return Response(forms.files(data)[form], media_type=TYPES[form], headers=headers)


async def listed(request: Request, asked: Asked, pool: Pool) -> Response:
    own = replace(asked, n=int(asked.words.get("n", 100)))
    after = events.place_of(asked)
    found = await pool.ask(("events", own.key, after), lambda s: events.rows(s, own, after))
    made = answer(request, "events", list(found))
    following = events.next_of(own, found)
    if following:
        made.headers["link"] = f'<{asked.url(after=following)}>; rel="next"'
    return made


ROUTES = {"/rank/{what}": rank, "/events": listed}
