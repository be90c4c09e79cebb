"""One organisation (or source) watched: its sessions through the whole lake, each compared, its days, what changed."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from teiten.engine import offers
from teiten.engine.duckdb import Session as Asked
from teiten.engine.filters import Filters
from teiten.errors import UsageError
from teiten.lake import activity
from teiten.sessions import compare, join, thresholds
from teiten.sessions.compare import Change, Compared, Day, Rules
from teiten.sessions.join import Correction, Member, Session, Step
from teiten.settings import Settings

if TYPE_CHECKING:
    from teiten.classify.watchlists import Watchlists

NAMED: Final = 12
"""organisations that an error names"""
ADDRESSES: Final = 200
"""an organisation with more addresses is looked at as a whole only"""
EVENTS: Final = 100_000
"""and so is one with more events"""
MOST: Final = 100_000
"""sessions of single sources that are compared: those with the most ports"""
LOOKED_AT: Final = 300
"""sessions of one question that are held against the thresholds of detectors"""
_SMALLEST: Final = thresholds.PSAD_LEVELS[0]
"""packets below which no threshold is reached"""


@dataclass(slots=True)
class Watch:
    """What there is to tell of `key`: an organisation's short name, or a source address.

    since     the first event of the lake that the filters let through: from when on records count
    changes   of its behaviour; of single addresses of an organisation too (their `key` is the address)
    """

    key: str
    compared: list[Compared]
    days: list[Day]
    changes: list[Change]
    since: dt.datetime | None
    sql: str
    whose: Filters | str
    events: offers.Relation = offers.EVENTS
    """where its events are looked up"""

    def between(self, start: dt.datetime, end: dt.datetime) -> list[Compared]:
        """The sessions that begin within [start, end)."""
        return [c for c in self.compared if start <= c.session.start < end]

    def steps(self, asked: Asked, sessions: Sequence[Session]) -> list[list[Step]]:
        """The events of those sessions, in their order; of very many (`join.STEPS`), the first."""
        return join.steps(asked, sessions, self.whose, events=self.events)

    def crossings(self, asked: Asked, sessions: Sequence[Session]) -> dict[Session, list[thresholds.Crossing]]:
        """For sessions of enough packets, every threshold of `thresholds` and whether it was crossed.

        Of very many, those with the most packets; of a very long one, its first `join.STEPS` events, which reach whatever
        threshold there is.
        """
        large = sorted((s for s in sessions if s.packets >= _SMALLEST), key=lambda s: -s.packets)[:LOOKED_AT]
        out = {}
        for group in _groups(large):
            for session, own in zip(group, join.tries(asked, group, self.whose, events=self.events), strict=True):
                out[session] = thresholds.worst(own)
        return out


def _groups(sessions: Sequence[Session]) -> Iterable[list[Session]]:
    """So many at a time as have `join.STEPS` events together, one at least."""
    group: list[Session] = []
    for session in sessions:
        if group and sum(s.events for s in group) + session.events > join.STEPS:
            yield group
            group = []
        group.append(session)
    if group:
        yield group


def rules(settings: Settings) -> Rules:
    """The numbers that decide, as configured."""
    return Rules(settings.threshold("burst_ports_per_minute"), settings.threshold("slow_ports"))


def members(found: Watchlists, name: str) -> list[Member]:
    """An organisation's prefixes, each with the days on which it counts: the list's own validity and its version's.

    UsageError for an organisation that no list has.
    """
    try:
        short = found.organisation(name).name
    except UsageError:
        raise UsageError(f"No watchlist names '{name}'.", hint=f"There are: {_names(found)}.") from None
    out = []
    for window in found.windows:
        for entry in window.list.entries:
            if entry.organisation == short:
                first, last = _later(window.first, entry.start), _earlier(window.last, entry.end)
                out += [Member(ipaddress.ip_network(str(p)), first, last) for p in entry.prefixes]
    return out


def of_organisation(asked: Asked, settings: Settings, found: Watchlists, name: str, filters: Filters) -> Watch:
    """An organisation's sessions over all of its addresses. UsageError for one that no list has."""
    own = members(found, name)
    key = found.organisation(name).name
    gap, decide = settings.threshold("session_gap_seconds"), rules(settings)
    said = corrections(asked, key)
    whose = join.membership(asked, own, filters, said)
    events = join.gathered(asked, whose, filters)
    joined = join.of_organisation(asked, key, own, filters, gap, corrections=said, events=events)
    days = compare.days(joined.sessions, asked.zone, decide)
    changes = compare.changes(key, days)
    count = sum(s.events for s in joined.sessions)
    addresses = {a for s in joined.sessions for a in s.sources}
    if any(d.behaviour == "burst" for d in days) and len(addresses) <= ADDRESSES and count <= EVENTS:
        # an address can change only where there was a burst at all; of very many, single ones tell nothing
        alone: dict[str, list[Session]] = {}
        for session in join.of_sources(asked, filters, gap, whose=whose, events=events).sessions:
            alone.setdefault(session.key, []).append(session)
        for address, sessions in alone.items():
            changes += compare.changes(address, compare.days(sessions, asked.zone, decide))
    told = compare.compare(joined.sessions, asked.zone, decide, observed_days(asked, filters) if days else ())
    everything = " AND ".join([whose, *filters.between(None, None).conditions(raw=True)])
    return Watch(key, told, days, changes, first_event(asked, filters), joined.sql, everything, events)


