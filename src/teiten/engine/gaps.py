"""Stretches in which a sensor recorded nothing although its own usual rate makes that improbable.

Inferred, not known: nobody tells the lake when a sensor was switched off. A stretch of silence is called a
gap where a Poisson process at the sensor's median hourly rate would be silent that long with probability below 1e-6, and
it lasts an hour at least. So a sensor with 14 events an hour or more shows gaps from one hour on, one with 1 an hour from
14 hours on; a quiet line with less than one event every few days shows none. Before the first and after the last event
of the sensor nothing is known: not observed.

Where a station kept account of itself (`engine.lives`) more is known: the times when it was down are gaps, however little the
sensor usually sees; and before the first and after the last event the station may have been there.

Answered from the batches' activity (`lake.activity`): a silence of an hour spans an hour's edge, so that both its ends are the
first or last event of some hour. No event is read, so it costs the same for a day of ten packets or of ten million, and it
can still be answered when the events are no longer kept.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from teiten.engine import lives, recorded
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.engine.questions import Query, Rows
from teiten.engine.recorded import moment
from teiten.lake import activity

if TYPE_CHECKING:
    from teiten.settings import Settings

IMPROBABLE: Final = 1e-6
SHORTEST: Final = dt.timedelta(hours=1)
_HOUR: Final = dt.timedelta(hours=1)
_DAY: Final = dt.timedelta(days=1)
_SLACK: Final = dt.timedelta(days=31)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICRO: Final = dt.timedelta(microseconds=1)

SILENT: Final = "silent"
"""reason of a gap: no event, and the sensor's own rate makes that improbable"""
NOT_OBSERVED: Final = "not observed"
"""reason of a gap: before the sensor's first event or after its last"""

OUTAGE: Final = "outage"
"""reason of a gap: teiten.toml says that the sensor was off; such a row has `because` too"""

DOWN: Final = "down"
"""reason of a gap: the station that takes in for the sensor was not running, and what came meanwhile is not there"""

Span = tuple[dt.datetime, dt.datetime]

SILENCES_SQL: Final = """
SELECT sensor, earlier AS start, time AS "end"
FROM (
  SELECT sensor, time, lag(time) OVER (PARTITION BY sensor ORDER BY time) AS earlier
  FROM {events}
  WHERE {where}
)
WHERE time - earlier >= INTERVAL 1 HOUR
ORDER BY sensor, start
"""
"""what a reader may ask to see the same silences; they are found from the activity"""

_BUSY: Final = """
SELECT sensor, events, count(*) AS hours
FROM (SELECT sensor, epoch_us(time) // 3600000000 AS hour, count(*) AS events FROM {events} WHERE {where} GROUP BY ALL)
GROUP BY ALL ORDER BY sensor, events
"""

_BOUNDS: Final = """
SELECT sensor, min(time) AS first, max(time) AS last, count(*) AS events
FROM {events}
WHERE {where}
GROUP BY sensor ORDER BY sensor
"""


@dataclass(frozen=True, slots=True)
class Watch:
    """What a sensor's events tell of its watching. Times in UTC.

    first, last: of all its events, or of what a station says of it. silences: those of an hour or more, in order; busy: events
    of an hour -> how many such hours; the two are of the span that was asked for. down: when its station was not running.
    """

    sensor: str
    first: dt.datetime
    last: dt.datetime
    silences: tuple[Span, ...] = ()
    busy: tuple[tuple[int, int], ...] = ()
    down: tuple[Span, ...] = ()


def gaps(session: Session, start: dt.datetime, end: dt.datetime, *, sensors: tuple[str, ...] = ()) -> Rows:
    """Gaps of each sensor within [start, end): sensor, start, end (cut to the span), reason (silent, not observed, down,
    outage).

    Outages are those that teiten.toml states, however short; what else is silent around them is a gap of its own.
    All events count here, accepted and outgoing ones too: they tell that the sensor was recording. The usual rate is the
    median over the sensor's hours (of UTC) within a month of the span; hours of silences longer than a day do not count in it.
    """
    low, high = _whole_hours(start - _SLACK, end + _SLACK)
    watched = by_activity(session, low, high, sensors)
    if watched is None:
        watched = by_events(session, low, high, sensors)
    watched = with_edges(session, watched, low, high, sensors)
    watched = with_lives(session, watched, low, high, sensors)
    shown = Query(SILENCES_SQL, {"where": Filters(start=low, end=high, sensor=sensors, all_events=True)}).text(raw=False)
    rows = found(watched, start, end, session.zone)
    return Rows(_with_outages(rows, watched, session.settings, start, end, session.zone), shown)


