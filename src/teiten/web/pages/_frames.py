"""The rows of a query as a file: every value as it is, none of them a formula to a spreadsheet; and as cells of a table."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from teiten.report import rows as forms
from teiten.report.model import Data

if TYPE_CHECKING:
    import polars as pl

TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
CELL: Final = 500
"""characters of a cell on a page"""


def file(frame: pl.DataFrame, form: str) -> bytes:
    """The whole answer in that form: of TYPES, or jsonl, or arrow (a stream).

    Decimals have all their digits: who asks by SQL rounds by SQL."""
    if form in ("parquet", "arrow"):
        sink = io.BytesIO()
        frame.write_parquet(sink, compression="zstd") if form == "parquet" else frame.write_ipc_stream(sink)
        return sink.getvalue()
    if form == "csv":
        rows = [tuple(_cell(value) for value in row) for row in frame.iter_rows()]
        return forms.csv_bytes(Data("query", tuple(frame.columns), rows, ""))
    lines = [
        json.dumps(dict(zip(frame.columns, map(_plain, row), strict=True)), ensure_ascii=False) for row in frame.iter_rows()
    ]
    if form == "jsonl":
        return "".join(f"{line}\n" for line in lines).replace("\x7f", "\\u007f").encode("utf-8", "replace")
    return ("[\n" + ",\n".join(lines).replace("\x7f", "\\u007f") + "\n]\n" if lines else "[]\n").encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    return json.dumps(_plain(value), ensure_ascii=False) if isinstance(value, list | dict) else _bytes(value)


def _bytes(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def shown(value: Any) -> str:
    """The text of a cell on a page."""
    if value is None:
        return "–"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds" if not value.microsecond else "microseconds")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    text = json.dumps(_plain(value), ensure_ascii=False) if isinstance(value, list | dict) else str(_bytes(value))
    return text if len(text) <= CELL else text[:CELL] + "…"
