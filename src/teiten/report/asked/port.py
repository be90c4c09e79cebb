"""What the report on one port asks: its course by day and country, how much there is and of whom, how it stands afterwards.

The port is the filter of the answers (`filters.port`, or `filters.protocol` for ICMP); research scanners are left out by the
filter `scanners=out` unless the reader wanted them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from teiten import periods
from teiten.coverage import watched
from teiten.engine.filters import Filters
from teiten.engine.gaps import gaps
from teiten.engine.questions import Rows
from teiten.periods import Period, span
from teiten.report import coverage as watching
from teiten.report import rises
from teiten.report.answers import PORT_KEYS, Answers, Key, hidden

LATER: Final = 7
"""days after the period that tell how it stands today"""
GREATER: Final = 2.0
"""a country rises with the port where its hosts a day are at least so many times those before"""
CHANCE: Final = 3.0
"""and the difference is more than so many times what chance does to the two counts"""


def subject(filters: Filters) -> Key:
    """The port that those filters are about: (6, 9530); ICMP is (1, None)."""
    if filters.port:
        return filters.port[0].protocol, filters.port[0].first
    return filters.protocol[0], None


def without_port(filters: Filters) -> Filters:
    """The same filters for every port."""
    return replace(filters, port=(), protocol=())


# through time


@dataclass(frozen=True, slots=True)
class Course:
    """Packets and hosts of every day; None where nothing was observed on it.

    by_country: country (None: unknown) -> the same two lists, of each that was seen. `first`: the place of the period's
    first day; the days before it tell what is usual.
    """

    days: tuple[dt.date, ...]
    first: int
    packets: tuple[int | None, ...]
    hosts: tuple[int | None, ...]
    by_country: Mapping[str | None, tuple[tuple[int | None, ...], tuple[int | None, ...]]]
    rows: Rows
    """day by day and country by country, those of the period"""
    error: float

    def of(self, country: str | None) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
        """Packets and hosts by day of one country: zeros where it was not seen."""
        nothing = tuple(None if v is None else 0 for v in self.packets)
        return self.by_country.get(country, (nothing, nothing))


def course(answers: Answers) -> Course:
    """The days of the period and those before it that tell what is usual."""
    period = answers.period
    start = period.first - dt.timedelta(days=rises.BASE)
    whole = span(start, period.days[-1], period.tz)
    wanted = answers.filters.between(whole.start, whole.end)
    rows = answers.ask(DAYS_SQL, wanted)
    lands = answers.ask(LANDS_SQL, wanted)
    shown = observed(answers, whole)

    def spread(own: Sequence[Mapping[str, Any]], what: str) -> tuple[int | None, ...]:
        counted = {row["start"].date(): int(row[what]) for row in own}
        return tuple(counted.get(day, 0) if seen or counted.get(day) else None for day, seen in shown.items())

    groups: dict[str | None, list[dict[str, Any]]] = {}
    for row in lands:
        groups.setdefault(row["country"], []).append(row)
    # the largest first, the unknown last: the order in which they are drawn
    order = sorted(groups, key=lambda code: (code is None, -sum(r["hosts"] for r in groups[code]), code or ""))
    inside = [row for row in lands if row["start"].date() >= period.first]
    return Course(
        tuple(shown),
        (period.first - start).days,
        spread(rows, "packets"),
        spread(rows, "hosts"),
        {code: (spread(groups[code], "packets"), spread(groups[code], "hosts")) for code in order},
        Rows(inside, lands.sql, error=lands.error, counted=lands.counted, lost=lands.lost),
        max(rows.error, lands.error),
    )


def observed(answers: Answers, whole: Period) -> dict[dt.date, bool]:
    """Each day of that span -> was anybody watching on it?"""
    found = gaps(answers.session, whole.start, whole.end, sensors=answers.filters.sensor)
    names = {row["sensor"] for row in found} | set(answers.coverage.sensors)
    cover = watching.coverage(names, found, whole)
    out = {}
    for day in whole.days:
        begin, end = (dt.datetime.combine(d, dt.time(), whole.tz) for d in (day, day + dt.timedelta(days=1)))
        out[day] = not hidden(cover, begin, end)
    return out


def risen(answers: Answers) -> list[rises.Rise]:
    """When the hosts a day rose, by places in the course's days."""
    found = answers.once(course)
    return rises.rises(found.hosts, found.first)


@dataclass(frozen=True, slots=True)
class Rising:
    """A country that rises with the port: hosts a day before and during the rise, and its part of the whole difference."""

    country: str | None
    before: float
    now: float
    part: float


