"""What one announced scanner did in a period, and in the one before: ports by day, days active and silent, addresses, lists."""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import itertools
from collections import Counter
from dataclasses import replace
from typing import Final

from teiten.classify.lists import Organisation
from teiten.classify.watchlists import Match, Watchlists
from teiten.engine.questions import Query, Rows
from teiten.periods import Period
from teiten.report.answers import PORT_KEYS, Answers, Key, hidden
from teiten.report.coverage import Coverage

TOP: Final = 10
"""ports of everybody that it is looked whether it tried"""
Run = list[dt.date]
"""days one after another"""


class Watched:
    """One organisation in the period of the answers. Every property is asked once."""

    def __init__(self, answers: Answers, lists: Watchlists, organisation: Organisation) -> None:
        self.answers, self.lists, self.organisation = answers, lists, organisation
        self.period = answers.period
        self.filters = replace(answers.filters, scanner=(organisation.name,))

    # what it tried

    @functools.cached_property
    def rows(self) -> Rows:
        """start (midnight of the day), dst_port, protocol, packets: in the order of days and ports."""
        return Query(BY_DAY_SQL, {"where": self.filters}, grain="day", keys=PORT_KEYS).rows(self.answers.session)

    @functools.cached_property
    def by_day(self) -> dict[dt.date, Counter[Key]]:
        """Day -> packets of each port."""
        return _by_day(self.rows, self.period)

    @functools.cached_property
    def by_day_before(self) -> dict[dt.date, Counter[Key]]:
        before = self.answers.before
        wanted = self.filters.between(before.start, before.end)
        return _by_day(Query(BY_DAY_SQL, {"where": wanted}, grain="day", keys=PORT_KEYS).rows(self.answers.session), before)

    @functools.cached_property
    def ports(self) -> Counter[Key]:
        return _summed(self.by_day)

    @functools.cached_property
    def ports_before(self) -> Counter[Key]:
        return _summed(self.by_day_before)

    @property
    def tried(self) -> list[Key]:
        """Its ports, the most tried first, equals by their numbers."""
        return in_order(self.ports)

    @property
    def new(self) -> list[Key]:
        """Those that it did not try in the period before."""
        return [key for key in self.tried if key not in self.ports_before]

    @property
    def gone(self) -> list[Key]:
        """Those of the period before that it tried no more."""
        return in_order(Counter({k: n for k, n in self.ports_before.items() if k not in self.ports}))

    @functools.cached_property
    def untried(self) -> list[tuple[int, Key]]:
        """(rank, port) of everybody's first ten ports (things without a port do not count) that it never tried."""
        ranked = [(r.rank, r.key) for r in self.answers.ranking("ports") if r.rank is not None and r.key[1] is not None]
        return [(rank, key) for rank, key in ranked[:TOP] if key not in self.ports]

    # when

    @property
    def days(self) -> list[dt.date]:
        """The days on which it came."""
        return sorted(self.by_day)

    @functools.cached_property
    def observed(self) -> list[dt.date]:
        """The days of the period of which something was observed, or on which it came."""
        return observed_days(self.period, self.answers.coverage, self.by_day)

    @functools.cached_property
    def observed_before(self) -> list[dt.date]:
        return observed_days(self.answers.before, self.answers.coverage_before, self.by_day_before)

    @property
    def runs(self) -> list[Run]:
        """Its days in stretches of days one after another."""
        return runs(self.days)

    @property
    def silent(self) -> int:
        """Observed days after its last one, up to the end of the period."""
        return sum(day > self.days[-1] for day in self.observed) if self.days else len(self.observed)

    @property
    def longest_pause(self) -> int:
        """The most observed days in a row without it, between two of its days in this period and the one before."""
        active = sorted({*self.by_day, *self.by_day_before})
        seen = [*self.observed_before, *self.observed]
        between = [sum(a < day < b for day in seen) for a, b in itertools.pairwise(active)]
        return max(between, default=0)

    # from where

    @functools.cached_property
    def sources(self) -> list[bytes]:
        """Its addresses in the period, packed."""
        rows = Query(SOURCES_SQL, {"where": self.filters}, grain="day").rows(self.answers.session)
        return [row["src_ip"] for row in rows]

    @functools.cached_property
    def prefixes(self) -> list[Match]:
        """What the lists announced of it for its last day in the period (or the period's last day), each prefix once."""
        day = self.days[-1] if self.days else self.period.days[-1]
        found: dict[str, Match] = {}
        for match in self.lists.prefixes(self.organisation.name, day):
            found.setdefault(match.prefix, match)
        return list(found.values())

    @property
    def used(self) -> list[Match]:
        """Those of the prefixes in which an address of the period lies."""
        out = []
        for match in self.prefixes:
            network = ipaddress.ip_network(match.prefix)
            if any(ipaddress.ip_address(s) in network for s in self.sources if len(s) == network.max_prefixlen // 8):
                out.append(match)
        return out


def in_order(counts: Counter[Key]) -> list[Key]:
    """Ports by packets, equals by number."""
    return sorted(counts, key=lambda k: (-counts[k], k[1] if k[1] is not None else -1, k[0] or 0))


def runs(days: list[dt.date]) -> list[Run]:
    """Days in order -> stretches of days one after another."""
    out: list[Run] = []
    for day in days:
        if out and day - out[-1][-1] == dt.timedelta(days=1):
            out[-1].append(day)
        else:
            out.append([day])
    return out


def observed_days(period: Period, coverage: Coverage, active: dict[dt.date, Counter[Key]]) -> list[dt.date]:
    """The days that no gap hides, and those on which something came."""
    found = []
    for day in period.days:
        start = dt.datetime.combine(day, dt.time(), period.tz)
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), period.tz)
        if day in active or not hidden(coverage, start, end):
            found.append(day)
    return found


def _by_day(rows: Rows, period: Period) -> dict[dt.date, Counter[Key]]:
    out: dict[dt.date, Counter[Key]] = {}
    for row in rows:
        day = row["start"].astimezone(period.tz).date()
        out.setdefault(day, Counter())[row["protocol"], row["dst_port"]] += row["packets"]
    return out


def _summed(by_day: dict[dt.date, Counter[Key]]) -> Counter[Key]:
    return sum(by_day.values(), Counter[Key]())


BY_DAY_SQL: Final = """
SELECT day_start(time) AS start, {keys}, sum(packets)::BIGINT AS packets
FROM {events}
WHERE {where}
GROUP BY ALL
ORDER BY start, protocol, dst_port
"""

SOURCES_SQL: Final = """
SELECT DISTINCT src_ip FROM {events} WHERE {where} ORDER BY src_ip
"""
