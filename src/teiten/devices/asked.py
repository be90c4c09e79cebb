"""Devices among the sources: hosts of each day by family, with what is not known as a row, and how many devices they are.

Evidence counts for a source on the days around its time (setting `device_days`): an address changes hands. Of several days the
nearest counts. A source with evidence of two families at once (several machines behind one address) is of `SEVERAL`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from teiten.devices import churn, signatures
from teiten.devices.churn import Count, Sight
from teiten.devices.signatures import Signatures
from teiten.engine.filters import Filters
from teiten.engine.questions import Query
from teiten.lake import device

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from teiten.engine.duckdb import Session
    from teiten.settings import Settings

SEVERAL: Final = "several"
"""the family of a source with evidence of more than one"""
UNNAMED: Final = "unnamed"
"""the family of a source that answered, with nothing that a signature knows"""
UNKNOWN: Final = "unknown"
"""that of a source of which there is no evidence"""
REST: Final = (SEVERAL, UNNAMED, UNKNOWN)

TOTALS_SQL: Final = """
SELECT day_of(time) AS day, {hosts} AS hosts{error} FROM {events} WHERE {where} GROUP BY ALL ORDER BY day
"""
SOURCES_SQL: Final = """
SELECT day_of(time) AS day, src_ip, max(country) AS country, max(asn) AS asn
FROM {events} WHERE {where} AND src_ip IN (SELECT DISTINCT src_ip FROM {devices}) GROUP BY day_of(time), src_ip ORDER BY ALL
"""
ACTIVE_SQL: Final = """
SELECT src_ip, hour_start(time) AS hour, min(time) AS first, max(time) AS last
FROM {events} WHERE {where} AND src_ip IN (SELECT DISTINCT src_ip FROM {devices}) GROUP BY ALL
"""
_EVIDENCE: Final = f"SELECT {', '.join(name for name in device.SHOWN)} FROM _devices WHERE time >= ? AND time < ?"


@dataclass(slots=True)
class Day:
    """A day's hosts by family (`REST` among them: they add up to `hosts`), and how many devices those with evidence are.

    hosts may be estimated (then `UNKNOWN` is); those with evidence are counted."""

    day: dt.date
    hosts: int = 0
    families: Counter[str] = field(default_factory=Counter)
    devices: Count = field(default_factory=Count)
    by_family: dict[str, Count] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """Hosts of which there is evidence."""
        return sum(n for name, n in self.families.items() if name != UNKNOWN)


@dataclass(slots=True)
class Found:
    """Days in order; the same over all of them, where hosts are distinct addresses; the names of families."""

    days: list[Day]
    whole: Count
    whole_families: Counter[str]
    whole_by_family: dict[str, Count]
    signatures: Signatures
    sql: str
    shared: int
    """identities that are not one device's, and were not used"""
    estimated: float = 0.0
    hosts: dict[bytes, str] = field(default_factory=dict)
    """each source with evidence, and the family that it was of on most days"""

    @property
    def families(self) -> list[str]:
        """Those with most host-days first, the rest last."""
        sums: Counter[str] = Counter()
        for day in self.days:
            sums.update(day.families)
        return sorted(sums, key=lambda name: (name in REST, REST.index(name) if name in REST else 0, -sums[name], name))

    def name(self, family: str, words: Mapping[str, str], lang: str) -> str:
        """The family's name in that language; words: those of `REST`."""
        return words[family] if family in REST else self.signatures.name(family, lang)


def of(session: Session, wanted: Filters, settings: Settings) -> Found:
    """The devices among the sources that the filters let through, from evidence around the days. DataError for signatures."""
    known = signatures.every(settings.device_signatures)
    totals = Query(TOTALS_SQL, {"where": wanted}, grain="day").rows(session)
    sources = Query(SOURCES_SQL, {"where": wanted}, grain="day").rows(session)
    days = {row["day"]: Day(row["day"], row["hosts"]) for row in totals}
    chosen = _chosen(session, days, settings, known)
    asns = {(row["day"], bytes(row["src_ip"])): row["asn"] for row in sources}
    sights = churn.visits(_sights(chosen, asns))
    not_these = churn.shared(sights, int(settings.threshold("device_addresses_a_day")))
    active = _active(session, wanted) if sources and any(_open(chosen, sights, not_these)) else {}
    by_day: dict[dt.date, dict[bytes, str]] = defaultdict(dict)
    for row in sources:
        address = bytes(row["src_ip"])
        if (row["day"], address) in chosen:
            by_day[row["day"]][address] = chosen[row["day"], address].family
    of_day: dict[dt.date, list[Sight]] = defaultdict(list)
    for one in sights:
        of_day[one.day].append(one)
    for day, found in days.items():
        _fill(found, by_day[day], of_day[day], not_these, active)
    whole_by, addresses = _whole(by_day)
    counted = {
        family: churn.count([a for a, f in whole_by.items() if f == family], sights, not_these)
        for family in set(whole_by.values())
    }
    return Found(
        sorted(days.values(), key=lambda one: one.day), churn.count(addresses, sights, not_these), Counter(whole_by.values()),
        counted, known, Query(SOURCES_SQL, {"where": wanted}).text(raw=False), len(not_these),
        totals.error, whole_by,
    )  # fmt: skip


