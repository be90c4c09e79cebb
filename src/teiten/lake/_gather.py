"""Rows of several files as one, in a new order: read a few columns at a time, and of each file only what is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten import frame
from teiten.lake import _delta

BOUNDS: Final = ("time", "sensor")
"""columns of events whose bounds Delta's statistics hold; never addresses (`_delta.Made`)"""
_VALUES: Final = 1_000_000
"""values that are read at once, more or less"""
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Source:
    """A file of events, and the times of its rows (microseconds since 1970)."""

    path: Path
    times: Ints

    @classmethod
    def of(cls, path: Path) -> Source:
        return cls(path, pl.read_parquet(path, columns=["time"])["time"].to_physical().to_numpy())


@dataclass(frozen=True, slots=True)
class _Piece:
    """Rows of a file: [start, stop), of which those numbers (from `start`) where they are not all."""

    path: Path
    start: int
    stop: int
    whole: bool
    chosen: Ints | None = None


class Gathered:
    """Rows as they lie in the files, and the order in which they are to lie: by protocol, port, source, time."""

    def __init__(self, pieces: Sequence[_Piece]) -> None:
        self._pieces = pieces
        self.order = _order(self._read(["time", "src_ip", "protocol", "dst_port"]))

    @classmethod
    def of(cls, sources: Sequence[Source], start: dt.datetime, end: dt.datetime) -> Gathered:
        """Those of [start, end)."""
        low, high = (start - _EPOCH) // _MICROSECOND, (end - _EPOCH) // _MICROSECOND
        return cls([piece for source in sources if (piece := _piece(source, low, high)) is not None])

    def series(self) -> Iterator[pl.Series]:
        """Every column of an event, with the rows as they lie in the files."""
        names = list(frame.SCHEMA)
        many = max(1, _VALUES // max(1, len(self.order)))
        for at in range(0, len(names), many):
            yield from self._read(names[at : at + many]).iter_columns()

    def frame(self) -> pl.DataFrame:
        """All columns at once, in the new order."""
        return self._read(list(frame.SCHEMA))[self.order]

    def _read(self, names: list[str]) -> pl.DataFrame:
        out, at = [], 0
        while at < len(self._pieces):
            # files that are wanted whole are read together: a day of one batch a minute has many
            whole = at
            while whole < len(self._pieces) and self._pieces[whole].whole:
                whole += 1
            if whole > at:
                out.append(_scan([piece.path for piece in self._pieces[at:whole]], names).collect())
                at = whole
                continue
            piece = self._pieces[at]
            found = _scan([piece.path], names).slice(piece.start, piece.stop - piece.start).collect()
            out.append(found if piece.chosen is None else found[piece.chosen])
            at += 1
        return pl.concat(out)


Encode = Callable[[Gathered], _delta.Made]
"""makes a file of the rows in their order"""


def plainly(rows: Gathered) -> _delta.Made:
    """By polars: where no better encoder is at hand."""
    return _delta.make_parquet(rows.frame(), BOUNDS)


def _scan(paths: list[Path], names: list[str]) -> pl.LazyFrame:
    # files of an older version have not every column
    found = pl.scan_parquet(paths, schema=frame.SCHEMA, missing_columns="insert", extra_columns="ignore")
    return found.select(names)


def _piece(source: Source, low: int, high: int) -> _Piece | None:
    times = source.times
    inside = np.flatnonzero((times >= low) & (times < high))
    if not len(inside):
        return None
    start, stop = int(inside[0]), int(inside[-1]) + 1
    chosen = inside - start if len(inside) < stop - start else None
    return _Piece(source.path, start, stop, len(inside) == len(times), chosen)


def _order(rows: pl.DataFrame) -> Ints:
    """The rows' numbers by protocol, port, source, time. By numpy: polars' sort of the frame takes three times its memory."""
    protocol, port = (rows[name].cast(pl.Int64).fill_null(-1).to_numpy() + 1 for name in ("protocol", "dst_port"))
    sizes = rows["src_ip"].bin.size()
    if sizes.min() == sizes.max() == 4:
        source = rows["src_ip"].bin.reinterpret(dtype=pl.UInt32, endianness="big").cast(pl.Int64)
    else:
        source = rows["src_ip"].rank("dense").cast(pl.Int64)
    # a port has 16 bits and "none", a source 32; lexsort is stable
    return np.lexsort([rows["time"].to_physical().to_numpy(), (protocol << 17 | port) << 32 | source.to_numpy()])
