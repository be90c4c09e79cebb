"""What the report on one port asks of single sources: who sent few packets, what else they try, some of them as samples.

Like `asked.port`; but what one source did is kept only as long as events are. Hosts with few packets are told from the
sketches of finished days too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from teiten.engine import offers
from teiten.engine.filters import WITH_PORTS
from teiten.engine.questions import Query, Rows
from teiten.frame import address_text
from teiten.lake.rollup import WHOLE
from teiten.report.answers import PORT_KEYS, Answers, Key
from teiten.report.asked.port import course, subject, without_port
from teiten.sessions import join
from teiten.sessions.join import Session, Step

FEW: Final = 10
"""packets of a host on a day, below which it 'sent few': NICTER's 10 (statistics of the second quarter of 2021)"""
SUPPORT: Final = 10
"""hosts that tried both ports on the same day, at least, for a port to be named"""
UNSURE: Final = 0.25
"""relative standard error of estimated hosts, above which a port is not named"""
CANDIDATES: Final = 60
"""ports whose lift is counted: those that most of the port's sources also try"""


# hosts that sent few packets


def few(answers: Answers) -> Rows:
    """start (of the day), hosts, few: how many of them sent fewer than `FEW` packets to the port on it."""
    return answers.ask(FEW_SQL, answers.filters, few=str(FEW))


# what else its sources try


@dataclass(frozen=True, slots=True)
class Shared:
    """A port that the port's sources also try on the same day.

    both: source-days (a source on a day) that tried both; hosts: different sources among them; share: of the source-days of
    the port; tried: source-days that tried the other port at all; lift: P(both) / (P(one) P(other)) over all source-days.
    """

    key: Key
    both: int
    hosts: int
    share: float
    tried: int
    lift: float
    error: float = 0.0
    """relative standard error of hosts; 0.0 where they are exact"""


@dataclass(frozen=True, slots=True)
class Together:
    """What the sources of the port try besides. own: source-days of the port; alone: those that tried nothing else on the day;
    every: all source-days of the period, whatever they tried. since: single events are kept from then on only."""

    own: int
    alone: int
    every: int
    ports: tuple[Shared, ...]
    sql: str
    since: dt.date | None


def together(answers: Answers) -> Together:
    """Co-scanned ports, by how many hosts tried both. Of sources as the filters leave them (scanners out).

    From events; where these are gone, from the sketches of finished days: the hosts below the thetas of two ports stand for all
    that tried both (Apache DataSketches, intersection of theta sketches)."""
    filters = answers.filters
    anything = replace(without_port(filters), scanners="in", tool=(), spoofed="in")
    query = Query(TOGETHER_SQL, {"where": filters, "where_any": anything}, keys=PORT_KEYS)
    rows = query.rows(answers.session)
    if rows.lost:
        rows = sketched(answers, query.text(raw=False)) or rows
    own = next((row for row in rows if row["protocol"] is None and row["dst_port"] is None), None)
    since = rows.lost.astimezone(answers.period.tz).date() if rows.lost else None
    if own is None or not own["together"]:
        return Together(0, 0, 0, (), rows.sql, since)
    key = subject(filters)
    others = [r for r in rows if r is not own and (r["protocol"], r["dst_port"]) != key and r["hosts"] >= SUPPORT]
    others = [r for r in others if (r.get("hosts_error") or 0.0) <= UNSURE][:CANDIDATES]
    kept = without_port(filters).between(max(answers.period.start, rows.lost or answers.period.start), answers.period.end)
    every = sum(row["hosts"] for row in answers.ask(SOURCE_DAYS_SQL, kept))
    tried: dict[Key, int] = {}
    if others:
        chosen = " OR ".join(_is(row["protocol"], row["dst_port"]) for row in others)
        for row in answers.ask(TRIED_SQL, kept, keys=PORT_KEYS, chosen=f"({chosen})"):
            name = (row["protocol"], row["dst_port"])
            tried[name] = tried.get(name, 0) + row["hosts"]
    ports = []
    for row in others:
        name = (row["protocol"], row["dst_port"])
        base = max(tried.get(name, 0), row["together"])
        lift = row["together"] * every / (own["together"] * base)
        share = min(1.0, row["together"] / own["together"])
        ports.append(Shared(name, row["together"], row["hosts"], share, base, lift, row.get("hosts_error") or 0.0))
    return Together(own["together"], own["alone"], every, tuple(ports), rows.sql, since)


