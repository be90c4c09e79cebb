"""Before and after the day on which a measure began: rates a day, their ratio, and how far chance reaches.

The ratio of two daily means, with an interval of 95 % for counts that vary more from day to day than chance alone would
have them (quasi-Poisson): on the scale of logarithms the variance is the dispersion divided by the sum, for each side; the
dispersion is the variance of the daily counts over their mean, at least 1. (McCullagh and Nelder, Generalized Linear Models,
1989, 6.2.) Days are taken as independent of each other, which they are not quite: so it is rather too narrow than too wide.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from teiten.engine.gaps import gaps
from teiten.engine.questions import Query, Rows
from teiten.report.answers import Answers

MOST: Final = 90
"""days that are looked at on either side"""
ENOUGH: Final = 7
"""whole observed days that either side must have"""
FEWEST: Final = 10
"""packets that either side must have"""
NORMAL: Final = 1.96
"""of a normal distribution 95 % lie within so many standard deviations"""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as many after as before, with the bounds of 95 %, and the variance of its logarithm."""

    value: float
    low: float
    high: float
    variance: float


@dataclass(frozen=True, slots=True)
class Side:
    """Daily counts of one side, of whole observed days only."""

    counts: Sequence[int]

    @property
    def rate(self) -> float:
        return sum(self.counts) / len(self.counts) if self.counts else 0.0

    @property
    def variance(self) -> float:
        """Of the logarithm of the mean."""
        mean = self.rate
        spread = statistics.variance(self.counts) / mean if len(self.counts) > 1 and mean else 1.0
        return max(1.0, spread) / sum(self.counts)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What both sides have of one thing, `before` and `after`, and their ratio; None where there is too little."""

    before: Side
    after: Side

    @property
    def ratio(self) -> Ratio | None:
        if min(sum(self.before.counts), sum(self.after.counts)) < FEWEST:
            return None
        return _ratio(self.after.rate / self.before.rate, self.before.variance + self.after.variance)


@dataclass(frozen=True, slots=True)
class Measure:
    """The days around the beginning of a measure. `own` is the country that is followed (all, where none is)."""

    since: dt.date
    first: dt.date
    last: dt.date
    whole: Sequence[dt.date]
    """the days of which everything was observed"""
    own: Comparison
    others: Comparison
    rows: Rows

    @property
    def days_before(self) -> int:
        return len(self.own.before.counts)

    @property
    def days_after(self) -> int:
        return len(self.own.after.counts)

    @property
    def enough(self) -> bool:
        return min(self.days_before, self.days_after) >= ENOUGH

    @property
    def relative(self) -> Ratio | None:
        """The ratio of the own to that of the others: what is left when what moved everybody is taken away."""
        own, others = self.own.ratio, self.others.ratio
        return _ratio(own.value / others.value, own.variance + others.variance) if own and others else None


def measure(answers: Answers, since: dt.date, country: str | None) -> Measure | None:
    """The comparison up to the end of the period; None where the day lies beyond it, or too long before it."""
    period = answers.period
    after = period.after
    if not since < after or (period.first - since).days > MOST:
        return None
    last = min(after, since + dt.timedelta(days=MOST))
    length = min(MOST, (last - since).days if (last - since).days >= ENOUGH else ENOUGH)
    first = since - dt.timedelta(days=max(length, ENOUGH))
    start, end = (dt.datetime.combine(day, dt.time(), period.tz) for day in (first, last))
    filters = replace(answers.filters.between(start, end), scanners="out")
    own = "true" if country is None else f"country = '{country}'"
    rows = Query(DAILY_SQL, {"where": filters}, grain="day", own=own).rows(answers.session)
    found = {row["start"].astimezone(period.tz).date(): row for row in rows}
    silences = gaps(answers.session, start, end, sensors=answers.filters.sensor)
    whole = [day for day in _days(first, last) if not _touched(day, silences, period.tz)]

    def side(days: Sequence[dt.date], column: str) -> Side:
        return Side([found[day][column] if day in found else 0 for day in days])

    earlier, later = [d for d in whole if d < since], [d for d in whole if d >= since]
    both = [Comparison(side(earlier, column), side(later, column)) for column in ("packets", "packets_others")]
    return Measure(since, first, last, whole, both[0], both[1], rows)


def _ratio(value: float, variance: float) -> Ratio:
    reach = math.exp(NORMAL * math.sqrt(variance))
    return Ratio(value, value / reach, value * reach, variance)


def _days(first: dt.date, after: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=n) for n in range((after - first).days)]


def _touched(day: dt.date, silences: Rows, zone: dt.tzinfo) -> bool:
    """Does a gap of any sensor lie in that day, for five minutes or more?"""
    start = dt.datetime.combine(day, dt.time(), zone)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone)
    least = dt.timedelta(minutes=5)
    return any(min(g["end"], end) - max(g["start"], start) >= least for g in silences)


DAILY_SQL: Final = """
SELECT day_start(time) AS start,
       coalesce(sum(packets) FILTER (WHERE {own}), 0)::BIGINT AS packets,
       coalesce(sum(packets) FILTER (WHERE ({own}) IS NOT TRUE), 0)::BIGINT AS packets_others
FROM {events}
WHERE {where}
GROUP BY ALL
ORDER BY start
"""
