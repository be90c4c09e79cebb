"""What the quarter's first sections ask: quarters and years in a row, its days, TCP and UDP apart, what made their peaks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from teiten import coverage
from teiten.coverage import Denominator, Stretch
from teiten.engine.filters import Filters, timestamp
from teiten.engine.questions import THINGS, Rows
from teiten.report import peaks, rises
from teiten.report.answers import Answers, What, chosen, hidden

QUARTERS: Final = 6
"""this one and five before it"""
YEARS: Final = 5
WHOLE: Final = 0.995
"""of a period observed by some sensor: below this it is said"""
HALF: Final = 0.5
"""of a day observed: below this it counts for no usual level"""
ATTRIBUTED: Final = 16
"""peaks of which it is asked what made them"""
KEPT: Final = 12
"""countries, AS and ports of a top day that are looked at"""
LOOKED_AT: Final = 20
"""ports, and countries, of which it is asked since when they are more"""
COURSES: Final = ("tcp_packets", "tcp_hosts", "udp_packets", "udp_hosts")
DIMENSIONS: Final = ("countries", "asns", "ports")
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
        if spans and not _begun(answers, _midnight(answers, period.after)):
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
        if after <= answers.period.after and _begun(answers, _midnight(answers, first) + _HOUR):
            found = _counted(answers, first, after)
            if found.days >= answers.comparable_share * found.length:
                out.append(found)
    return tuple(out)


def _begun(answers: Answers, moment: dt.datetime) -> bool:
    """Had the lake's records begun before that moment?"""
    return answers.extent is not None and answers.extent[0] < moment


def _midnight(answers: Answers, day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), answers.period.tz)


def _counted(answers: Answers, first: dt.date, after: dt.date) -> Stretched:
    start, end = _midnight(answers, first), _midnight(answers, after)
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
    times = tuple(_midnight(answers, day) for day in dates)
    counted = {row["start"].astimezone(answers.period.tz).date(): row for row in rows}
    values: dict[str, list[float | None]] = {name: [] for name in DAYS_COLUMNS}
    for day, start in zip(dates, times, strict=True):
        row = counted.get(day)
        gone = row is None and hidden(answers.coverage, start, _midnight(answers, day + _DAY))
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


# peaks --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Peak:
    """A peak of one course, and what it is made of: shares (0..1) of what came beyond the days before it."""

    course: str
    span: peaks.Span
    forged: float
    """of forged sources"""
    scanners: float
    """of research scanners"""
    hosts: float
    """of a peak of packets: hosts of its top day against the mean of the days before; 0.0 where those had none"""
    causes: dict[str, list[tuple[Any, float]]]
    """'countries', 'asns', 'ports' -> keys with their shares, most first; empty for a peak of forged sources"""

    @property
    def is_forged(self) -> bool:
        """Is it one of forged sources: do they make most of it?"""
        return self.forged > HALF


def found(answers: Answers) -> tuple[Peak, ...]:
    """The peaks of the four courses, in order of time."""
    course = answers.once(days)
    limits = (answers.threshold("peak_deviations"), answers.threshold("peak_times"))
    every = {name: peaks.find(course.values[name], *limits, course.whole) for name in COURSES}
    told = sorted(((name, span) for name in COURSES for span in every[name]), key=lambda item: -_weight(item[1]))[:ATTRIBUTED]
    made = _causes(answers, course, every, told)
    out = []
    for name, spans in every.items():
        for span in spans:
            base = peaks.base(span, course.values[name], spans)
            forged, scanners = (_part(course, f"{name}_{of}", name, span, base) for of in ("spoofed", "scanners"))
            # what forged sources are from says nothing
            causes = {} if forged > HALF else made.get((name, span), {})
            out.append(Peak(name, span, forged, scanners, _hosts(course, name, span, base), causes))
    return tuple(sorted(out, key=lambda p: (p.span.top, COURSES.index(p.course))))


def _weight(span: peaks.Span) -> float:
    """How much it stands out."""
    return span.value / max(1.0, span.usual)


