"""Questions about time: series by hour or day in the session's zone, and the hours of the day."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, Literal

from teiten.engine import offers
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters, PortRange
from teiten.engine.questions import THINGS, By, Query, Rows

Step = Literal["minute", "hour", "day"]

_SERIES: Final = """
WITH chosen AS (
  SELECT {step}_start(time) AS start, {keys}, {put_packets}{handed_as}
  FROM {events}
  WHERE {where}
  {put}
), top AS (
  SELECT {columns}
  FROM chosen
  WHERE {known}
  GROUP BY {columns}
  {enough}
  ORDER BY {whole} DESC, {order}
  LIMIT {top}
), named AS (
  SELECT c.*, CASE WHEN NOT ({known_c}) THEN 'unknown' WHEN t.{first} IS NULL THEN 'other' ELSE 'top' END AS part
  FROM chosen c LEFT JOIN top t ON {same}
)
SELECT start, part, {shown}, sum(packets)::BIGINT AS packets, {hosts_told} AS hosts{error_told}
FROM (SELECT start, part, {masked}, packets{handed} FROM named)
GROUP BY ALL
ORDER BY start, part, {columns_order}
"""

_PLAIN: Final = """
SELECT {step}_start(time) AS start, sum(packets)::BIGINT AS packets, {hosts_told} AS hosts{error_told}
FROM {events}
WHERE {where}
GROUP BY ALL
ORDER BY start
"""


def starts(session: Session, start: dt.datetime, end: dt.datetime, step: Step) -> list[dt.datetime]:
    """The beginnings of the minutes, hours or days of [start, end) in the session's zone; 23 or 25 hours on some days."""
    zone = session.zone
    if step == "day":
        first = start.astimezone(zone).date()
        days = (first + dt.timedelta(days=n) for n in range((end - start).days + 3))
        found = [dt.datetime.combine(day, dt.time(), zone) for day in days]
        return [s for s in found if s < end]
    even = {"second": 0, "microsecond": 0} if step == "minute" else {"minute": 0, "second": 0, "microsecond": 0}
    moment = start.astimezone(zone).replace(**even).astimezone(dt.UTC)  # type: ignore[arg-type]
    out = []
    while moment < end:
        out.append(moment.astimezone(zone))
        moment += dt.timedelta(minutes=1 if step == "minute" else 60)
    return out


def series(
    session: Session,
    what: str | None,
    start: dt.datetime,
    end: dt.datetime,
    step: Step = "hour",
    *,
    top: int = 7,
    by: By = "packets",
    minimum: int = 0,
    filters: Filters | None = None,
    ahead: str = "",
    hosts: bool = True,
) -> Rows:
    """Packets and hosts by step; for a thing (`what` as in `rank`), the `top` of it one by one and the rest summed.

    Rows, in order of time: start (aware), part ('top', 'other', 'unknown'), the thing's columns (None unless 'top'), packets,
    hosts. Only steps in which something happened have rows: see `spread` for the rest. The top is that of the whole span, by
    packets or hosts; with `minimum`, only things that reach that many in some step are among it (the seeds' text shows ports
    above 10 an hour). ahead: a condition on the thing's columns; what meets it is among the top before all others. Without a
    thing: start, packets, hosts. hosts: are they wanted? Without them (None, by packets only) many questions need no events.
    """
    wanted = (filters or Filters()).between(start, end)
    told = {"hosts_told": "{hosts}" if hosts else "NULL::BIGINT", "error_told": "{error}" if hosts else ""}
    if what is None:
        return Query(_PLAIN, {"where": wanted}, grain=_grain(step), step=step, **told).rows(session)
    told |= (
        {"handed_as": ", {host_as_host}", "handed": ", {host_handed}", "hosts_told": "{hosts_of_host}"}
        if hosts
        else {"handed_as": "", "handed": ""}
    )
    thing = THINGS[what]
    measure = "sum(packets)" if by == "packets" else "{hosts_of_host}"
    columns = ", ".join(thing.columns)
    enough = ""
    if minimum > 1:
        enough = f"HAVING max(peak) >= {minimum}"
    template = _SERIES if not enough else _with_minimum(columns, measure)
    query = Query(
        template,
        {"where": wanted},
        grain=_grain(step),
        **told,
        step=step,
        keys=", ".join(thing.keys),
        columns=columns,
        known=thing.known,
        known_c=thing.known.replace(thing.columns[-1], f"c.{thing.columns[-1]}"),
        enough=enough,
        whole=(f"({ahead}) DESC, " if ahead else "") + (measure if not enough else "sum(total)"),
        order=", ".join("{src_order}" if c == "src_ip" else c for c in thing.columns),
        columns_order=columns,
        top=str(top),
        first=thing.columns[-1],
        same=" AND ".join(f"c.{c} IS NOT DISTINCT FROM t.{c}" for c in thing.columns),
        shown=", ".join("{src_text} AS src_ip" if c == "src_ip" else c for c in thing.columns),
        masked=", ".join(f"CASE WHEN part = 'top' THEN {c} END AS {c}" for c in thing.columns),
    )
    return query.rows(session)