def rising(found: Course, rise: rises.Rise) -> list[Rising]:
    """The countries whose hosts a day, over the rise, are `GREATER` times those of the days before it, and beyond chance; the
    largest difference first. The unknown is none."""
    before, now = rise.base, [i for i in range(rise.start, rise.end) if found.hosts[i] is not None]
    out, whole = [], 0.0
    for code, (_, hosts) in found.by_country.items():
        old, new = (sum(hosts[i] or 0 for i in places) for places in (before, now))
        rate_old, rate_new = old / len(before), new / len(now)
        whole += rate_new - rate_old
        chance = (old / len(before) ** 2 + new / len(now) ** 2) ** 0.5
        if code is not None and rate_new >= GREATER * rate_old and rate_new - rate_old > CHANCE * chance:
            out.append(Rising(code, rate_old, rate_new, rate_new - rate_old))
    found_ = [replace(one, part=one.part / whole) for one in out if whole > 0]
    return sorted(found_, key=lambda one: (-one.part, one.country or ""))


# how much there is, and of whom


@dataclass(frozen=True, slots=True)
class Parts:
    """Packets and hosts of the port: with the filters of the report, and of research scanners alone (None: they are not told
    apart, since the reader wanted them in or only them). Its share and place among all ports, by packets."""

    packets: int
    hosts: int
    error: float
    scanner_packets: int | None
    scanner_hosts: int | None
    all_packets: int
    rank: int | None
    ports: int


def parts(answers: Answers) -> Parts:
    """The port as a whole, over the period."""
    filters = answers.filters
    own = answers.ask(WHOLE_SQL, filters)
    scanners: Rows | None = None
    if filters.scanners == "out":
        scanners = answers.ask(WHOLE_SQL, replace(filters, scanners="only"))
    every = answers.ask(RANK_SQL, without_port(filters), keys=PORT_KEYS)
    key = subject(filters)
    place = next((n for n, row in enumerate(every, 1) if (row["protocol"], row["dst_port"]) == key), None)
    if place is not None:
        # equals share a place
        place = 1 + sum(row["packets"] > every[place - 1]["packets"] for row in every if row["protocol"] is not None)
    return Parts(
        own[0]["packets"],
        own[0]["hosts"],
        own.error,
        scanners[0]["packets"] if scanners else None,
        scanners[0]["hosts"] if scanners else None,
        sum(row["packets"] for row in every),
        place,
        sum(row["protocol"] is not None for row in every),
    )


def networks(answers: Answers) -> tuple[Rows, Mapping[int, str]]:
    """The AS of the sources, most hosts first, the unknown last; and the names of those that have one."""
    found = answers.ask(NETWORKS_SQL, answers.filters)
    asked = [str(row["asn"]) for row in found if row["asn"] is not None][:KEPT]
    if not asked:
        return found, {}
    # names stand in other rows than the hosts of a port, where these were counted before
    span_only = Filters(start=answers.period.start, end=answers.period.end, sensor=answers.filters.sensor)
    names = answers.ask(NAMES_SQL, span_only, asked=", ".join(asked))
    return found, {row["asn"]: row["as_name"] for row in names if row["as_name"]}


KEPT: Final = 1000
"""networks whose names are looked up"""


def lands(answers: Answers) -> Rows:
    """The countries of the sources over the whole period, most hosts first, the unknown last."""
    return answers.ask(COUNTRIES_SQL, answers.filters)


def tools(answers: Answers) -> Rows:
    """What sent the packets, by the verdicts on their sources; None: no tool is known."""
    return answers.ask(TOOLS_SQL, answers.filters)


def sensors(answers: Answers) -> Rows:
    """Packets and hosts of the port at each sensor that recorded any of it."""
    return answers.ask(SENSORS_SQL, answers.filters)


@dataclass(frozen=True, slots=True)
class Sight:
    """The first and the last day with a packet to the port in the whole lake, whoever sent it; and the lake's own first day."""

    first: dt.date
    last: dt.date
    begins: dt.date


def sight(answers: Answers) -> Sight | None:
    """None where the lake never saw the port."""
    filters = answers.filters
    wanted = Filters(port=filters.port, protocol=filters.protocol, sensor=filters.sensor)
    row = answers.ask(SIGHT_SQL, wanted)[0]
    extent = answers.extent
    if row["first"] is None or extent is None:
        return None
    return Sight(row["first"].date(), row["last"].date(), extent[0].date())


# after the period


@dataclass(frozen=True, slots=True)
class After:
    """How it stands after the period: the last whole days of the lake (at most `LATER`) that lie after it, with packets and
    hosts of each; and the mean hosts of as many last days of the period."""

    days: tuple[dt.date, ...]
    packets: tuple[int | None, ...]
    hosts: tuple[int | None, ...]
    rows: Rows
    hosts_then: float | None
    days_then: int

    @property
    def hosts_now(self) -> float | None:
        """The mean hosts of an observed day; None where none was observed."""
        seen = [v for v in self.hosts if v is not None]
        return sum(seen) / len(seen) if seen else None


