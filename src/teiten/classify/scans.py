"""Scan events as Merit's ORION telescope tells them: a source that tries one port of many destinations, from when to when.

Merit-Research/darknet-events: packets of one source, one port and one type of traffic belong together until more than 624
seconds pass between two of them. An event is kept with 10 distinct destinations or more, and 10 packets a second or more if the
whole of IPv4 had been watched (x 2^32 / observed addresses). Where an answer is sent (SYN-ACK, RST) the port is that which it
comes from. What lasts no time has no rate, and is kept as theirs is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.settings import Settings

EVENTS_AT_ONCE: Final = 1_000_000
"""events that are sorted in one go; of more, a part of the sources is taken at a time"""
WHOLE: Final = 1 << 32

SCAN: Final[dict[str, pl.DataType]] = {
    "src_ip": pl.Binary(), "traffic": pl.String(), "protocol": pl.Int64(), "port": pl.Int64(),
    "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"), "packets": pl.Int64(), "bytes": pl.Int64(),
    "destinations": pl.Int64(), "destinations_24": pl.Int64(), "rate": pl.Float64(), "mirai": pl.Int64(),
    "masscan": pl.Int64(), "zmap": pl.Int64(), "country": pl.String(), "asn": pl.Int64(), "as_name": pl.String(),
}  # fmt: skip
"""A scan event. `destinations`: distinct ones, and distinct /24s (IPv6: /64s) of them; `rate`: packets a second over all of
IPv4 (null where the event lasted no time); mirai, masscan, zmap: packets with the mark; bytes are those of the IP packets."""

TRAFFIC: Final = """CASE protocol
  WHEN 6 THEN CASE tcp_flags & 511 WHEN 2 THEN 'tcp-syn' WHEN 18 THEN 'tcp-synack' WHEN 16 THEN 'tcp-ack' WHEN 4 THEN 'tcp-rst'
              ELSE 'tcp-other' END
  WHEN 17 THEN 'udp'
  WHEN 1 THEN CASE icmp_type WHEN 8 THEN 'icmp-echo-request' WHEN 0 THEN 'icmp-echo-reply' WHEN 3 THEN 'icmp-unreachable'
              WHEN 4 THEN 'icmp-source-quench' WHEN 5 THEN 'icmp-redirect' WHEN 11 THEN 'icmp-time-exceeded'
              WHEN 12 THEN 'icmp-parameter-problem' WHEN 14 THEN 'icmp-timestamp-reply' WHEN 16 THEN 'icmp-info-reply'
              WHEN 18 THEN 'icmp-mask-reply' ELSE 'icmp-other' END
  WHEN 58 THEN CASE icmp_type WHEN 128 THEN 'icmp-echo-request' WHEN 129 THEN 'icmp-echo-reply' WHEN 1 THEN 'icmp-unreachable'
              WHEN 3 THEN 'icmp-time-exceeded' WHEN 4 THEN 'icmp-parameter-problem' ELSE 'icmp-other' END
  ELSE 'unknown' END"""
NAMES: Final = tuple(sorted(set(re.findall(r"'([a-z-]+)'", TRAFFIC))))
"""their types of traffic (internal/analysis/analysis.go); ICMPv6 by the same names, which theirs does not look at"""


@dataclass(frozen=True, slots=True)
class Rule:
    """idle: seconds; destinations: distinct ones; rate: packets a second over all of IPv4; addresses: how many are observed."""

    addresses: int
    idle: int = 624
    destinations: int = 10
    rate: float = 10.0

    @classmethod
    def of(cls, settings: Settings, addresses: int) -> Rule:
        get = settings.threshold
        return cls(addresses, round(get("scan_idle_seconds")), round(get("scan_destinations")), get("scan_rate"))


_KEY: Final = "src_ip, protocol, port, traffic"
_SCANS: Final = """
WITH chosen AS (
  SELECT epoch_us(time) AS t, coalesce(epoch_us(time_end), epoch_us(time)) AS t_end, src_ip, told_address(dst_ip) AS dst_ip,
         {traffic}::UTINYINT AS traffic, protocol,
         CASE WHEN protocol = 6 AND tcp_flags & 511 IN (18, 4) THEN src_port
              WHEN protocol IN (1, 58) THEN NULL ELSE dst_port END AS port,
         packets, coalesce(bytes, ip_len) AS size, {marks} AS marks
  FROM raw_events
  WHERE {where}{part}
), wide AS (
  SELECT {key} FROM chosen GROUP BY ALL HAVING count(*) >= {least} AND min(dst_ip) <> max(dst_ip)
), gapped AS (
  SELECT c.*, t - lag(t_end) OVER (PARTITION BY {key} ORDER BY t) AS gap
  FROM chosen c SEMI JOIN wide w
    ON c.src_ip = w.src_ip AND c.traffic = w.traffic AND c.protocol IS NOT DISTINCT FROM w.protocol
   AND c.port IS NOT DISTINCT FROM w.port
), numbered AS (
  SELECT *, sum(CASE WHEN gap > {idle} THEN 1 ELSE 0 END)
              OVER (PARTITION BY {key} ORDER BY t ROWS UNBOUNDED PRECEDING)::INTEGER AS number
  FROM gapped
), summed AS (
  SELECT {key}, min(t) AS first, max(t_end) AS last, sum(packets)::BIGINT AS packets, sum(size)::BIGINT AS bytes,
         count(DISTINCT dst_ip) AS destinations,
         count(DISTINCT left(hex(dst_ip), CASE octet_length(dst_ip) WHEN 4 THEN 6 ELSE 16 END)) AS destinations_24,
         coalesce(sum(packets) FILTER (marks & 1 > 0), 0)::BIGINT AS mirai,
         coalesce(sum(packets) FILTER (marks & 2 > 0), 0)::BIGINT AS masscan,
         coalesce(sum(packets) FILTER (marks & 4 > 0), 0)::BIGINT AS zmap
  FROM numbered GROUP BY {key}, number
), kept AS (
  SELECT *, packets * {scale} / nullif((last - first) / 1e6, 0) AS rate FROM summed
  WHERE destinations >= {least} AND coalesce(packets * {scale} / nullif((last - first) / 1e6, 0), {rate}) >= {rate}
), whose AS (
  SELECT src_ip, any_value(country) AS country, any_value(asn) AS asn, any_value(as_name) AS as_name
  FROM raw_events WHERE {where}{part} AND src_ip IN (SELECT src_ip FROM kept) GROUP BY src_ip
)
SELECT kept.*, make_timestamptz(first) AS start, make_timestamptz(last) AS "end", country, asn, as_name
FROM kept JOIN whose USING (src_ip)
ORDER BY start, src_ip, protocol, port
"""
_MARKS: Final = " + ".join(
    f"{bit} * coalesce(mark_{name}, false)::UTINYINT" for bit, name in ((1, "mirai"), (2, "masscan"), (4, "zmap"))
)


def scans(session: Session, filters: Filters, rule: Rule) -> Iterator[pl.DataFrame]:
    """SCAN: the scan events among those that the filters let through, a part of the sources at a time, each by its start.

    An event that goes on beyond the filters' span is cut at its edge.
    """
    where = " AND ".join(filters.conditions(raw=True)) or "true"
    traffic = re.sub(r"'([a-z-]+)'", lambda name: str(NAMES.index(name[1])), TRAFFIC)
    total = session.query(f"SELECT count(*) AS n FROM raw_events WHERE {where}")[0]["n"]
    parts = max(1, -(-total // EVENTS_AT_ONCE))
    for n in range(parts):
        part = f" AND hash(src_ip) % {parts} = {n}" if parts > 1 else ""
        words = {"traffic": traffic, "marks": _MARKS, "where": where, "part": part, "key": _KEY, "least": rule.destinations}
        words |= {"idle": rule.idle * 1_000_000, "scale": repr(WHOLE / rule.addresses), "rate": rule.rate}
        rows = session.frame(_SCANS.format(**words))
        rows = rows.with_columns(
            pl.col("start", "end").dt.convert_time_zone("UTC"),
            pl.Series("traffic", [NAMES[n] for n in rows["traffic"]], dtype=pl.String),
        )
        yield rows.select(pl.col(name).cast(dtype) for name, dtype in SCAN.items())
