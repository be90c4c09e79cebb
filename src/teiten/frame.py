"""Events as polars frames: the schema made from `event.COLUMNS`, and addresses as text at the edges."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Final

import polars as pl

from teiten import event

_DTYPES: Final[dict[event.Kind, pl.DataType]] = {
    "time": pl.Datetime("us", "UTC"),
    "text": pl.String(),
    "address": pl.Binary(),
    "bool": pl.Boolean(),
    "bytes": pl.Binary(),
    "int16": pl.Int16(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
}


def schema(columns: Iterable[event.Column] = event.COLUMNS) -> dict[str, pl.DataType]:
    """Column name -> polars type, in the contract's order."""
    return {c.name: _DTYPES[c.kind] for c in columns}


READ_SCHEMA: Final = schema(event.READ_COLUMNS)
DECODED_SCHEMA: Final = schema(event.DECODED_COLUMNS)
SCHEMA: Final = schema()


def address_text(packed: bytes) -> str:
    """4 or 16 bytes in network order -> canonical text (RFC 5952 for IPv6). ValueError for another length."""
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    if len(packed) == 16:
        return socket.inet_ntop(socket.AF_INET6, packed)
    raise ValueError(f"an address has 4 or 16 bytes, not {len(packed)}")


def addresses_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows with every address column as text (each distinct address is formatted once)."""
    out = []
    for column in event.COLUMNS:
        if column.kind != "address" or column.name not in frame.columns or frame[column.name].dtype != pl.Binary:
            continue
        series = frame[column.name]
        if series.null_count() == len(series):
            out.append(pl.Series(column.name, [None] * len(series), dtype=pl.String))
            continue
        distinct = series.drop_nulls().unique()
        texts = pl.Series([address_text(a) for a in distinct], dtype=pl.String)
        out.append(series.replace_strict(distinct, texts, return_dtype=pl.String, default=None).alias(column.name))
    return frame.with_columns(out) if out else frame
