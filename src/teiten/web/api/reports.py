"""Reports that lie in the folder of reports, and the files of each, as its manifest tells them."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten.errors import TeitenError
from teiten.report import manifest
from teiten.web import reporting
from teiten.web.api import _forms
from teiten.web.api._door import NothingError
from teiten.web.api._shape import Address, columns, pick
from teiten.web.asked import Asked
from teiten.web.pool import Pool

_REPORTS = columns("report:text kind:text period:text language:text edition:int made:moment")
_FILES = columns("report:text file:text bytes:int sha256:text url:text")


async def listed(request: Request, asked: Asked, pool: Pool) -> Response:
    found = await asyncio.to_thread(reporting.listed, asked.settings.serving.reports)
    rows = [
        {"report": one.name, "kind": one.kind, "period": one.period, "language": one.language, "edition": one.edition,
         "made": one.made} for one in found
    ]  # fmt: skip
    return _forms.answer(request, "reports", rows[: asked.n], _REPORTS)


async def files(request: Request, asked: Asked, pool: Pool) -> Response:
    name = str(request.path_params["report"])
    found = await asyncio.to_thread(reporting.listed, asked.settings.serving.reports)
    if name not in {one.name for one in found}:
        raise NothingError(f"There is no report {name[:60]}.", hint="/api/v1/reports lists them.")

    def rows() -> list[dict[str, Any]]:
        try:
            told = manifest.read(asked.settings.serving.reports / name)
        except TeitenError as error:
            raise NothingError(error.message, hint=error.hint) from None
        return [
            {"report": name, "file": file, "bytes": about["size"], "sha256": about["sha256"],
             "url": f"/reports/{name}/{file}"} for file, about in told.files.items()
        ]  # fmt: skip

    return _forms.answer(request, f"report-{name}", await asyncio.to_thread(rows), _FILES)


ADDRESSES = [
    Address("/reports", "reports", listed, _REPORTS, ("n",)),
    Address("/reports/{report}", "report", files, _FILES, (), pick(("report",))),
]
