"""A day's cells as numbers, made once for all the views that the day is in: codes in the place of names, and counts of series.

A `Piece` is one day: `base` its cells, `wide` the same without ports, `table(by)` the counts by hour of all series of some
columns. Codes are places in the day's own names (`names`, in order); a view that puts days together has codes of its own
(`remapped`). Announced scanners are in none of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.detect.baseline import Floats, Ints

DIMENSIONS: Final = ("port", "country", "asn", "sensor")
_WIDE: Final = ("country", "asn", "sensor")
MOST_BINS: Final = 20_000_000
_BINS_A_ROW: Final = 30
"""bins of counting, beside rows, from which sorting is quicker"""

Arrays = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Counts by hour of the series of some columns, each series and hour once, in order of both.

    codes: of each series its codes; first: of each series its first row (and the number of rows at the end); hour: of each row;
    day: packets of each series.
    """

    codes: tuple[Ints, ...]
    first: Ints
    hour: Ints
    packets: Floats
    hosts: Floats
    day: Floats

    @property
    def series(self) -> Ints:
        """Of each row the place of its series."""
        return np.repeat(np.arange(len(self.day)), np.diff(self.first))


@dataclass(frozen=True)
class Piece:
    """One day. Hours count from 1970."""

    names: Mapping[str, Sequence[Any]]
    base: Arrays
    """hour, port, country, asn, sensor (codes), packets, hosts"""
    tails: Mapping[str, Arrays]
    """of a column: the same of rare cells that were put together by it alone"""
    visits: tuple[float, float]
    """packets of the largest visit of a single host within an hour, over all ports and to one"""
    _tables: dict[tuple[str, ...], Table] = field(default_factory=dict)

    @cached_property
    def wide(self) -> Arrays:
        """The cells of all ports together: packets add up, and of hosts there are at least those of the port that has most."""
        return _without_ports(self.base, self.names)

    def table(self, by: tuple[str, ...], *, whole: bool = True) -> Table:
        """Counts of all series of those columns. whole: rare cells that were put together by one of them reckoned in."""
        tail = self.tails.get(by[0] if by else next(iter(self.tails), "")) if len(by) <= 1 and whole else None
        key = by if tail is not None or whole else (*by, "alone")
        if key not in self._tables:
            cells = self.base if "port" in by else self.wide
            self._tables[key] = _table(by, self.names, [cells, *([tail] if tail is not None else [])])
        return self._tables[key]


def piece(cells: pl.DataFrame, tails: Sequence[pl.DataFrame] = ()) -> Piece:
    """A day's cells (`view.CELLS`) and tails (`View.tails`) as numbers."""
    frames = [_plain(frame) for frame in (cells, *tails)]
    names: dict[str, Any] = {}
    for name in DIMENSIONS:
        having = [frame[name].unique() for frame in frames if name in frame.columns]
        values = pl.concat(having).unique().sort()
        names[name] = values.to_list() if values.dtype == pl.String else values.to_numpy()
        for n, frame in enumerate(frames):
            if name in frame.columns:
                frames[n] = frame.with_columns(_numbers(frame[name], values))
    base, *rest = [{name: frame[name].to_numpy() for name in frame.columns} for frame in frames]
    own: dict[str, Arrays] = {name: one for one in rest for name in DIMENSIONS if name in one}
    made = Piece(names, base, own, (0.0, 0.0))
    visits = tuple(float(one["packets"][one["hosts"] == 1].max(initial=0.0)) for one in (made.wide, base))
    object.__setattr__(made, "visits", visits)
    return made


