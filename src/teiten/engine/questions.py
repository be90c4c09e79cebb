"""The questions that rankings and reports ask, as plain SQL; every answer carries the SQL that made it.

An answer is a list of dicts (`Rows`) whose `sql` can be pasted into `teiten sql`. Inside, the same text runs over
`raw_events`, where addresses are bytes, because counting distinct bytes is quicker than counting distinct texts.

Words: packets = sum of `packets`; hosts = distinct source addresses in the span; unknown is a row of its own, without
a rank, and part of every denominator. Percentages are None where there is nothing to divide by.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from teiten.engine import offers, recorded, staged
from teiten.engine.filters import WITH_PORTS, Filters

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

By = Literal["packets", "hosts"]
Span = tuple[dt.datetime, dt.datetime]

_PORTLESS: Final = f"protocol IS NULL OR (dst_port IS NULL AND protocol IN {WITH_PORTS})"


@dataclass(frozen=True, slots=True)
class Thing:
    """What can be ranked. `columns` name a row; `known` tells it from the row of the unknown."""

    columns: tuple[str, ...]
    keys: tuple[str, ...]
    known: str
    extra: tuple[tuple[str, str], ...] = ()
    unknown: bool = True
    """whether null means that it is not known, which is a row; otherwise it means that there is none, which is no row"""


THINGS: Final[dict[str, Thing]] = {
    # a port is its number and its protocol; ICMP and other protocols without ports are rows of their own, never port 0
    "ports": Thing(
        ("dst_port", "protocol"),
        ("dst_port", f"CASE WHEN {_PORTLESS} THEN NULL ELSE protocol END AS protocol"),
        "protocol IS NOT NULL",
    ),
    "countries": Thing(("country",), ("country",), "country IS NOT NULL"),
    "asns": Thing(("asn",), ("asn",), "asn IS NOT NULL", (("as_name", "max(as_name)"),)),
    "sources": Thing(
        ("src_ip",),
        ("src_ip",),
        "true",
        (("country", "max(country)"), ("asn", "max(asn)"), ("as_name", "max(as_name)")),
    ),
    "sensors": Thing(("sensor",), ("sensor",), "true"),
    "scanners": Thing(("scanner",), ("scanner",), "scanner IS NOT NULL", unknown=False),
    "tools": Thing(("tool",), ("tool",), "tool IS NOT NULL"),
    # /24 for IPv4 and /48 for IPv6: what one holder mostly has to itself
    "prefixes": Thing(
        ("prefix",),
        ("{src_prefix} AS prefix",),
        "true",
        (("country", "mode(country)"), ("asn", "max(asn)"), ("as_name", "arg_max(as_name, asn)")),
    ),
}
_SHOWN: Final = {"src_ip": "{src_text} AS src_ip", "prefix": "prefix_text(prefix) AS prefix"}


class Rows(list[dict[str, Any]]):
    """Rows of an answer, with the SQL that gives them and what their shares are shares of."""

    def __init__(
        self,
        rows: Iterable[dict[str, Any]],
        sql: str,
        *,
        total: int | None = None,
        error: float = 0.0,
        counted: bool = False,
        lost: dt.datetime | None = None,
    ) -> None:
        super().__init__(rows)
        self.sql = sql
        self.total = total
        self.error = error
        """of hosts: the greatest relative standard error of a row; 0.0 where they are exact"""
        self.counted = counted
        """did the answer come from what was counted before (aggregates), and not from events?"""
        self.lost = lost
        """events before it are missing from the answer: they are no longer kept, and no aggregate offers what was asked"""

    @property
    def estimated(self) -> bool:
        """Are hosts estimated?"""
        return self.error > 0


def where(conditions: list[str], indent: str = "  ") -> str:
    return f"\n{indent}  AND ".join(conditions) if conditions else "true"


class Query:
    """One text in its two forms: `{events}`, `{where}`... filled in for showing, or for running.

    What is counted is written in words that mean the same on events and on what was counted from them before
    (`engine.offers`): `{hosts}` distinct sources, `{hosts if CONDITION}` those of which it holds, `{count}` events,
    `{earliest}` and `{latest}` the times of the first and last; a step hands on for them `{host}`, `{moments}`, `{each}`
    (`{host_of_day}` where it groups by `start` and host, `{host_of_start}` in the step after that).
    `{verdicts}` is the view of what sources are taken for, with addresses as `{events}` has them.
    A template with `{put}` first puts the events of each source together (`Relation.put`).
    With `exact`, a template of the same answer for rows that tell every source: one that first puts each source's rows
    together (`{host}` is its address) is answered sooner than several distinct counts.
    `{error}` adds the column hosts_error where hosts are estimated, and `{and_error}` hands it on.
    """

    def __init__(
        self, template: str, filters: dict[str, Filters], *, grain: offers.Grain | None = None, exact: str = "", **words: str
    ) -> None:
        """grain: the question tells times apart no closer than that, and counts in those words only; None: it needs events."""
        self.template, self.exact, self.filters, self.grain, self.words = template, exact, filters, grain, words

    def text(self, raw: bool, relation: offers.Relation = offers.EVENTS) -> str:
        template = self.exact if self.exact and relation.words["host"] == offers.EVENTS.words["host"] else self.template
        words = {**self.words, **relation.words, **(relation.put if "{put}" in template else {})}
        for name, filters in self.filters.items():
            words[name] = where(filters.conditions(raw=raw))
        words["events"] = (relation.name or "raw_events") if raw else "events"
        words["verdicts"] = "_verdicts" if raw else "verdicts"
        words["devices"] = "_devices" if raw else "devices"
        words["src_text"] = "address_text(src_ip)" if raw else "src_ip"
        words["src_prefix"] = "source_prefix(src_ip)" if raw else "source_prefix(address_bytes(src_ip))"
        words["src_order"] = "src_ip" if raw else "address_bytes(src_ip)"
        # at the end of a query, the bare name would be that of the text that is shown
        words["src_last"] = "{ranked}.src_ip" if raw else "address_bytes(src_ip)"
        text = template
        while (found := re.search(r"\{(\w+)\}", text)) is not None:
            text = text.replace(found.group(0), words[found.group(1)])
        text = re.sub(r"\{hosts if ([^{}]+)\}", lambda match: relation.hosts_if.replace("CONDITION", match[1]), text)
        return re.sub(r"\n\s*\n", "\n", text).strip()

    def rows(self, session: Session) -> Rows:
        """The answer. Where hosts are estimated its rows have `hosts_error`, each its relative standard error."""
        found = offers.choose(session, self)
        session.has_counted |= found.kept
        since = None if found.kept else session.kept_since
        lost = since if since and any(f.start is None or f.start < since for f in self.filters.values()) else None
        spans = [(f.start, f.end) for f in self.filters.values()]
        rows = session.query(self.text(raw=True, relation=found), spans=spans, joined=found.joined)
        error = max((row.get("hosts_error") or 0.0 for row in rows), default=0.0) if found.estimates else 0.0
        for row in rows if not error else ():
            row.pop("hosts_error", None)
        return Rows(rows, self.text(raw=False), error=error, counted=found.kept, lost=lost)


def observed(session: Session, start: dt.datetime, end: dt.datetime, filters: Filters | None = None) -> bool:
    """Did the sensors asked about record anything at all in [start, end)? If not, nothing can be compared with it."""
    wanted = Filters(start=start, end=end, sensor=filters.sensor if filters else ())
    named = recorded.sensors(session, start, end, wanted.sensor)
    if named is not None:
        return bool(named)
    template = "SELECT DISTINCT true AS seen FROM {events} WHERE {where}"
    if session.kept_since is None:
        template = "SELECT true AS seen FROM {events} WHERE {where} LIMIT 1"
    return bool(Query(template, {"where": replace(wanted, all_events=True)}, grain="day").rows(session))


def rank(
    session: Session,
    what: str,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    *,
    by: By = "packets",
    before: Span | None = None,
    filters: Filters | None = None,
    n: int | None = None,
) -> Rows:
    """The ranking of a thing of `THINGS` over [start, end), and where each stood in `before`.

    Rows: rank (equals share one; None for the unknown, which comes last and is given beyond the n), the thing's
    columns, packets, hosts, share and share_of (of all packets, or of all hosts, unknown included), rank_before,
    packets_before, hosts_before, difference and change (of packets or hosts, as ranked; change is in percent). What
    tells of the period before is None where no sensor recorded anything then; 0 packets where the thing did not occur.
    """
    thing = THINGS[what]
    now = (filters or Filters()).between(start, end)
    seen = before is not None and observed(session, *before, filters)
    spans = {"where": now, **({"where_before": now.between(*before)} if seen and before else {})}
    template, words = _rank_template(thing, seen), _rank_words(thing, by, n)
    words["ranked"] = "compared" if seen else "ranked"
    query = Query(template, spans, grain="day", **words)
    if staged.pays(session, what, by, n, (start, end)):
        found = Query(staged.template(what, template), spans, grain="day", **staged.words(what, words)).rows(session)
        staged.complete(Query, session, what, found, words, spans, n)
        found.sql = query.text(raw=False)
    else:
        found = query.rows(session)
    for row in found:
        if not seen:
            row |= dict.fromkeys(("rank_before", "packets_before", "hosts_before", "difference", "change"))
    found.total = found[0]["share_of"] if found else 0
    return found


def _rank_template(thing: Thing, compared: bool) -> str:
    template = _RANK_BEFORE if compared else _RANK
    if _each_source_once(thing):
        return template
    # what most events say needs every event
    plain = template.replace("{put_packets}", "packets").replace("{put}", "")
    return plain.replace("{hosts_of}", "{hosts}")


def _each_source_once(thing: Thing) -> bool:
    """Do the events of a source, put together to one row, tell all that is asked of the thing?"""
    return all(expression == f"max({name})" for name, expression in thing.extra)


def _rank_words(thing: Thing, by: By, n: int | None) -> dict[str, str]:
    columns = ", ".join(thing.columns)
    extra = "".join(f", {expression} AS {name}" for name, expression in thing.extra)
    names = "".join(f", {name}" for name, _ in thing.extra)
    once = _each_source_once(thing)
    passed = "".join(f", {{put_most}}({name}) AS {name}" if once else f", {name}" for name, _ in thing.extra)
    passed += ", {host}" if "src_ip" not in thing.columns else ""
    order = ", ".join("{src_order}" if c == "src_ip" else c for c in thing.columns)
    shown = ", ".join(_SHOWN.get(c, c) for c in thing.columns)
    return {
        "keys": ", ".join(thing.keys),
        "columns": columns,
        "passed": passed,
        "passed_before": "" if "src_ip" in thing.columns else ", {host}",
        "shown": shown + names,
        "extra": extra,
        "order": order,
        "last": order.replace("{src_order}", "{src_last}"),
        "by": by,
        "other": "hosts" if by == "packets" else "packets",
        "known": thing.known,
        "hosts_of": "1::BIGINT" if "src_ip" in thing.columns else "{put_hosts}",
        "whole": "sum(packets)::BIGINT AS share_of FROM counted"
        if by == "packets"
        else "{hosts}::BIGINT AS share_of FROM chosen",
        "only": "" if thing.unknown else "WHERE known",
        "limit": "" if n is None else f"QUALIFY row_number() OVER ({_LIMIT}) <= {n}",
        "same": " AND ".join(f"c.{c} IS NOT DISTINCT FROM b.{c}" for c in thing.columns),
    }


_LIMIT: Final = "PARTITION BY known ORDER BY {by} DESC, {other} DESC, {order}"

_RANK: Final = """
WITH chosen AS (
  SELECT {keys}, {put_packets}{passed}
  FROM {events}
  WHERE {where}
  {put}
), counted AS (
  SELECT {columns}, sum(packets)::BIGINT AS packets, {hosts_of} AS hosts{error}{extra}, {known} AS known
  FROM chosen GROUP BY {columns}
), ranked AS (
  SELECT *, rank() OVER (PARTITION BY known ORDER BY {by} DESC) AS place
  FROM counted
)
SELECT CASE WHEN known THEN place END AS rank, {shown}, packets, hosts,
       {by} / share_of AS share, share_of{and_error}