@dataclass(slots=True)
class _Told:
    """What is known of a source on a day."""

    family: str
    rows: Sequence[Mapping[str, Any]]


def _chosen(
    session: Session, days: Mapping[dt.date, Day], settings: Settings, known: Signatures
) -> dict[tuple[dt.date, bytes], _Told]:
    """Day and address -> its evidence of the nearest day."""
    if not days:
        return {}
    around = int(settings.threshold("device_days"))
    zone = session.zone
    begin = dt.datetime.combine(min(days), dt.time(), zone) - dt.timedelta(days=around)
    end = dt.datetime.combine(max(days), dt.time(), zone) + dt.timedelta(days=around + 1)
    named: dict[tuple[Any, ...], str | None] = {}
    rows: dict[bytes, dict[dt.date, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in session.query(_EVIDENCE, [begin, end]):
        key = tuple(row[name] for name in signatures.FIELDS)
        if key not in named:
            named[key] = known.family(row)
        row["family"] = named[key]
        rows[bytes(row["src_ip"])][_day(row["time"], zone)].append(row)
    out = {}
    offsets = [0, *(sign * n for n in range(1, around + 1) for sign in (-1, 1))]
    for address, of_day in rows.items():
        for day in {d + dt.timedelta(days=n) for d in of_day for n in offsets} & set(days):
            near = next(one for n in offsets if (one := of_day.get(day + dt.timedelta(days=n))))
            out[day, address] = _Told(family_of(near, known), near)
    return out


def _day(moment: dt.datetime, zone: ZoneInfo) -> dt.date:
    return moment.astimezone(zone).date()


def family_of(rows: Iterable[Mapping[str, Any]], known: Signatures) -> str:
    """The family of an address by its rows (with `family`): that of a device, else of a server program, else one of `REST`."""
    names = {row["family"] for row in rows if row["family"]}
    exact = {name for name in names if not known.families[name].generic}
    for some in (exact, names):
        if some:
            return next(iter(some)) if len(some) == 1 else SEVERAL
    return UNNAMED


def _sights(chosen: Mapping[tuple[dt.date, bytes], _Told], asns: Mapping[tuple[dt.date, bytes], int | None]) -> Iterator[Sight]:
    """What the sources' evidence says of who they are. Of sources alone: others are not counted."""
    for (day, address), told in chosen.items():
        if (day, address) not in asns:
            continue
        for row in told.rows:
            ids = frozenset(f"{name}:{row[name]}" for name in device.IDENTITIES if row[name])
            yield Sight(address, row["time"], day, ids, asns[day, address])


def _open(chosen: Mapping[Any, _Told], sights: Sequence[Sight], not_these: set[str]) -> Iterator[bool]:
    """Is there a source that did not say who it is?"""
    told = {(one.day, one.address) for one in sights if one.ids - not_these}
    return (key not in told for key in chosen)


def _active(session: Session, wanted: Filters) -> dict[tuple[dt.date, bytes], list[churn.Interval]]:
    """When each source was active, hour by hour; nothing of days whose events are gone."""
    out: dict[tuple[dt.date, bytes], list[churn.Interval]] = defaultdict(list)
    for row in Query(ACTIVE_SQL, {"where": wanted}).rows(session):
        out[_day(row["first"], session.zone), bytes(row["src_ip"])].append((row["first"], row["last"]))
    return out


def _fill(
    found: Day,
    families: Mapping[bytes, str],
    sights: Sequence[Sight],
    not_these: set[str],
    active: Mapping[tuple[dt.date, bytes], Sequence[churn.Interval]],
) -> None:
    own = {address: active[found.day, address] for address in families if (found.day, address) in active}
    found.families = Counter(families.values())
    found.devices = churn.count(families, sights, not_these, own)
    for family in found.families:
        members = [address for address, name in families.items() if name == family]
        found.by_family[family] = churn.count(members, sights, not_these, own)
    if found.hosts > len(families):
        found.families[UNKNOWN] = found.hosts - len(families)


def _whole(by_day: Mapping[dt.date, Mapping[bytes, str]]) -> tuple[dict[bytes, str], set[bytes]]:
    """Each source with the family that it was of on most days."""
    counts: dict[bytes, Counter[str]] = defaultdict(Counter)
    for families in by_day.values():
        for address, family in families.items():
            counts[address][family] += 1
    out = {
        address: max(one.items(), key=lambda item: (item[0] not in REST, item[1], item[0]))[0]
        for address, one in counts.items()
    }
    return out, set(out)