def _part(course: Days, of: str, name: str, span: peaks.Span, base: Sequence[int]) -> float:
    """The share of what came beyond the days before that is of those sources."""

    def beyond(column: str) -> float:
        values = course.values[column]
        return (values[span.top] or 0.0) - sum(values[i] or 0.0 for i in base) / max(1, len(base))

    whole = beyond(name)
    return min(1.0, max(0.0, beyond(of) / whole)) if whole > 0 else 0.0


def _hosts(course: Days, name: str, span: peaks.Span, base: Sequence[int]) -> float:
    """How many times as many hosts as on the days before, forged ones aside."""
    hosts, forged = (course.values[f"{name.split('_')[0]}_hosts{of}"] for of in ("", "_spoofed"))
    mean = sum((hosts[i] or 0.0) - (forged[i] or 0.0) for i in base) / max(1, len(base))
    return ((hosts[span.top] or 0.0) - (forged[span.top] or 0.0)) / mean if mean else 0.0


Made = dict[tuple[str, peaks.Span], dict[str, list[tuple[Any, float]]]]


def _causes(answers: Answers, course: Days, every: dict[str, list[peaks.Span]], told: Sequence[tuple[str, peaks.Span]]) -> Made:
    """For each of those peaks the countries, AS and ports of what came beyond the days before it."""
    if not told:
        return {}
    tops = sorted({span.top for _, span in told})
    bases = {(name, span): peaks.base(span, course.values[name], every[name]) for name, span in told}
    wanted = sorted({*tops, *(i for base in bases.values() for i in base)})
    # forged sources are told apart: countries and AS of theirs are chance
    spoofed = "out" if answers.filters.spoofed == "in" else answers.filters.spoofed
    filters = replace(answers.filters, spoofed=spoofed)
    out: Made = {one: {} for one in told}
    for dimension in DIMENSIONS:
        counted = _counts(answers, filters, course, dimension, wanted, tops)
        for one in told:
            name, span = one
            protocol, measure = name.split("_")
            kept = counted[6 if protocol == "tcp" else 17, measure]
            before: dict[Any, float] = {}
            for i in bases[one]:
                for key, value in kept.get(i, {}).items():
                    before[key] = before.get(key, 0.0) + value
            beyond = peaks.excess(kept.get(span.top, {}), before, len(bases[one]))
            whole = _beyond(course, name, span, bases[one])
            out[one][dimension] = [(key, min(1.0, value / whole)) for key, value in beyond.items() if whole > 0][:KEPT]
    return out


def _beyond(course: Days, name: str, span: peaks.Span, base: Sequence[int]) -> float:
    """What came beyond the days before, without forged sources."""
    values = [
        None if v is None else v - (course.values[f"{name}_spoofed"][i] or 0.0) for i, v in enumerate(course.values[name])
    ]
    return (values[span.top] or 0.0) - sum(values[i] or 0.0 for i in base) / max(1, len(base))


Counts = dict[tuple[int, str], dict[int, dict[Any, float]]]


def _counts(
    answers: Answers, filters: Filters, course: Days, dimension: str, wanted: Sequence[int], tops: Sequence[int]
) -> Counts:
    """Protocol and measure -> day -> thing -> count."""
    thing = THINGS[dimension]
    columns = "dst_port" if dimension == "ports" else thing.columns[0]
    named = dimension == "asns"
    rows = answers.ask(
        CAUSES_SQL,
        filters,
        thing=columns,
        name=", max(as_name) AS as_name" if named else "",
        as_name=", as_name" if named else "",
        days=_ranges(course.times, wanted, answers.period.end),
        tops=", ".join(timestamp(course.times[i]) for i in tops),
        kept=str(KEPT),
    )
    place = {at.astimezone(dt.UTC): i for i, at in enumerate(course.times)}
    names = {row["asn"]: row["as_name"] or "" for row in rows} if named else {}
    out: Counts = {(protocol, measure): {} for protocol in (6, 17) for measure in ("packets", "hosts")}
    for row in rows:
        i = place[row["start"].astimezone(dt.UTC)]
        key = row[columns]
        if dimension == "ports":
            key = (row["protocol"], key)
        elif dimension == "asns":
            key = None if key is None else (key, names[key])
        for measure in ("packets", "hosts"):
            out[row["protocol"], measure].setdefault(i, {})[key] = float(row[measure])
    return out