FROM ranked, (SELECT {whole})
{only}
{limit}
ORDER BY known DESC, {by} DESC, {other} DESC, {last}
"""

_RANK_BEFORE: Final = """
WITH chosen AS (
  SELECT {keys}, {put_packets}{passed}
  FROM {events}
  WHERE {where}
  {put}
), counted AS (
  SELECT {columns}, sum(packets)::BIGINT AS packets, {hosts_of} AS hosts{error}{extra}, {known} AS known
  FROM chosen GROUP BY {columns}
), ranked AS (
  SELECT *, rank() OVER (PARTITION BY known ORDER BY {by} DESC) AS place
  FROM counted
), chosen_before AS (
  SELECT {keys}, {put_packets}{passed_before}
  FROM {events}
  WHERE {where_before}
  {put}
), counted_before AS (
  SELECT {columns}, sum(packets)::BIGINT AS packets, {hosts_of} AS hosts, {known} AS known
  FROM chosen_before GROUP BY {columns}
), ranked_before AS (
  SELECT *, rank() OVER (PARTITION BY known ORDER BY {by} DESC) AS place
  FROM counted_before
), compared AS (
  SELECT c.*, CASE WHEN b.known THEN b.place END AS rank_before,
         coalesce(b.packets, 0) AS packets_before, coalesce(b.hosts, 0) AS hosts_before
  FROM ranked c LEFT JOIN ranked_before b ON {same}
)
SELECT CASE WHEN known THEN place END AS rank, {shown}, packets, hosts,
       {by} / share_of AS share, share_of,
       rank_before, packets_before, hosts_before,
       {by} - {by}_before AS difference,
       100.0 * ({by} - {by}_before) / nullif({by}_before, 0) AS change{and_error}
