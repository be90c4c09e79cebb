"""Few hosts that try very many ports, told apart from many hosts that try few: by country, with the numbers.

The daily overview that this follows says of one country that a very small number of hosts scan very widely ("ごく少数のホストを
発信元に、非常に広範なスキャン"), which looks like somebody's own search rather than a worm's. A host tries many ports with
`many_ports` distinct ones (protocol and port, TCP and UDP) in the span, few with at most `few_ports`. A country is called
'few hosts, many ports' where its hosts with many ports made at least half of all tries (a try is a port of a host) and are
at most a twentieth of its hosts, or ten; 'many hosts, few ports' where hosts with few ports sent at least half of the
packets and are nine tenths of the hosts. The shares are ours; the words are the overview's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teiten.engine.questions import Query, Rows

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.settings import Settings

FEW_HOSTS: Final = "few hosts, many ports"
MANY_HOSTS: Final = "many hosts, few ports"
MIXED: Final = "mixed"
COLUMNS: Final = (
    "country", "pattern", "hosts", "packets", "tries", "most_ports", "hosts_many", "packets_many", "tries_many", "hosts_few",
    "packets_few",
)  # fmt: skip

_BY_COUNTRY: Final = """
WITH tried AS (
  SELECT country, src_ip, protocol, dst_port, sum(packets)::BIGINT AS packets
  FROM {events}
  WHERE {where}
    AND protocol IN (6, 17) AND dst_port IS NOT NULL AND kind IS DISTINCT FROM 'backscatter'
  GROUP BY ALL
), hosts AS (
  SELECT country, src_ip, count(*) AS ports, sum(packets)::BIGINT AS packets FROM tried GROUP BY ALL
), counted AS (
  SELECT country, count(*) AS hosts, sum(packets)::BIGINT AS packets, sum(ports)::BIGINT AS tries, max(ports) AS most_ports,
         count(*) FILTER (ports >= {many}) AS hosts_many,
         coalesce(sum(packets) FILTER (ports >= {many}), 0)::BIGINT AS packets_many,
         coalesce(sum(ports) FILTER (ports >= {many}), 0)::BIGINT AS tries_many,
         count(*) FILTER (ports <= {few}) AS hosts_few,
         coalesce(sum(packets) FILTER (ports <= {few}), 0)::BIGINT AS packets_few
  FROM hosts GROUP BY country
)
SELECT country,
       CASE WHEN 2 * tries_many >= tries
             AND hosts_many <= greatest(10, hosts / 20) THEN '{few_hosts}'
            WHEN 2 * packets_few >= packets AND 10 * hosts_few >= 9 * hosts THEN '{many_hosts}'
            ELSE '{mixed}' END AS pattern,
       hosts, packets, tries, most_ports, hosts_many, packets_many, tries_many, hosts_few, packets_few
FROM counted
ORDER BY packets DESC, country NULLS LAST
"""


def by_country(session: Session, settings: Settings, filters: Filters) -> Rows:
    """COLUMNS, a row a country (None: unknown): its pattern, and what hosts with many ports and with few make of it."""
    return Query(
        _BY_COUNTRY,
        {"where": filters},
        many=str(round(settings.threshold("many_ports"))),
        few=str(round(settings.threshold("few_ports"))),
        few_hosts=FEW_HOSTS,
        many_hosts=MANY_HOSTS,
        mixed=MIXED,
    ).rows(session)
