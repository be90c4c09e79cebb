"""The rows behind a chart or a table as files: CSV, JSON and Parquet, all three with the same values.

    CSV      text: times ISO 8601 with zone, nothing for null, no cell that a spreadsheet would take for a formula
    JSON     a list of objects, one a row: numbers as numbers, null as null, times ISO 8601 with zone
    Parquet  typed columns: whole numbers, decimals, days, moments in their zone, text

Decimals have six significant digits in all of them: what lies beyond depends on the order in which a machine added up, and the
same report made again is the same file.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from teiten import inert
from teiten.report.model import Data

if TYPE_CHECKING:
    import polars as pl

KINDS: Final = ("csv", "json", "parquet")
"""kinds of files of rows, each the ending of its names"""


def files(data: Data) -> dict[str, bytes]:
    """Every file of the rows: ending -> bytes."""
    return {"csv": csv_bytes(data), "json": json_bytes(data), "parquet": parquet_bytes(data)}


def csv_bytes(data: Data) -> bytes:
    """The rows as CSV: times ISO 8601 with zone, shares as numbers, no cell that a spreadsheet would take for a formula."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow([_cell(name) for name in data.columns])
    writer.writerows([_cell(value) for value in row] for row in data.rows)
    return sink.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.6g}"
    return inert.cell(value) if isinstance(value, str) else value


def json_bytes(data: Data) -> bytes:
    """The rows as a JSON list of objects, a row a line."""
    lines = _lines(data)
    return ("[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n").encode("utf-8", "replace")


def jsonl_bytes(data: Data) -> bytes:
    """The rows as JSON objects, one a line."""
    return "".join(line + "\n" for line in _lines(data)).encode("utf-8", "replace")


def _lines(data: Data) -> list[str]:
    """Each row as a JSON object on one line, whatever else a reader takes for the end of one; no terminal obeys it."""
    texts = (
        json.dumps({name: _plain(value) for name, value in zip(data.columns, row, strict=True)}, ensure_ascii=False)
        for row in data.rows
    )
    return [inert.json(text) for text in texts]


def _plain(value: Any) -> Any:
    """As JSON has it: what is no number of this world is null."""
    value = _value(value)
    return value.isoformat() if isinstance(value, dt.datetime | dt.date) else value


def _value(value: Any) -> Any:
    """None, bool, int, float (six digits), text, day or moment."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str | dt.date):
        return value
    return str(value)


def parquet_bytes(data: Data) -> bytes:
    """The rows as Parquet (zstd). A column of which no row says anything is one of text; whole numbers and decimals mixed are
    decimals, any other mixture is text."""
    import polars as pl

    columns = [_column(name, [_value(row[at]) for row in data.rows]) for at, name in enumerate(data.columns)]
    sink = io.BytesIO()
    pl.DataFrame(columns).write_parquet(sink, compression="zstd", statistics=True)
    return sink.getvalue()


def _column(name: str, values: list[Any]) -> pl.Series:
    import polars as pl

    kinds = {type(v) for v in values if v is not None}
    if kinds <= {int} and kinds:
        narrow = all(-(1 << 63) <= v < 1 << 63 for v in values if v is not None)
        return pl.Series(name, values, dtype=pl.Int64 if narrow else pl.Float64, strict=False)
    if kinds <= {int, float} and kinds:
        return pl.Series(name, [None if v is None else float(v) for v in values], dtype=pl.Float64)
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if kinds == {dt.date}:
        return pl.Series(name, values, dtype=pl.Date)
    if kinds == {dt.datetime}:
        return _moments(name, values)
    return pl.Series(name, [None if v is None else str(_plain(v)) for v in values], dtype=pl.String)


def _moments(name: str, values: list[dt.datetime | None]) -> pl.Series:
    """Moments in the zone that they all have; in UTC where they have several."""
    import polars as pl

    there = [v for v in values if v is not None]
    if any(v.tzinfo is None for v in there):
        texts = [None if v is None else v.isoformat() for v in values]
        return pl.Series(name, texts, dtype=pl.String)
    zones = {v.tzinfo.key if isinstance(v.tzinfo, ZoneInfo) else "UTC" for v in there}
    utc = pl.Series(name, [None if v is None else v.astimezone(dt.UTC) for v in values], dtype=pl.Datetime("us", "UTC"))
    return utc.dt.convert_time_zone(zones.pop()) if len(zones) == 1 else utc
