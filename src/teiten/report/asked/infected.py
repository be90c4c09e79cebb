"""Hosts that look infected, day by day: Mirai's by country and by the set of ports they try, and Telnet scans without its mark.

A Mirai host is a source with the verdict of rule `tool_mirai` (NICTER's mark); the wider count adds those of `mirai_wide`. A
host counts once a day, whichever sensors it reached; the hosts of several days are not added up to hosts, only to host-days.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from teiten.engine.questions import Rows
from teiten.periods import Period
from teiten.report.answers import Answers, hidden
from teiten.report.coverage import Coverage

Day = dt.date
SETS: Final = 20
"""sets of ports that are told apart, of the world and of the one country; the rest are 'other'"""
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts of each day of the period and of the one before. None where nobody was watching."""

    days: tuple[Day, ...]
    """of the period"""
    before: tuple[Day, ...]
    mirai: Mapping[Day, int | None]
    wide: Mapping[Day, int | None]
    """by the wider count: NICTER's, and those whose source ports it leaves out"""
    telnet: Mapping[Day, int | None]
    mirai_telnet: Mapping[Day, int | None]
    """Mirai hosts that tried 23 or 2323"""
    countries: Mapping[str | None, Mapping[Day, int]]
    """Mirai hosts by country, in the period, most host-days first"""
    telnet_countries: Mapping[str | None, Mapping[Day, int]]
    sets: Mapping[str | None, Mapping[Day, int]]
    """Mirai hosts by the set of ports ('23,2323'; 'other'; None: no verdict says), most host-days first"""
    home: Mapping[Day, int | None]
    """Mirai hosts of the one country, in both periods"""
    home_sets: Mapping[str | None, Mapping[Day, int]]
    rows: Rows

    @property
    def any(self) -> bool:
        """Was there a host of either kind in the period?"""
        return any(self.wide[day] or self.telnet[day] for day in self.days)


def hosts(country: str | None) -> Callable[[Answers], Hosts]:
    """The question; `country`: the one country with figures of its own, or None."""
    return _ASKED.setdefault(country, lambda answers: _hosts(answers, country))


_ASKED: Final[dict[str | None, Callable[[Answers], Hosts]]] = {}
"""one function for each country, so that `Answers.once` knows it again"""


def _hosts(answers: Answers, country: str | None) -> Hosts:
    span = answers.filters.between(answers.before.start, answers.period.end)
    rows = answers.ask(
        HOSTS_SQL,
        span,
        first=f"DATE '{answers.before.first}'",
        last=f"DATE '{answers.period.days[-1]}'",
        since=f"DATE '{answers.period.first}'",
        home=f"country = '{country}'" if country else "false",
        sets=str(SETS),
    )
    now, before = tuple(answers.period.days), tuple(answers.before.days)
    either = {**_watched(answers.coverage_before, answers.before), **_watched(answers.coverage, answers.period)}
    lands = [row for row in rows if row["part"] == "country"]
    sets = [row for row in rows if row["part"] == "ports"]

    def sums(name: str, among: Iterable[Mapping[str, object]] = lands) -> dict[Day, int | None]:
        found = _summed(among, name, either)
        return {day: found.get(day, 0) if seen or found.get(day) else None for day, seen in either.items()}

    in_period = [row for row in lands if row["day"] >= now[0]]
    return Hosts(
        now,
        before,
        sums("mirai"),
        sums("wide"),
        sums("telnet"),
        sums("mirai_telnet"),
        _by(in_period, "country", "mirai"),
        _by(in_period, "country", "telnet"),
        _by([row for row in sets if row["day"] >= now[0]], "ports", "mirai"),
        sums("mirai", [row for row in lands if country and row["country"] == country]),
        _by([row for row in sets if row["home"] and row["day"] >= now[0]], "ports", "mirai"),
        rows,
    )


def _watched(cover: Coverage, period: Period) -> dict[Day, bool]:
    """Day -> was anybody watching on it?"""
    if not cover.observed():
        return dict.fromkeys(period.days, False)
    after = dt.timedelta(days=1)
    bounds = {day: tuple(dt.datetime.combine(d, dt.time(), period.tz) for d in (day, day + after)) for day in period.days}
    return {day: not hidden(cover, *bound) for day, bound in bounds.items()}


