"""One's own figures beside published ones, as rows."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from teiten.engine.filters import thing_text
from teiten.web.api import _forms
from teiten.web.asked import Asked
from teiten.web.elsewhere import Key
from teiten.web.pages import compare
from teiten.web.pool import Pool

COLUMNS = (
    "thing", "rank_theirs", "rank", "share_theirs", "count_theirs", "share", "share_low", "share_high", "packets", "hosts",
    "side",
)  # fmt: skip


async def rows(request: Request, asked: Asked, pool: Pool) -> Response:
    """`set` names the figures (else the latest of the lake's time), `own` another time of ours."""
    _, _, published = await compare.chosen(asked)
    if published is None:
        return _forms.answer(request, "compare", [], COLUMNS)
    found, _ = await compare.compared(asked, pool, published)
    told = [
        dict(zip(COLUMNS, (_name(row.key), row.theirs, row.own, row.their_share, row.their_count, row.share, row.low, row.high,
                           row.packets, row.hosts, row.side), strict=True))
        for row in found.rows
    ]  # fmt: skip
    return _forms.answer(request, "compare", told, COLUMNS)


def _name(key: Key) -> str:
    return key if isinstance(key, str) else str(key[1]) if key[0] is None else thing_text(*key)


ROUTES = {"/compare": rows}
SCOPES = {"/compare": "read"}
DESCRIBED: dict[str, tuple[str, dict[str, str]]] = {
    "/compare": ("Published figures of others beside one's own; `set` names them, `own` another period of one's own", {}),
}
