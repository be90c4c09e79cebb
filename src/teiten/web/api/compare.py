"""One's own figures beside published ones, as rows."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten.engine.filters import thing_text
from teiten.errors import UsageError
from teiten.web.api import _forms
from teiten.web.api._door import NothingError
from teiten.web.api._shape import Address, columns
from teiten.web.asked import Asked
from teiten.web.elsewhere import Key, Row
from teiten.web.pages import compare
from teiten.web.pool import Pool

COLUMNS = columns(
    "thing:text rank_theirs:int? rank:int? share_theirs:num? count_theirs:num? share:num? share_low:num? share_high:num? "
    "packets:int hosts:int side:text"
)


async def rows(request: Request, asked: Asked, pool: Pool) -> Response:
    """`set` names the figures (else the latest of the lake's time), `own` another time of ours."""
    try:
        _, _, published = await compare.chosen(asked)
    except UsageError as error:
        raise NothingError(error.message, hint=error.hint) from None
    if published is None:
        return _forms.answer(request, "compare", [], COLUMNS)
    found, _ = await compare.compared(asked, pool, published)
    names = [one.name for one in COLUMNS]
    told = [dict(zip(names, _values(row), strict=True)) for row in found.rows]
    return _forms.answer(request, "compare", told, COLUMNS)


def _values(row: Row) -> tuple[Any, ...]:
    theirs = (row.theirs, row.own, row.their_share, row.their_count)
    return (_name(row.key), *theirs, row.share, row.low, row.high, row.packets, row.hosts, row.side)


def _name(key: Key) -> str:
    return key if isinstance(key, str) else str(key[1]) if key[0] is None else thing_text(*key)


ADDRESSES = [
    Address(
        "/compare", "compare", rows, COLUMNS, ("set", "own", "sensor", "group", "scanners", "spoofed"),
    ),
]  # fmt: skip
