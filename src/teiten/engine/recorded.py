"""Which sensors recorded something in a span of time, told from the batches' activity: no event is read."""

from __future__ import annotations

import datetime as dt
import weakref
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from teiten.lake import activity

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICRO: Final = dt.timedelta(microseconds=1)
_KNOWN: Final[weakref.WeakKeyDictionary[Session, dict[str, activity.Activity] | None]] = weakref.WeakKeyDictionary()


def activities(session: Session, only: tuple[str, ...] = ()) -> dict[str, activity.Activity] | None:
    """Sensor (of `only`) -> the activity of all that the session sees of it, in order of names; None where batches have none.

    That is so in a lake of an older version which could not be brought up to date."""
    if session not in _KNOWN:
        _KNOWN[session] = _activities(session)
    held = _KNOWN[session]
    return {name: hours for name, hours in held.items() if name in only} if held and only else held


def _activities(session: Session) -> dict[str, activity.Activity] | None:
    rows = session.lake.batches(["sensor", "events", "activity"], session.last_batch).filter(pl.col("events") > 0)
    if rows["activity"].null_count():
        return None
    out = {}
    for (name,), own in rows.group_by("sensor"):
        found = activity.merged([activity.unpacked(own["activity"])])
        if len(found):
            out[str(name)] = found
    return dict(sorted(out.items()))


def sensors(
    session: Session, start: dt.datetime | None, end: dt.datetime | None, only: tuple[str, ...] = ()
) -> list[str] | None:
    """The sensors (of `only`) with an event in [start, end), in order of names; None where the activity cannot tell it."""
    held = activities(session, only)
    if held is None:
        return None
    out = []
    for name, hours in held.items():
        firsts, lasts = activity.times(hours)
        low = (start - _EPOCH) // _MICRO if start else int(firsts[0])
        high = (end - _EPOCH) // _MICRO if end else int(lasts[-1]) + 1
        touched = (lasts >= low) & (firsts < high)
        if (touched & ((firsts >= low) | (lasts < high))).any():
            out.append(name)
        elif touched.any():
            return None  # the span lies within an hour, between its first event and its last
    return out


def extent(session: Session) -> tuple[dt.datetime, dt.datetime] | None:
    """First and last event of all that the session sees (UTC); None where there is none."""
    held = activities(session)
    if held is None:
        rows = session.lake.batches(["t_min", "t_max"], session.last_batch).drop_nulls()
        return (rows["t_min"].min(), rows["t_max"].max()) if rows.height else None  # type: ignore[return-value]
    if not held:
        return None
    low = min(int(activity.times(hours)[0][0]) for hours in held.values())
    high = max(int(activity.times(hours)[1][-1]) for hours in held.values())
    return moment(low), moment(high)


def moment(micros: int | np.int64) -> dt.datetime:
    """Microseconds since 1970 as a time (UTC)."""
    return _EPOCH + dt.timedelta(microseconds=int(micros))
