"""One country through the last thirteen months: its packets, its rank, and how much of each month was observed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from teiten import periods
from teiten.engine import recorded
from teiten.engine.filters import Filters
from teiten.engine.gaps import gaps
from teiten.engine.questions import Query, Rows
from teiten.periods import Period
from teiten.report import coverage as watching
from teiten.report.answers import SENSORS_SQL, Answers
from teiten.report.coverage import Coverage

MONTHS: Final = 13
"""a year, and the same month of the year before"""
CLEAR: Final = 3.0
"""two rates differ where they do so by more than this many times what chance does to two counts (Poisson)"""


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the course. rank None: nothing came of the country; `packets` is 0 then, too, where nothing was observed."""

    period: Period
    coverage: Coverage
    packets: int
    hosts: int
    rank: int | None

    @property
    def days(self) -> float:
        """Days observed."""
        return len(self.period.days) * self.coverage.share

    @property
    def rate(self) -> float | None:
        """Packets of an observed day; None where nothing was observed."""
        return self.packets / self.days if self.days else None


@dataclass(frozen=True, slots=True)
class Course:
    """The months in their order, the last the report's own; and the rows that the engine answered."""

    months: Sequence[Month]
    rows: Rows

    @property
    def now(self) -> Month:
        return self.months[-1]


def course(answers: Answers, country: str) -> Course:
    """The country in the month of the report and the twelve before."""
    months = _months(answers.period)
    start, end = months[0].start, months[-1].end
    filters = answers.filters.between(start, end)
    text = "'" + country.replace("'", "''") + "'"
    rows = Query(COURSE_SQL, {"where": filters}, grain="day", country=text).rows(answers.session)
    found = {row["month"].astimezone(answers.period.tz).date(): row for row in rows}
    only = Filters(start=start, end=end, sensor=filters.sensor, all_events=True)
    sensors = recorded.sensors(answers.session, start, end, filters.sensor)
    if sensors is None:
        sensors = [row["sensor"] for row in Query(SENSORS_SQL, {"where": only}, grain="day").rows(answers.session)]
    silences = gaps(answers.session, start, end, sensors=filters.sensor)
    out = []
    for period in months:
        row = found.get(period.first)
        cover = watching.coverage(sensors, silences, period)
        if period.first == answers.period.first:
            cover = answers.coverage
        counts = (row["packets"], row["hosts"], row["rank"]) if row else (0, 0, None)
        out.append(Month(period, cover, *counts))
    return Course(out, rows)


def _months(last: Period) -> list[Period]:
    found = [last]
    while len(found) < MONTHS:
        found.append(periods.containing("monthly", found[-1].first - dt.timedelta(days=1), last.tz))
    return found[::-1]


def differ(now: Month, before: Month) -> int:
    """1 where more came a day than then, -1 where fewer, 0 where chance may have done it."""
    if not now.days or not before.days:
        return 0
    difference = now.packets / now.days - before.packets / before.days
    chance = (now.packets / now.days**2 + before.packets / before.days**2) ** 0.5
    return 0 if abs(difference) <= CLEAR * chance else 1 if difference > 0 else -1


def held(found: Course, least: float) -> list[Month]:
    """The months that can be held against the last one: the same sensors watching, for that share of the month at least."""
    own = set(found.now.coverage.sensors)
    return [m for m in found.months if set(m.coverage.sensors) == own and m.coverage.share >= least]


COURSE_SQL: Final = """
WITH counted AS (
  SELECT date_trunc('month', day_of(time)) AS month, country, sum(packets)::BIGINT AS packets,
         {hosts if country = {country}} AS hosts{error}
  FROM {events}
  WHERE {where} AND country IS NOT NULL
  GROUP BY ALL
), ranked AS (
  SELECT *, rank() OVER (PARTITION BY month ORDER BY packets DESC) AS rank FROM counted
)
SELECT month::TIMESTAMPTZ AS month, country, rank, packets, hosts{and_error}
FROM ranked WHERE country = {country} ORDER BY month
"""
