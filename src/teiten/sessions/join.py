"""Joins the events of a source, or of an organisation, into sessions: one pass of SQL, whatever their number.

A session ends where its source (or its organisation, over all of its addresses) sends nothing for longer than the
setting `session_gap_seconds`. The default of 120 s is twice the minute within which the watch of NOTICE that this follows
counts eleven attempts as one scan, eight times the longest pause inside it (16 s), and more than the waits of nmap's
slower timings (15 s in -T1); attempts 'minutes to hours apart', which that watch tells as single ones, stay apart.
Midnight, months and sensors do not cut a session.
"""

from __future__ import annotations

import bisect
import datetime as dt
import hashlib
import ipaddress
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from teiten import event
from teiten.engine import judged, offers, questions
from teiten.engine.duckdb import Session as Asked
from teiten.engine.filters import Filters, Network, timestamp
from teiten.frame import address_text
from teiten.sessions.thresholds import Try

Port = tuple[int | None, int | None]
"""protocol and destination port: (6, 23); ICMP is (1, None)"""
By = Literal["source", "organisation"]

SOURCES_KEPT: Final = 1000
"""source addresses that a session names; it counts them all"""
STEPS: Final = 20_000
"""events that are brought back in one go"""
EVENTS_AT_ONCE: Final = 300_000
"""events that are sorted in one go; of more, sources (or stretches of time between sessions) are taken in turn"""
GATHERED: Final = 2_000_000
"""events of a lake from which on those of an organisation are looked for once"""
_LOOKED_AT: Final = (
    "time", "src_ip", "src_port", "dst_ip", "protocol", "dst_port", "ttl", "tcp_window", "packets", "action", "source_id",
    "source_pos",
)  # fmt: skip
"""columns of which sessions are made"""
_DIRECT: Final = 100
"""ranges of addresses that are asked for as such; of more, the addresses that were seen are looked up first"""


@dataclass(frozen=True, slots=True)
class Member:
    """A prefix of an organisation, and from when to when (inclusive days of the session's zone) it is its own."""

    network: Network
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """An analyst's word on a prefix, from and to (inclusive) those days: it is the organisation's, or it is not."""

    network: Network
    belongs: bool
    first: dt.date | None = None
    last: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Events of one key (a source's address as text, or an organisation's name) that belong together in time.

    ports          in the order first tried, each once
    tries          how many ports that is: the number of different (protocol, port)
    per_minute     most ports first tried within some 60 seconds
    sources        packed addresses in the order of their first event, at most `SOURCES_KEPT`; `source_count` counts all
    source_ports   the lowest few; `source_port_count` counts all
    observers      packed addresses of our own that it came to: for comparisons, never to be shown
    longest_gap    between two of its events; None for a single event
    """

    key: str
    start: dt.datetime
    end: dt.datetime
    events: int
    packets: int
    ports: tuple[Port, ...]
    per_minute: int
    sources: tuple[bytes, ...]
    source_count: int
    source_ports: tuple[int, ...]
    source_port_count: int
    observers: frozenset[bytes]
    ttl: tuple[int, int] | None
    windows: tuple[int, ...]
    longest_gap: dt.timedelta | None

    @property
    def tries(self) -> int:
        return len(self.ports)

    @property
    def length(self) -> dt.timedelta:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a session: when, from where, to which port, and how long after the event before (None: the first)."""

    time: dt.datetime
    gap: dt.timedelta | None
    src_ip: bytes
    src_port: int | None
    dst_ip: bytes
    protocol: int | None
    dst_port: int | None
    packets: int
    action: str | None
    source_id: int
    source_pos: int

    @property
    def port(self) -> Port:
        return self.protocol, self.dst_port


@dataclass(frozen=True, slots=True)
class Found:
    """Sessions in the order of their starts, and the SQL that gives them."""

    sessions: list[Session]
    sql: str


def of_sources(
    asked: Asked,
    filters: Filters,
    gap_seconds: float,
    *,
    whose: str = "true",
    least_ports: int = 1,
    most: int | None = None,
    events: offers.Relation = offers.EVENTS,
) -> Found:
    """The sessions of each source that the filters let through, those with at least so many ports.

    `whose` may be the condition of `membership`. With `least_ports` above 1, sources that tried fewer in the whole span are
    left out before anything is sorted. With `most`, only so many sessions with the most ports, then packets. `events`: the
    rows to look at, where they were `gathered`.
    """
    if least_ports > 1 and not filters.src:
        whose = f"{whose} AND " + _BUSY.replace("{least}", str(least_ports))
    return _sessions(asked, filters, gap_seconds, "src_ip", whose, least_ports, most, events)


