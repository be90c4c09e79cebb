"""What senders said: groups of payloads, names and passwords; harmless, own addresses covered."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from teiten.publish import said
from teiten.web.api import _forms
from teiten.web.api._shape import LIST, Address, columns
from teiten.web.asked import Asked
from teiten.web.pages import _said
from teiten.web.pool import Pool

_GROUPS = columns(
    "hash:text hosts:int times:int payloads:int ports:text first:moment last:moment by_day:text exploits:text ja4:text? "
    "downloads:text commands:text credentials:text size:int sample:text sample_hex:text"
)
_LOGINS = columns("user:text password:text hosts:int times:int ports:text first:moment last:moment")


async def groups(request: Request, asked: Asked, pool: Pool) -> Response:
    found = await _said.heard(asked, pool)
    told = (said.row(one, found.own) for one in found.groups[: asked.n])
    rows = [{**row, "hash": row["group"], "by_day": row["days"]} for row in told]
    return _forms.answer(request, "payloads", rows, _GROUPS)


async def credentials(request: Request, asked: Asked, pool: Pool) -> Response:
    found = await _said.heard(asked, pool)
    rows = [said.login(one, found.own) for one in (await _said.tried(asked, pool))[: asked.n]]
    return _forms.answer(request, "credentials", rows, _LOGINS)


ADDRESSES = [
    Address("/payloads", "payloads", groups, _GROUPS, LIST, example="period=2019-W43", scope="events"),
    Address("/credentials", "credentials", credentials, _LOGINS, LIST, example="period=2019-W43", scope="events"),
]
