"""When each sensor was watching, and with how many addresses: what rates are divided by. Kept in the lake's table `coverage`.

A sensor was watching where it has no gap (`engine.gaps`). Its addresses are, in this order: those that teiten.toml states
(`stated`, with their run periods); those that packets were sent to on that day (`seen`, never more than there are); one
(`assumed`: it watched, and nothing came). Days are those of the settings' zone.

    with open_session(lake, settings) as session:
        for stretch in coverage.watched(session, start, end): ...
    coverage.refresh(lake, settings)            # the table, for finished days whose batches or settings changed
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from teiten.engine import lives, recorded
from teiten.engine.filters import Filters
from teiten.engine.gaps import gaps
from teiten.lake.coverage import GIVEN, SCHEMA

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.lake import Lake
    from teiten.settings import Settings

STATED: Final = "stated"
SEEN: Final = "seen"
ASSUMED: Final = "assumed"
BASES: Final = (STATED, SEEN, ASSUMED)
_DAY: Final = dt.timedelta(days=1)
_OWN: Final = (
    "((octet_length(dst_ip) = 4 AND dst_ip BETWEEN unhex('00000001') AND unhex('DFFFFFFF')) OR "
    f"(octet_length(dst_ip) = 16 AND dst_ip > unhex('{'00' * 16}') AND dst_ip < unhex('FF')))"
)
"""destinations that can be one machine's: no multicast, no broadcast, not 0.0.0.0 (a log that does not say)"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time [start, end), in UTC and within one day, in which a sensor was watching."""

    sensor: str
    start: dt.datetime
    end: dt.datetime
    addresses: int
    basis: str

    @property
    def address_days(self) -> float:
        """Its addresses times its length in days."""
        return self.addresses * ((self.end - self.start) / _DAY)


@dataclass(frozen=True, slots=True)
class Denominator:
    """What packets are divided by: address_days (addresses times days watched), how many addresses, and how these are known."""

    address_days: float
    addresses: float
    bases: tuple[str, ...]

    def rate(self, packets: int) -> float | None:
        """Packets of an address and day; None where nobody was watching: then nothing is known, which is not zero."""
        return packets / self.address_days if self.address_days else None


def watched(session: Session, start: dt.datetime, end: dt.datetime, sensors: tuple[str, ...] = ()) -> list[Stretch]:
    """The stretches of each sensor (of `sensors`) within [start, end), in order of sensors and times."""
    pieces = list(_watching(session, start, end, sensors))
    unsaid = {(name, day) for name, day, *_, count in pieces if count is None}
    seen = _seen(session, unsaid)
    out = []
    for name, day, low, high, count in pieces:
        if count is not None:
            out.append(Stretch(name, low, high, count, STATED))
        else:
            many = seen.get((name, day), 0)
            out.append(Stretch(name, low, high, max(1, many), SEEN if many else ASSUMED))
    return out


def denominator(stretches: Iterable[Stretch]) -> Denominator:
    """What the packets of those stretches are divided by. addresses: the mean over the time in which any sensor watched."""
    own = list(stretches)
    days = sum(s.address_days for s in own)
    time = sum((b - a) / _DAY for a, b in _joined([(s.start, s.end) for s in own]))
    return Denominator(days, days / time if time else 0.0, tuple(b for b in BASES if any(s.basis == b for s in own)))


def add_rates(
    session: Session,
    rows: list[dict[str, Any]],
    span: tuple[dt.datetime | None, dt.datetime | None],
    before: tuple[dt.datetime, dt.datetime] | None = None,
    *,
    sensors: tuple[str, ...] = (),
    each_sensor: bool = False,
) -> tuple[Denominator, Denominator | None]:
    """Gives a ranking's rows `per_ip` (packets of an address and day watched) and `address_days`, what they were divided by.

    With `before`, also per_ip_before and address_days_before. None where nobody was watching. each_sensor: the rows are
    sensors, each divided by its own. The denominators of all sensors are the answer.
    """
    whole = recorded.extent(session)
    start = span[0] or (whole[0] if whole else None)
    end = span[1] or (whole[1] + dt.timedelta(microseconds=1) if whole else None)
    sides = [("", watched(session, start, end, sensors) if start and end and start < end else [])]
    if before is not None:
        sides.append(("_before", watched(session, *before, sensors)))
    told = []
    for suffix, stretches in sides:
        every = denominator(stretches)
        told.append(every)
        for row in rows:
            one = denominator(s for s in stretches if s.sensor == row["sensor"]) if each_sensor else every
            packets = row[f"packets{suffix}"]
            row[f"per_ip{suffix}"] = None if packets is None else one.rate(packets)
            row[f"address_days{suffix}"] = one.address_days
    return told[0], told[1] if before is not None else None