def of_organisation(
    asked: Asked,
    name: str,
    members: Sequence[Member],
    filters: Filters,
    gap_seconds: float,
    *,
    corrections: Sequence[Correction] = (),
    least_ports: int = 1,
    events: offers.Relation = offers.EVENTS,
) -> Found:
    """The sessions of an organisation: the events of all of its addresses, in the order of time, are joined together."""
    whose = membership(asked, members, filters, corrections)
    text = "'" + name.replace("'", "''") + "'"
    return _sessions(asked, filters, gap_seconds, text, whose, least_ports, None, events)


def gathered(asked: Asked, whose: str, filters: Filters) -> offers.Relation:
    """Where the lake is large: the events for which `whose` and the filters hold, found once, for all that is asked of them
    here. Where it is small, all events."""
    if sum(file.rows for file in asked.files) < GATHERED:
        return offers.EVENTS
    where = " AND ".join([whose, *filters.conditions(raw=True)])
    named = {*_LOOKED_AT, *re.findall(r"\b[a-z_]+\b", re.sub(r"'(?:[^']|'')*'", "''", where))}
    columns = ", ".join(name for name in (*event.NAMES, *judged.JOINED) if name in named)
    view = f"_gathered_{hashlib.sha256(where.encode()).hexdigest()[:16]}"
    if not asked.has_put(view):
        asked.put_by(view, f"SELECT {columns} FROM raw_events WHERE {where}")
    return replace(offers.EVENTS, name=view)


def steps(
    asked: Asked,
    sessions: Sequence[Session],
    whose: Filters | str,
    *,
    most: int = STEPS,
    events: offers.Relation = offers.EVENTS,
) -> list[list[Step]]:
    """The events of each session in their order, repeats of a port included; at most `most` of them all.

    whose: the filters that the sessions were asked with (of sources), or a condition that says it all (of an organisation:
    that of `membership`, with those of the filters). `events` as in `of_sources`.
    """
    out: list[list[Step]] = [[] for _ in sessions]
    rows = asked.query(_steps(sessions, whose, most, events)) if sessions else []
    places = _places(sessions, isinstance(whose, str), ((row["src_ip"], row["time"]) for row in rows))
    for i, row in zip(places, rows, strict=True):
        before = out[i][-1].time if out[i] else None
        out[i].append(Step(gap=None if before is None else row["time"] - before, **row))
    return out


def tries(
    asked: Asked,
    sessions: Sequence[Session],
    whose: Filters | str,
    *,
    most: int = STEPS,
    events: offers.Relation = offers.EVENTS,
) -> list[list[list[Try]]]:
    """The attempts of each session, each source's in order: for `thresholds.worst`. Arguments as those of `steps`."""
    out: list[dict[bytes, list[Try]]] = [{} for _ in sessions]
    if sessions:
        found = asked.frame(_steps(sessions, whose, most, events))
        sources, times = found["src_ip"].to_list(), (found["time"].dt.timestamp("us") / 1e6).to_list()
        rest = (found[name].to_list() for name in ("protocol", "dst_port", "dst_ip", "packets"))
        resets = (found["action"] == "reject").fill_null(False).to_list()
        starts = [s.start.timestamp() for s in sessions]
        places = _places(sessions, isinstance(whose, str), zip(sources, times, strict=True), starts)
        for i, source, *one in zip(places, sources, times, *rest, resets, strict=True):
            out[i].setdefault(source, []).append(Try(*one))
    return [list(own.values()) for own in out]


def _steps(sessions: Sequence[Session], whose: Filters | str, most: int, events: offers.Relation) -> str:
    """The SQL that gives the events of those sessions."""
    first, last = min(s.start for s in sessions), max(s.end for s in sessions)
    if isinstance(whose, str):
        filters, condition = Filters(all_events=True), whose
    else:
        filters, condition = whose, "true"
    wanted = filters.between(first, last + dt.timedelta(microseconds=1))
    spans = " OR ".join(f"time BETWEEN {timestamp(s.start)} AND {timestamp(s.end)}" + _same_source(s, whose) for s in sessions)
    query = questions.Query(_STEPS, {"where": wanted}, whose=condition, spans=f"({spans})", most=str(most))
    return query.text(raw=True, relation=events)


Mark = tuple[int, int, dt.datetime]
"""what tells an event from others of its input: source_id, source_pos, time"""


def mark(step: Step) -> Mark:
    return step.source_id, step.source_pos, step.time


