"""Of a span about which many questions are to come: what each source sent to each port on each day, counted once.

A report asks some sixty questions of the same days, and each of them would read all of their events. `Session.expect` names
the span. Its days are counted into files of the session's own when the first question needs them, an eighth of the rows,
and the others read these. Nothing is left out or estimated: the answers are those from events.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teiten.engine import judged, offers
from teiten.engine.filters import timestamp

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.questions import Query

LEAST: Final = 1_000_000
"""events of the span below which questions are asked of the events: they take no longer"""
AT_ONCE: Final = 4_000_000
"""events that are counted in one go (a whole day at least)"""
MORE: Final = 2
"""a question about more days than expected is answered in the same way where they have no more than so many times the events"""
_DAY: Final = dt.timedelta(days=1)

_PUT: Final = {
    **offers.PUTTING,
    "moments": "min(first) AS first, max(last) AS last",
    "each": ", sum(events)::BIGINT AS events",
}
"""as those of events (`offers.EVENTS`), of rows that stand for several events each"""
SOURCES: Final = replace(offers.SOURCES, table=None, name="_spot_sources", put=_PUT, kept=False)
PAIRS: Final = replace(SOURCES, columns=offers.SOURCES.columns | {"dst_port", "time_basis", "geo_db"}, name="_spot_pairs")
"""both know first and last times, and every source: what they say is exact"""

_KEY: Final = "sensor, src_ip, protocol, dst_port, country, asn, as_name, kind, action"
_PAIRS: Final = f"""
SELECT day_of(time) AS day, day_start(min(time)) AS time, {_KEY}, CASE WHEN interface = '' THEN '' END AS interface,
       time_basis, geo_db, sum(packets)::BIGINT AS packets, count(*) AS events, min(time) AS first, max(time) AS last
FROM _events WHERE {{where}}
GROUP BY day_of(time), {_KEY}, CASE WHEN interface = '' THEN '' END, time_basis, geo_db"""
_SAME: Final = "day, time, sensor, src_ip, protocol, country, asn, as_name, kind, action, interface"
_SOURCES: Final = f"""
SELECT {_SAME}, {", ".join(judged.JOINED)}, sum(packets)::BIGINT AS packets, sum(events)::BIGINT AS events,
       min(first) AS first, max(last) AS last
FROM _spot_pairs WHERE {{where}}
GROUP BY {_SAME}, {", ".join(judged.JOINED)}"""


class Pairs:
    """The days of an expected span, those counted that were asked about."""

    def __init__(self, session: Session, start: dt.datetime, end: dt.datetime) -> None:
        self._session, self._start, self._end = session, start, end
        self._dropped = session.lake.dropped_days(session.zone_name)
        self._counted: set[dt.date] = set()
        self._put = False

    def relation(self, query: Query) -> offers.Relation | None:
        """The relation that offers what the question needs, its days counted; None where events have to be asked."""
        if query.grain != "day" or "mode(" in query.text(raw=True):
            return None
        asked = offers.needs(query)
        days: set[dt.date] = set()
        for filters in query.filters.values():
            own = self._days(filters.start, filters.end)
            if own is None:
                return None
            days |= own
        if not asked.columns <= PAIRS.columns or days & self._dropped or self._few():
            return None
        self._count(days - self._counted)
        if not self._put:
            return None
        return SOURCES if asked.columns <= SOURCES.columns else PAIRS

    def _few(self) -> bool:
        return not self._counted and self._events(self._start, self._end) < LEAST

    def _days(self, start: dt.datetime | None, end: dt.datetime | None) -> set[dt.date] | None:
        """The days of [start, end); None where they are not whole ones, or have far more events than the expected span."""
        if start is None or end is None:
            return None
        whole = self._events(min(start, self._start), max(end, self._end))
        if whole > MORE * self._events(self._start, self._end):
            return None
        found = offers.days_of(start, end, self._session.zone)
        return None if found is None else set(found)

    def _events(self, start: dt.datetime, end: dt.datetime) -> int:
        """Events of the files that touch [start, end): never fewer than it has."""
        files = self._session.files
        return sum(f.rows for f in files if f.t_min and f.t_max and f.t_min < end and f.t_max >= start)

    def _count(self, days: Iterable[dt.date]) -> None:
        for start, end in self._pieces(sorted(days)):
            if self._events(start, end):
                where = f"time >= {timestamp(start)} AND time < {timestamp(end)}"
                pairs = judged.beside(f"({_PAIRS.format(where=where)})", "e.day", judged.EVERY)
                self._session.put_by(PAIRS.name or "", pairs)
                self._session.put_by(SOURCES.name or "", _SOURCES.format(where=where))
                self._put = True
        self._counted |= set(days)

    def _pieces(self, days: list[dt.date]) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """First instant of each stretch of days that is counted in one go, and the one after it."""
        zone = self._session.zone
        while days:
            first, n = days[0], 1
            start = offers.midnight(first, zone)
            while n < len(days) and days[n] == first + n * _DAY:
                if self._events(start, offers.midnight(first + (n + 1) * _DAY, zone)) > AT_ONCE:
                    break
                n += 1
            yield start, offers.midnight(first + n * _DAY, zone)
            days = days[n:]
