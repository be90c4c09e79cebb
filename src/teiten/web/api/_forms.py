"""Rows as an answer: JSON, CSV, Parquet, an Arrow stream; none of them a formula to a spreadsheet."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from teiten.errors import UsageError
from teiten.report import rows as forms
from teiten.report.model import Data

TYPES: Final = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


def form_of(request: Request) -> str:
    """The form that `format` names, else the first known one of the Accept header, else JSON. UsageError."""
    named = request.query_params.get("format")
    if named is None:
        accept = request.headers.get("accept", "")
        return next((form for form, kind in TYPES.items() if kind.partition(";")[0] in accept), "json")
    if named not in TYPES:
        raise UsageError(f"format '{named[:40]}' is unknown.", hint=f"Choose one of: {', '.join(TYPES)}.")
    return named


def answer(request: Request, name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> Response:
    """The rows; `columns`: what they have where there is none."""
    form = form_of(request)
    names = tuple(rows[0]) if rows else tuple(columns)
    data = Data(name, names, [tuple(row[c] for c in names) for row in rows], "")
    body = _bytes(data, form)
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "no-cache", "vary": "Accept"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if form != "json":
        headers["content-disposition"] = f'attachment; filename="{name}.{form}"'
    return Response(body, media_type=TYPES[form], headers=headers)


def _bytes(data: Data, form: str) -> bytes:
    if form == "json":
        return forms.json_bytes(data)
    if form == "csv":
        return forms.csv_bytes(data)
    whole = forms.parquet_bytes(data)
    if form == "parquet":
        return whole
    import polars as pl

    sink = io.BytesIO()
    pl.read_parquet(io.BytesIO(whole)).write_ipc_stream(sink)
    return sink.getvalue()