def corrections(asked: Asked, name: str) -> list[Correction]:
    """What an analyst's notes say of sources being that organisation's, or not: not_a_scanner, not_announced_scanner, or
    announced_scanner with the name (or another's). Those on one sensor alone count where that sensor is asked about only:
    not here."""
    rows = asked.query(
        "SELECT src, day_from, day_to, label, value FROM notes"
        " WHERE kind = 'correction' AND src IS NOT NULL AND sensor IS NULL ORDER BY id"
    )
    out = []
    for row in rows:
        belongs = row["label"] == "announced_scanner" and row["value"] == name
        if belongs or row["label"] in ("not_a_scanner", "not_announced_scanner", "announced_scanner"):
            network = ipaddress.ip_network(row["src"], strict=False)
            out.append(Correction(network, belongs, row["day_from"], row["day_to"]))
    return out


def of_sources(asked: Asked, settings: Settings, filters: Filters) -> list[Watch]:
    """Each source that the filters let through, by itself: meant for a filter on `src`. At most `MOST` sessions."""
    gap, decide = settings.threshold("session_gap_seconds"), rules(settings)
    joined = join.of_sources(asked, filters, gap, most=MOST)
    since, seen = first_event(asked, filters), observed_days(asked, filters) if joined.sessions else ()
    groups: dict[str, list[Session]] = {}
    for session in joined.sessions:
        groups.setdefault(session.key, []).append(session)
    out = []
    for key, own in groups.items():
        days = compare.days(own, asked.zone, decide)
        told = compare.compare(own, asked.zone, decide, seen)
        out.append(Watch(key, told, days, compare.changes(key, days), since, joined.sql, filters))
    return out


def busiest(asked: Asked, settings: Settings, filters: Filters, most: int) -> list[Watch]:
    """The sessions with the most ports within the filters' span, of two ports at least, by source; held against nothing before
    them. As `of_sources` for their sources, so that sessions of one source come together."""
    gap, decide = settings.threshold("session_gap_seconds"), rules(settings)
    joined = join.of_sources(asked, filters, gap, least_ports=2, most=most)
    groups: dict[str, list[Session]] = {}
    for session in joined.sessions:
        groups.setdefault(session.key, []).append(session)
    out = []
    for key, own in groups.items():
        alone = [Compared(s, burst=s.per_minute >= decide.burst_ports_per_minute) for s in own]
        out.append(Watch(key, alone, [], [], None, joined.sql, filters))
    return out or [Watch("", [], [], [], None, joined.sql, filters)]


def first_event(asked: Asked, filters: Filters) -> dt.datetime | None:
    """The first event of the sensors asked about: before it nobody was watching."""
    moments = _recorded(asked, filters)
    if moments is not None:
        earliest: Any = moments.min()
        return None if earliest is None else earliest.astimezone(asked.zone)
    wide = Filters(sensor=filters.sensor, all_events=True)
    where = " AND ".join(wide.conditions(raw=True)) or "true"
    found: dt.datetime | None = asked.query(f"SELECT min(time) AS first FROM raw_events WHERE {where}")[0]["first"]
    return found


def observed_days(asked: Asked, filters: Filters) -> set[dt.date]:
    """The days on which those sensors recorded anything, from whomever."""
    moments = _recorded(asked, filters)
    if moments is not None:
        return set(moments.dt.date().unique())
    wide = Filters(sensor=filters.sensor, all_events=True)
    where = " AND ".join(wide.conditions(raw=True)) or "true"
    rows = asked.query(f"SELECT DISTINCT day_of(time) AS day FROM raw_events WHERE {where}")
    return {row["day"] for row in rows}


def _recorded(asked: Asked, filters: Filters) -> pl.Series | None:
    """First and last event of every hour in which those sensors recorded anything (times of the zone), by what batches tell of
    it, without reading events; None where some batch of an older version tells nothing."""
    rows = asked.lake.batches(["sensor", "activity", "t_min"], asked.last_batch).filter(pl.col("t_min").is_not_null())
    if filters.sensor:
        rows = rows.filter(pl.col("sensor").is_in(list(filters.sensor)))
    if rows["activity"].null_count():
        return None
    first, last = activity.times(activity.merged([activity.unpacked(rows["activity"])]))
    moments = pl.Series([*first, *last], dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    return moments.dt.convert_time_zone(asked.zone_name)


def _names(found: Watchlists) -> str:
    featured = [o.name for o in found.featured()]
    rest = sorted(set(found.organisations) - set(featured), key=str.casefold)
    named = [*featured, *rest][:NAMED]
    more = len(found.organisations) - len(named)
    return ", ".join(named) + (f" and {more} more (teiten watchlist list)" if more > 0 else "")


def _later(*days: dt.date | None) -> dt.date | None:
    return max(_known(days), default=None)


def _earlier(*days: dt.date | None) -> dt.date | None:
    return min(_known(days), default=None)


def _known(days: Iterable[dt.date | None]) -> list[dt.date]:
    return [d for d in days if d is not None]
