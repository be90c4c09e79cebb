"""Machines that are wrongly set up: the same packet to one port of one destination, for hours, and nothing else.

A syslog, NTP or SNMP client with a wrong address in its settings goes on for days. That one source keeps to a single one of
many watched addresses is no chance: of 16 the tenth packet goes to the same as the first with 16^-9. Where fewer are watched
this says nothing, so there only services count to which machines send unasked, and which nobody scans that way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from teiten.classify.material import Material
    from teiten.settings import Settings

ADDRESSES: Final = 16
"""watched addresses from which on keeping to one of them says something"""
UNASKED: Final = (67, 68, 123, 137, 138, 162, 514, 1813, 2055, 4739, 6343, 6514, 9995, 9996)
"""UDP ports to which machines send on and on by their settings: DHCP, NTP, NetBIOS, SNMP traps, syslog, RADIUS accounting,
NetFlow, IPFIX, sFlow (IANA Service Name and Transport Protocol Port Number Registry; 2055, 9995, 9996 by NetFlow's habit)"""


@dataclass(frozen=True, slots=True)
class Rule:
    """packets in the day at least, within so many of its hours at least, at so many a second at most (a flood has more)."""

    packets: int = 10
    hours: int = 3
    rate: float = 1.0

    @classmethod
    def of(cls, settings: Settings) -> Rule:
        get = settings.threshold
        return cls(round(get("misconfigured_packets")), round(get("misconfigured_hours")), get("misconfigured_rate"))


_SAME: Final = """
SELECT src_ip, day, min(protocol)::BIGINT AS protocol, min(dst_port)::BIGINT AS port, sum(packets)::BIGINT AS packets,
       bit_count(bit_or(1::INTEGER << ((epoch_us(time) // 3600000000) % 24)::INTEGER))::BIGINT AS hours,
       min(ip_len)::BIGINT AS shortest, max(ip_len)::BIGINT AS longest,
       (max(epoch_us(time)) - min(epoch_us(time))) / 1e6 AS seconds
FROM judged SEMI JOIN chosen USING (src_ip, day)
GROUP BY src_ip, day
HAVING min(dst_port) = max(dst_port) AND min(protocol) = max(protocol) AND min(protocol) IN (6, 17)
   AND min(dst_ip) = max(dst_ip) AND count(dst_port) = count(*) AND coalesce(min(kind) = max(kind), true)
   AND bit_count(bit_or(1::INTEGER << ((epoch_us(time) // 3600000000) % 24)::INTEGER)) >= {hours}
   AND sum(packets) <= {rate} * (max(epoch_us(time)) - min(epoch_us(time))) / 1e6
"""


def candidates(rule: Rule) -> str:
    """The condition over the counts of a source and day (packets, backscatter, first, last) that it may be one."""
    hours = max(0, rule.hours - 2)
    return f"packets >= {rule.packets} AND backscatter = 0 AND last - first >= INTERVAL {hours} HOURS"


def found(material: Material, rule: Rule) -> pl.DataFrame:
    """src_ip, day, protocol, port, packets, hours, shortest and longest packet, seconds: of the chosen sources those
    that keep to one destination. Where fewer than `ADDRESSES` were observed on the day, at services of `UNASKED` alone."""
    rows = material.ask(_SAME.format(hours=rule.hours, rate=rule.rate))
    enough = [day for day in material.days if material.observed(day) >= ADDRESSES]
    if len(enough) < len(material.days):
        # a sensor that nobody configured watches what it was sent to
        seen = material.ask("SELECT day, count(DISTINCT told_address(dst_ip)) AS n FROM judged GROUP BY day")
        enough += seen.filter(pl.col("n") >= ADDRESSES)["day"].to_list()
    return rows.filter(pl.col("day").is_in(enough) | (pl.col("protocol") == 17) & pl.col("port").is_in(UNASKED))
