"""What the police's monthly observation tells: accesses and sources a day, the same of backscatter, and the month before."""

from __future__ import annotations

import datetime as dt
import statistics
from dataclasses import dataclass, replace
from typing import Final

from teiten.coverage import Denominator
from teiten.engine import questions
from teiten.engine.filters import Filters, timestamp
from teiten.engine.questions import Query, Rows
from teiten.engine.series import series
from teiten.periods import Period
from teiten.report.answers import KEPT, Answers, touches
from teiten.report.coverage import Coverage

SEVERAL: Final = 1.5
"""addresses, in the mean, from which on figures of an address are worth a section"""
BACKSCATTER: Final = "backscatter"
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets of a period, those of an address and day watched, and distinct sources a day: the mean of days without a gap.

    rate and sources are None where nobody was watching (no day was whole)."""

    packets: int
    rate: float | None
    sources: float | None


def wanted(answers: Answers) -> bool:
    """Are there several sensors, or addresses?"""
    return len(answers.coverage.sensors) > 1 or answers.per_address.addresses >= SEVERAL


def accesses(answers: Answers) -> tuple[Flow, Flow]:
    """Of all packets: the period, and the one before."""
    return _flows(answers, answers.once(by_day))


def victims(answers: Answers) -> tuple[Flow, Flow]:
    """Of backscatter."""
    return _flows(answers, answers.once(victims_by_day))


def by_day(answers: Answers) -> Rows:
    """Packets and sources of each day of the two periods: start, packets, hosts."""
    return _by_day(answers, answers.filters)


def victims_by_day(answers: Answers) -> Rows:
    return _by_day(answers, _backscatter(answers))


def _by_day(answers: Answers, filters: Filters) -> Rows:
    return series(answers.session, None, answers.before.start, answers.period.end, "day", filters=filters)


def _backscatter(answers: Answers) -> Filters:
    return replace(answers.filters, kind=(BACKSCATTER,))


def _flows(answers: Answers, rows: Rows) -> tuple[Flow, Flow]:
    now = _flow(rows, answers.period, answers.coverage, answers.per_address)
    return now, _flow(rows, answers.before, answers.coverage_before, answers.per_address_before)


def _flow(rows: Rows, period: Period, cover: Coverage, by: Denominator) -> Flow:
    found = {row["start"].astimezone(period.tz).date(): row for row in rows}
    whole = []
    for day in period.days:
        start, end = (dt.datetime.combine(at, dt.time(), period.tz) for at in (day, day + _DAY))
        if cover.observed() and not touches(cover, start, end):
            whole.append(found[day]["hosts"] if day in found else 0)
    packets = sum(found[day]["packets"] for day in period.days if day in found)
    return Flow(packets, by.rate(packets), statistics.fmean(whole) if whole else None)


def victim_countries(answers: Answers) -> Rows:
    """The ranking of countries by backscatter: where the attacked are."""
    before = (answers.before.start, answers.before.end) if answers.ranked_before else None
    span = (answers.period.start, answers.period.end)
    return questions.rank(answers.session, "countries", *span, before=before, filters=_backscatter(answers), n=KEPT)


def victim_ports(answers: Answers) -> Rows:
    """Backscatter by the port that it comes from, the attacked one: rank, src_port, protocol, packets, rank_before,
    packets_before. It takes the events themselves: `lost` says where some are no longer kept."""
    filters = _backscatter(answers).between(answers.before.start, answers.period.end)
    return Query(VICTIM_PORTS_SQL, {"where": filters}, start=timestamp(answers.period.start)).rows(answers.session)


VICTIM_PORTS_SQL: Final = """
WITH counted AS (
  SELECT src_port, protocol, coalesce(sum(packets) FILTER (WHERE time >= {start}), 0)::BIGINT AS packets,
         coalesce(sum(packets) FILTER (WHERE time < {start}), 0)::BIGINT AS packets_before
  FROM {events}
  WHERE {where} AND src_port IS NOT NULL
  GROUP BY ALL
)
SELECT rank() OVER (ORDER BY packets DESC) AS rank, src_port, protocol, packets,
       CASE WHEN packets_before > 0 THEN rank() OVER (ORDER BY packets_before DESC) END AS rank_before, packets_before
FROM counted
QUALIFY packets > 0
ORDER BY packets DESC, protocol, src_port
"""
