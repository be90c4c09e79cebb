"""Which rows answer a question: events, or what finished days came to (aggregates), where they offer what it needs.

A `Relation` has rows of one table and the words in which questions count over them. `choose` takes the first whose columns
the question and its filters need, whose rows are no coarser than the question's grain, and whose days cover its span.
Days that have no aggregates yet are counted on the spot, in the same shape, where they are few (`rolled`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from teiten import event
from teiten.engine.judged import JOINED
from teiten.lake import rollup

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.questions import Query

Grain = Literal["hour", "day"]

_EXACT: Final = {
    "hosts": "count(DISTINCT src_ip)",
    "host": "src_ip",
    "host_as_host": "src_ip AS host",
    "host_handed": "host",
    "host_of_day": "src_ip",
    "host_of_start": "src_ip",
    "hosts_of_host": "count(DISTINCT host)",
    "error": "",
    "and_error": "",
    "total_error": "",
    "share_error": "",
    "put_packets": "packets",
    "put_hosts": "{hosts}",
    "put": "",
    "put_most": "",
}
_EXACT_IF: Final = "count(DISTINCT src_ip) FILTER (WHERE CONDITION)"
_KEPT: Final = {
    **_EXACT,
    "hosts": "count(DISTINCT host)",
    "host": "host",
    "host_as_host": "host",
    "host_of_day": "host",
    "host_of_start": "host",
}
_KEPT_IF: Final = "count(DISTINCT host) FILTER (WHERE CONDITION)"
_SKETCHED: Final = {
    "hosts": "theta_hosts(host, theta)",
    "host": "host, theta",
    "host_as_host": "host, theta",
    "host_handed": "host, theta",
    # one row a host and day, whatever sensors and countries it was put down under: the day's smallest theta holds for all
    "host_of_day": "host, min(theta) AS theta",
    "host_of_start": "host, min(theta) OVER (PARTITION BY start) AS theta",
    "hosts_of_host": "theta_hosts(host, theta)",
    "error": ", theta_error(host, theta) AS hosts_error",
    "and_error": ", hosts_error",
    "total_error": ",\n       (SELECT theta_error(host, theta) FROM attempts) AS hosts_error",
    "share_error": ", theta_error(host, theta) AS hosts_error",
    "put_packets": "packets",
    "put_hosts": "{hosts}",
    "put": "",
    "put_most": "",
}
_SKETCHED_IF: Final = "theta_hosts(CASE WHEN CONDITION THEN host END, CASE WHEN CONDITION THEN theta END)"
_EACH: Final = {"count": "count(*)", "earliest": "min(time)", "latest": "max(time)", "moments": "time", "each": ""}
_SUMMED: Final = {
    "count": "coalesce(sum(events), 0)::BIGINT",
    "earliest": "min(first)",
    "latest": "max(last)",
    "moments": "first, last",
    "each": ", events",
}
PUTTING: Final = {
    "put_packets": "sum(packets)::BIGINT AS packets",
    "put_hosts": "count(src_ip)",
    "put": "GROUP BY ALL",
    "put_most": "max",
    "count": "coalesce(sum(events), 0)::BIGINT",
    "earliest": "min(first)",
    "latest": "max(last)",
    "moments": "min(time) AS first, max(time) AS last",
    "each": ", count(*) AS events",
}
"""of a question that first puts the events of each source together: it is answered sooner, and with less memory"""
_ABOUT: Final = frozenset({"time", "packets", "sensor", "country", "kind", "action", "interface", *JOINED})
_NAMES: Final = frozenset({*event.NAMES, *JOINED})
_MARKED: Final = {word: f"_{word}_" for word in (*_EXACT, *_EACH)}
"""words in whose place a mark stands while it is looked at what a question needs"""


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows that a question can be asked of. `name`: in SQL; None: the events."""

    table: str | None = None
    columns: frozenset[str] = _NAMES
    grain: Grain | None = None
    """no closer than that are its times"""
    hosts: bool = True
    moments: bool = True
    """does it know first and last times?"""
    words: dict[str, str] = field(default_factory=lambda: {**_EXACT, **_EACH})
    hosts_if: str = _EXACT_IF
    estimates: bool = False
    """are its hosts estimated?"""
    name: str | None = None
    put: dict[str, str] = field(default_factory=dict)
    """words of its own for a question that has {put}"""
    joined: frozenset[str] | None = frozenset()
    """tables of verdicts that events are asked with for its rows: none, where these have their columns; None: as the question
    says"""
    kept: bool = True
    """are its rows the lake's, or does it stand for events that are asked now?"""


