"""DoS-like arrivals at the services that a sensor's own host runs: when they start and stop, how fast, which go together.

The daily overview that this follows tells of them so: they go on now and then ("間欠的に続いて"), 80 and 443/tcp in a set and
at about the same rate, one or two packets a second. teiten.toml says which services a sensor runs (`services = ["80/tcp"]`).
The numbers are those of the rule for attacks seen through backscatter: 30 packets or more in some 60 seconds, sliding by 10; a
stretch ends where that is not reached again for 300 seconds; it is told of with 25 packets and 60 seconds or more. What is let
in (accepted) counts too. No verdict comes of it: who visits a server is no attacker.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from teiten.engine.filters import Filters, PortRange, thing_text

if TYPE_CHECKING:
    from teiten.classify.attacks import Rule
    from teiten.engine.duckdb import Session
    from teiten.settings import Settings

ARRIVAL: Final[dict[str, pl.DataType]] = {
    "sensor": pl.String(), "protocol": pl.Int64(), "port": pl.Int64(), "start": pl.Datetime("us", "UTC"),
    "end": pl.Datetime("us", "UTC"), "packets": pl.Int64(), "per_minute": pl.Int64(), "sources": pl.Int64(),
    "country": pl.String(), "together": pl.String(), "goes_on": pl.Boolean(),
}  # fmt: skip
"""`country`: where most packets came from (by their source's address, which may be forged); `together`: other services of the
sensor with arrivals at the same time and about the same rate"""
SAME_TIME: Final = 0.8
"""share of the longer stretch that both must have in common to go together"""
SAME_RATE: Final = 1.25
"""how many times the slower one's rate the faster one may have"""

_STRETCHES: Final = """
WITH buckets AS (
  SELECT protocol, dst_port AS port, epoch_us(time) // 10000000 AS bucket, sum(packets)::BIGINT AS packets,
         min(epoch_us(time)) AS first, max(epoch_us(time)) AS last
  FROM raw_events WHERE {where} GROUP BY protocol, dst_port, epoch_us(time) // 10000000
), rated AS (
  SELECT *, sum(packets) OVER within AS n, min(first) OVER within AS since
  FROM buckets
  WINDOW within AS (PARTITION BY protocol, port ORDER BY bucket RANGE BETWEEN 5 PRECEDING AND CURRENT ROW)
), busy AS (
  SELECT *, bucket - lag(bucket) OVER (PARTITION BY protocol, port ORDER BY bucket) AS gap FROM rated WHERE n >= {per_minute}
), numbered AS (
  SELECT *, sum(CASE WHEN gap > {idle} // 10 THEN 1 ELSE 0 END)
              OVER (PARTITION BY protocol, port ORDER BY bucket ROWS UNBOUNDED PRECEDING) AS number
  FROM busy
), stretches AS (
  SELECT protocol, port, min(since) AS first, max(last) AS last, max(n)::BIGINT AS per_minute FROM numbered
  GROUP BY protocol, port, number
  HAVING max(last) - min(since) >= {seconds} * 1000000
), met AS (
  SELECT s.*, e.src_ip, e.country, e.packets
  FROM (SELECT epoch_us(time) AS t, protocol, dst_port AS port, src_ip, country, packets FROM raw_events WHERE {where}) e
  JOIN stretches s ON e.protocol = s.protocol AND e.port = s.port
  WHERE e.t BETWEEN s.first AND s.last
), lands AS (
  SELECT protocol, port, first, country, sum(packets) AS n FROM met GROUP BY ALL
), most AS (
  SELECT protocol, port, first, arg_max(country, n) FILTER (country IS NOT NULL) AS country FROM lands GROUP BY ALL
)
SELECT protocol::BIGINT AS protocol, port::BIGINT AS port, make_timestamptz(first) AS start, make_timestamptz(last) AS "end",
       sum(met.packets)::BIGINT AS packets, any_value(per_minute) AS per_minute, count(DISTINCT src_ip) AS sources,
       any_value(most.country) AS country
FROM met JOIN most USING (protocol, port, first)
GROUP BY protocol, port, first, last
HAVING sum(met.packets) >= {least}
"""


def arrivals(session: Session, settings: Settings, filters: Filters, rule: Rule) -> pl.DataFrame:
    """ARRIVAL: the stretches at every service of the sensors asked about, in order of their starts.

    Of the filters span and sensors count, and of the others port and protocol (of the service), country, asn and src (of
    what arrives).
    """
    found = [pl.DataFrame(schema=ARRIVAL)]
    for sensor in settings.sensors:
        if not sensor.services or (filters.sensor and sensor.name not in filters.sensor):
            continue
        of_sensor = Filters(
            start=filters.start, end=filters.end, sensor=(sensor.name,), country=filters.country, asn=filters.asn,
            src=filters.src, protocol=filters.protocol, port=filters.port, all_events=True,
        )  # fmt: skip
        served = Filters(port=tuple(PortRange(n, n, protocol) for protocol, n in sensor.services), all_events=True)
        where = " AND ".join(
            [*of_sensor.conditions(raw=True), *served.conditions(raw=True), "kind IS DISTINCT FROM 'backscatter'",
             "coalesce(interface, '?') <> ''"]
        )  # fmt: skip
        rows = session.frame(
            _STRETCHES.format(where=where, per_minute=rule.per_minute, idle=rule.idle, seconds=rule.seconds, least=rule.packets)
        )
        if rows.height:
            found.append(_told(session, rows, sensor.name, rule))
    return pl.concat(found).sort("start", "sensor", "protocol", "port")


def _told(session: Session, rows: pl.DataFrame, sensor: str, rule: Rule) -> pl.DataFrame:
    rows = rows.with_columns(pl.col("start", "end").dt.convert_time_zone("UTC"))
    where = " AND ".join(Filters(sensor=(sensor,)).conditions(raw=True, attempts=False))
    last = session.query(f"SELECT max(time) AS last FROM raw_events WHERE {where}")[0]["last"].astimezone(dt.UTC)
    rows = rows.with_columns(
        pl.lit(sensor).alias("sensor"),
        (pl.col("end") >= last - dt.timedelta(seconds=rule.idle)).alias("goes_on"),
        pl.Series("together", _together(rows), dtype=pl.String),
    )
    return rows.select(pl.col(name).cast(dtype) for name, dtype in ARRIVAL.items())


def _together(rows: pl.DataFrame) -> list[str | None]:
    """For each stretch the other services with about the same time and rate, as text; None for none."""
    every = rows.to_dicts()
    return [" ".join(sorted({_port(b) for b in every if _port(b) != _port(a) and _alike(a, b)})) or None for a in every]


def port_text(protocol: int, port: int) -> str:
    """'80/tcp'."""
    return thing_text(protocol, port)


def _port(row: dict[str, Any]) -> str:
    return port_text(row["protocol"], row["port"])


def _alike(a: dict[str, Any], b: dict[str, Any]) -> bool:
    lengths = [(x["end"] - x["start"]).total_seconds() for x in (a, b)]
    common = (min(a["end"], b["end"]) - max(a["start"], b["start"])).total_seconds()
    rates = sorted(x["packets"] / n for x, n in zip((a, b), lengths, strict=True))
    return bool(common >= SAME_TIME * max(lengths) and rates[1] <= SAME_RATE * rates[0])
