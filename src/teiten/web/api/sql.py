"""A program's own SELECT: what the page /sql asks, as rows."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from teiten.errors import ForbiddenError, LakeError, TeitenError, UsageError
from teiten.web import asking, who
from teiten.web.api import _forms
from teiten.web.api._shape import Address
from teiten.web.asked import Asked
from teiten.web.pages import _frames
from teiten.web.pool import BusyError, Pool


async def rows(request: Request, asked: Asked, pool: Pool) -> Response:
    """`q` is the SELECT. A browser that another site sends here asks nothing, unless it has a token."""
    query, form = asked.words.get("q", ""), _forms.form_of(request)
    if not query:
        raise UsageError("There is no query.", hint="Give one as q.")
    desk = asking.of(pool)
    if who.of(request).by != "token" and not desk.wanted_here(request, query):
        raise ForbiddenError("Another site asks for this.", hint="Open it yourself, or ask with a token.")
    try:
        answer = await desk.ask(request, query)
    except (UsageError, BusyError, LakeError):
        raise
    except TeitenError as error:  # beyond a limit: another query is what helps
        raise UsageError(error.message, hint=error.hint) from None
    body = await asyncio.to_thread(_frames.file, answer.frame, form)
    made = _forms.whole(request, body, _forms.TYPES[form])
    if form not in ("json", "jsonl") and made.status_code == 200:
        made.headers["content-disposition"] = f'attachment; filename="query.{form}"'
    return made


_ROWS: Final = {"type": "array", "items": {"type": "object"}}
ADDRESSES = [
    Address(
        "/sql", "sql", rows, words=("q", "format"), example="q=SELECT+1+AS+one", other=("application/json", _ROWS), scope="sql",
    ),
]  # fmt: skip