def rows(asked: Asked, steps: Sequence[Step]) -> dict[Mark, dict[str, Any]]:
    """The whole events behind those steps: every column, addresses packed."""
    if not steps:
        return {}
    low, high = min(s.time for s in steps), max(s.time for s in steps)
    places = ", ".join(f"({s.source_id}, {s.source_pos})" for s in steps)
    columns = ", ".join(f'"{name}"' for name in event.NAMES)
    sql = (
        f"SELECT {columns} FROM raw_events WHERE time >= {timestamp(low)} AND time <= {timestamp(high)}"
        f" AND (source_id, source_pos) IN ({places})"
    )
    return {(r["source_id"], r["source_pos"], r["time"]): r for r in asked.query(sql)}


def membership(asked: Asked, members: Sequence[Member], filters: Filters, corrections: Sequence[Correction] = ()) -> str:
    """The condition (for `raw_events`) that an event comes from one of the prefixes while it is valid.

    Corrections win, that on the longest prefix last. Many prefixes are first narrowed down to their addresses that were seen,
    so that the cost hardly grows with the list.
    """
    terms: dict[tuple[dt.date | None, dt.date | None], list[tuple[bytes, bytes]]] = {}
    for m in members:
        terms.setdefault((m.valid_from, m.valid_to), []).append((m.network[0].packed, m.network[-1].packed))
    parts = []
    for (begin, until), ranges in terms.items():
        merged = merge(ranges)
        span = _valid(begin, until, asked)
        where = _ranges(merged) if len(merged) <= _DIRECT else _listed(_seen(asked, merged, filters))
        parts.append(" AND ".join([where, *span]))
    whose = "(" + "\n   OR ".join(parts) + ")" if parts else "false"
    for c in sorted(corrections, key=lambda c: c.network.prefixlen):
        its = " AND ".join([_ranges([(c.network[0].packed, c.network[-1].packed)]), *_valid(c.first, c.last, asked)])
        whose = f"({whose} OR ({its}))" if c.belongs else f"({whose} AND NOT ({its}))"
    return whose