FROM compared, (SELECT {whole})
{only}
{limit}
ORDER BY known DESC, {by} DESC, {other} DESC, {last}
"""


_TOTALS: Final = """
WITH chosen AS (
  SELECT {put_packets}{each}, {host}, country, sensor, {moments},
         action IN ({not_attempts}) AS let_in, interface = '' AS outgoing
  FROM {events}
  WHERE {where}
  {put}
), attempts AS (
  SELECT * FROM chosen WHERE {counted}
)
SELECT (SELECT coalesce(sum(packets), 0)::BIGINT FROM attempts) AS packets,
       (SELECT {hosts} FROM attempts) AS hosts,
       (SELECT {count} FROM attempts) AS events,
       (SELECT coalesce(sum(packets) FILTER (WHERE country IS NULL), 0)::BIGINT FROM attempts) AS packets_unknown_country,
       (SELECT count(DISTINCT country) FROM attempts) AS countries,
       (SELECT count(DISTINCT sensor) FROM chosen) AS sensors,
       (SELECT {earliest} FROM attempts) AS first,
       (SELECT {latest} FROM attempts) AS last,
       (SELECT coalesce(sum(packets) FILTER (WHERE let_in), 0)::BIGINT FROM chosen) AS left_out_accepted,
       (SELECT coalesce(sum(packets) FILTER (WHERE outgoing AND NOT coalesce(let_in, false)), 0)::BIGINT FROM chosen)
         AS left_out_outgoing{total_error}