def remapped(pieces: Sequence[Piece], name: str) -> tuple[list[Any], list[Ints]]:
    """The names of all pieces in order, and of each piece's codes the place among these."""
    own = [one.names[name] for one in pieces]
    if all(isinstance(one, np.ndarray) for one in own):
        every = np.unique(np.concatenate([np.asarray(one) for one in own])) if own else np.zeros(0, np.int64)
        return every.tolist(), [np.searchsorted(every, np.asarray(one)) for one in own]
    texts = sorted({text for one in own for text in one})
    places = {text: place for place, text in enumerate(texts)}
    return texts, [np.array([places[text] for text in one], dtype=np.int64) for one in own]


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Of cells or a tail: hour, the dimensions that it has, counts. Unknown countries are "", unknown ASes 0."""
    from teiten.detect.view import OTHERS

    has = frame.columns
    if "scanner" in has and frame["scanner"].any():
        frame = frame.filter(~pl.col("scanner").fill_null(False))
    columns = [(pl.col("time").to_physical() // 3_600_000_000).cast(pl.Int32).alias("hour")]
    if "dst_port" in has:
        frame = frame.filter((pl.col("dst_port") != OTHERS).fill_null(True))
        port = pl.col("protocol").cast(pl.Int64) * 70_000 + pl.col("dst_port").fill_null(-1) + 1
        columns.append(port.alias("port"))
    if "asn" in has:
        frame = frame.filter((pl.col("asn") != OTHERS).fill_null(True))
        columns.append(pl.col("asn").fill_null(0))
    columns += [pl.col(name).fill_null("") for name in ("country", "sensor") if name in has]
    return frame.select(*columns, *(pl.col(name).cast(pl.Float64) for name in ("packets", "hosts")))


def _numbers(column: pl.Series, values: pl.Series) -> pl.Series:
    """Of each value its place among the values (which are in order)."""
    if column.dtype == pl.String:
        return column.cast(pl.Enum(values)).to_physical().cast(pl.Int32)
    if not len(values):
        return column.cast(pl.Int32)
    low, high = int(values[0]), int(values[-1])
    if high - low < MOST_BINS // 40:
        places = np.zeros(high - low + 1, dtype=np.int32)
        places[values.to_numpy() - low] = np.arange(len(values))
        return pl.Series(column.name, places[column.to_numpy() - low])
    return pl.Series(column.name, np.searchsorted(values.to_numpy(), column.to_numpy()).astype(np.int32))


def _without_ports(base: Arrays, names: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    hour = base["hour"].astype(np.int64)
    low = int(hour.min()) if len(hour) else 0
    sizes = [len(names[name]) for name in _WIDE]
    source, at = np.unique(base["country"].astype(np.int64) * max(1, sizes[1]) + base["asn"], return_inverse=True)
    key = ((hour - low) * max(1, len(source)) + at) * max(1, sizes[2]) + base["sensor"]
    keys, place = _distinct(key, int(key.max(initial=0)) + 1)
    packets, hosts = np.bincount(place, base["packets"], len(keys)), np.zeros(len(keys))
    np.maximum.at(hosts, place, base["hosts"])
    left, sensor = np.divmod(keys, max(1, sizes[2]))
    when, at = np.divmod(left, max(1, len(source)))
    country, asn = np.divmod(source[at], max(1, sizes[1]))
    return {"hour": when + low, "country": country, "asn": asn, "sensor": sensor, "packets": packets, "hosts": hosts}


def _table(by: tuple[str, ...], names: Mapping[str, Sequence[Any]], coded: Sequence[Arrays]) -> Table:
    def of(name: str) -> Any:
        return np.concatenate([one[name] for one in coded]) if len(coded) > 1 else coded[0][name]

    hour = of("hour").astype(np.int64)
    low, span = (int(hour.min()), int(np.ptp(hour)) + 1) if len(hour) else (0, 1)
    key = np.zeros(len(hour), dtype=np.int64)
    sizes = [max(1, len(names[name])) for name in by]
    for name, size in zip(by, sizes, strict=True):
        key = key * size + of(name)
    keys, place = _distinct(key * span + (hour - low), int(np.prod(sizes, dtype=np.int64)) * span)
    packets, hosts = (np.bincount(place, of(name), len(keys)).astype(np.float64) for name in ("packets", "hosts"))
    series, when = np.divmod(keys, span)
    first = np.flatnonzero(np.concatenate([[True], series[1:] != series[:-1]])) if len(series) else np.zeros(0, np.int64)
    numbers, codes = series[first], list[Ints]()
    for size in reversed(sizes):
        numbers, one = np.divmod(numbers, size)
        codes.insert(0, one)
    day = np.add.reduceat(packets, first) if len(first) else np.zeros(0)
    return Table(tuple(codes), np.append(first, len(keys)), when + low, packets, hosts, day)


def _distinct(key: Ints, size: int) -> tuple[Ints, Ints]:
    """The distinct numbers (below `size`) in order, and of each its place among them."""
    if size > min(MOST_BINS, _BINS_A_ROW * max(len(key), 1000)):
        keys, place = np.unique(key, return_inverse=True)
        return keys, place
    there: npt.NDArray[np.bool_] = np.zeros(size, dtype=bool)
    there[key] = True
    keys = np.flatnonzero(there)
    places = np.zeros(size, dtype=np.int64)
    places[keys] = np.arange(len(keys))
    return keys, places[key]