EVENTS: Final = Relation(put=PUTTING, joined=None, kept=False)
_PORT: Final = frozenset({"protocol", "dst_port"})
SOURCES: Final = Relation(
    "rollup_sources",
    _ABOUT | {"src_ip", "protocol", "asn", "as_name"},
    "day",
    words={**_EXACT, **_SUMMED},
)
HOURS: Final = Relation(
    "rollup_hours",
    _ABOUT | _PORT | {"time_basis", "geo_db"},
    "hour",
    hosts=False,
    moments=False,
    words={**_EXACT, **_SUMMED},
)
PORTS: Final = Relation(
    "rollup_ports",
    _ABOUT | _PORT | {"asn"},
    "day",
    moments=False,
    words={**_SKETCHED, **_SUMMED},
    hosts_if=_SKETCHED_IF,
    estimates=True,
)
BUSY: Final = Relation(
    "rollup_busy", _ABOUT, "hour", moments=False, words={**_SKETCHED, **_SUMMED}, hosts_if=_SKETCHED_IF, estimates=True
)
SENT: Final = Relation(
    "rollup_pairs",
    _ABOUT | _PORT | {"src_ip", "asn", "as_name"},
    "day",
    moments=False,
    words={**_EXACT, **_SUMMED},
)
"""what each source sent to each port: a row each, so that it serves where no smaller table does, or of single ports"""
TARGETS: Final = Relation("rollup_targets", frozenset({"time", "packets", "sensor", "dst_ip"}), "day", False, False)
COUNTED: Final = (SOURCES, HOURS, PORTS, BUSY, SENT, TARGETS)
"""in order of preference: exact and small before what estimates"""


def exactly(relation: Relation) -> Relation:
    """The same where no sketch of it is thinned: its hosts are counted."""
    if not relation.estimates:
        return relation
    return replace(relation, words={**_KEPT, **_SUMMED}, hosts_if=_KEPT_IF, estimates=False)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a question needs of the rows that it is asked of."""

    columns: frozenset[str]
    hosts: bool
    moments: bool
    verdicts: bool


def needs(query: Query) -> Needs:
    """By the names in its text."""
    text = query.text(raw=True, relation=replace(EVENTS, words=_MARKED, put={}, hosts_if="_hosts_ AND CONDITION"))
    found = set(re.findall(r"\b[a-z_]+\b", re.sub(r"'(?:[^']|'')*'", "''", text)))
    columns = frozenset(found & _NAMES)
    hosts = not found.isdisjoint({"_hosts_", "_put_hosts_", "_host_", "_hosts_of_host_", "_host_as_host_", "_host_of_day_"})
    return Needs(columns, hosts, not found.isdisjoint({"_earliest_", "_latest_"}), not columns.isdisjoint(JOINED))


def offered(query: Query) -> list[Relation]:
    """The relations of aggregates that offer what the question needs, those of which it thinks most first."""
    # what most events say is not what most rows say
    if query.grain is None or "mode(" in query.text(raw=True):
        return []
    asked = needs(query)
    # of single ports the pairs are few rows, and tell hosts exactly
    single = all(f.port and all(p.first == p.last for p in f.port) for f in query.filters.values())
    order = sorted(COUNTED, key=lambda one: one is not SENT and one.estimates) if single else COUNTED
    return [
        one
        for one in order
        if asked.columns <= one.columns
        and (one.hosts or not asked.hosts)
        and (one.moments or not asked.moments)
        and (one.grain == "hour" or query.grain == "day")
    ]


def choose(session: Session, query: Query) -> Relation:
    """Of which rows that session asks the question."""
    kept = session.rolled
    spans = [(filters.start, filters.end) for filters in query.filters.values()]
    if kept is not None:
        # events are found by their source (Bloom filters), pairs by their port
        by_source = session.kept_since is None and any(f.src and not f.port for f in query.filters.values())
        for one in offered(query):
            if one is SENT and by_source:
                continue
            found = kept.relation(one, spans, verdicts=needs(query).verdicts)
            if found is not None:
                return found
    return (session.pairs and session.pairs.relation(query)) or EVENTS


def count(session: Session, relation: Relation, where: str) -> str:
    """Counts the events that the condition lets through in that relation's shape; the SELECT that gives its rows."""
    if relation.estimates:
        for table, query in _thinning(relation, where):
            session.make(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}", query)
    return _SHAPES[relation.table or ""].format(where=where)


