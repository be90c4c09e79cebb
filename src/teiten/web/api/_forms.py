"""Rows as an answer: JSON, JSON lines, CSV, Parquet, an Arrow stream; typed by the columns that were declared for them."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from teiten.errors import UsageError
from teiten.report import rows as forms
from teiten.report.model import Data
from teiten.web.api._shape import Column

if TYPE_CHECKING:
    import polars as pl

TYPES: Final = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
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


def answer(
    request: Request, name: str, rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], *, following: str = ""
) -> Response:
    """The rows with those columns, whatever else they have. following: the address of the page after this one."""
    form = form_of(request)
    names = tuple(column.name for column in columns)
    data = Data(name, names, [tuple(row[c] for c in names) for row in rows], "")
    made = whole(request, _bytes(data, columns, form), TYPES[form])
    made.headers.add_vary_header("Accept")
    if following:
        made.headers["link"] = f'<{following}>; rel="next"'
    if form not in ("json", "jsonl") and made.status_code == 200:
        made.headers["content-disposition"] = f'attachment; filename="{name}.{form}"'
    return made


def whole(request: Request, body: bytes, kind: str) -> Response:
    """Bytes as an answer, with their hash as ETag: what the client has already is not sent again."""
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if _has(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def _has(request: Request, tag: str) -> bool:
    """Does If-None-Match name it? Tags are compared weakly, as it asks for (RFC 9110, 13.1.2)."""
    told = request.headers.get("if-none-match", "")
    return told.strip() == "*" or tag in _TAG.findall(told)


def _bytes(data: Data, columns: Sequence[Column], form: str) -> bytes:
    if form == "json":
        return forms.json_bytes(data)
    if form == "jsonl":
        return forms.jsonl_bytes(data)
    if form == "csv":
        return forms.csv_bytes(data)
    made, sink = frame(data, columns), io.BytesIO()
    if form == "parquet":
        made.write_parquet(sink, compression="zstd", statistics=True)
    else:
        made.write_ipc_stream(sink)
    return sink.getvalue()


def frame(data: Data, columns: Sequence[Column]) -> pl.DataFrame:
    """The rows as typed columns, those that were declared, also where there is no row or no value; moments in UTC."""
    import polars as pl

    types: dict[str, pl.DataType] = {
        "int": pl.Int64(), "num": pl.Float64(), "text": pl.String(), "bool": pl.Boolean(), "day": pl.Date(),
        "moment": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    return pl.DataFrame(
        {
            column.name: pl.Series(column.name, [_typed(row[at], column.kind) for row in data.rows], dtype=types[column.kind])
            for at, column in enumerate(columns)
        }
    )


def _typed(value: Any, kind: str) -> Any:
    if value is None or kind in ("bool", "day"):
        return value
    if kind == "num":
        return float(value)
    if kind == "moment":
        return value.astimezone(dt.UTC)
    return str(value) if kind == "text" else int(value)