def _with_outages(
    rows: list[dict[str, Any]], watched: Iterable[Watch], settings: Settings, start: dt.datetime, end: dt.datetime, zone: Any
) -> list[dict[str, Any]]:
    """The gaps, with the outages that the configuration states in the place of what they cover of them."""
    out = list(rows)
    for one in watched:
        known = settings.sensor(one.sensor)
        for low, high, because in known.off(start, end, zone) if known else ():
            cut = []
            for gap in out:
                if gap["sensor"] != one.sensor or gap["end"] <= low or gap["start"] >= high:
                    cut.append(gap)
                    continue
                cut += [{**gap, "start": a, "end": b} for a, b in ((gap["start"], low), (high, gap["end"])) if a < b]
            told = _gap(one.sensor, low.astimezone(zone), high.astimezone(zone), OUTAGE)
            out = [*cut, {**told, "because": because}]
    return sorted(out, key=lambda gap: (gap["start"], gap["sensor"]))


def found(watched: Iterable[Watch], start: dt.datetime, end: dt.datetime, zone: dt.tzinfo) -> list[dict[str, Any]]:
    """The rows of `gaps` from what is known of each sensor around the span."""
    out: list[dict[str, Any]] = []
    for one in watched:
        first, last = one.first.astimezone(zone), one.last.astimezone(zone)
        if start < first:
            out.append(_gap(one.sensor, start, min(first, end), NOT_OBSERVED))
        rate = usual_rate(one)
        out += [
            _gap(one.sensor, max(a.astimezone(zone), start), min(b.astimezone(zone), end), SILENT)
            for a, b in one.silences
            if a < end and b > start and improbable(b - a, rate)
        ]
        if last < end:
            out.append(_gap(one.sensor, max(last, start), end, NOT_OBSERVED))
    out = [g for g in out if g["end"] - g["start"] >= SHORTEST]
    out += [
        _gap(one.sensor, max(a.astimezone(zone), start), min(b.astimezone(zone), end), DOWN)
        for one in watched
        for a, b in one.down
        if a < end and b > start
    ]
    return sorted(out, key=lambda g: (g["start"], g["sensor"]))


