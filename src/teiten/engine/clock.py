"""Days and hours of a zone in SQL, by arithmetic: DuckDB's own way asks its calendar for each row, ten times as long.

While a zone's offset stays the same, the day of a moment is a division. A session knows from when to when its events are, so
the offsets of that span stand in the macros; any other moment goes the long way, and both say the same.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

MOST: Final = 8
"""stretches of one offset that a macro names; a lake of more years than that has the last ones"""
_DAY_US: Final = 86_400_000_000
_LONG_START: Final = "date_trunc('day', t)"
_DAY: Final = dt.timedelta(days=1)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def stretches(zone: ZoneInfo, low: dt.datetime, high: dt.datetime) -> list[tuple[int, int, int]]:
    """Stretches [from, to) of one offset between two moments, and that offset (all in microseconds since 1970, UTC)."""
    edges = [low, *_changes(zone, low, high), high]
    return [(_us(a), _us(b), _offset(zone, a) // dt.timedelta(microseconds=1)) for a, b in itertools.pairwise(edges)]


def _changes(zone: ZoneInfo, low: dt.datetime, high: dt.datetime) -> Iterator[dt.datetime]:
    """The moments between low and high from which the offset is another."""
    moment = low
    while moment < high:
        after = min(moment + _DAY, high)
        if _offset(zone, moment) != _offset(zone, after):
            before = moment
            while after - before > dt.timedelta(seconds=1):
                middle = before + (after - before) // 2
                before, after = (middle, after) if _offset(zone, middle) == _offset(zone, moment) else (before, middle)
            # offsets change on whole seconds
            yield after.replace(microsecond=0)
        moment = min(moment + _DAY, high)


def macros(zone: ZoneInfo, low: dt.datetime | None, high: dt.datetime | None) -> list[str]:
    """Statements that make `day_of(t)` (a DATE), `day_start(t)` (its midnight) and `hour_of(t)` (0 to 23).

    low, high: between which the events are; None where that is not known.
    """
    known: list[tuple[int, int, int]] = []
    if low is not None and high is not None:
        known = stretches(zone, low.astimezone(dt.UTC) - 2 * _DAY, high.astimezone(dt.UTC) + 2 * _DAY)[-MOST:]
    day, start, hour = [], [], []
    for begin, end, offset in known:
        here = "WHEN epoch_us(t) >= {} AND epoch_us(t) < {} THEN "
        day.append(here.format(begin, end) + f"DATE '1000-01-01' + ((epoch_us(t) + {offset + _SINCE}) // {_DAY_US})::INTEGER")
        # not on the day of a change, which may have two midnights, nor on the next
        midnight = f"make_timestamptz((epoch_us(t) + {offset + _SINCE}) // {_DAY_US} * {_DAY_US} - {offset + _SINCE})"
        start.append(here.format(begin + _DAY_US, end - _DAY_US) + midnight)
        hour.append(here.format(begin, end) + f"(epoch_us(t) + {offset + _SINCE}) // 3600000000 % 24")
    return [
        f"CREATE MACRO day_of(t) AS {_case(day, 't::DATE')}",
        f"CREATE MACRO day_start(t) AS {_case(start, _LONG_START)}",
        f"CREATE MACRO hour_of(t) AS {_case(hour, 'hour(t)')}",
    ]


def _case(known: list[str], other: str) -> str:
    return f"CASE {' '.join(known)} ELSE {other} END" if known else other


def _us(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _offset(zone: ZoneInfo, moment: dt.datetime) -> dt.timedelta:
    return moment.astimezone(zone).utcoffset() or dt.timedelta()


_SINCE: Final = (dt.date(1970, 1, 1) - dt.date(1000, 1, 1)).days * _DAY_US
"""so that what is divided is never negative: division goes towards zero"""
