"""The lake's aggregates in a session: which days each table has, whether they still hold, and the rows as relations.

A day's rows hold where no batch brought events of it since, none were forgotten, and, for questions about what sources are
taken for, the verdicts are the same. Where the events of a day are no longer kept, they hold for good.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teiten.engine import offers
from teiten.engine.filters import timestamp
from teiten.engine.judged import EVERY
from teiten.lake import Lake, rollup

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

Span = tuple[dt.datetime | None, dt.datetime | None]
FEW: Final = 3_000_000
"""events of days without aggregates that are counted on the spot, so that the days with them can be used"""
SHARE: Final = 3
"""of days whose events are asked beside the aggregates of others: these have so many times their events at least, all told"""
QUICK: Final = 3_000_000
"""events that are counted rather than that hosts are estimated"""


class Rolled:
    """What a session knows of its lake's aggregates. Each table is looked at when it is first wanted."""

    def __init__(self, session: Session, *, verdicts: bool) -> None:
        """verdicts: are the session's verdicts those of the lake, as they are now?"""
        self._session, self._lake, self._verdicts = session, session.lake, verdicts
        self._zone = session.zone
        self._dropped = session.lake.dropped_days(session.zone_name)
        self._wanted: dict[dt.date, rollup.Basis] | None = None
        self._states: dict[str, dict[dt.date, rollup.Basis]] = {}
        self._fresh: dict[str, set[dt.date]] = {}
        self._views: set[tuple[str, bool]] = set()
        self._mixed: dict[Hashable, str] = {}

    def relation(self, asked: offers.Relation, spans: Iterable[Span], *, verdicts: bool) -> offers.Relation | None:
        """The relation with its name in SQL, where its rows can stand for the events of those spans; else None."""
        name = asked.table or ""
        spans = list(spans)
        days, edges = self._days(spans, asked.grain or "day")
        if edges & self._dropped or (verdicts and not self._verdicts and not days & self._dropped):
            return None
        state = self._current(name, verdicts)
        had = (days & state.keys()) - edges
        # what an older version counted of a day whose events are gone was not counted into each of today's tables
        if not had or (days & self._dropped) - state.keys():
            return None
        missing = days - had - self._dropped
        beside = missing if (edges or not verdicts) and not self._session.pairs else set()
        if beside:
            many = edges or self._events(beside) > FEW
            if many and SHARE * self._events(beside) > self._events(days):
                return None
        elif missing and not self._count(name, missing, verdicts):
            return None
        thinned = any(state[day].thinned for day in had) or bool(missing and asked.estimates)
        if thinned and asked.estimates and not days & self._dropped and self._events(days) <= QUICK:
            return None
        found = asked if thinned else offers.exactly(asked)
        if not beside:
            return replace(found, name=self._view(name, verdicts))
        view = self._beside(asked, had, beside, spans, verdicts=verdicts)
        return replace(found, name=view, joined=EVERY if verdicts else found.joined)

    def _days(self, spans: Iterable[Span], grain: offers.Grain) -> tuple[set[dt.date], set[dt.date]]:
        """The days with events that lie in the spans; and those of them within which (or within an hour of which) one begins or
        ends. Where nothing came later, an end is none."""
        known = self._known
        out: set[dt.date] = set()
        edges: set[dt.date] = set()
        for start, end in spans:
            if start is not None and not _even(start.astimezone(self._zone), grain, self._zone):
                edges.add(start.astimezone(self._zone).date())
            later = end is not None and any(f.t_max is None or f.t_max >= end for f in self._session.files)
            if later and end is not None and not _even(end.astimezone(self._zone), grain, self._zone):
                edges.add(end.astimezone(self._zone).date())
            first = start.astimezone(self._zone).date() if start else dt.date.min
            last = (end - dt.timedelta(microseconds=1)).astimezone(self._zone).date() if end else dt.date.max
            out |= {day for day in known if first <= day <= last}
        return out, edges & out

    def _beside(
        self, asked: offers.Relation, had: set[dt.date], days: set[dt.date], spans: list[Span], *, verdicts: bool
    ) -> str:
        """The name of a view of the rows of the days that are had, and of the events of the others, told as such rows (with
        what verdicts say, where that is asked)."""
        after = dt.timedelta(days=1)
        runs = [(offers.midnight(a, self._zone), offers.midnight(b + after, self._zone)) for a, b in _runs(sorted(days))]
        where = " OR ".join(f"(time >= {timestamp(a)} AND time < {timestamp(b)})" for a, b in runs)
        moments = sorted({moment for span in spans for moment in span if moment is not None}, reverse=True)
        within = [m for m in moments if any(a < m < b for a, b in runs)]
        key = (asked.table or "", frozenset(had), frozenset(days), tuple(within), verdicts)
        if key not in self._mixed:
            self._mixed[key] = f"_beside_{len(self._mixed)}"
            rows = offers.told(asked, f"({where})", [timestamp(m) for m in within], verdicts=verdicts)
            if verdicts:
                self._session.judge()
            self._session.show_rollup(asked.table or "", self._mixed[key], sorted(had), fresh=False, more=rows)
        return self._mixed[key]

    @property
    def _known(self) -> dict[dt.date, rollup.Basis]:
        if self._wanted is None:
            self._wanted = rollup.wanted(self._lake, self._session.zone_name, self._session.upto)
        return self._wanted

    def _current(self, name: str, verdicts: bool) -> dict[dt.date, rollup.Basis]:
        """The table's days that hold."""
        if name not in self._states:
            self._states[name] = stored(self._lake, name, self._session.zone_name)
        out = {}
        for day, basis in self._states[name].items():
            now = self._known.get(day)
            if now is not None and (day in self._dropped or (basis.same(now) if verdicts else basis.same_events(now))):
                out[day] = basis
        return out

    def _events(self, days: Iterable[dt.date]) -> int:
        """Events of the files that touch those days: never fewer than they have."""
        wanted = sorted(days)
        if not wanted:
            return 0
        after = dt.timedelta(days=1)
        spans = [(offers.midnight(a, self._zone), offers.midnight(b + after, self._zone)) for a, b in _runs(wanted)]
        files = self._session.files
        return sum(f.rows for f in files if f.t_min and f.t_max and any(f.t_min < b and f.t_max >= a for a, b in spans))

    def _count(self, name: str, days: set[dt.date], verdicts: bool) -> bool:
        """Counts the days' events in the shape of the table, where they are few enough: then True."""
        fresh = self._fresh.setdefault(name, set())
        new = days - fresh
        if not new:
            return True
        if self._events(new) > FEW:
            return False
        relation = next(one for one in offers.COUNTED if one.table == name)
        columns = ", ".join(("day", *rollup.TABLES[name]))
        for first, last in _runs(sorted(new)):
            span = (offers.midnight(first, self._zone), offers.midnight(last + dt.timedelta(days=1), self._zone))
            where = f"time >= {timestamp(span[0])} AND time < {timestamp(span[1])}"
            made = f"SELECT {columns} FROM ({offers.count(self._session, relation, where)})"
            begin = f"INSERT INTO _fresh_{name}" if fresh else f"CREATE OR REPLACE TEMP TABLE _fresh_{name} AS"
            self._session.make(f"{begin} {made}", made)
            fresh |= {first + dt.timedelta(days=n) for n in range((last - first).days + 1)}
            self._views -= {(name, True), (name, False)}
        return True

    def _view(self, name: str, verdicts: bool) -> str:
        """The name of the view of the table's rows that hold, with those counted on the spot."""
        view = f"_{name}_{'judged' if verdicts else 'any'}"
        if (name, verdicts) not in self._views:
            self._session.show_rollup(name, view, sorted(self._current(name, verdicts)), fresh=bool(self._fresh.get(name)))
            self._views.add((name, verdicts))
        return view


def stored(lake: Lake, name: str, zone: str) -> dict[dt.date, rollup.Basis]:
    """Day of that zone -> from what the table's rows of it were made."""
    rows = lake.rollup_state(name, zone).select("day", "basis").iter_rows()
    return {day: basis for day, text in rows if (basis := rollup.Basis.read(text)) is not None}


def _even(moment: dt.datetime, grain: offers.Grain, zone: dt.tzinfo) -> bool:
    if grain == "hour":
        return (moment.minute, moment.second, moment.microsecond) == (0, 0, 0)
    return moment == offers.midnight(moment.date(), zone)


def _runs(days: Sequence[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Days in order -> first and last of each stretch of days one after another."""
    out: list[tuple[dt.date, dt.date]] = []
    for day in days:
        if out and day - out[-1][1] == dt.timedelta(days=1):
            out[-1] = (out[-1][0], day)
        else:
            out.append((day, day))
    return out


__all__ = ["Rolled", "stored"]
