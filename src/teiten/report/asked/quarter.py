"""What the quarter's first sections ask: quarters and years in a row, and the days with TCP and UDP apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from teiten import coverage
from teiten.coverage import Denominator, Stretch
from teiten.engine.questions import Rows
from teiten.report.answers import Answers, hidden

QUARTERS: Final = 6
"""this one and five before it"""
YEARS: Final = 5
WHOLE: Final = 0.995
"""of a period observed by some sensor: below this it is said"""
HALF: Final = 0.5
"""of a day observed: below this it counts for no usual level"""
_DAY: Final = dt.timedelta(days=1)
_HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Stretched:
    """A quarter or a year: what was counted in it, and how much of it was observed."""

    first: dt.date
    after: dt.date
    counts: dict[str, Any]
    """packets, hosts, scanner_packets, scanner_hosts, spoofed_packets, rest_packets, rest_hosts"""
    by: Denominator
    days: float
    """in which any sensor was watching"""
    rows: Rows
    """its row, with the SQL that gives it"""

    @property
    def length(self) -> int:
        return (self.after - self.first).days

    @property
    def observed(self) -> bool:
        return self.days > 0

    @property
    def whole(self) -> bool:
        """Was it observed from end to end, and is all of it still kept?"""
        return self.days >= WHOLE * self.length and self.rows.lost is None

    @property
    def per_address(self) -> float | None:
        """Packets by observed addresses (NICTER, seeds/002); None where nobody was watching."""
        return self.counts["packets"] / self.by.addresses if self.by.addresses else None

    @property
    def per_address_day(self) -> float | None:
        """The same by address-days: of stretches that were not observed alike."""
        return self.by.rate(self.counts["packets"])


def quarters(answers: Answers) -> tuple[Stretched, ...]:
    """This quarter and up to five before it, the oldest first; those before the lake's beginning are left out."""
    spans: list[tuple[dt.date, dt.date]] = []
    period = answers.period
    for _ in range(QUARTERS):
        if spans and not _begun(answers, midnight(answers, period.after)):
            break
        spans.append((period.first, period.after))
        period = period.before()
    return tuple(reversed([_counted(answers, first, after) for first, after in spans]))


def years(answers: Answers) -> tuple[Stretched, ...]:
    """The calendar years up to the end of the quarter of which the lake has the whole, the oldest first."""
    last = answers.period.after.year - (1 if answers.period.after.month == 1 and answers.period.after.day == 1 else 0)
    out = []
    for year in range(last - YEARS + 1, last + 1):
        first, after = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
        # a first packet some minutes after midnight is no later beginning
        if after <= answers.period.after and _begun(answers, midnight(answers, first) + _HOUR):
            found = _counted(answers, first, after)
            if found.days >= answers.comparable_share * found.length:
                out.append(found)
    return tuple(out)


def _begun(answers: Answers, moment: dt.datetime) -> bool:
    """Had the lake's records begun before that moment?"""
    return answers.extent is not None and answers.extent[0] < moment


def midnight(answers: Answers, day: dt.date) -> dt.datetime:
    """The day's beginning in the period's zone."""
    return dt.datetime.combine(day, dt.time(), answers.period.tz)


def _counted(answers: Answers, first: dt.date, after: dt.date) -> Stretched:
    start, end = midnight(answers, first), midnight(answers, after)
    stretches = coverage.watched(answers.session, start, end, answers.filters.sensor)
    rows = answers.ask(SPAN_SQL, answers.filters.between(start, end), exact=SPAN_ONCE)
    by = coverage.denominator(stretches)
    days = by.address_days / by.addresses if by.addresses else 0.0
    return Stretched(first, after, dict(rows[0]), by, days, rows)


# days ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Days:
    """The quarter by day. values[name]: one for each day, None where nothing was observed; whole: was half of it observed?"""

    times: tuple[dt.datetime, ...]
    values: dict[str, list[float | None]]
    whole: tuple[bool, ...]
    rows: Rows


def days(answers: Answers) -> Days:
    """Packets and hosts of every day: TCP, UDP, of scanners, of forged sources, and what is left without both."""
    rows = answers.ask(DAYS_SQL, answers.filters, exact=DAYS_ONCE)
    dates = answers.period.days
    times = tuple(midnight(answers, day) for day in dates)
    counted = {row["start"].astimezone(answers.period.tz).date(): row for row in rows}
    values: dict[str, list[float | None]] = {name: [] for name in DAYS_COLUMNS}
    for day, start in zip(dates, times, strict=True):
        row = counted.get(day)
        gone = row is None and hidden(answers.coverage, start, midnight(answers, day + _DAY))
        for name, column in values.items():
            column.append(None if gone else float(row[name]) if row else 0.0)
    return Days(times, values, tuple(_shares(answers, dates)), rows)