def with_edges(
    session: Session, watched: list[Watch], low: dt.datetime, high: dt.datetime, sensors: tuple[str, ...] = ()
) -> list[Watch]:
    """The same with silences that begin before [low, high) or end after it: a month and more without a record."""
    held = recorded.activities(session, sensors) or {}
    out = []
    for one in watched:
        hours = held.get(one.sensor)
        if hours is None or not len(hours):
            out.append(one)
            continue
        firsts, lasts = activity.times(hours)
        edges = [(low - _EPOCH) // _HOUR, (high - _EPOCH) // _HOUR]
        places = {int(at) for at in np.searchsorted(hours["hour"], edges) if 0 < at < len(hours)}
        across = [(moment(lasts[at - 1]), moment(firsts[at])) for at in sorted(places)]
        quiet = {*one.silences, *((a, b) for a, b in across if b - a >= SHORTEST)}
        busy = one.busy
        if not busy:  # nothing came within two months: what is usual is told by all that is known
            counts = np.unique(hours["events"], return_counts=True)
            busy = tuple(zip(counts[0].tolist(), counts[1].tolist(), strict=True))
        out.append(replace(one, silences=tuple(sorted(quiet)), busy=busy))
    return out


def with_lives(
    session: Session, watched: list[Watch], low: dt.datetime, high: dt.datetime, sensors: tuple[str, ...] = ()
) -> list[Watch]:
    """The same with what a station says of its sensors, and those of which no event is known but that it was there for them."""
    known = lives.lives(session, sensors)
    if not known:
        return watched
    by_name = {one.sensor: one for one in watched}
    held = recorded.activities(session, tuple(known)) or {}
    out = []
    for name in sorted({*by_name, *known}):
        life, one = known.get(name), by_name.get(name)
        if life is None:
            out += [one] if one else []
            continue
        one = one or Watch(name, life.first, life.last)
        hours = held.get(name)
        times = np.sort(np.concatenate(activity.times(hours))) if hours is not None else np.empty(0, np.int64)
        near = [span for span in life.down if span[0] < high and span[1] > low]
        down = lives.really_down(session, name, near, times)
        silences = [*one.silences, *_at_the_ends(life, times, low, high)]
        cut = [part for silence in silences for part in lives.without(silence, down)]
        quiet = tuple(sorted(part for part in cut if part[1] - part[0] >= SHORTEST))
        out.append(Watch(name, min(one.first, life.first), max(one.last, life.last), quiet, one.busy, tuple(down)))
    return out


def _at_the_ends(life: lives.Life, times: npt.NDArray[np.int64], low: dt.datetime, high: dt.datetime) -> Iterable[Span]:
    """From when the station was there to the sensor's first event, where none is before [low, high), and from its last to when
    it was there last, where none is after: silences between two events are told already. times: of events, µs, in order."""
    first, after = np.searchsorted(times, [(low - _EPOCH) // _MICRO, (high - _EPOCH) // _MICRO])
    if len(times) and first == 0 and life.first < moment(times[0]):
        yield life.first, moment(times[0])
    if len(times) and after == len(times) and moment(times[-1]) < life.last:
        yield moment(times[-1]), life.last


def by_activity(session: Session, low: dt.datetime, high: dt.datetime, sensors: tuple[str, ...] = ()) -> list[Watch] | None:
    """What the batches' activity tells, in order of names; None where batches have none (a lake of an older version)."""
    held = recorded.activities(session, sensors)
    if held is None:
        return None
    out = []
    for name, hours in held.items():
        firsts, lasts = activity.times(hours)
        inside = (hours["hour"] >= (low - _EPOCH) // _HOUR) & (hours["hour"] < (high - _EPOCH) // _HOUR)
        begins, ends = lasts[inside][:-1], firsts[inside][1:]
        quiet = np.flatnonzero(ends - begins >= activity.HOUR)
        counts = np.unique(hours["events"][inside], return_counts=True)
        out.append(
            Watch(
                name, moment(firsts[0]), moment(lasts[-1]),
                tuple((moment(begins[i]), moment(ends[i])) for i in quiet),
                tuple(zip(counts[0].tolist(), counts[1].tolist(), strict=True)),
            )
        )  # fmt: skip
    return out


def by_events(session: Session, low: dt.datetime, high: dt.datetime, sensors: tuple[str, ...] = ()) -> list[Watch]:
    """The same from the events themselves: for lakes of older versions, and the oracle of the tests."""
    wide = Filters(start=low, end=high, sensor=sensors, all_events=True)
    silences = Query(SILENCES_SQL, {"where": wide}).rows(session)
    busy = Query(_BUSY, {"where": wide}).rows(session)
    # what lies outside the month of slack still tells that the sensor was there before and after
    bounds = Query(_BOUNDS, {"where": Filters(sensor=sensors, all_events=True)}).rows(session)
    return [
        Watch(
            row["sensor"], *_utc(row["first"], row["last"]),
            tuple(_utc(s["start"], s["end"]) for s in silences if s["sensor"] == row["sensor"]),
            tuple((b["events"], b["hours"]) for b in busy if b["sensor"] == row["sensor"]),
        )
        for row in bounds
    ]  # fmt: skip


def improbable(silence: dt.timedelta, rate: float) -> bool:
    """Would a Poisson process of `rate` events an hour be silent that long with a probability below `IMPROBABLE`?"""
    return silence >= SHORTEST and rate * (silence / _HOUR) > -math.log(IMPROBABLE)


def _gap(sensor: str, start: dt.datetime, end: dt.datetime, reason: str) -> dict[str, Any]:
    return {"sensor": sensor, "start": start, "end": end, "reason": reason}


def _utc(start: dt.datetime, end: dt.datetime) -> Span:
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


def _whole_hours(start: dt.datetime, end: dt.datetime) -> Span:
    """The span widened to whole hours of UTC."""
    return _EPOCH + (start - _EPOCH) // _HOUR * _HOUR, _EPOCH - (_EPOCH - end) // _HOUR * _HOUR


def usual_rate(one: Watch) -> float:
    """The sensor's usual events an hour: the median over its hours, with the silent ones of silences up to a day.

    Where most hours are silent the median is 0 and says nothing; the mean over the same hours stands in for it.
    """
    quiet = sum((b - a) // _HOUR for a, b in one.silences if b - a <= _DAY)
    hours = quiet + sum(count for _, count in one.busy)
    passed = quiet
    for events, count in one.busy:
        passed += count
        if 2 * passed > hours and 2 * quiet < hours:
            return float(events)
    return sum(events * count for events, count in one.busy) / hours if hours else 0.0
