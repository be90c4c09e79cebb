"""What the senders of a payload did besides: the other ports that they tried, the other groups of payloads that they sent.

"The same attacker went for 81, 52869 and 37215" is read off here: each row says how many of the group's hosts did it too, of
how many, in the same span. Who forges an address completes no connection; hosts behind one address (NAT) are one here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from teiten.engine.filters import Filters
from teiten.engine.questions import Query
from teiten.payloads.asked import Group
from teiten.payloads.logins import port_text

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

_OTHERS: Final = """
WITH senders AS (
  SELECT DISTINCT src_ip FROM {events} WHERE {where} AND sha256(payload) IN ({hashes})
)
SELECT (protocol, dst_port) AS port, count(DISTINCT src_ip) AS hosts, sum(packets)::BIGINT AS packets, min(time) AS first,
  max(time) AS last
FROM {events} SEMI JOIN senders USING (src_ip)
WHERE {where}
GROUP BY protocol, dst_port
ORDER BY hosts DESC, packets DESC, protocol, dst_port
LIMIT {n}
"""


@dataclass(frozen=True, slots=True)
class Port:
    """A port that the group's hosts tried. own: it is one at which the group itself was heard; share: hosts of all of them."""

    port: str
    hosts: int
    packets: int
    share: float
    own: bool


@dataclass(frozen=True, slots=True)
class Other:
    """Another group that hosts of the group sent. hosts: how many of them; share: of the group's hosts."""

    group: Group
    hosts: int
    share: float


def anywhere(wanted: Filters) -> Filters:
    """The same filters for every port."""
    return replace(wanted, port=(), protocol=())


def ports(session: Session, wanted: Filters, one: Group, most: int = 50) -> list[Port]:
    """Ports that its hosts tried in the span, the group's own among them; those of the most hosts first."""
    hashes = ", ".join(f"'{name}'" for member in one.members for name in member.raw)
    rows = Query(_OTHERS, {"where": anywhere(wanted)}, hashes=hashes, n=str(most)).rows(session)
    out = []
    for row in rows:
        name = port_text(row["port"])
        out.append(Port(name, row["hosts"], row["packets"], row["hosts"] / max(1, one.hosts), name in one.ports))
    return out


def groups(every: Sequence[Group], one: Group, most: int = 20) -> list[Other]:
    """The other groups that its hosts sent, those of the most of its hosts first. every: all of the span, at any port."""
    own = one.sources
    both = ((other, len(own & other.sources)) for other in every if other.hash != one.hash)
    found = [Other(other, hosts, hosts / max(1, len(own))) for other, hosts in both if hosts]
    return sorted(found, key=lambda other: (-other.hosts, -other.group.hosts, other.group.hash))[:most]
