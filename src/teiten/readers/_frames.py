"""A reader's rows become a polars frame, by way of Arrow buffers (no copy per value); and a frame is rows again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import nanoarrow as na
import numpy as np
import numpy.typing as npt
import polars as pl

from teiten import event
from teiten.frame import SCHEMA, schema
from teiten.readers import _addresses, _jit
from teiten.readers._base import Plain, Rows
from teiten.readers._rows import integers

Ints = npt.NDArray[np.int64]

_ARROW: Final[dict[str, tuple[Any, Any]]] = {
    "int16": (na.int16(), np.int16),
    "int32": (na.int32(), np.int32),
    "int64": (na.int64(), np.int64),
}


def _bitmap(valid: npt.NDArray[np.bool_]) -> Any:
    return None if valid.all() else np.packbits(valid, bitorder="little")


def _arrow(name: str, kind: Any, n: int, buffers: list[Any]) -> pl.Series:
    return pl.Series(na.c_array_from_buffers(kind, n, buffers, null_count=0 if buffers[0] is None else -1)).alias(name)


def _constant(name: str, value: Any, n: int) -> pl.Series:
    return pl.Series(name, [value], dtype=SCHEMA[name]).new_from_index(0, n)


def _integers(name: str, values: Ints, kind: str) -> pl.Series:
    arrow, dtype = _ARROW[kind]
    valid = values >= 0
    if not valid.any():
        return _constant(name, None, len(values))
    return _arrow(name, arrow, len(values), [_bitmap(valid), values.astype(dtype)])


def _addressed(name: str, plain: Plain) -> pl.Series:
    families, high, low = plain.numbers, plain.high, plain.low
    assert families is not None and high is not None and low is not None
    n = len(families)
    four, six = families == 4, families == 6
    if four.all():
        offsets: npt.NDArray[np.int32] = np.arange(0, 4 * n + 4, 4, dtype=np.int32)
        return _arrow(name, na.binary(), n, [None, offsets, low.astype(">u4").view(np.uint8)])
    valid = four | six
    if not valid.any():
        return _constant(name, None, n)
    offsets = np.empty(n + 1, np.int32)
    data = np.empty(int(4 * four.sum() + 16 * six.sum()), np.uint8)
    given = _jit.view(families), _jit.view(high), _jit.view(low)
    _addresses.pack(*given, n, _jit.view(offsets), _jit.view(data))
    return _arrow(name, na.binary(), n, [_bitmap(valid), offsets, data])


def _texts(name: str, plain: Plain) -> pl.Series:
    numbers = plain.numbers
    assert numbers is not None
    lookup = pl.Series([*plain.texts, None], dtype=pl.String)
    places = np.where((numbers < 0) | (numbers > len(plain.texts)), len(plain.texts), numbers)
    return lookup.gather(pl.Series(places.astype(np.uint32))).alias(name)


def _truths(name: str, values: Ints) -> pl.Series:
    return pl.Series(name, values == 1).set(pl.Series(values < 0), None)


def _bytes(name: str, plain: Plain) -> pl.Series:
    starts, lengths, data = plain.numbers, plain.high, plain.data
    assert starts is not None and lengths is not None and data is not None
    valid = starts >= 0
    # (row numbers of all bytes of all values: where each lies in `data`)
    sizes = np.where(valid, lengths, 0)
    offsets = np.append(0, np.cumsum(sizes))
    places = np.repeat(starts - offsets[:-1], sizes) + np.arange(offsets[-1])
    return _arrow(name, na.binary(), len(starts), [_bitmap(valid), offsets.astype(np.int32), data[places]])


def _series(column: event.Column, plain: Plain, n: int) -> pl.Series:
    name, numbers = column.name, plain.numbers
    if plain.kind == "constant" or numbers is None:
        return _constant(name, bool(plain.value) if column.kind == "bool" and plain.value is not None else plain.value, n)
    if plain.kind == "bytes":
        return _bytes(name, plain)
    if column.kind == "bool":
        return _truths(name, numbers)
    if plain.kind == "addresses":
        return _addressed(name, plain)
    if plain.kind == "texts":
        return _texts(name, plain)
    if column.kind == "time":
        return _arrow(name, na.timestamp("us", timezone="UTC"), n, [None, numbers])
    return _integers(name, integers(plain, n), column.kind)


def frame(rows: Rows, columns: Sequence[event.Column] = event.READ_COLUMNS) -> pl.DataFrame:
    """Those columns, in that order."""
    n = len(rows)
    if n == 0:
        return pl.DataFrame(schema=schema(columns))
    return pl.DataFrame([_series(c, rows.column(c.name), n) for c in columns])


class FrameRows:
    """A frame of `frame.READ_SCHEMA` as rows (`_base.Rows`), for readers that make frames."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __len__(self) -> int:
        return self._frame.height

    def column(self, name: str) -> Plain:
        """As `Rows.column`."""
        series, kind = self._frame[name], event.BY_NAME[name].kind
        if series.null_count() == len(series):
            return Plain("constant")
        if kind == "address":
            return halves(series)
        if kind == "bytes":
            return bytes_of(series)
        if kind == "text":
            texts = series.drop_nulls().unique(maintain_order=True).to_list()
            known = {text: place for place, text in enumerate(texts)}
            return Plain("texts", numbers=np.array([known.get(t, -1) for t in series.to_list()], np.int64), texts=texts)
        return Plain("numbers", numbers=series.to_physical().cast(pl.Int64).fill_null(-1).to_numpy().copy())

    def frame(self) -> pl.DataFrame:
        """The frame itself."""
        return self._frame


def halves(series: pl.Series) -> Plain:
    """Addresses (bytes) as a column of a reader."""
    size = series.bin.size().fill_null(0).to_numpy()
    four = series.bin.reinterpret(dtype=pl.UInt32, endianness="big").cast(pl.Int64).fill_null(0).to_numpy()
    parts = [series.bin.slice(at, 8).bin.reinterpret(dtype=pl.Int64, endianness="big").fill_null(0).to_numpy() for at in (0, 8)]
    families = np.where(size == 4, 4, np.where(size == 16, 6, 0)).astype(np.int64)
    six = families == 6
    return Plain("addresses", numbers=families, high=np.where(six, parts[0], 0), low=np.where(six, parts[1], four))


def bytes_of(series: pl.Series) -> Plain:
    """Bytes as a column of a reader."""
    sizes = series.bin.size().fill_null(0).cast(pl.Int64).to_numpy()
    starts = np.where(series.is_null().to_numpy(), -1, np.cumsum(sizes) - sizes)
    data = np.frombuffer(b"".join(series.drop_nulls().to_list()), np.uint8)
    return Plain("bytes", numbers=starts, high=sizes.copy(), data=data)
