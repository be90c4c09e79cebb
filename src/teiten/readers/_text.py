"""Addresses as text, millions at a time: IPv4 by a kernel, what is mixed by way of its distinct values."""

from __future__ import annotations

from typing import Final

import nanoarrow as na
import numpy as np
import polars as pl

from teiten import event, frame
from teiten.readers import _addresses, _jit

_FEW: Final = 2000


def addresses_as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows with every address column as text: as `frame.addresses_as_text`, faster for many."""
    if rows.height < _FEW:
        return frame.addresses_as_text(rows)
    out = []
    for column in event.COLUMNS:
        if column.kind != "address" or rows.schema.get(column.name) != pl.Binary:
            continue
        series = rows[column.name]
        if series.null_count() == len(series) or series.bin.size().min() != 4 or series.bin.size().max() != 4:
            continue
        valid = series.is_not_null().to_numpy()
        packed = series.fill_null(b"\0\0\0\0").bin.reinterpret(dtype=pl.UInt32, endianness="little").to_numpy()
        given = np.ascontiguousarray(packed[valid]).view(np.uint8)
        offsets = np.empty(len(series) + 1, np.int32)
        data = np.empty(15 * len(series) + 1, np.uint8)
        there = valid.astype(np.uint8)
        _addresses.dotted_quads(_jit.view(given), _jit.view(there), len(series), _jit.view(offsets), _jit.view(data))
        bitmap = None if valid.all() else np.packbits(valid, bitorder="little")
        buffers = [bitmap, offsets, data[: offsets[-1]]]
        count = 0 if bitmap is None else -1
        out.append(pl.Series(na.c_array_from_buffers(na.string(), len(series), buffers, null_count=count)).alias(column.name))
    return frame.addresses_as_text(rows.with_columns(out) if out else rows)
