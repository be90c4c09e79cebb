"""The standard questions beside the rankings: hosts by port and day, Mirai's hosts, sources that sent much to many ports.

They are those by which stores of events are compared (`teiten bench scale`). What is counted is put together by source first:
one row a port, day and source is counted with less memory, and sooner, than distinct sources within each port and day.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.engine.questions import Query, Rows

_PORT_DAYS: Final = """
WITH pairs AS (
  SELECT DISTINCT day_of(time) AS day, protocol, dst_port, src_ip
  FROM {events}
  WHERE {where}
)
SELECT day, protocol, dst_port, count(*) AS hosts
FROM pairs GROUP BY ALL
ORDER BY hosts DESC, day, protocol, dst_port
LIMIT {n}
"""

_MIRAI: Final = """
WITH marked AS (
  SELECT DISTINCT day_of(time) AS day, country, src_ip
  FROM {events}
  WHERE mark_mirai AND {where}
)
SELECT day, country, count(*) AS hosts
FROM marked GROUP BY ALL
ORDER BY hosts DESC, day, country
LIMIT {n}
"""

# few sources send much: only of those are the ports looked at
_MANY_PORTS: Final = """
WITH much AS (
  SELECT day_of(time) AS day, src_ip, sum(packets)::BIGINT AS packets
  FROM {events}
  WHERE kind IN ('syn', 'udp') AND {where}
  GROUP BY ALL
  HAVING sum(packets) >= {packets}
), tried AS (
  SELECT DISTINCT day_of(e.time) AS day, e.src_ip, e.dst_port
  FROM {events} e
  WHERE e.kind IN ('syn', 'udp') AND e.dst_port IS NOT NULL AND e.src_ip IN (SELECT src_ip FROM much) AND {where}
), counted AS (
  SELECT day, src_ip, m.packets, count(*) AS ports
  FROM much m JOIN tried USING (day, src_ip)
  GROUP BY ALL
  HAVING count(*) >= {ports}
)
SELECT day, {src_text} AS src_ip, packets, ports
FROM counted
ORDER BY packets DESC, ports DESC, day, {src_last}
"""


def port_days(session: Session, start: dt.datetime, end: dt.datetime, *, n: int = 20, filters: Filters | None = None) -> Rows:
    """The n ports and days of the zone with most hosts: day, protocol, dst_port, hosts."""
    return Query(_PORT_DAYS, {"where": (filters or Filters()).between(start, end)}, n=str(n)).rows(session)


def mirai(session: Session, start: dt.datetime, end: dt.datetime, *, n: int = 20, filters: Filters | None = None) -> Rows:
    """The n countries and days with most hosts that sent Mirai's mark (NICTER's rule): day, country (None: unknown), hosts."""
    return Query(_MIRAI, {"where": (filters or Filters()).between(start, end)}, n=str(n)).rows(session)


def many_ports(
    session: Session, start: dt.datetime, end: dt.datetime, packets: int, ports: int, *, filters: Filters | None = None
) -> Rows:
    """Sources that sent so many packets of TCP SYN and UDP within a day, to so many ports or more: NICTER's rule of large
    scanners, from the events. day, src_ip (text), packets, ports."""
    wanted = (filters or Filters()).between(start, end)
    return Query(_MANY_PORTS, {"where": wanted}, packets=str(packets), ports=str(ports), ranked="counted").rows(session)