def _grain(step: Step) -> offers.Grain | None:
    """What aggregates must tell apart; no aggregate tells minutes."""
    return None if step == "minute" else step


def _with_minimum(columns: str, measure: str) -> str:
    """The series' text, with a step before the top: each thing's greatest step."""
    peaks = f"""), steps AS (
  SELECT start, {columns}, {measure}::BIGINT AS peak, {measure}::BIGINT AS total
  FROM chosen
  GROUP BY ALL
), top AS (
  SELECT {{columns}}
  FROM steps"""
    return _SERIES.replace("), top AS (\n  SELECT {columns}\n  FROM chosen", peaks)


def port_by_country(
    session: Session, port: PortRange, start: dt.datetime, end: dt.datetime, step: Step = "hour", *, top: int = 7, **more: Any
) -> Rows:
    """One port's series, stacked by source country."""
    return series(session, "countries", start, end, step, top=top, filters=Filters(port=(port,)), **more)


def country_by_port(
    session: Session,
    country: str | None,
    start: dt.datetime,
    end: dt.datetime,
    step: Step = "hour",
    *,
    top: int = 7,
    **more: Any,
) -> Rows:
    """One country's series, stacked by port (None: the sources of unknown country)."""
    return series(session, "ports", start, end, step, top=top, filters=Filters(country=(country,)), **more)


def hours(session: Session, start: dt.datetime, end: dt.datetime, *, filters: Filters | None = None) -> Rows:
    """24 rows: hour of the day in the zone (0 to 23), packets and hosts in it over all days of the span."""
    wanted = (filters or Filters()).between(start, end)
    return Query(_HOURS, {"where": wanted}, grain="hour").rows(session)


_HOURS: Final = """
WITH found AS (
  SELECT hour_of(time) AS hour, sum(packets)::BIGINT AS packets, {hosts} AS hosts{error}
  FROM {events}
  WHERE {where}
  GROUP BY ALL
)
SELECT h.hour, coalesce(packets, 0) AS packets, coalesce(hosts, 0) AS hosts{and_error}
FROM (SELECT unnest(generate_series(0, 23)) AS hour) h LEFT JOIN found f ON f.hour = h.hour
ORDER BY h.hour
"""


def spread(rows: Rows, beginnings: list[dt.datetime], columns: tuple[str, ...], by: By = "packets") -> dict[Any, list[int]]:
    """Rows of `series` as one list a thing over all steps, 0 where nothing came.

    Keys are the columns' values, in order of their sums, then 'other' and 'unknown'. A 0 may be a gap: ask `gaps`.
    """
    place = {moment.timestamp(): n for n, moment in enumerate(beginnings)}
    found: dict[Any, list[int]] = {}
    for row in rows:
        key: Any = tuple(row[c] for c in columns) if row.get("part", "top") == "top" else row["part"]
        values = found.setdefault(key, [0] * len(beginnings))
        n = place.get(row["start"].timestamp())
        if n is not None:
            values[n] += row[by]
    last = {"other": 1, "unknown": 2}
    return dict(
        sorted(found.items(), key=lambda item: (last.get(item[0], 0) if isinstance(item[0], str) else 0, -sum(item[1])))
    )