_FLAGS: Final = "kind, action, CASE WHEN interface = '' THEN '' END AS interface, scanner, research_scanner, tool, spoofed"
_SUMS: Final = "sum(packets)::BIGINT AS packets, count(*) AS events"
_PLACES: Final = {"rollup_ports": ("protocol", "dst_port"), "rollup_busy": ()}
"""a sketch is that of such a place of a sensor, on a day or in an hour"""


def _thinning(relation: Relation, where: str) -> list[tuple[str, str]]:
    """Temporary tables: what was counted of every source, and theta where there are more sources than a sketch keeps."""
    place = _PLACES[relation.table or ""]
    key = ", ".join(("day", "time", "sensor", *place))
    more = "".join(f", {name}" for name in place) + (", asn" if "asn" in relation.columns else "")
    same = " AND ".join(f"c.{name} IS NOT DISTINCT FROM m.{name}" for name in ("day", "time", "sensor", *place))
    counted = f"""
SELECT day_of(time) AS day, {relation.grain}_start(time) AS time, sensor, country{more}, {_FLAGS}, src_ip, {_SUMS}
FROM raw_events WHERE {where} GROUP BY ALL"""
    thetas = f"""
WITH hosts AS (SELECT DISTINCT {key}, host FROM _counted), many AS (
  SELECT {key} FROM hosts GROUP BY ALL HAVING count(*) > {rollup.KEPT}
)
SELECT {key}, min(host, {rollup.KEPT + 1})[{rollup.KEPT + 1}] AS theta
FROM hosts c SEMI JOIN many m ON {same} GROUP BY ALL"""
    return [("_counted", f"SELECT *, theta_hash(src_ip) AS host FROM ({counted})"), ("_thetas", thetas)]


def _thinned(table: str) -> str:
    place = _PLACES[table]
    same = " AND ".join(f"c.{name} IS NOT DISTINCT FROM t.{name}" for name in ("day", "time", "sensor", *place))
    columns = ", ".join(f"c.{name}" for name in ("day", *rollup.TABLES[table]) if name not in _MADE)
    return f"""
SELECT {columns}, CASE WHEN theta IS NULL OR host < theta THEN host END AS host,
       coalesce(theta, {rollup.WHOLE}) AS theta, sum(packets)::BIGINT AS packets, sum(events)::BIGINT AS events
FROM _counted c LEFT JOIN _thetas t ON {same}
GROUP BY ALL"""