def days_after(extent: tuple[dt.datetime, dt.datetime] | None, period: Period) -> Period | None:
    """The last whole days of the lake that lie after the period, at most `LATER`; None where there are none."""
    if extent is None or (last := periods.last_whole_day(*extent)) < period.after:
        return None
    return span(max(period.after, last - dt.timedelta(days=LATER - 1)), last, period.tz)


def after(answers: Answers) -> After | None:
    """None where the lake has no whole day after the period."""
    later = days_after(answers.extent, answers.period)
    if later is None:
        return None
    rows = answers.ask(DAYS_SQL, answers.filters.between(later.start, later.end))
    counted = {row["start"].date(): row for row in rows}
    shown = observed(answers, later)

    def of(what: str) -> tuple[int | None, ...]:
        return tuple(int(counted[day][what]) if day in counted else 0 if seen else None for day, seen in shown.items())

    inside = answers.once(course).hosts[answers.once(course).first :][-LATER:]
    then = [v for v in inside if v is not None]
    return After(tuple(shown), of("packets"), of("hosts"), rows, sum(then) / len(then) if then else None, len(inside))


def addresses(answers: Answers) -> list[float]:
    """Observed addresses on each day of the course, as a mean over the day: more of them see more hosts."""
    days = answers.once(course).days
    zone = answers.period.tz
    out = dict.fromkeys(days, 0.0)
    for one in watched(
        answers.session, dt.datetime.combine(days[0], dt.time(), zone), answers.period.end, answers.filters.sensor
    ):
        day = one.start.astimezone(zone).date()
        if day in out:
            out[day] += one.address_days
    return list(out.values())


def widened(answers: Answers, rise: rises.Rise) -> tuple[float, float] | None:
    """The mean observed addresses before a rise and during it, where they are `WIDENED` times as many; else None."""
    watching, hosts = answers.once(addresses), answers.once(course).hosts
    during = [watching[i] for i in range(rise.start, rise.end) if hosts[i] is not None]
    old, new = sum(watching[i] for i in rise.base) / len(rise.base), sum(during) / len(during)
    return (old, new) if new >= WIDENED * old else None


WIDENED: Final = 1.2


def watch_days(answers: Answers) -> dict[str, float]:
    """Days that each sensor watched in the period, as far as a sensor watched at all."""
    out: dict[str, float] = {}
    for one in watched(answers.session, answers.period.start, answers.period.end, answers.filters.sensor):
        out[one.sensor] = out.get(one.sensor, 0.0) + (one.end - one.start) / dt.timedelta(days=1)
    return out


DAYS_SQL: Final = """
SELECT day_start(time) AS start, sum(packets)::BIGINT AS packets, {hosts} AS hosts{error}
FROM {events} WHERE {where} GROUP BY ALL ORDER BY start
"""

LANDS_SQL: Final = """
SELECT day_start(time) AS start, country, sum(packets)::BIGINT AS packets, {hosts} AS hosts{error}
FROM {events} WHERE {where} GROUP BY ALL ORDER BY start, country
"""

WHOLE_SQL: Final = """
SELECT coalesce(sum(packets), 0)::BIGINT AS packets, {hosts} AS hosts{error} FROM {events} WHERE {where}
"""

RANK_SQL: Final = """
SELECT {keys}, sum(packets)::BIGINT AS packets
FROM {events} WHERE {where} GROUP BY ALL ORDER BY packets DESC, protocol, dst_port
"""

NETWORKS_SQL: Final = """
SELECT asn, sum(packets)::BIGINT AS packets, {hosts} AS hosts{error}
FROM {events} WHERE {where} GROUP BY asn ORDER BY asn IS NULL, hosts DESC, packets DESC, asn
"""

NAMES_SQL: Final = """
SELECT asn, max(as_name) AS as_name FROM {events} WHERE {where} AND asn IN ({asked}) GROUP BY asn ORDER BY asn
"""

COUNTRIES_SQL: Final = """
SELECT country, sum(packets)::BIGINT AS packets, {hosts} AS hosts{error}
FROM {events} WHERE {where} GROUP BY country ORDER BY country IS NULL, hosts DESC, packets DESC, country
"""

TOOLS_SQL: Final = """
SELECT tool, sum(packets)::BIGINT AS packets, {hosts} AS hosts{error}
FROM {events} WHERE {where} GROUP BY tool ORDER BY tool IS NULL, hosts DESC, packets DESC, tool
"""

SENSORS_SQL: Final = """
SELECT sensor, sum(packets)::BIGINT AS packets, {hosts} AS hosts{error}
FROM {events} WHERE {where} GROUP BY ALL ORDER BY packets DESC, sensor
"""

SIGHT_SQL: Final = """
SELECT min(day_start(time)) AS first, max(day_start(time)) AS last, sum(packets)::BIGINT AS packets FROM {events} WHERE {where}
"""
