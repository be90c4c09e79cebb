"""A lake's day as counts: packets and hosts of all, each port, country, AS, and port and country; by the hour; who watched."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from teiten import coverage
from teiten.engine import open_session, questions
from teiten.engine.filters import Filters
from teiten.federation import sketch
from teiten.publish import release
from teiten.publishing import Publishing

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.lake import Lake
    from teiten.settings import Settings

_PORT: Final = "concat(coalesce(dst_port::VARCHAR, ''), '/', coalesce(protocol::VARCHAR, ''))"
KINDS: Final = {
    "all": "''",
    "port": _PORT,
    "country": "coalesce(country, '')",
    "asn": "coalesce(asn::VARCHAR, '')",
    "pair": f"concat({_PORT}, ' ', coalesce(country, ''))",
}
_DAY: Final = (
    "SELECT sensor, src_ip, {ports}, country, asn, packets, floor((epoch(time) - {start}) / 3600)::BIGINT AS hour"
    " FROM raw_events WHERE {where}"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a day came to. figures: what -> key -> packets and hosts; hours: hour since midnight -> packets; watching: that
    hour -> seconds and addresses; sources: the day's, packed, where they were asked for."""

    day: dt.date
    figures: dict[str, dict[str, tuple[int, int]]]
    hours: dict[int, int]
    watching: dict[int, tuple[int, int]]
    sources: list[bytes]


def count(lake: Lake, settings: Settings, day: dt.date) -> Counted:
    """The counts of a day of the settings' zone: attempts from outside alone, no destination among them."""
    rules = settings.federating
    start, end = (dt.datetime.combine(day + dt.timedelta(days=n), dt.time(), settings.zone) for n in (0, 1))
    where = " AND ".join(Filters(start=start, end=end).conditions(raw=True))
    ports = ", ".join(questions.THINGS["ports"].keys)
    wide = dt.timedelta(days=1)
    with open_session(lake, settings, start=start - wide, end=end + wide) as session:
        picked = _DAY.format(ports=ports, where=where, start=int(start.timestamp()))
        session.work(f"CREATE OR REPLACE TEMP TABLE _told AS {picked}")
        figures = {what: _figures(session, key, rules.least_sensors) for what, key in KINDS.items() if _asked(what, settings)}
        hours = _hours(session) if rules.hours else {}
        sources = session.work("SELECT DISTINCT src_ip FROM _told")["src_ip"].to_list() if rules.hosts == "sketch" else []
        watching = _watching(session, start, end)
    return Counted(day, figures, hours, watching, [one for one in sources if one is not None])


def _asked(what: str, settings: Settings) -> bool:
    rules = settings.federating
    return what in ("all", "port", "country") or (what == "asn" and rules.asns) or (what == "pair" and rules.pairs)


def _figures(session: Session, key: str, least_sensors: int) -> dict[str, tuple[int, int]]:
    """Key -> packets and hosts; of members with many sensors settled, so that no sensor stands out (`publish.release`)."""
    counts = "sum(packets)::BIGINT AS packets, count(DISTINCT src_ip)::BIGINT AS hosts FROM _told GROUP BY ALL"
    if least_sensors == 1:
        rows = session.work(f"SELECT {key} AS key, {counts}").rows()
        return {str(name): (int(packets), int(hosts)) for name, packets, hosts in rows}
    frame = session.work(f"SELECT {key} AS key, sensor, {counts}")
    if not frame.height:
        return {}
    keys, codes = np.unique(frame["key"].to_numpy(), return_inverse=True)
    names, columns = np.unique(frame["sensor"].to_numpy(), return_inverse=True)
    rules = Publishing(least_sensors=least_sensors)
    out: list[Any] = []
    for value in ("packets", "hosts"):
        table = np.zeros((len(keys), len(names)), dtype=np.int64)
        table[codes, columns] = frame[value].to_numpy()
        out.append(release.settled(table, rules))
    return {str(name): (int(p), int(h)) for name, p, h in zip(keys, *out, strict=True)}


def _hours(session: Session) -> dict[int, int]:
    rows = session.work("SELECT hour, sum(packets)::BIGINT AS packets FROM _told GROUP BY hour").rows()
    return {int(hour): int(packets) for hour, packets in rows if hour is not None}


def _watching(session: Session, start: dt.datetime, end: dt.datetime) -> dict[int, tuple[int, int]]:
    """Hour since midnight -> seconds in which some sensor watched, and the addresses watched (the mean over these seconds)."""
    first, last = start.timestamp(), end.timestamp()
    seconds = np.zeros((int((last - first) // 3600) + 1, 3600), dtype=np.int32)
    flat = seconds.reshape(-1)
    for one in coverage.watched(session, start, end):
        low, high = round(one.start.timestamp() - first), round(one.end.timestamp() - first)
        flat[max(0, low) : max(0, high)] += one.addresses
    out = {}
    for hour, row in enumerate(seconds):
        watched = int((row > 0).sum())
        if watched:
            out[hour] = watched, max(1, round(float(row.sum()) / watched))
    return out


def sketched(counted: Counted, key: bytes) -> str:
    """The day's sources as a sketch, in text."""
    return sketch.of(counted.sources, key).text()