def _shares(answers: Answers, dates: Sequence[dt.date]) -> Iterable[bool]:
    """Of each day: was half of it observed at least, by half of the sensors?"""
    found: dict[dt.date, float] = {}
    for one in answers.once(stretches):
        day = one.start.astimezone(answers.period.tz).date()
        found[day] = found.get(day, 0.0) + (one.end - one.start) / _DAY
    full = max(1, len(answers.coverage.sensors))
    return (found.get(day, 0.0) >= HALF * full for day in dates)


def stretches(answers: Answers) -> list[Stretch]:
    """When each sensor was watching in the period."""
    return coverage.watched(answers.session, answers.period.start, answers.period.end, answers.filters.sensor)


_COUNTED: Final = """
WITH chosen AS (
  SELECT {first}protocol, {put_packets}, {host}, spoofed, research_scanner
  FROM {events}
  WHERE {where}
  {put}
)
SELECT {start}{counts}{error}
FROM chosen
{last}"""


_ONCE: Final = """
WITH chosen AS (
  SELECT {first}protocol, {put_packets}, {host}, spoofed, research_scanner
  FROM {events}
  WHERE {where}
  {put}
), sources AS (
  SELECT {start}{parts}
  FROM chosen
  GROUP BY {start}src_ip
)
SELECT {start}{sums}
FROM sources
{last}"""
"""the same where every source is known: each is looked at once, whatever is counted of it"""
Count = tuple[str, str, str]
"""names of the columns of packets and of hosts, and the condition on the events of which they are"""


def _template(counts: Sequence[Count], *, by_day: bool) -> tuple[str, str]:
    """The question's text, and that for rows that tell every source."""
    asked, parts, sums = [], [], []
    for packets, hosts, condition in counts:
        kept = f" FILTER (WHERE {condition})" if condition else ""
        asked.append(f"coalesce(sum(packets){kept}, 0)::BIGINT AS {packets}")
        asked.append((f"{{hosts if {condition}}}" if condition else "{hosts}") + f" AS {hosts}")
        parts.append(f"sum(packets){kept} AS {packets}, coalesce(bool_or({condition or 'true'}), false) AS {hosts}")
        sums.append(f"coalesce(sum({packets}), 0)::BIGINT AS {packets}, count(*) FILTER (WHERE {hosts}) AS {hosts}")
    words = {
        "first": "day_start(time) AS start, " if by_day else "",
        "start": "start, " if by_day else "",
        "last": "GROUP BY start\nORDER BY start" if by_day else "",
        "counts": ",\n       ".join(asked),
        "parts": ",\n         ".join(parts),
        "sums": ",\n       ".join(sums),
    }
    plain, once = _COUNTED, _ONCE
    for name, text in words.items():
        plain, once = plain.replace(f"{{{name}}}", text), once.replace(f"{{{name}}}", text)
    return plain, once


_REST: Final = "NOT research_scanner AND NOT spoofed"
SPAN_SQL, SPAN_ONCE = _template(
    (
        ("packets", "hosts", ""),
        ("scanner_packets", "scanner_hosts", "research_scanner"),
        ("spoofed_packets", "spoofed_hosts", "spoofed"),
        ("rest_packets", "rest_hosts", _REST),
    ),
    by_day=False,
)


def _of_protocol(name: str, number: int) -> list[Count]:
    """A protocol's columns: everything, scanners', forged sources'."""
    own = f"protocol = {number}"
    parts = (("", own), ("_scanners", f"{own} AND research_scanner"), ("_spoofed", f"{own} AND spoofed"))
    return [(f"{name}_packets{suffix}", f"{name}_hosts{suffix}", condition) for suffix, condition in parts]


DAYS_SQL, DAYS_ONCE = _template(
    (
        ("packets", "hosts", ""),
        *_of_protocol("tcp", 6),
        *_of_protocol("udp", 17),
        ("rest_packets", "rest_hosts", _REST),
        ("spoofed_packets", "spoofed_hosts", "spoofed"),
    ),
    by_day=True,
)
DAYS_COLUMNS: Final = tuple(
    f"{name}_{measure}{suffix}" for name in ("tcp", "udp") for suffix in ("", "_scanners", "_spoofed")
    for measure in ("packets", "hosts")
) + tuple(f"{name}{measure}" for name in ("", "rest_", "spoofed_") for measure in ("packets", "hosts"))  # fmt: skip