# since when ---------------------------------------------------------------------------------------------------------


def began(answers: Answers) -> dict[tuple[What, Any], rises.Rise]:
    """The ports and countries that moved -> the largest rise in their packets that began in the quarter, if any."""
    out: dict[tuple[What, Any], rises.Rise] = {}
    for what in ("ports", "countries"):
        rose = tuple(row.key for row in answers.moved(what) if row.difference > 0)[:LOOKED_AT]
        if not rose:
            continue
        for key, values in _course(answers, what, rose).items():
            found = rises.rises(values, len(answers.before.days))
            if found:
                out[what, key] = max(found, key=lambda rise: (values[rise.peak] or 0.0, -rise.start))
    return out


def _course(answers: Answers, what: What, keys: tuple[Any, ...]) -> dict[Any, list[float | None]]:
    """Packets of each by day, over the quarter before and this one; None where nothing was observed."""
    columns = "protocol, dst_port" if what == "ports" else "country"
    span = answers.filters.between(answers.before.start, answers.period.end)
    rows = answers.ask(COURSE_SQL, span, columns=columns, chosen=chosen(what, keys))
    dates = [*answers.before.days, *answers.period.days]
    empty: list[float | None] = []
    for day in dates:
        start, end = _midnight(answers, day), _midnight(answers, day + _DAY)
        cover = answers.coverage if day >= answers.period.first else answers.coverage_before
        empty.append(None if not cover.observed() or hidden(cover, start, end) else 0.0)
    out = {key: list(empty) for key in keys}
    place = {day: i for i, day in enumerate(dates)}
    for row in rows:
        key = (row["protocol"], row["dst_port"]) if what == "ports" else row["country"]
        out[key][place[row["start"].astimezone(answers.period.tz).date()]] = float(row["packets"])
    return out


COURSE_SQL: Final = """
SELECT day_start(time) AS start, {columns}, sum(packets)::BIGINT AS packets
FROM {events}
WHERE {where} AND {chosen}
GROUP BY ALL
ORDER BY ALL
"""

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

CAUSES_SQL: Final = """
WITH chosen AS (
  SELECT day_start(time) AS start, protocol, {thing}, packets, {host}{as_name}
  FROM {events}
  WHERE {where} AND protocol IN (6, 17) AND {days}
), counted AS (
  SELECT start, protocol, {thing}, sum(packets)::BIGINT AS packets, {hosts} AS hosts{error}{name}
  FROM chosen
  GROUP BY start, protocol, {thing}
), kept AS (
  SELECT DISTINCT protocol, {thing} FROM (
    SELECT protocol, {thing},
           least(row_number() OVER (PARTITION BY start, protocol ORDER BY packets DESC, {thing}),
                 row_number() OVER (PARTITION BY start, protocol ORDER BY hosts DESC, {thing})) AS place
    FROM counted WHERE start IN ({tops})
  ) WHERE place <= {kept}
)
SELECT c.*
FROM counted c JOIN kept k ON k.protocol = c.protocol AND k.{thing} IS NOT DISTINCT FROM c.{thing}
ORDER BY c.start, c.protocol, c.packets DESC, c.{thing}
"""


def _ranges(times: Sequence[dt.datetime], wanted: Sequence[int], end: dt.datetime) -> str:
    """The condition that an event is of one of those days, days in a row as one span."""
    runs: list[tuple[int, int]] = []
    for i in wanted:
        if runs and runs[-1][1] == i:
            runs[-1] = (runs[-1][0], i + 1)
        else:
            runs.append((i, i + 1))
    spans = [(times[a], times[b] if b < len(times) else end) for a, b in runs]
    return "(" + " OR ".join(f"time >= {timestamp(a)} AND time < {timestamp(b)}" for a, b in spans) + ")"