_MADE: Final = ("host", "theta", "packets", "events")
_SHAPES: Final[dict[str, str]] = {
    "rollup_hours": f"""
SELECT day_of(time) AS day, hour_start(time) AS time, sensor, protocol, dst_port, country, {_FLAGS}, time_basis, geo_db, {_SUMS}
FROM raw_events WHERE {{where}} GROUP BY ALL""",
    "rollup_sources": f"""
SELECT day_of(time) AS day, day_start(min(time)) AS time, sensor, src_ip, protocol, country, asn, as_name, {_FLAGS}, {_SUMS},
       min(time) AS first, max(time) AS last
FROM raw_events WHERE {{where}}
GROUP BY day_of(time), sensor, src_ip, protocol, country, asn, as_name, kind, action, CASE WHEN interface = '' THEN '' END,
         scanner, research_scanner, tool, spoofed""",
    "rollup_pairs": f"""
SELECT day_of(time) AS day, day_start(min(time)) AS time, sensor, src_ip, protocol, dst_port, country, asn, as_name, {_FLAGS},
       {_SUMS}
FROM raw_events WHERE {{where}}
GROUP BY day_of(time), sensor, src_ip, protocol, dst_port, country, asn, as_name, kind, action,
         CASE WHEN interface = '' THEN '' END, scanner, research_scanner, tool, spoofed""",
    "rollup_ports": _thinned("rollup_ports"),
    "rollup_busy": _thinned("rollup_busy"),
    "rollup_targets": f"""
SELECT day_of(time) AS day, day_start(time) AS time, sensor, dst_ip, {_SUMS} FROM raw_events WHERE {{where}} GROUP BY ALL""",
}


def told(relation: Relation, where: str, moments: Sequence[str], *, verdicts: bool = False) -> str:
    """The SELECT of the events that the condition lets through, told as rows of that relation; without what verdicts add,
    unless that is wanted.

    moments (SQL literals, the latest first) that lie within a day or hour: events from there on have it as their time, so that
    conditions on time still tell them apart."""
    begin = f"{relation.grain}_start(time)"
    if moments:
        cases = " ".join(f"WHEN time >= {moment} THEN greatest({begin}, {moment})" for moment in moments)
        begin = f"CASE {cases} ELSE {begin} END"
    text = _TOLD[relation.table or ""]
    return (text.replace(_PLAIN, _FLAGS) if verdicts else text).format(begin=begin, where=where)


_PLAIN: Final = """kind, action, CASE WHEN interface = '' THEN '' END AS interface, NULL::VARCHAR AS scanner,
       NULL::BOOLEAN AS research_scanner, NULL::VARCHAR AS tool, NULL::BOOLEAN AS spoofed"""
_HASHED: Final = f"""
SELECT *, theta_hash(src_ip) AS host, {rollup.WHOLE} AS theta FROM (
  SELECT day_of(time) AS day, {{begin}} AS time, sensor, protocol, dst_port, country, asn, {_PLAIN}, src_ip, {_SUMS}
  FROM raw_events WHERE {{where}} GROUP BY ALL
)"""
_TOLD: Final[dict[str, str]] = {
    "rollup_hours": f"""
SELECT day_of(time) AS day, {{begin}} AS time, sensor, protocol, dst_port, country, {_PLAIN}, time_basis, geo_db,
       packets, 1::BIGINT AS events
FROM raw_events WHERE {{where}}""",
    "rollup_sources": f"""
SELECT day_of(time) AS day, {{begin}} AS time, sensor, src_ip, protocol, country, asn, as_name, {_PLAIN}, packets,
       1::BIGINT AS events, time AS first, time AS last
FROM raw_events WHERE {{where}}""",
    "rollup_pairs": f"""
SELECT day_of(time) AS day, {{begin}} AS time, sensor, src_ip, protocol, dst_port, country, asn, as_name, {_PLAIN}, packets,
       1::BIGINT AS events
FROM raw_events WHERE {{where}}""",
    "rollup_ports": _HASHED,
    "rollup_busy": _HASHED.replace(" protocol, dst_port,", "").replace(" asn,", ""),
    "rollup_targets": """
SELECT day_of(time) AS day, {begin} AS time, sensor, dst_ip, packets, 1::BIGINT AS events FROM raw_events WHERE {where}""",
}


def days_of(start: dt.datetime, end: dt.datetime, zone: dt.tzinfo) -> list[dt.date] | None:
    """The days of that zone that [start, end) is made of; None where it has parts of days."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    if any(moment != midnight(moment.date(), zone) for moment in (first, last)):
        return None
    return [first.date() + dt.timedelta(days=n) for n in range((last.date() - first.date()).days)]


def midnight(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """The day's beginning."""
    return dt.datetime.combine(day, dt.time(), zone)