def describe_sensors(session: Session, rows: list[dict[str, Any]], span: tuple[dt.datetime | None, dt.datetime | None]) -> None:
    """Gives a ranking's rows of sensors what is known of each: group, country (as teiten.toml has them), watched (share of the
    span in which it really watched), addresses (the mean over that time), address_days, and per_ip: packets of an address and
    day watched, None where it did not watch."""
    whole = recorded.extent(session)
    start = span[0] or (whole[0] if whole else None)
    end = span[1] or (whole[1] + dt.timedelta(microseconds=1) if whole else None)
    if not rows or start is None or end is None or start >= end:
        return
    found = watched(session, start, end, tuple(row["sensor"] for row in rows))
    for row in rows:
        own = [one for one in found if one.sensor == row["sensor"]]
        by, known = denominator(own), session.settings.sensor(row["sensor"])
        row["group"] = known.group if known else None
        row["country"] = known.country if known else None
        row["watched"] = sum(((one.end - one.start) / (end - start) for one in own), 0.0)
        row["addresses"], row["address_days"] = by.addresses, by.address_days
        row["per_ip"] = by.rate(row["packets"])


def addresses(session: Session, start: dt.datetime | None, end: dt.datetime | None, sensors: tuple[str, ...] = ()) -> int:
    """How many addresses the sensors with events in [start, end) watched: as stated (the most at a time), else as many as were
    seen in the span. At least 1."""
    whole = recorded.extent(session)
    if whole is None:
        return 1
    low, high = start or whole[0], end or whole[1] + dt.timedelta(microseconds=1)
    named = recorded.sensors(session, low, high, sensors)
    total, unsaid = 0, []
    for name in named if named is not None else _recorded(session, low, high, sensors):
        known = session.settings.sensor(name)
        counts = [count for *_, count in known.running(low, high, session.zone) if count] if known else []
        total += max(counts, default=0)
        if not counts:
            unsaid.append(name)
    if unsaid:
        # what went out, or was let in, tells nothing of the addresses that are watched
        wanted = Filters(start=low, end=high, sensor=tuple(unsaid))
        where = " AND ".join([*wanted.conditions(raw=True), _OWN])
        rows = session.query(f"SELECT sensor, count(DISTINCT dst_ip) AS seen FROM raw_events WHERE {where} GROUP BY sensor")
        seen = {row["sensor"]: row["seen"] for row in rows}
        total += sum(max(1, seen.get(name, 0)) for name in unsaid)
    return max(1, total)


def by_day(session: Session, days: Sequence[dt.date]) -> dict[dt.date, int]:
    """Day -> addresses of the sensors with events on it: stated ones (the most at a time on it), else those seen on it."""
    counts: dict[tuple[str, dt.date], int] = {}
    for day in days:
        low, high = _midnight(session, day), _midnight(session, day + _DAY)
        named = recorded.sensors(session, low, high)
        for name in named if named is not None else _recorded(session, low, high, ()):
            known = session.settings.sensor(name)
            counts[name, day] = max((n or 0 for *_, n in known.running(low, high, session.zone)), default=0) if known else 0
    seen = _seen(session, {key for key, count in counts.items() if not count})
    return {day: sum(n or max(1, seen.get((name, d), 0)) for (name, d), n in counts.items() if d == day) for day in days}


# the pieces ---------------------------------------------------------------------------------------------------------


def _watching(
    session: Session, start: dt.datetime, end: dt.datetime, sensors: tuple[str, ...]
) -> Iterable[tuple[str, dt.date, dt.datetime, dt.datetime, int | None]]:
    """Sensor, day, from, to (UTC), stated addresses: what no gap hides, cut at the edges of days and of run periods."""
    start, end = start.astimezone(dt.UTC), end.astimezone(dt.UTC)
    names = _names(session, sensors)
    free: dict[str, list[tuple[dt.datetime, dt.datetime]]] = {name: [] for name in names}
    for first, after in _months(session, start, end):
        # whole months, so that the usual rate is the same whatever part of one is asked for
        rows = gaps(session, first, after, sensors=sensors)
        for name in names:
            hidden = [(row["start"].astimezone(dt.UTC), row["end"].astimezone(dt.UTC)) for row in rows if row["sensor"] == name]
            free[name] += _clipped(_without(first.astimezone(dt.UTC), after.astimezone(dt.UTC), hidden), start, end)
    for name in names:
        known = session.settings.sensor(name)
        for low, high in _joined(free[name]):
            for day, a, b in _by_day(session, low, high):
                at = a
                for p, q, count in known.running(a, b, session.zone) if known else ():
                    if at < p:
                        yield name, day, at, p.astimezone(dt.UTC), None
                    yield name, day, p.astimezone(dt.UTC), q.astimezone(dt.UTC), count
                    at = q.astimezone(dt.UTC)
                if at < b:
                    yield name, day, at, b, None


