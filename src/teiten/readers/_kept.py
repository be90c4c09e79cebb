"""Columns of files that are put together, in a new order, to one Parquet file: a column at a time, so that little is held."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten import event
from teiten.lake import BOUNDS, Made
from teiten.readers._base import Plain
from teiten.readers._encode import Encoded
from teiten.readers._frames import bytes_of, halves
from teiten.readers._parquet import Bounds, File
from teiten.readers._tight import Tight

GROUP_ROWS: Final = 122_880
_WORKERS: Final = 2
_NO_TIME: Final = -(1 << 63)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Ints = npt.NDArray[np.int64]


class Columns(Protocol):
    """Rows that lie in some order, and are to lie in another."""

    order: npt.NDArray[np.int64]
    """the rows' numbers, in the order in which they are to lie"""

    def series(self) -> Iterator[pl.Series]:
        """Every column of `event.COLUMNS`, in that order, with the rows as they lie."""


class _Sink:
    """Where a file's bytes are kept."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.write = self.data.append


def pack(columns: Columns, group_rows: int = GROUP_ROWS) -> Made:
    """A file of the rows in their order. At a time a few columns are held, and what has been encoded."""
    order = columns.order
    edges = _edges(len(order), group_rows)
    encoders = [Tight() for _ in range(_WORKERS)]

    def encode(series: pl.Series) -> list[Encoded]:
        encoder = encoders.pop()
        try:
            return _column(encoder, event.BY_NAME[series.name], series, order, edges)
        finally:
            encoders.append(encoder)

    done: list[list[Encoded]] = []
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="teiten-pack") as pool:
        flying: deque[Future[list[Encoded]]] = deque()
        for series in columns.series():
            flying.append(pool.submit(encode, series))
            if len(flying) >= _WORKERS:
                done.append(flying.popleft().result())
        done += [one.result() for one in flying]
    sink, bounds = _Sink(), {column.name: Bounds() for column in event.COLUMNS}
    file = File(sink, event.COLUMNS, packed=True)
    for group in zip(*done, strict=True):
        for column in group:
            bounds[column.name].take(column)
        file.add(group)
    file.end()
    return made(sink.data, len(order), bounds)


def made(data: list[bytes], rows: int, bounds: Mapping[str, Bounds]) -> Made:
    """A file for the lake, with what its log is to say of it."""
    known = {name: bounds[name] for name in BOUNDS if bounds[name].least is not None and bounds[name].most is not None}
    low, high = {name: _bound(b.least) for name, b in known.items()}, {name: _bound(b.most) for name, b in known.items()}
    return Made(data, rows, low, high, {name: bound.nulls for name, bound in bounds.items()})


def _bound(value: int | bytes | None) -> Any:
    return value.decode() if isinstance(value, bytes) else _EPOCH + dt.timedelta(microseconds=value or 0)


def _edges(rows: int, group_rows: int) -> list[tuple[int, int]]:
    """Row groups of about the same size."""
    groups = max(1, round(rows / group_rows))
    ends = [rows * k // groups for k in range(groups + 1)]
    return list(itertools.pairwise(ends))


def _column(
    encoder: Tight, column: event.Column, series: pl.Series, order: Ints, edges: Sequence[tuple[int, int]]
) -> list[Encoded]:
    """A column of all row groups."""
    out = []
    stretch = _stretches(column, series, order)
    for start, stop in edges:
        encoder.begin()
        out.append(encoder.column(column, [stretch(start, stop)], [stop - start]))
    return out


def _stretches(column: event.Column, series: pl.Series, order: Ints) -> Callable[[int, int], Plain]:
    """Says what the rows [start, stop) of the new order are, as a column of a reader."""
    if series.null_count() == len(series):
        return lambda start, stop: Plain("constant")
    if column.kind == "address":
        return _addresses(series, order)
    if column.kind == "bytes":
        return lambda start, stop: _bytes(series.gather(order[start:stop]))
    if column.kind == "text":
        texts, values = _texts(series)
        if len(texts) == 1 and series.null_count() == 0:
            return lambda start, stop: Plain("constant", value=texts[0])
        return lambda start, stop: Plain("texts", numbers=values[order[start:stop]].astype(np.int64), texts=texts)
    numbers = _numbers(series.to_physical(), _NO_TIME if column.required and column.kind == "time" else -1)
    low = int(numbers.min())
    if low == numbers.max():
        return lambda start, stop: Plain("constant", value=low)
    return lambda start, stop: Plain("numbers", numbers=numbers[order[start:stop]].astype(np.int64))


def _texts(series: pl.Series) -> tuple[list[str], npt.NDArray[np.signedinteger[Any]]]:
    """The distinct texts, and each row's place among them; -1 is null."""
    coded = series.cast(pl.Categorical(pl.Categories.random()))
    distinct = coded.unique().drop_nulls()
    numbers = distinct.to_physical().to_list()
    texts = [""] * (max(numbers) + 1)
    for number, text in zip(numbers, distinct.cast(pl.String).to_list(), strict=True):
        texts[number] = text
    return texts, _numbers(coded.to_physical(), -1)


def _numbers(series: pl.Series, null: int) -> npt.NDArray[np.signedinteger[Any]]:
    """Whole numbers as narrow as they are: what is picked at random from little memory is picked sooner."""
    wide = {pl.Boolean: pl.Int8, pl.UInt32: pl.Int64, pl.UInt16: pl.Int32, pl.UInt8: pl.Int16}
    series = series.cast(wide.get(type(series.dtype), series.dtype))
    return (series.fill_null(null) if series.null_count() else series).to_numpy()


def _addresses(series: pl.Series, order: Ints) -> Callable[[int, int], Plain]:
    if series.bin.size().max() != 4 or series.bin.size().min() != 4:
        return lambda start, stop: _mixed(series.gather(order[start:stop]))
    low = series.bin.reinterpret(dtype=pl.UInt32, endianness="big")
    if series.null_count() == 0:
        numbers = low.to_numpy()
        return lambda start, stop: _four(numbers[order[start:stop]].astype(np.int64))
    there = _numbers(low, -1)
    return lambda start, stop: _four(there[order[start:stop]])


def _four(low: Ints) -> Plain:
    """IPv4 addresses, or -1."""
    if low.max() < 0:
        return Plain("constant")
    none = np.zeros(len(low), np.int64)
    return Plain("addresses", numbers=np.where(low < 0, 0, 4), high=none, low=np.maximum(low, 0))


def _mixed(series: pl.Series) -> Plain:
    return Plain("constant") if series.null_count() == len(series) else halves(series)


def _bytes(series: pl.Series) -> Plain:
    return Plain("constant") if series.null_count() == len(series) else bytes_of(series)