def sketched(answers: Answers, shown: str) -> Rows | None:
    """The rows of `TOGETHER_SQL` from aggregates; None where these do not reach. shown: the SQL that a reader is given, which
    asks the same of events."""
    filters = answers.filters
    chosen = _is(*subject(filters))
    query = Query(SKETCHED_SQL, {"where": without_port(filters)}, grain="day", chosen=chosen, known=_KNOWN, whole=str(WHOLE))
    found = offers.choose(answers.session, query)
    if found.table != offers.PORTS.table:
        return None
    answers.session.has_counted = True
    rows = answers.session.query(query.text(raw=True, relation=found))
    return Rows(rows, shown, error=max((row["hosts_error"] or 0.0 for row in rows), default=0.0), counted=True)


_KNOWN: Final = f"protocol IS NOT NULL AND NOT (dst_port IS NULL AND protocol IN {WITH_PORTS})"


def _is(protocol: int | None, port: int | None) -> str:
    return f"(protocol = {protocol} AND dst_port {'IS NULL' if port is None else f'= {port}'})"


# sample sources


@dataclass(frozen=True, slots=True)
class Sample:
    """A source of the port, its session in which it tried it, and the first events of that."""

    source: bytes
    country: str | None
    asn: int | None
    as_name: str | None
    day: dt.date
    session: Session
    steps: Sequence[Step]
    sql: str


def samples(answers: Answers) -> list[Sample]:
    """Up to three sources of the day with most hosts, each of another country (those with most hosts on it): of each country
    the source with the middle number of packets. None where single events of that day are gone."""
    found = answers.once(course)
    inside = [(v, -i) for i, v in enumerate(found.hosts) if v and i >= found.first]
    if not inside:
        return []
    day = found.days[-max(inside)[1]]
    begin, end = (dt.datetime.combine(d, dt.time(), answers.period.tz) for d in (day, day + dt.timedelta(days=1)))
    query = Query(SAMPLES_SQL, {"where": answers.filters.between(begin, end)}, most=str(SAMPLES))
    rows = answers.session.query(query.text(raw=True))
    if not rows:
        return []
    # a session may begin before midnight, and end after
    around = replace(without_port(answers.filters), scanners="in", start=begin - _AROUND, end=end + _AROUND)
    whose = join.with_sources(around, [address_text(row["src_ip"]) for row in rows])
    joined = join.of_sources(answers.session, whose, answers.session.settings.threshold("session_gap_seconds"))
    out = []
    for row in rows:
        own = [s for s in joined.sessions if s.sources[0] == row["src_ip"] and subject(answers.filters) in s.ports]
        own = [s for s in own if s.start < end and s.end >= begin]
        if own:
            session = max(own, key=lambda s: (s.packets, s.start))
            steps = join.steps(answers.session, [session], whose)[0]
            out.append(
                Sample(row["src_ip"], row["country"], row["asn"], row["as_name"], day, session, steps, query.text(raw=False))
            )
    return out


_AROUND: Final = dt.timedelta(hours=6)


SAMPLES: Final = 3
"""sources that are shown"""

FEW_SQL: Final = """
WITH sent AS (
  SELECT day_start(time) AS start, {host_of_day}, sum(packets)::BIGINT AS packets
  FROM {events} WHERE {where} GROUP BY ALL
), level AS (
  SELECT start, {host_of_start}, packets FROM sent
)
SELECT start, {hosts} AS hosts, {hosts if packets < {few}} AS few{error}
FROM level GROUP BY ALL ORDER BY start
"""

SOURCE_DAYS_SQL: Final = """
SELECT day_start(time) AS start, {hosts} AS hosts{error} FROM {events} WHERE {where} GROUP BY ALL ORDER BY start
"""

