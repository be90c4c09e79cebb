"""Stretches in which a sensor recorded nothing although its own usual rate makes that improbable.

Inferred, not known: the lake does not yet hold when a sensor was watching (coverage). A stretch of silence is called a
gap where a Poisson process at the sensor's median hourly rate would be silent that long with probability below 1e-6, and
it lasts an hour at least. So a sensor with 14 events an hour or more shows gaps from one hour on, one with 1 an hour from
14 hours on; a quiet line with less than one event every few days shows none. Before the first and after the last event
of the sensor nothing is known: not observed.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, Final

from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.engine.questions import Query, Rows

IMPROBABLE: Final = 1e-6
SHORTEST: Final = dt.timedelta(hours=1)

SILENT: Final = "silent"
"""reason of a gap: no event, and the sensor's own rate makes that improbable"""
NOT_OBSERVED: Final = "not observed"
"""reason of a gap: before the sensor's first event or after its last"""

_SILENCES: Final = """
SELECT sensor, earlier AS start, time AS "end"
FROM (
  SELECT sensor, time, lag(time) OVER (PARTITION BY sensor ORDER BY time) AS earlier
  FROM {events}
  WHERE {where}
)
WHERE time - earlier >= INTERVAL 1 HOUR
ORDER BY sensor, start
"""

_BUSY: Final = """
SELECT sensor, events, count(*) AS hours
FROM (SELECT sensor, hour_start(time) AS hour, count(*) AS events FROM {events} WHERE {where} GROUP BY ALL)
GROUP BY ALL ORDER BY sensor, events
"""

_BOUNDS: Final = """
SELECT sensor, min(time) AS first, max(time) AS last, count(*) AS events
FROM {events}
WHERE {where}
GROUP BY sensor ORDER BY sensor
"""


def gaps(session: Session, start: dt.datetime, end: dt.datetime, *, sensors: tuple[str, ...] = ()) -> Rows:
    """Gaps of each sensor within [start, end): sensor, start, end (cut to the span), reason ('silent', 'not observed').

    All events count here, accepted and outgoing ones too: they tell that the sensor was recording. The usual rate is the
    median over the sensor's hours within a month of the span; hours of silences longer than a day do not count in it.
    """
    slack = dt.timedelta(days=31)
    wide = Filters(start=start - slack, end=end + slack, sensor=sensors, all_events=True)
    silences = Query(_SILENCES, {"where": wide}).rows(session)
    busy = Query(_BUSY, {"where": wide}).rows(session)
    # what lies outside the month of slack still tells that the sensor was there before and after
    bounds = Query(_BOUNDS, {"where": Filters(sensor=sensors, all_events=True)}).rows(session)
    found: list[dict[str, Any]] = []
    for bound in bounds:
        name = bound["sensor"]
        if start < bound["first"]:
            found.append(_gap(name, start, min(bound["first"], end), NOT_OBSERVED))
        own = [s for s in silences if s["sensor"] == name]
        rate = _rate(own, {r["events"]: r["hours"] for r in busy if r["sensor"] == name})
        found += [
            _gap(name, max(s["start"], start), min(s["end"], end), SILENT)
            for s in own
            if s["start"] < end and s["end"] > start and improbable(s["end"] - s["start"], rate)
        ]
        if bound["last"] < end:
            found.append(_gap(name, max(bound["last"], start), end, NOT_OBSERVED))
    shown = [g for g in found if g["end"] - g["start"] >= SHORTEST]
    return Rows(sorted(shown, key=lambda g: (g["start"], g["sensor"])), silences.sql)


def improbable(silence: dt.timedelta, rate: float) -> bool:
    """Would a Poisson process of `rate` events an hour be silent that long with a probability below `IMPROBABLE`?"""
    return silence >= SHORTEST and rate * (silence / dt.timedelta(hours=1)) > -math.log(IMPROBABLE)


def _gap(sensor: str, start: dt.datetime, end: dt.datetime, reason: str) -> dict[str, Any]:
    return {"sensor": sensor, "start": start, "end": end, "reason": reason}


def _rate(silences: list[dict[str, Any]], busy: dict[int, int]) -> float:
    """The sensor's usual events an hour: the median over its hours, with the silent ones of silences up to a day.

    `busy`: events in an hour -> how many such hours, in order. Where most hours are silent the median is 0 and says
    nothing; the mean over the same hours stands in for it.
    """
    day = dt.timedelta(days=1)
    quiet = sum((s["end"] - s["start"]) // dt.timedelta(hours=1) for s in silences if s["end"] - s["start"] <= day)
    hours = quiet + sum(busy.values())
    passed = quiet
    for events, count in busy.items():
        passed += count
        if 2 * passed > hours and 2 * quiet < hours:
            return float(events)
    return sum(events * count for events, count in busy.items()) / hours if hours else 0.0