def _summed(rows: Iterable[Mapping[str, object]], name: str, days: Iterable[Day]) -> dict[Day, int]:
    found = dict.fromkeys(days, 0)
    for row in rows:
        found[row["day"]] += row[name]  # type: ignore[index,operator]
    return found


def _by(rows: Iterable[Mapping[str, object]], key: str, name: str) -> dict[str | None, dict[Day, int]]:
    """Value of that column -> day -> hosts; most host-days first, 'other' and the unknown last."""
    found: dict[str | None, dict[Day, int]] = {}
    for row in rows:
        if row[name]:
            days = found.setdefault(row[key], {})  # type: ignore[arg-type]
            days[row["day"]] = days.get(row["day"], 0) + row[name]  # type: ignore[index,call-overload]
    last = {OTHER: 1, None: 2}
    return dict(sorted(found.items(), key=lambda item: (last.get(item[0], 0), -sum(item[1].values()), str(item[0]))))


def typical(values: Iterable[int | None]) -> tuple[int, int, int] | None:
    """The tenth and the ninetieth of a hundred days, and the middle one; None where no day was watched."""
    seen = sorted(v for v in values if v is not None)
    if not seen:
        return None
    low, high = seen[round((len(seen) - 1) * 0.1)], seen[round((len(seen) - 1) * 0.9)]
    return low, high, round(statistics.median(seen))


def says_marks(answers: Answers) -> bool:
    """Do the period's TCP SYN say their sequence numbers, some of them? Where they do not, nobody can be told for Mirai."""
    found = answers.ask(MARKS_SQL, answers.filters)
    return bool(found and found[0]["told"]) or found.lost is not None


HOSTS_SQL: Final = """
WITH told AS (
  SELECT src_ip, day,
         coalesce(bool_or(label = 'tool'), false) AS mirai,
         coalesce(bool_or(label = 'mirai_wide'), false) AS low,
         coalesce(bool_or(label = 'telnet_without_mirai'), false) AS telnet,
         max(CASE WHEN label = 'mirai_ports' THEN value END) AS ports
  FROM {verdicts}
  WHERE scope = 'all' AND day >= {first} AND day <= {last}
    AND (label IN ('mirai_wide', 'telnet_without_mirai', 'mirai_ports') OR (label = 'tool' AND value = 'mirai'))
  GROUP BY src_ip, day
), hosts AS (
  SELECT t.day, t.src_ip, max(e.country) AS country,
         any_value(CASE WHEN t.mirai THEN t.ports END) AS ports, any_value(t.mirai) AS mirai,
         any_value(t.mirai OR t.low) AS wide, any_value(t.telnet AND NOT t.mirai AND NOT t.low) AS telnet,
         any_value(t.mirai AND coalesce(list_has_any(string_split(t.ports, ','), ['23', '2323']), false)) AS mirai_telnet
  FROM (
    SELECT src_ip, day_of(time) AS day, country
    FROM {events}
    WHERE {where}
  ) e JOIN told t ON t.src_ip = e.src_ip AND t.day = e.day
  GROUP BY t.day, t.src_ip
), counted AS (
  SELECT ports, {home} AS home, count(*) AS host_days
  FROM hosts
  WHERE mirai AND ports IS NOT NULL AND day >= {since}
  GROUP BY ALL
), top AS (
  (SELECT ports FROM counted GROUP BY ports ORDER BY sum(host_days) DESC, ports LIMIT {sets})
  UNION
  (SELECT ports FROM counted WHERE home ORDER BY host_days DESC, ports LIMIT {sets})
)
SELECT 'country' AS part, day, country, NULL AS home, NULL AS ports, count_if(mirai) AS mirai, count_if(wide) AS wide,
       count_if(telnet) AS telnet, count_if(mirai_telnet) AS mirai_telnet
FROM hosts
GROUP BY day, country
UNION ALL
SELECT 'ports', day, NULL, coalesce({home}, false),
       CASE WHEN h.ports IS NULL OR t.ports IS NOT NULL THEN h.ports ELSE 'other' END, count(*), NULL, NULL, NULL
FROM hosts h LEFT JOIN top t ON t.ports = h.ports
WHERE mirai
GROUP BY ALL
ORDER BY ALL
"""

MARKS_SQL: Final = """
SELECT count(*) AS told FROM (SELECT true FROM {events} WHERE {where} AND kind = 'syn' AND mark_mirai IS NOT NULL LIMIT 1)
"""
