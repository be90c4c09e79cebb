"""A file of a report: its page, charts, rows; nothing else of its folder."""

from __future__ import annotations

import asyncio

from starlette.responses import RedirectResponse, Response

from teiten.web import reporting
from teiten.web.asked import Asked
from teiten.web.pool import Pool

PATH = "/reports/{report}/{file:path}"
SEES = "viewer"


async def build(asked: Asked, pool: Pool) -> Response:
    name = asked.told["file"]
    if not name:
        return RedirectResponse(f"/reports/{asked.told['report']}/index.html", 307)
    data, kind = await asyncio.to_thread(reporting.file, asked.settings.serving.reports, asked.told["report"], name)
    headers = {"content-security-policy": reporting.CSP, "cache-control": "no-cache"}
    return Response(data, media_type=kind, headers=headers)
