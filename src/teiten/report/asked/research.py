"""Research scanners of a quarter: by quarter, by day and country, by prefix; and what makes a source one.

A research scanner is an announced one or NICTER's large one, by the day's verdict. Those that say who they are are "known";
the others are large scanners of which no list says whose they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from teiten.classify.rules import large_scanner
from teiten.engine import recorded
from teiten.engine.filters import Filters
from teiten.engine.gaps import gaps
from teiten.engine.questions import Query, Rows
from teiten.engine.series import starts
from teiten.periods import Period
from teiten.report import coverage as watching
from teiten.report.answers import Answers, hidden
from teiten.report.asked import infected
from teiten.report.coverage import Coverage
from teiten.settings import Settings

QUARTERS: Final = 6
"""quarters of the table: this one and five before"""
COUNTRIES: Final = 5
"""countries of scanners with a layer of their own (NICTER's)"""
PREFIXES: Final = 1000
"""prefixes that go to CSV"""


@dataclass(frozen=True, slots=True)
class Quarter:
    """What research scanners were of a quarter. `addresses`: distinct ones; of a quarter that nobody watched all is None."""

    period: Period
    coverage: Coverage
    packets: int | None = None
    scan_packets: int | None = None
    addresses: int | None = None
    known_packets: int | None = None
    known_addresses: int | None = None
    unknown_packets: int | None = None
    unknown_addresses: int | None = None
    error: float = 0.0
    """relative standard error of the addresses; 0.0 where they are exact"""

    @property
    def share(self) -> float | None:
        """Of all packets; None where there are none."""
        return (self.scan_packets or 0) / self.packets if self.packets else None


@dataclass(frozen=True, slots=True)
class Quarters:
    """The quarters from the first that the lake saw, in order of time, this one last."""

    all: tuple[Quarter, ...]
    rows: Rows

    @property
    def now(self) -> Quarter:
        return self.all[-1]


@dataclass(frozen=True, slots=True)
class Days:
    """Packets of each day: of everything else, of scanners of the first countries, of other countries, of unknown ones."""

    times: tuple[dt.datetime, ...]
    rest: list[float | None]
    countries: Mapping[str, list[float | None]]
    other: list[float | None]
    unknown: list[float | None]
    sums: Mapping[str | None, int]
    """packets of scanners by country, most first, the unknown (None) last"""
    rows: Rows

    def scans(self, i: int) -> float | None:
        """All packets of research scanners on that day."""
        layers = [*self.countries.values(), self.other, self.unknown]
        return None if self.rest[i] is None else sum(layer[i] or 0.0 for layer in layers)


@dataclass(frozen=True, slots=True)
class Needed:
    """What made a scanner large: packets a day (least and most over the days), ports, at so many observed addresses."""

    packets: tuple[int, int]
    ports: int
    addresses: tuple[int, int]
    scaled: bool
    """is the number of packets another than NICTER's own?"""
    floor: bool
    """was it the floor on some day: fewer addresses do not lower it further?"""


def quarters(answers: Answers) -> Quarters:
    """The table by quarter."""
    wanted = [answers.period]
    while len(wanted) < QUARTERS:
        wanted.insert(0, wanted[0].before())
    start, end = wanted[0].start, answers.period.end
    rows = _by_quarter(answers, start, end)
    by_first = {row["quarter"].astimezone(answers.period.tz).date(): row for row in rows}
    silences = gaps(answers.session, start, end, sensors=answers.filters.sensor)
    found = []
    for period in wanted:
        cover = answers.coverage if period.first == answers.period.first else _coverage(answers, period, silences)
        row = by_first.get(period.first)
        if row is None and not cover.observed():
            found.append(Quarter(period, cover))
            continue
        counts = [row[name] if row else 0 for name in _COUNTS]
        error = row.get("hosts_error") if row else None
        found.append(replace(Quarter(period, cover, *counts), error=error or 0.0))
    while len(found) > 1 and found[0].packets is None:
        del found[0]
    return Quarters(tuple(found), rows)


def _by_quarter(answers: Answers, start: dt.datetime, end: dt.datetime) -> Rows:
    """The counts of the quarters; those before the one before are asked apart, where the lake has any of them.

    So the two that every section asks about are answered with the others' questions.
    """
    rows = answers.ask(QUARTERS_SQL, answers.filters.between(answers.before.start, end))
    whole = Query(QUARTERS_SQL, {"where": answers.filters.between(start, end)}, grain="day")
    older = Rows([], "")
    if answers.extent and answers.extent[0] < answers.before.start:
        older = answers.ask(QUARTERS_SQL, answers.filters.between(start, answers.before.start))
    return Rows([*older, *rows], whole.text(raw=False), error=max(rows.error, older.error), counted=rows.counted)


_COUNTS: Final = (
    "packets", "scan_packets", "addresses", "known_packets", "known_addresses", "unknown_packets", "unknown_addresses",
)  # fmt: skip


def _coverage(answers: Answers, period: Period, silences: Rows) -> Coverage:
    """When that quarter was watched, by the sensors that have records in it."""
    named = recorded.sensors(answers.session, period.start, period.end, answers.filters.sensor)
    if named is None:
        only = Filters(start=period.start, end=period.end, sensor=answers.filters.sensor, all_events=True)
        named = [row["sensor"] for row in answers.ask(SENSORS_SQL, only)]
    return watching.coverage(named, silences, period)


def days(answers: Answers) -> Days:
    """The stack by day."""
    rows = answers.ask(DAYS_SQL, answers.filters, top=str(COUNTRIES))
    times = starts(answers.session, answers.period.start, answers.period.end, "day")
    place = {moment.date(): n for n, moment in enumerate(times)}
    layers: dict[tuple[str, str | None], list[float | None]] = {}
    for row in rows:
        values = layers.setdefault((row["part"], row["country"]), [0.0] * len(times))
        values[place[row["day"]]] = float(row["packets"])
    seen = [False] * len(times)
    for row in rows:
        seen[place[row["day"]]] = True
    ends = [*times[1:], answers.period.end]
    silent = [
        not there and (hidden(answers.coverage, a, b) or not answers.coverage.observed())
        for there, a, b in zip(seen, times, ends, strict=True)
    ]

    def layer(part: str, country: str | None = None) -> list[float | None]:
        found = layers.get((part, country), [0.0] * len(times))
        return [None if gap else value for gap, value in zip(silent, found, strict=True)]

    top = sorted((c for part, c in layers if part == "top" and c), key=lambda c: (-_sum(layers["top", c]), c))
    sums = _sums(answers)
    return Days(tuple(times), layer("rest"), {c: layer("top", c) for c in top}, layer("other"), layer("unknown"), sums, rows)


def typical(values: Iterable[int]) -> tuple[int, int, int]:
    """The tenth and the ninetieth of a hundred values, and the middle one; there must be some."""
    return infected.typical(values) or (0, 0, 0)


def _sum(values: list[float | None]) -> float:
    return sum(v or 0.0 for v in values)


def _sums(answers: Answers) -> dict[str | None, int]:
    rows = answers.ask(SUMS_SQL, answers.filters)
    return {row["country"]: row["packets"] for row in rows}


def prefixes(answers: Answers) -> Rows:
    """The prefixes from which research scanners sent most: see PREFIXES_SQL for the columns."""
    rows = answers.ask(PREFIXES_SQL, answers.filters, most=str(PREFIXES))
    ports = {row["prefix"]: row["ports"] for row in answers.ask(LARGE_SQL, answers.filters, **_bounds(answers.period))}
    for row in rows:
        row["ports"] = ports.get(row["prefix"])
    return rows


def needed(answers: Answers, settings: Settings) -> Needed:
    """The thresholds that were used, as the verdicts say them; where nobody was large, what the rule asks at these sensors."""
    own = int(settings.threshold("large_scanner_packets"))
    floor = int(settings.threshold("large_scanner_floor"))
    row: dict[str, Any] = answers.ask(NEEDED_SQL, answers.filters, **_bounds(answers.period))[0]
    if row["low"] is not None:
        packets, addresses = (row["low"], row["high"]), (row["fewest"], row["most"])
    else:
        per = answers.per_address.addresses or 1
        packets = (large_scanner.needed(settings, max(1, round(per))),) * 2
        addresses = (max(1, round(per)),) * 2
    ports = int(settings.threshold("large_scanner_ports"))
    return Needed(packets, ports, addresses, packets != (own, own), packets[0] == floor)


def _bounds(period: Period) -> dict[str, str]:
    return {"first": f"DATE '{period.first}'", "last": f"DATE '{period.days[-1]}'"}


SENSORS_SQL: Final = """
SELECT DISTINCT sensor FROM {events} WHERE {where} ORDER BY sensor
"""

QUARTERS_SQL: Final = """
SELECT date_trunc('quarter', day_of(time))::TIMESTAMPTZ AS quarter, sum(packets)::BIGINT AS packets,
       coalesce(sum(packets) FILTER (research_scanner), 0)::BIGINT AS scan_packets,
       {hosts if research_scanner} AS addresses,
       coalesce(sum(packets) FILTER (research_scanner AND scanner IS NOT NULL), 0)::BIGINT AS known_packets,
       {hosts if research_scanner AND scanner IS NOT NULL} AS known_addresses,
       coalesce(sum(packets) FILTER (research_scanner AND scanner IS NULL), 0)::BIGINT AS unknown_packets,
       {hosts if research_scanner AND scanner IS NULL} AS unknown_addresses{error}
FROM {events}
WHERE {where}
GROUP BY date_trunc('quarter', day_of(time))
ORDER BY quarter
"""

DAYS_SQL: Final = """
WITH counted AS (
  SELECT day_of(time) AS day, research_scanner AS scans, CASE WHEN research_scanner THEN country END AS country,
         sum(packets)::BIGINT AS packets
  FROM {events}
  WHERE {where}
  GROUP BY ALL
), top AS (
  SELECT country FROM counted
  WHERE scans AND country IS NOT NULL
  GROUP BY country ORDER BY sum(packets) DESC, country LIMIT {top}
)
SELECT day, CASE WHEN NOT scans THEN 'rest' WHEN c.country IS NULL THEN 'unknown' WHEN t.country IS NULL THEN 'other'
                 ELSE 'top' END AS part, t.country, sum(packets)::BIGINT AS packets
FROM counted c LEFT JOIN top t ON t.country = c.country
GROUP BY ALL
ORDER BY ALL
"""

SUMS_SQL: Final = """
SELECT country, sum(packets)::BIGINT AS packets
FROM {events}
WHERE {where} AND research_scanner
GROUP BY country
ORDER BY country IS NULL, packets DESC, country
"""

PREFIXES_SQL: Final = """
WITH sent AS (
  SELECT src_ip, day_of(time) AS day, max(country) AS country, max(asn) AS asn, max(as_name) AS as_name,
         max(scanner) AS scanner, sum(packets)::BIGINT AS packets
  FROM {events}
  WHERE {where} AND research_scanner
  GROUP BY ALL
), days AS (
  SELECT {src_prefix} AS prefix, day, sum(packets)::BIGINT AS packets
  FROM sent GROUP BY ALL
), most AS (
  SELECT prefix, count(*) AS days, max(packets) AS most, arg_max(day, (packets, -epoch(day))) AS most_day
  FROM days GROUP BY prefix
), counted AS (
  SELECT {src_prefix} AS prefix, arg_max(country, packets) AS country, arg_max(asn, packets) AS asn,
         arg_max(as_name, packets) AS as_name, arg_max(scanner, packets) AS scanner,
         count(DISTINCT src_ip) AS addresses, sum(packets)::BIGINT AS packets
  FROM sent GROUP BY ALL
)
SELECT rank() OVER (ORDER BY packets DESC) AS rank, prefix_text(prefix) AS prefix, country, asn, as_name, scanner, addresses,
       packets, packets / sum(packets) OVER () AS share, days, most, most_day
FROM counted JOIN most USING (prefix)
ORDER BY packets DESC, prefix
LIMIT {most}
"""

LARGE_SQL: Final = """
SELECT prefix_text({src_prefix}) AS prefix, max((evidence->>'ports')::BIGINT) AS ports
FROM {verdicts}
WHERE label = 'large_scanner' AND scope = 'all' AND day >= {first} AND day <= {last}
GROUP BY ALL
"""

NEEDED_SQL: Final = """
SELECT min((evidence->>'threshold')::BIGINT) AS low, max((evidence->>'threshold')::BIGINT) AS high,
       min((evidence->>'addresses')::BIGINT) AS fewest, max((evidence->>'addresses')::BIGINT) AS most
FROM {verdicts}
WHERE label = 'large_scanner' AND rule = 'large_scanner' AND scope = 'all' AND day >= {first} AND day <= {last}
"""
