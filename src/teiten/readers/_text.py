"""Addresses as text, millions at a time: IPv4 by a kernel, what is mixed by way of its distinct values."""

from __future__ import annotations

from typing import Any, Final

import nanoarrow as na
import numpy as np
import polars as pl

from teiten import event, frame
from teiten.readers._jit import jit


@jit
def _dotted(values: Any, valid: Any, offsets: Any, data: Any) -> None:
    """IPv4 addresses as 32-bit numbers -> dotted quads in one buffer."""
    at = 0
    for i in range(len(values)):
        offsets[i] = at
        if not valid[i]:
            continue
        value = np.int64(values[i])
        for shift in (24, 16, 8, 0):
            octet = (value >> shift) & 255
            if octet >= 100:
                data[at] = 48 + octet // 100
                at += 1
            if octet >= 10:
                data[at] = 48 + octet // 10 % 10
                at += 1
            data[at] = 48 + octet % 10
            at += 1
            if shift:
                data[at] = 46
                at += 1
    offsets[len(values)] = at


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
        values = series.bin.reinterpret(dtype=pl.UInt32, endianness="big")
        valid = values.is_not_null().to_numpy()
        offsets = np.empty(len(series) + 1, np.int32)
        data = np.empty(15 * len(series), np.uint8)
        _dotted(values.fill_null(0).to_numpy(), valid, offsets, data)
        bitmap = None if valid.all() else np.packbits(valid, bitorder="little")
        buffers = [bitmap, offsets, data[: offsets[-1]]]
        count = 0 if bitmap is None else -1
        out.append(pl.Series(na.c_array_from_buffers(na.string(), len(series), buffers, null_count=count)).alias(column.name))
    return frame.addresses_as_text(rows.with_columns(out) if out else rows)
