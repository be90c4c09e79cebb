"""What a lake knows of a hole in its records besides the counts: who was down, when it was received, the kernel's seconds."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from teiten.engine import gaps
from teiten.engine.filters import Filters

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

Known = Literal["operator", "station", "received", "kernel", "boot", "received ahead", "kernel ahead"]
"""By what it is known, and as what. operator, station: who says that nothing was recorded. received, kernel: as long passed
as is missing. boot: the machine started anew. received ahead, kernel ahead: next to no time passed, the clock was set."""

_HOUR: Final = dt.timedelta(hours=1)
_FRESH: Final = dt.timedelta(minutes=20)
"""between an event and its being stored, at most, where what came in was stored as it came"""
_PART: Final = 0.5
"""of the hole: less than that passed, and the clock was set"""
_SECONDS: Final = re.compile(r"\[\s*(\d{1,9}\.\d{3,9})\]")


def hole(session: Session, sensors: Sequence[str], start: dt.datetime, end: dt.datetime) -> Known | None:
    """Of hours [start, end) (UTC) without records at those sensors; None: nothing is known of it."""
    rows = [
        row
        for row in gaps.gaps(session, start.astimezone(session.zone), end.astimezone(session.zone))
        if row["sensor"] in sensors
    ]
    if any(row.get("because") for row in rows):
        return "operator"
    if any(row["reason"] == gaps.DOWN for row in rows):
        return "station"
    for name in sensors:
        known = _kernel(session, name, start, end) or _received(session, name, start, end)
        if known is not None:
            return known
    return None


def _received(session: Session, sensor: str, start: dt.datetime, end: dt.datetime) -> Known | None:
    """By the last batch before the hole and the first after it, where both were stored as they came."""
    columns = ["batch", "sensor", "t_min", "t_max", "committed"]
    batches = session.lake.batches(columns, session.last_batch).filter(
        (pl.col("sensor") == sensor) & pl.col("t_min").is_not_null()
    )
    before = batches.filter(pl.col("t_max") < start + _HOUR).sort("batch").tail(1).rows(named=True)
    after = batches.filter(pl.col("t_min") >= end - _HOUR).sort("batch").head(1).rows(named=True)
    if not before or not after or before[0]["batch"] > after[0]["batch"]:
        return None
    one, other = before[0], after[0]
    missing = other["t_min"] - one["t_max"]
    if not dt.timedelta(0) <= one["committed"] - one["t_max"] <= _FRESH or missing < _HOUR:
        return None
    if other["t_max"] - other["committed"] > _PART * missing:
        return "received ahead"
    return "received" if abs(other["committed"] - other["t_max"]) <= _FRESH else None


def _kernel(session: Session, sensor: str, start: dt.datetime, end: dt.datetime) -> Known | None:
    """By the time since boot that both lines beside the hole carry, where their input is still at hand."""
    from teiten.readers import _raw

    found = []
    for way, low, high in (("DESC", start - _HOUR, start + _HOUR), ("ASC", end - _HOUR, end + 2 * _HOUR)):
        where = " AND ".join(Filters(start=low, end=high, sensor=(sensor,), all_events=True).conditions(raw=True))
        middle = (start + (end - start) / 2).astimezone(dt.UTC)
        side = f"epoch_us(time) {'<' if way == 'DESC' else '>='} {int(middle.timestamp()) * 1_000_000}"
        rows = session.work(
            f"SELECT epoch_us(time) AS time, source_id, source_pos FROM raw_events WHERE {where} AND {side} "
            f"ORDER BY time {way}, source_pos {way} LIMIT 1"
        )
        found += rows.rows()
    if len(found) != 2 or found[0][1] != found[1][1]:
        return None
    places = [(source, pos) for _, source, pos in found]
    raw = _raw.lines(session.lake, places, session.settings.reading)
    seconds = [_SECONDS.search(raw[place].text) for place in places]
    if seconds[0] is None or seconds[1] is None:
        return None
    passed = float(seconds[1][1]) - float(seconds[0][1])
    missing = (found[1][0] - found[0][0]) / 1e6
    if passed < 0:
        return "boot"
    return "kernel ahead" if passed < _PART * missing else "kernel"