def _names(session: Session, sensors: tuple[str, ...]) -> list[str]:
    held = recorded.activities(session)
    names = (
        list(held)
        if held is not None
        else [row["sensor"] for row in session.query("SELECT DISTINCT sensor FROM raw_events ORDER BY sensor")]
    )
    names = sorted({*names, *lives.lives(session)})
    return [name for name in names if not sensors or name in sensors]


def _recorded(session: Session, start: dt.datetime, end: dt.datetime, sensors: tuple[str, ...]) -> list[str]:
    """The sensors with events in the span, where the activity cannot tell it."""
    where = " AND ".join(Filters(start=start, end=end, sensor=sensors, all_events=True).conditions(raw=True))
    return [row["sensor"] for row in session.query(f"SELECT DISTINCT sensor FROM raw_events WHERE {where} ORDER BY sensor")]


def _months(session: Session, start: dt.datetime, end: dt.datetime) -> Iterable[tuple[dt.datetime, dt.datetime]]:
    """The zone's months that [start, end) touches, each with its bounds; where the lake has nothing, none."""
    whole = _extent(session)
    low = max(start, whole[0]) if whole else start
    high = min(end, whole[1] + dt.timedelta(microseconds=1)) if whole else end
    month = low.astimezone(session.zone).date().replace(day=1)
    while (first := _midnight(session, month)) < high:
        month = (month + dt.timedelta(days=32)).replace(day=1)
        yield first, _midnight(session, month)


def _extent(session: Session) -> tuple[dt.datetime, dt.datetime] | None:
    """From the first to the last moment of which anything is known: an event, or a station that was there."""
    whole, known = recorded.extent(session), lives.lives(session).values()
    ends = ([whole] if whole else []) + [(one.first, one.last) for one in known]
    return (min(a for a, _ in ends), max(b for _, b in ends)) if ends else None


def _midnight(session: Session, day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), session.zone)


def _by_day(session: Session, start: dt.datetime, end: dt.datetime) -> Iterable[tuple[dt.date, dt.datetime, dt.datetime]]:
    at = start
    while at < end:
        day = at.astimezone(session.zone).date()
        stop = min(end, _midnight(session, day + _DAY).astimezone(dt.UTC))
        yield day, at, stop
        at = stop


Spans = list[tuple[dt.datetime, dt.datetime]]


def _without(start: dt.datetime, end: dt.datetime, hidden: Spans) -> Spans:
    """[start, end) less what is hidden."""
    out, at = [], start
    for low, high in sorted(hidden):
        if at < low:
            out.append((at, low))
        at = max(at, high)
    return [*out, (at, end)] if at < end else out


def _clipped(spans: Spans, start: dt.datetime, end: dt.datetime) -> Spans:
    return [(max(a, start), min(b, end)) for a, b in spans if a < end and b > start]


def _joined(spans: Spans) -> Spans:
    """Spans that touch or overlap as one."""
    out: Spans = []
    for low, high in sorted(spans):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out


def _seen(session: Session, wanted: set[tuple[str, dt.date]]) -> dict[tuple[str, dt.date], int]:
    """Sensor and day -> addresses that packets were sent to: from the table where it knows them, else counted."""
    if not wanted:
        return {}
    out = _kept(session, wanted)
    missing = wanted - out.keys()
    if missing:
        days = sorted({day for _, day in missing})
        low, high = _midnight(session, days[0]), _midnight(session, days[-1] + _DAY)
        filters = Filters(start=low, end=high, sensor=tuple(sorted({name for name, _ in missing})))
        rows = session.query(
            "SELECT sensor, day_start(time) AS day, count(DISTINCT dst_ip) AS seen FROM raw_events"
            f" WHERE {' AND '.join([*filters.conditions(raw=True), _OWN])} GROUP BY ALL"
        )
        counted = {(row["sensor"], row["day"].astimezone(session.zone).date()): row["seen"] for row in rows}
        out |= {key: counted.get(key, 0) for key in missing}
    return out


def _kept(session: Session, wanted: set[tuple[str, dt.date]]) -> dict[tuple[str, dt.date], int]:
    """What the table knows of them that still holds: no batch touched the day since, or its events are no longer kept."""
    rows = session.lake.coverage(session.zone_name)
    if not rows.height:
        return {}
    newest = _newest(session)
    dropped = session.lake.dropped_days(session.zone_name)
    made = dict(rows.filter(pl.col("sensor").is_null()).select("day", "last_batch").iter_rows())
    holds = {day for day, last in made.items() if day in dropped or last >= newest.get(day, 0)}
    found = rows.filter(pl.col("basis").is_in([SEEN, ASSUMED]) & pl.col("sensor").is_not_null())
    told = {(name, day): (count if basis == SEEN else 0) for name, day, count, basis in found.select(
        "sensor", "day", "addresses", "basis").iter_rows() if day in holds}  # fmt: skip
    return {key: count for key, count in told.items() if key in wanted}