def merge(ranges: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Ranges of packed addresses (first, last), sorted, overlapping and adjacent ones joined; families apart."""
    out: list[tuple[bytes, bytes]] = []
    for first, last in sorted(ranges, key=lambda r: (len(r[0]), r)):
        if out and len(out[-1][0]) == len(first):
            before = int.from_bytes(out[-1][1], "big")
            if int.from_bytes(first, "big") <= before + 1:
                out[-1] = (out[-1][0], max(out[-1][1], last))
                continue
        out.append((first, last))
    return out


def networks(texts: Iterable[str]) -> list[Member]:
    """Prefixes as text -> members that are valid always. ValueError for what is no prefix."""
    return [Member(ipaddress.ip_network(t, strict=False)) for t in texts]


# SQL ------------------------------------------------------------------------------------------------------------------

_BUSY: Final = """src_ip IN (
    SELECT src_ip FROM {events} WHERE {where}
    GROUP BY src_ip HAVING count(DISTINCT (protocol, dst_port)) >= {least})"""

_SESSIONS: Final = """
WITH chosen AS (
  SELECT time, {key} AS key, src_ip, src_port, dst_ip, protocol, dst_port, ttl, tcp_window, packets, source_id, source_pos
  FROM {events}
  WHERE {where}
    AND {whose}{slice}
), gapped AS (
  SELECT *, row_number() OVER along AS place, epoch_us(time) - epoch_us(lag(time) OVER along) AS gap
  FROM chosen
  WINDOW along AS (PARTITION BY key ORDER BY time, source_id, source_pos)
), numbered AS (
  SELECT *, sum(CASE WHEN gap IS NULL OR gap > {idle} THEN 1 ELSE 0 END)
              OVER (PARTITION BY key ORDER BY place ROWS UNBOUNDED PRECEDING) AS session
  FROM gapped
), tried AS (
  SELECT key, session, protocol, dst_port, min(place) AS place, min(time) AS time
  FROM numbered GROUP BY key, session, protocol, dst_port
  QUALIFY count(*) OVER (PARTITION BY key, session) >= {least}
), rated AS (
  SELECT *, count(*) OVER (PARTITION BY key, session ORDER BY time RANGE BETWEEN INTERVAL 60 SECONDS PRECEDING AND CURRENT ROW)
              AS within
  FROM tried
), ports AS (
  SELECT key, session, count(*) AS tries, max(within) AS per_minute,
         list(protocol ORDER BY place) AS protocols, list(dst_port ORDER BY place) AS dst_ports
  FROM rated GROUP BY ALL
), kept AS (
  SELECT * FROM numbered SEMI JOIN ports USING (key, session)
), senders AS (
  SELECT key, session, src_ip, min(place) AS place FROM kept GROUP BY ALL
), sources AS (
  SELECT key, session, count(*) AS source_count, list(src_ip ORDER BY place)[1:{kept}] AS sources
  FROM senders GROUP BY ALL
), summed AS (
  SELECT key, session, min(time) AS start, max(time) AS "end", count(*) AS events, sum(packets)::BIGINT AS packets,
         list_sort(list(DISTINCT src_port))[1:8] AS source_ports, count(DISTINCT src_port) AS source_port_count,
         {observers} AS observers, min(ttl) AS ttl_min, max(ttl) AS ttl_max,
         list_sort(list(DISTINCT tcp_window))[1:4] AS windows,
         max(gap) FILTER (WHERE gap <= {idle}) AS longest_gap
  FROM kept GROUP BY ALL
)
SELECT key, start, "end", events, packets, tries, protocols, dst_ports, per_minute, sources, source_count,
       source_ports, source_port_count, observers, ttl_min, ttl_max, windows, longest_gap
FROM summed JOIN ports USING (key, session) JOIN sources USING (key, session)
{most}
ORDER BY start, key
"""

_COUNT: Final = "SELECT count(*) AS events FROM {events} WHERE {where} AND {whose}"

_STARTS: Final = """
SELECT place, time FROM (
  SELECT time, row_number() OVER along AS place, epoch_us(time) - epoch_us(lag(time) OVER along) AS gap
  FROM {events} WHERE {where} AND {whose}
  WINDOW along AS (ORDER BY time)
)
WHERE gap > {idle} ORDER BY place
"""

_STEPS: Final = """
SELECT time, src_ip, src_port, dst_ip, protocol, dst_port, packets, action, source_id, source_pos
FROM {events}
WHERE {where}
  AND {whose}
  AND {spans}
ORDER BY time, source_id, source_pos
LIMIT {most}
"""


def _sessions(
    asked: Asked,
    filters: Filters,
    gap_seconds: float,
    key: str,
    whose: str,
    least: int,
    most: int | None,
    events: offers.Relation,
) -> Found:
    words = {
        "key": key, "whose": whose, "idle": str(round(gap_seconds * 1e6)), "least": str(least),
        "kept": str(SOURCES_KEPT),
        "most": "" if most is None else f"QUALIFY row_number() OVER (ORDER BY tries DESC, packets DESC, start, key) <= {most}",
    }  # fmt: skip
    inside = questions.Query(_SESSIONS, {"where": filters}, grain=None, observers="list(DISTINCT dst_ip)", **words)
    # what is shown counts the observer's addresses and names none
    shown = questions.Query(
        _SESSIONS,
        {"where": filters},
        grain=None,
        observers="count(DISTINCT told_address(address_bytes(dst_ip)))",
        slice="",
        **_shown(words),
    )
    found: list[Session] = []
    for part in _slices(asked, filters, key, words, events):
        inside.words["slice"] = part and f"\n    AND {part}"
        found += [_session(row) for row in asked.query(inside.text(raw=True, relation=events))]
        if most is not None:
            found = sorted(found, key=lambda s: (-s.tries, -s.packets, s.start, s.key))[:most]
    return Found(sorted(found, key=lambda s: (s.start, s.key)), shown.text(raw=False))


def _slices(asked: Asked, filters: Filters, key: str, words: dict[str, str], source: offers.Relation) -> list[str]:
    """Conditions that part the events so that no session is cut and few enough are sorted in one go; one empty one: all."""
    query = questions.Query(_COUNT, {"where": filters}, whose=words["whose"])
    events = asked.query(query.text(raw=True, relation=source))[0]["events"]
    if events <= EVENTS_AT_ONCE:
        return [""]
    if key == "src_ip":
        parts = -(-events // EVENTS_AT_ONCE)
        return [f"hash(src_ip) % {parts} = {n}" for n in range(parts)]
    starts = questions.Query(_STARTS, {"where": filters}, whose=words["whose"], idle=words["idle"])
    frame = asked.frame(starts.text(raw=True, relation=source))
    cuts, last = [], 1
    for place, time in frame.iter_rows():
        if place - last >= EVENTS_AT_ONCE:
            cuts.append(timestamp(time))
            last = place
    bounds = [None, *cuts, None]
    return [
        " AND ".join([*([f"time >= {low}"] if low else []), *([f"time < {high}"] if high else [])])
        for low, high in itertools.pairwise(bounds)
    ]


def _shown(words: dict[str, str]) -> dict[str, str]:
    """The same conditions where addresses are text: bytes become text, ranges become `in_range`."""
    whose = re.sub(
        r"\(octet_length\(src_ip\) = \d+ AND src_ip BETWEEN unhex\('(\w+)'\) AND unhex\('(\w+)'\)\)",
        lambda m: f"in_range(src_ip, {_text(m[1])}, {_text(m[2])})",
        words["whose"],
    )
    return words | {"whose": re.sub(r"unhex\('(\w+)'\)", lambda m: _text(m[1]), whose)}


def _text(hexes: str) -> str:
    return f"'{ipaddress.ip_address(bytes.fromhex(hexes))}'"


def _ranges(ranges: Sequence[tuple[bytes, bytes]]) -> str:
    parts = [
        f"(octet_length(src_ip) = {len(low)} AND src_ip BETWEEN unhex('{low.hex()}') AND unhex('{high.hex()}'))"
        for low, high in ranges
    ]
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"


def _listed(addresses: Sequence[bytes]) -> str:
    texts = [f"unhex('{a.hex()}')" for a in addresses]
    return f"src_ip IN ({', '.join(texts)})" if texts else "false"


def _valid(begin: dt.date | None, until: dt.date | None, asked: Asked) -> list[str]:
    def midnight(day: dt.date) -> str:
        return timestamp(dt.datetime.combine(day, dt.time(), tzinfo=asked.zone))

    out = [] if begin is None else [f"time >= {midnight(begin)}"]
    return out if until is None else [*out, f"time < {midnight(until + dt.timedelta(days=1))}"]


def _seen(asked: Asked, ranges: Sequence[tuple[bytes, bytes]], filters: Filters) -> list[bytes]:
    """The addresses within the ranges that have events; each family of addresses against its own ranges."""
    where = questions.where(filters.conditions(raw=True))
    found: list[bytes] = []
    for size in (4, 16):
        own = [r for r in ranges if len(r[0]) == size]
        if not own:
            continue
        values = ", ".join(f"(unhex('{low.hex()}'), unhex('{high.hex()}'))" for low, high in own)
        sql = (
            f"SELECT src_ip FROM (SELECT DISTINCT src_ip FROM raw_events WHERE {where} AND octet_length(src_ip) = {size})"
            f" ASOF JOIN (VALUES {values}) r(low, high) ON src_ip >= low WHERE src_ip <= high ORDER BY src_ip"
        )
        found += [row["src_ip"] for row in asked.query(sql)]
    return found


def _same_source(session: Session, whose: Filters | str) -> str:
    return "" if isinstance(whose, str) else f" AND src_ip = unhex('{session.sources[0].hex()}')"


def _session(row: dict[str, Any]) -> Session:
    ttl = None if row["ttl_min"] is None else (int(row["ttl_min"]), int(row["ttl_max"]))
    return Session(
        key=address_text(row["key"]) if isinstance(row["key"], bytes) else row["key"],
        start=row["start"],
        end=row["end"],
        events=int(row["events"]),
        packets=int(row["packets"]),
        ports=tuple(zip(row["protocols"], row["dst_ports"], strict=True)),
        per_minute=int(row["per_minute"]),
        sources=tuple(row["sources"]),
        source_count=int(row["source_count"]),
        source_ports=tuple(p for p in row["source_ports"] if p is not None),
        source_port_count=int(row["source_port_count"]),
        observers=frozenset(one for one in row["observers"] if any(one)),  # (0.0.0.0: the log does not say)
        ttl=ttl,
        windows=tuple(w for w in row["windows"] if w is not None),
        longest_gap=None if row["longest_gap"] is None else dt.timedelta(microseconds=int(row["longest_gap"])),
    )


def _places(
    sessions: Sequence[Session], together: bool, events: Iterable[tuple[bytes, Any]], starts: Sequence[Any] | None = None
) -> Iterator[int]:
    """For each event (source and time, in order) the place of its session: that of its time, and of its source where sessions
    are of sources. starts: those of the sessions, in whatever the times are given."""
    begun = [s.start for s in sessions] if starts is None else starts
    groups: dict[bytes, list[int]] = {}
    for i, s in enumerate(sessions):
        groups.setdefault(b"" if together else s.sources[0], []).append(i)
    order = {key: sorted(own, key=lambda i: begun[i]) for key, own in groups.items()}
    moments = {key: [begun[i] for i in own] for key, own in order.items()}
    for source, time in events:
        key = b"" if together else source
        yield order[key][bisect.bisect_right(moments[key], time) - 1]


def with_sources(filters: Filters, addresses: Iterable[str]) -> Filters:
    """The filters for those addresses or prefixes alone. ValueError for what is none."""
    return replace(filters, src=tuple(ipaddress.ip_network(a, strict=False) for a in addresses))
