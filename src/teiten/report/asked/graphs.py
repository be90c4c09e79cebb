"""What the weekly graphs ask: packets a sensor and day through a week, month, quarter and year, by port and by region.

Each window ends with the report's last day. Counts are divided by the time in which sensors were really watching, so that a
sensor that comes, goes or fails moves no line (TSUBAME's graphs are means of its sensors).
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from teiten.coverage import Stretch, watched
from teiten.data import regions
from teiten.engine.filters import timestamp
from teiten.engine.questions import Rows
from teiten.engine.series import Step, starts
from teiten.report.answers import PORT_KEYS, Answers, Key

Name = Literal["week", "month", "quarter", "year"]
Bucket = Literal["hour", "day", "week"]
HOURLY: Final = 100
"""packets an hour of the port hit most, from which on a week is told by hours (chance moves them by a tenth), else by days"""
LENGTHS: Final[dict[Name, int]] = {"week": 7, "month": 30, "quarter": 91, "year": 364}
"""days of each window: whole weeks, but for the month's"""
DRAWN: Final = 6
"""ports, or regions, with a line of their own"""
RANKED: Final = 10
LEAST: Final = 0.25
"""a bucket of which no sensor watched this share is not told"""
COMPARED: Final = 100
"""ranks that are told of the time before"""
OTHER, UNKNOWN = "other", "unknown"
_DAY: Final = dt.timedelta(days=1)
Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Window:
    """The last days of the report. before: as many days before them, where any sensor watched then; else None."""

    name: Name
    span: Span
    before: Span


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a window's ranking: packets, share of all of the window's, and the same before (None: nobody watched)."""

    key: Any
    rank: int | None
    packets: int
    share: float
    rate: float | None
    rank_before: int | None
    rate_before: float | None


@dataclass(frozen=True, slots=True)
class Course:
    """Packets of each thing in every bucket, and how long sensors watched in it, all together (days)."""

    times: tuple[dt.datetime, ...]
    days: tuple[float, ...]
    told: tuple[bool, ...]
    """whether somebody watched long enough for the bucket to be told"""
    packets: Mapping[Any, tuple[int, ...]]
    rows: Rows

    def rates(self, key: Any, per: float = 1.0) -> list[float | None]:
        """Packets of a sensor and day (times `per`: 1/24 for an hour) in every bucket; None where nobody was watching."""
        counts = self.packets.get(key, (0,) * len(self.times))
        triples = zip(counts, self.days, self.told, strict=True)
        return [count / days * per if told else None for count, days, told in triples]


def windows(answers: Answers) -> tuple[Window, ...]:
    """The week of a weekly report; week, month, quarter and year of the running one."""
    names: tuple[Name, ...] = tuple(LENGTHS) if answers.period.kind == "running" else ("week",)
    end, zone = answers.period.after, answers.period.tz
    out = []
    for name in names:
        days = [end - _DAY * LENGTHS[name] * n for n in range(3)]
        later, first, early = (dt.datetime.combine(day, dt.time(), zone) for day in days)
        out.append(Window(name, (first, later), (early, first)))
    return tuple(out)


def step(answers: Answers, window: Window) -> Bucket:
    """What the window is told by: a year by weeks, a week by hours where there is enough of them."""
    if window.name != "week":
        return "week" if window.name == "year" else "day"
    first = next((place.packets for place in ports(answers, window) if place.rank is not None), 0)
    return "hour" if first >= HOURLY * 24 * LENGTHS["week"] else "day"


def _whole(answers: Answers) -> Span:
    last = answers.once(windows)[-1]
    return last.before[0], last.span[1]


def stretches(answers: Answers) -> list[Stretch]:
    """When each sensor watched, over the longest window and as long before it."""
    return watched(answers.session, *_whole(answers), answers.filters.sensor)


def sensor_days(answers: Answers, span: Span) -> float:
    """For how many days sensors watched in the span, all together."""
    return sum(_overlap((one.start, one.end), span) for one in answers.once(stretches))


def watching(answers: Answers, span: Span) -> tuple[int, float]:
    """How many sensors watched in the span, and which share of it they did in the mean."""
    days: dict[str, float] = defaultdict(float)
    for one in answers.once(stretches):
        days[one.sensor] += _overlap((one.start, one.end), span)
    own = [value for value in days.values() if value]
    return len(own), sum(own) / (len(own) * ((span[1] - span[0]) / _DAY)) if own else 0.0


def _overlap(one: Span, other: Span) -> float:
    return max(dt.timedelta(), min(one[1], other[1]) - max(one[0], other[0])) / _DAY


# rankings


def ports_counted(answers: Answers) -> Rows:
    """Packets of each port in every window and before it: dst_port, protocol, now_WINDOW, before_WINDOW; and of all (whole)."""
    sums, most = [], []
    for window in answers.once(windows):
        for side, span in (("now", window.span), ("before", window.before)):
            name = f"{side}_{window.name}"
            between = f"time >= {timestamp(span[0])} AND time < {timestamp(span[1])}"
            sums.append(f"coalesce(sum(packets) FILTER (WHERE {between}), 0)::BIGINT AS {name}")
            most.append(
                f"row_number() OVER (PARTITION BY protocol IS NULL ORDER BY {name} DESC, protocol, dst_port) <= {COMPARED}"
            )
    names = [part.rpartition(" ")[2] for part in sums]
    return answers.ask(
        COUNTED_SQL,
        answers.filters.between(*_whole(answers)),
        keys=PORT_KEYS,
        sums=",\n         ".join(sums),
        most=" OR ".join(most),
        all=", ".join(f"sum({name})::BIGINT" for name in names),
        names=", ".join(names),
        first=names[0],
    )


def ports(answers: Answers, window: Window) -> list[Place]:
    """The ports of a window, the most hit first; the unknown last."""
    rows = answers.once(ports_counted)
    counts = [
        ((row["protocol"], row["dst_port"]), row[f"now_{window.name}"], row[f"before_{window.name}"])
        for row in rows
        if not row["whole"]
    ]
    whole = next((row for row in rows if row["whole"]), None)
    total = whole[f"now_{window.name}"] if whole else 0
    return _ranked(answers, window, counts, (None, None), total)


def lands(answers: Answers, window: Window) -> list[Place]:
    """The regions of a window, in order of packets; the unknown last."""
    now, then = defaultdict[str, int](int), defaultdict[str, int](int)
    for row in answers.once(regions_by_day):
        if window.span[0] <= row["start"] < window.span[1]:
            now[row["region"]] += row["packets"]
        elif window.before[0] <= row["start"] < window.before[1]:
            then[row["region"]] += row["packets"]
    counts = [(name, now[name], then[name]) for name in (*regions.REGIONS, OTHER, UNKNOWN) if now[name] or then[name]]
    return _ranked(answers, window, counts, UNKNOWN, sum(now.values()))


def _ranked(answers: Answers, window: Window, counts: Iterable[tuple[Any, int, int]], unknown: Any, total: int) -> list[Place]:
    days, days_before = sensor_days(answers, window.span), sensor_days(answers, window.before)
    found = list(counts)
    known = [one for one in found if one[0] != unknown]
    order = sorted((one[1] for one in known), reverse=True)
    order_before = sorted((one[2] for one in known), reverse=True)
    out = []
    for key, packets, before in found:
        if packets:
            place = order.index(packets) + 1 if key != unknown else None
            place_before = order_before.index(before) + 1 if key != unknown and before and days_before else None
            # of ports only those are at hand that were among so many in some window
            place_before = place_before if (place_before or 0) <= COMPARED else None
            rates = (packets / days if days else None, before / days_before if days_before else None)
            out.append(Place(key, place, packets, packets / total, rates[0], place_before, rates[1]))
    return sorted(out, key=lambda p: (p.rank is None, -p.packets, str(p.key)))


# courses


def drawn(answers: Answers, window: Window) -> list[Key]:
    """The ports with a line of their own in that window."""
    return [place.key for place in ports(answers, window) if place.rank is not None][:DRAWN]


def _chosen(answers: Answers) -> str:
    keys = dict.fromkeys(key for window in answers.once(windows) for key in drawn(answers, window))
    parts = (f"protocol = {p} AND " + ("dst_port IS NULL" if n is None else f"dst_port = {n}") for p, n in keys)
    return " OR ".join(f"({part})" for part in parts) or "false"


def ports_by_day(answers: Answers) -> Rows:
    """Packets of the drawn ports on each day of the longest window, all others as part 'other'."""
    return _ports(answers, "day", answers.once(windows)[-1].span)


def ports_by_hour(answers: Answers) -> Rows:
    return _ports(answers, "hour", answers.once(windows)[0].span)


def _ports(answers: Answers, by: Step, span: Span) -> Rows:
    return answers.ask_by(by, PORTS_SQL, answers.filters.between(*span), keys=PORT_KEYS, step=by, chosen=_chosen(answers))


def regions_by_day(answers: Answers) -> Rows:
    """Packets of each region on each day of the longest window and as many days before it: start, region, packets."""
    return _regions(answers, "day", _whole(answers))


def regions_by_hour(answers: Answers) -> Rows:
    return _regions(answers, "hour", answers.once(windows)[0].span)


def _regions(answers: Answers, by: Step, span: Span) -> Rows:
    cases = [f"WHEN country IN ({', '.join(map(repr, regions.members(name)))}) THEN '{name}'" for name in regions.REGIONS]
    case = f"CASE WHEN country IS NULL THEN '{UNKNOWN}' {' '.join(cases)} ELSE '{OTHER}' END"
    return answers.ask_by(by, REGIONS_SQL, answers.filters.between(*span), step=by, region=case)


def ports_course(answers: Answers, window: Window) -> Course:
    """Packets of each port drawn in that window, and of all others (OTHER), through it."""
    rows = answers.once(ports_by_hour if step(answers, window) == "hour" else ports_by_day)
    own = set(drawn(answers, window))

    def thing(row: Mapping[str, Any]) -> Any:
        key = (row["protocol"], row["dst_port"])
        return key if row["part"] == "top" and key in own else OTHER

    return _course(answers, window, rows, thing)


def regions_course(answers: Answers, window: Window) -> Course:
    """Packets of each region through the window."""
    rows = answers.once(regions_by_hour if step(answers, window) == "hour" else regions_by_day)
    return _course(answers, window, rows, lambda row: row["region"])


def _course(answers: Answers, window: Window, rows: Rows, thing: Any) -> Course:
    start, end = window.span
    by = step(answers, window)
    times = starts(answers.session, start, end, "hour" if by == "hour" else "day")
    if by == "week":
        times = times[::7]
    place: dict[float, int] = {}
    edges = [*times, end]
    for n, (low, high) in enumerate(itertools.pairwise(edges)):
        place[low.timestamp()] = n
        if by == "week":
            for day in starts(answers.session, low, high, "day"):
                place[day.timestamp()] = n
    counts: dict[Any, list[int]] = {}
    for row in rows:
        n = place.get(row["start"].timestamp(), -1)
        if n >= 0:
            counts.setdefault(thing(row), [0] * len(times))[n] += row["packets"]
    days, longest = _watching(answers.once(stretches), edges)
    told = tuple(most >= LEAST * ((b - a) / _DAY) for most, (a, b) in zip(longest, itertools.pairwise(edges), strict=True))
    return Course(tuple(times), tuple(days), told, {key: tuple(values) for key, values in counts.items()}, rows)


def _watching(found: Iterable[Stretch], edges: Sequence[dt.datetime]) -> tuple[list[float], list[float]]:
    """Of each bucket between two edges: days that sensors watched in it, all together, and the most that one did."""
    every: dict[str, list[float]] = {}
    stamps = [edge.timestamp() for edge in edges]
    for one in found:
        own = every.setdefault(one.sensor, [0.0] * (len(edges) - 1))
        low, high = one.start.timestamp(), one.end.timestamp()
        if high <= stamps[0] or low >= stamps[-1]:
            continue
        for n, (a, b) in enumerate(itertools.pairwise(stamps)):
            if a < high and b > low:
                own[n] += (min(b, high) - max(a, low)) / 86400
    count = len(edges) - 1
    return [sum(own[n] for own in every.values()) for n in range(count)], [
        max((own[n] for own in every.values()), default=0.0) for n in range(count)
    ]


COUNTED_SQL: Final = """
WITH counted AS (
  SELECT {keys},
         {sums}
  FROM {events}
  WHERE {where}
  GROUP BY ALL
)
SELECT dst_port, protocol, {names}, false AS whole FROM (SELECT * FROM counted QUALIFY {most})
UNION ALL
SELECT NULL, NULL, {all}, true FROM counted
ORDER BY whole, {first} DESC, protocol, dst_port
"""

PORTS_SQL: Final = """
WITH chosen AS (
  SELECT {step}_start(time) AS start, {keys}, packets FROM {events} WHERE {where}
), named AS (
  SELECT *, CASE WHEN {chosen} THEN 'top' ELSE 'other' END AS part FROM chosen
)
SELECT start, part, CASE WHEN part = 'top' THEN dst_port END AS dst_port, CASE WHEN part = 'top' THEN protocol END AS protocol,
       sum(packets)::BIGINT AS packets
FROM named
GROUP BY ALL
ORDER BY ALL
"""

REGIONS_SQL: Final = """
SELECT {step}_start(time) AS start, {region} AS region, sum(packets)::BIGINT AS packets
FROM {events}
WHERE {where}
GROUP BY ALL
ORDER BY ALL
"""