"""


def scanner_share(
    session: Session,
    start: dt.datetime | None,
    end: dt.datetime | None,
    *,
    by: By = "packets",
    filters: Filters | None = None,
) -> tuple[int, int]:
    """Packets (or hosts) of announced scanners over [start, end), and of all."""
    packets = "coalesce(sum(packets){}, 0)::BIGINT"
    found = Query(
        _SCANNER_SHARE,
        {"where": (filters or Filters()).between(start, end)},
        grain="day",
        part=packets.format(" FILTER (WHERE scanner IS NOT NULL)") if by == "packets" else "{hosts if scanner IS NOT NULL}",
        whole=packets.format("") if by == "packets" else "{hosts}",
    ).rows(session)
    return found[0]["part"], found[0]["whole"]


_SCANNER_SHARE: Final = """
SELECT {part} AS part, {whole} AS whole{share_error}
FROM {events}
WHERE {where}
"""


def totals(
    session: Session,
    start: dt.datetime,
    end: dt.datetime,
    *,
    before: Span | None = None,
    filters: Filters | None = None,
    moments: bool = True,
) -> Rows:
    """One row: packets, hosts, events, days, packets_per_day, countries, sensors, first and last event, and what was left out.

    left_out_accepted: packets of accepted and audited events; left_out_outgoing: of other events that did not come in.
    packets_before, hosts_before, difference and change (percent, of packets) as in `rank`. `days` is the span's length,
    whether or not a sensor was recording: a mean over days with gaps is too low, so show it beside the gaps. moments: are first
    and last wanted? Without them (None) more questions need no events.
    """
    found = _totals(session, start, end, filters, moments)
    row = found[0]
    row |= {"days": (end - start) / dt.timedelta(days=1)}
    row |= {"packets_per_day": row["packets"] / row["days"]}
    row |= dict.fromkeys(("packets_before", "hosts_before", "difference", "change"))
    if before is not None and observed(session, *before, filters):
        then = _totals(session, *before, filters, moments)[0]
        difference = row["packets"] - then["packets"]
        row |= {"packets_before": then["packets"], "hosts_before": then["hosts"], "difference": difference}
        row |= {"change": 100.0 * difference / then["packets"] if then["packets"] else None}
    return found


def _totals(session: Session, start: dt.datetime, end: dt.datetime, filters: Filters | None, moments: bool) -> Rows:
    wanted = (filters or Filters()).between(start, end)
    counted = "true" if wanted.all_events else " AND ".join(_ATTEMPT[bool(wanted.action)])
    template = _TOTALS
    if not moments:
        template = template.replace(", {moments},", ",").replace("{earliest}", "max(NULL::TIMESTAMPTZ)")
        template = template.replace("{latest}", "max(NULL::TIMESTAMPTZ)")
    query = Query(
        template,
        {"where": replace(wanted, all_events=True)},
        grain="day",
        counted=counted,
        not_attempts="'accept', 'audit'",
    )
    return query.rows(session)


_ATTEMPT: Final = {
    False: ("NOT coalesce(let_in, false)", "NOT coalesce(outgoing, false)"),
    True: ("NOT coalesce(outgoing, false)",),
}