def _newest(session: Session) -> dict[dt.date, int]:
    """Day -> the last batch that touches it."""
    rows = session.lake.batches(["batch", "t_min", "t_max"], session.last_batch).drop_nulls()
    local = rows.select("batch", pl.col("t_min", "t_max").dt.convert_time_zone(session.zone_name).dt.date())
    days = local.select("batch", pl.date_ranges("t_min", "t_max").alias("day")).explode("day")
    return dict(days.group_by("day").agg(pl.col("batch").max()).iter_rows())


# the table ----------------------------------------------------------------------------------------------------------


def refresh(
    lake: Lake, settings: Settings, days: Iterable[dt.date] | None = None, *, wait: float | None = None
) -> list[dt.date]:
    """Brings the table up to date for finished days (of `days` and of those that they change; None: all); the days it wrote.

    A day is finished when its end has passed, or when something later is in the lake. An event of one day may end a gap that
    began days earlier, so the months in which the sensors' events before and after lie are looked at as well. Days whose
    events are no longer kept stay as they were. LakeError where the lake cannot be written.
    """
    from teiten.engine import open_session

    with open_session(lake, settings) as session:
        newest = _newest(session)
        dropped = lake.dropped_days(settings.zone_name)
        whole = recorded.extent(session)
        if not newest or whole is None:
            return []
        ended = max(dt.datetime.now(dt.UTC), whole[1]).astimezone(settings.zone).date()
        months = _touched_months(sorted(newest), None if days is None else set(days))
        stored = lake.coverage(settings.zone_name)
        made = {day: (last, told) for day, last, told in stored.filter(pl.col("sensor").is_null()).select(
            "day", "last_batch", "basis").iter_rows()}  # fmt: skip
        held = stored.filter(pl.col("sensor").is_not_null()).select(GIVEN).sort("sensor", "start")
        before = {day: tuple(part.rows()) for (day,), part in held.partition_by("day", as_dict=True).items()}
        changed: dict[dt.date, str] = {}
        frames = []
        for month in months:
            after = (month + dt.timedelta(days=32)).replace(day=1)
            last = min(after, ended)
            if month >= last:
                continue
            rows = _frame(session, watched(session, _midnight(session, month), _midnight(session, last)))
            frames.append(rows)
            by_day = {day: tuple(part.rows()) for (day,), part in rows.partition_by("day", as_dict=True).items()}
            for day in _days(month, last):
                if day in dropped:
                    continue
                now = by_day.get(day, ())
                told = _basis(settings, day)
                known = made.get(day)
                stale = known is None or known[0] < newest.get(day, 0) or known[1] != told
                if (stale and (day in newest or now or known)) or now != before.get(day, ()):
                    changed[day] = told
        if changed:
            own = pl.concat(frames).filter(pl.col("day").is_in(list(changed)))
            lake.replace_coverage(changed, settings.zone_name, own, last_batch=session.last_batch, wait=wait)
    return sorted(changed)


def _frame(session: Session, stretches: Sequence[Stretch]) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {"day": s.start.astimezone(session.zone).date(), "sensor": s.sensor, "start": s.start, "end": s.end,
         "addresses": s.addresses, "basis": s.basis} for s in stretches
    ]  # fmt: skip
    return pl.DataFrame(rows, schema={name: SCHEMA[name] for name in GIVEN}).sort("sensor", "start")


def _touched_months(active: list[dt.date], days: set[dt.date] | None) -> list[dt.date]:
    """Months of those days, and of the days with events just before and after them."""
    if days is None:
        return sorted({day.replace(day=1) for day in active})
    out = set()
    for n, day in enumerate(active):
        if day in days:
            out |= {near.replace(day=1) for near in active[max(0, n - 1) : n + 2]}
    return sorted(out)


def _days(first: dt.date, after: dt.date) -> Iterable[dt.date]:
    return (first + dt.timedelta(days=n) for n in range((after - first).days))


def _basis(settings: Settings, day: dt.date) -> str:
    """What the configuration says of that day, as the table keeps it."""
    start = dt.datetime.combine(day, dt.time(), settings.zone)
    told = {
        one.name: [[a.isoformat(), b.isoformat(), n] for a, b, n in one.running(start, start + _DAY, settings.zone)]
        for one in settings.sensors
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":"))
