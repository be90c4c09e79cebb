"""What made the peaks of a quarter's days, and since when what rose is more: asked of the days that stand out alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from teiten.engine.filters import Filters, timestamp
from teiten.engine.questions import THINGS
from teiten.report import peaks, rises
from teiten.report.answers import Answers, What, chosen, hidden
from teiten.report.asked.quarter import Days, days, midnight

HALF: Final = 0.5
"""of a peak: where forged sources make more of it, it is one of theirs"""
ATTRIBUTED: Final = 16
"""peaks of which it is asked what made them"""
KEPT: Final = 12
"""countries, AS and ports of a top day that are looked at"""
LOOKED_AT: Final = 20
"""ports, and countries, of which it is asked since when they are more"""
COURSES: Final = ("tcp_packets", "tcp_hosts", "udp_packets", "udp_hosts")
DIMENSIONS: Final = ("countries", "asns", "ports")
_DAY: Final = dt.timedelta(days=1)


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
        start, end = midnight(answers, day), midnight(answers, day + _DAY)
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
