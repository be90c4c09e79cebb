"""When a station was there for a sensor, by its own account: the table `watching` as spans of time, and the times it was down.

An input that keeps what comes while it does not run (a log file) is never down between two of its runs. Others are: what came
meanwhile is not there, however little the sensor usually sees. But where events of that time are in the lake after all (by
hand, or from a sender that waited), only the longest stretch without any is down, and it must be at least half of it.
"""

from __future__ import annotations

import datetime as dt
import itertools
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.lake import watching

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

Span = tuple[dt.datetime, dt.datetime]

BETWEEN: Final = dt.timedelta(seconds=120)
"""a run that begins so soon after the one before goes on with it: two heartbeats"""
_EXACT: Final = dt.timedelta(hours=3)
"""times down that are shorter are held against the events themselves, longer ones against the hours' first and last"""
_KNOWN: Final[weakref.WeakKeyDictionary[Session, pl.DataFrame]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Life:
    """first, last: between which the station gave account of a sensor; down: when it was not there for it, in order."""

    first: dt.datetime
    last: dt.datetime
    down: tuple[Span, ...]


def rows(session: Session) -> pl.DataFrame:
    """The rows of `watching` that the session sees (`lake.watching.SCHEMA`)."""
    if session not in _KNOWN:
        whole = watching.read([str(path) for path in session.watching_files])
        _KNOWN[session] = whole.filter(pl.col("last_batch") <= session.last_batch)
    return _KNOWN[session]


def lives(session: Session, sensors: tuple[str, ...] = ()) -> dict[str, Life]:
    """Sensor (of `sensors`) -> what the station says of it, whenever that was; those of which it says nothing are not there."""
    found = rows(session).drop_nulls("sensor")
    if sensors:
        found = found.filter(pl.col("sensor").is_in(sensors))
    out = {}
    for (name,), own in found.group_by("sensor"):
        spans: list[Span] = list(own.filter(~pl.col("keeps").fill_null(value=False)).select("start", "end").iter_rows())
        kept = own.filter(pl.col("keeps")).group_by("stream").agg(pl.col("start").min(), pl.col("end").max())
        spans += list(kept.select("start", "end").iter_rows())
        there = joined(spans)
        down = tuple((a[1], b[0]) for a, b in itertools.pairwise(there))
        out[str(name)] = Life(there[0][0], there[-1][1], down)
    return dict(sorted(out.items()))


def joined(spans: Iterable[Span], between: dt.timedelta = BETWEEN) -> list[Span]:
    """Spans that overlap, touch, or follow each other that soon, as one."""
    out: list[Span] = []
    for low, high in sorted(spans):
        if out and low - out[-1][1] <= between:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out


def without(span: Span, hidden: Sequence[Span]) -> list[Span]:
    """The parts of a span that none of the others (in order) covers."""
    out, at = [], span[0]
    for low, high in hidden:
        if high <= at or low >= span[1]:
            continue
        if at < low:
            out.append((at, low))
        at = max(at, high)
    return [*out, (at, span[1])] if at < span[1] else out


def really_down(session: Session, name: str, down: Iterable[Span], times: npt.NDArray[np.int64]) -> list[Span]:
    """What of the times down no event shows to have been recorded after all. times: known moments of events (µs), in order."""
    out = []
    for low, high in down:
        a, b = (round((moment - _EPOCH).total_seconds() * 1e6) for moment in (low, high))
        inside = times[np.searchsorted(times, a, side="right") : np.searchsorted(times, b)]
        if high - low < _EXACT and _any_near(times, a, b):
            inside = _asked(session, name, low, high)
        edges = np.concatenate([[a], inside, [b]])
        at = int(np.argmax(np.diff(edges)))
        if 2 * (edges[at + 1] - edges[at]) >= b - a:
            out.append((low if at == 0 else _moment(edges[at]), high if at == len(edges) - 2 else _moment(edges[at + 1])))
    return out


_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_HOUR: Final = 3600 * 10**6


def _any_near(times: npt.NDArray[np.int64], low: int, high: int) -> bool:
    """May an event lie within [low, high), by the first and last of the hours that it touches?"""
    first, last = low // _HOUR * _HOUR, (high // _HOUR + 1) * _HOUR
    return bool(np.searchsorted(times, last) > np.searchsorted(times, first))


def _asked(session: Session, name: str, low: dt.datetime, high: dt.datetime) -> npt.NDArray[np.int64]:
    sql = "SELECT epoch_us(time) AS time FROM raw_events WHERE sensor = ? AND time > ? AND time < ? ORDER BY time"
    return session.frame(sql, [name, low, high])["time"].cast(pl.Int64).to_numpy()


def _moment(micros: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=int(micros))