TRIED_SQL: Final = """
SELECT start, protocol, dst_port, {hosts_of_host} AS hosts{error}
FROM (SELECT day_start(time) AS start, {keys}, {host_as_host} FROM {events} WHERE {where})
WHERE {chosen} GROUP BY ALL ORDER BY start, protocol, dst_port
"""

TOGETHER_SQL: Final = """
WITH own AS (
  SELECT DISTINCT day_start(time) AS start, src_ip FROM {events} WHERE {where}
), tried AS (
  SELECT DISTINCT start, src_ip, protocol, dst_port
  FROM (SELECT day_start(time) AS start, src_ip, {keys} FROM {events} WHERE {where_any})
  SEMI JOIN own USING (start, src_ip)
)
SELECT NULL AS protocol, NULL AS dst_port, count(*) AS together, count(DISTINCT src_ip) AS hosts,
       count(*) FILTER (ports = 1) AS alone
FROM (SELECT start, src_ip, count(*) AS ports FROM tried GROUP BY ALL)
UNION ALL
SELECT protocol, dst_port, count(*) AS together, count(DISTINCT src_ip) AS hosts, NULL AS alone
FROM tried WHERE protocol IS NOT NULL GROUP BY protocol, dst_port
ORDER BY hosts DESC, together DESC, protocol, dst_port
"""

SAMPLES_SQL: Final = """
WITH sent AS (
  SELECT src_ip, country, max(asn) AS asn, max(as_name) AS as_name, sum(packets)::BIGINT AS packets
  FROM {events} WHERE {where} GROUP BY src_ip, country
), placed AS (
  SELECT *, row_number() OVER (PARTITION BY country ORDER BY packets, src_ip) AS place,
         count(*) OVER (PARTITION BY country) AS of
  FROM sent
)
SELECT src_ip, country, asn, as_name, packets, of AS hosts FROM placed WHERE place = (of + 1) // 2
ORDER BY country IS NULL, of DESC, country LIMIT {most}
"""

SKETCHED_SQL: Final = """
WITH seen AS (
  SELECT day_start(time) AS start, protocol, dst_port, host, theta FROM {events} WHERE {where} AND {known}
), counted AS (
  SELECT start, protocol, dst_port, min(theta) AS theta, {hosts} AS hosts FROM seen GROUP BY ALL
), own AS (
  SELECT start, theta, hosts, (SELECT min(theta) FROM counted a WHERE a.start = c.start) AS least
  FROM counted c WHERE {chosen}
), mine AS (
  SELECT DISTINCT start, host FROM seen WHERE {chosen} AND host IS NOT NULL
), tried AS (
  SELECT DISTINCT start, protocol, dst_port, host FROM seen SEMI JOIN mine USING (start, host)
), paired AS (
  SELECT t.start, t.protocol, t.dst_port, t.host, least(c.theta, o.theta) AS theta
  FROM tried t JOIN own o USING (start)
  JOIN counted c ON c.start = t.start AND c.protocol = t.protocol AND c.dst_port IS NOT DISTINCT FROM t.dst_port
  WHERE t.host < least(c.theta, o.theta)
), busy AS (
  SELECT t.start, t.host, count(*) AS ports, any_value(o.least) AS theta
  FROM tried t JOIN own o USING (start) WHERE t.host < o.least GROUP BY t.start, t.host
)
SELECT NULL AS protocol, NULL AS dst_port, (SELECT sum(hosts)::BIGINT FROM own) AS together, NULL AS hosts,
       round(coalesce(sum({whole} / theta) FILTER (WHERE ports = 1), 0))::BIGINT AS alone, 0.0 AS hosts_error
FROM busy
UNION ALL
SELECT protocol, dst_port, round(sum({whole} / theta))::BIGINT AS together, theta_hosts(host, theta) AS hosts, NULL AS alone,
       theta_error(host, theta) AS hosts_error
FROM paired GROUP BY protocol, dst_port
ORDER BY hosts DESC, together DESC, protocol, dst_port
"""
