"""Attacks seen through backscatter: which victims answered packets that never came from here, on which ports, since when.

The rule is that of CAIDA's corsaro (randomly spoofed denial of service; libcorsaro/plugins/corsaro_dos.c), edge cases included:
a victim's answers, of whatever form, are one vector until more than 300 whole seconds pass between two of them. A vector is an
attack with 25 packets or more, 60 seconds or more from its first packet to its last, and 30 packets or more in some 60
seconds, which slide by 10 from the vector's first whole second on. The victim of an ICMP error is the quoted packet's
destination, so that a router that answers for it is nobody's victim.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from teiten import frame
from teiten.engine.filters import Filters, thing_text

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.settings import Settings

ERRORS: Final = "(protocol = 1 AND icmp_type IN (3, 4, 5, 11, 12) OR protocol = 58 AND icmp_type IN (1, 2, 3, 4))"
"""the ICMP messages that quote the packet which they answer (RFC 792, RFC 4443)"""
QUOTES: Final = f"coalesce({ERRORS}, false) AND inner_dst_ip IS NOT NULL"
ANSWER: Final = f"""CASE WHEN protocol = 6 THEN CASE WHEN tcp_flags & 4 > 0 THEN 'rst' ELSE 'syn-ack' END
       WHEN protocol = 17 THEN 'dns' WHEN {ERRORS} THEN 'icmp error' ELSE 'icmp reply' END"""
"""how a packet that is backscatter answers"""
EVENTS_AT_ONCE: Final = 2_000_000
"""answers that are sorted in one go; of more, a part of the victims is taken at a time"""
REACH: Final = dt.timedelta(days=1)
"""how far before and after a span its attacks are followed"""
PORTS_NAMED: Final = 5

VECTOR: Final[dict[str, pl.DataType]] = {
    "victim": pl.Binary(), "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"), "packets": pl.Int64(),
    "per_minute": pl.Int64(),
}  # fmt: skip
ATTACK: Final[dict[str, pl.DataType]] = {
    **VECTOR, "answers": pl.String(), "ports": pl.String(), "protocols": pl.List(pl.Int64()),
    "numbers": pl.List(pl.Int64()), "port_count": pl.Int64(), "destinations": pl.Int64(),
    "responders": pl.Int64(), "country": pl.String(), "asn": pl.Int64(), "as_name": pl.String(),
}  # fmt: skip
"""An attack. `answers`: their forms, the most frequent first; `ports`: those attacked, by packets, as text, and as `protocols`
with `numbers` side by side; `port_count` counts all; `destinations`: dark addresses that got answers; `responders`: addresses
that answered (routers among them); country and AS are the victim's."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The numbers that decide (seconds, packets)."""

    packets: int = 25
    seconds: int = 60
    per_minute: int = 30
    idle: int = 300

    @classmethod
    def of(cls, settings: Settings) -> Rule:
        """As configured: thresholds attack_packets, attack_seconds, attack_packets_per_minute, attack_idle_seconds."""
        names = ("attack_packets", "attack_seconds", "attack_packets_per_minute", "attack_idle_seconds")
        return cls(*(round(settings.threshold(name)) for name in names))


_VECTORS: Final = """
WITH answers AS (
  SELECT epoch_us(time) AS t, packets, CASE WHEN {quotes} THEN inner_dst_ip ELSE src_ip END AS victim
  FROM raw_events
  WHERE {where} AND kind = 'backscatter'
), seconds AS (
  SELECT victim, t // 1000000 AS second, sum(packets)::BIGINT AS packets, min(t) AS first, max(t) AS last
  FROM answers WHERE {part} GROUP BY victim, t // 1000000
  QUALIFY sum(sum(packets)) OVER (PARTITION BY victim) >= {least}
), gapped AS (
  SELECT *, second - lag(second) OVER (PARTITION BY victim ORDER BY second) AS gap FROM seconds
), numbered AS (
  SELECT *, sum(CASE WHEN gap > {idle} THEN 1 ELSE 0 END)
              OVER (PARTITION BY victim ORDER BY second ROWS UNBOUNDED PRECEDING) AS vector
  FROM gapped
), placed AS (
  SELECT *, (second - min(second) OVER (PARTITION BY victim, vector)) // 10 AS bucket FROM numbered
), buckets AS (
  SELECT victim, vector, bucket, sum(packets)::BIGINT AS packets, min(first) AS first, max(last) AS last
  FROM placed GROUP BY ALL
), rated AS (
  SELECT *, sum(packets) OVER (PARTITION BY victim, vector ORDER BY bucket RANGE BETWEEN 5 PRECEDING AND CURRENT ROW) AS within
  FROM buckets
)
SELECT victim, make_timestamptz(min(first)) AS start, make_timestamptz(max(last)) AS "end", sum(packets)::BIGINT AS packets,
       max(within)::BIGINT AS per_minute
FROM rated GROUP BY victim, vector
HAVING sum(packets) >= {least} AND max(last) - min(first) >= {seconds} * 1000000 AND max(within) >= {per_minute}
"""


def vectors(session: Session, filters: Filters, rule: Rule) -> pl.DataFrame:
    """VECTOR: the attacks among the events that the filters let through, as they are, in order of their starts.

    What begins before the filters' span or ends after it is cut at its edge.
    """
    where = " AND ".join(filters.conditions(raw=True, attempts=False)) or "true"
    whole = session.query(f"SELECT count(*) AS n FROM raw_events WHERE {where} AND kind = 'backscatter'")[0]["n"]
    parts = max(1, -(-whole // EVENTS_AT_ONCE))
    found = [pl.DataFrame(schema=VECTOR)]
    for n in range(parts if whole else 0):
        sql = _VECTORS.format(
            quotes=QUOTES, where=where, part=f"hash(victim) % {parts} = {n}" if parts > 1 else "true", least=rule.packets,
            idle=rule.idle, seconds=rule.seconds, per_minute=rule.per_minute,
        )  # fmt: skip
        rows = session.frame(sql)
        if rows.height:
            found.append(_utc(rows).cast(VECTOR).select(list(VECTOR)))  # type: ignore[arg-type]
    return pl.concat(found).sort("start", "victim")


def _utc(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("start", "end").dt.convert_time_zone("UTC"))


_DETAILS: Final = """
WITH vectors AS (
  SELECT unnest($victims) AS victim, unnest($starts) AS first, unnest($ends) AS last
), answers AS (
  SELECT epoch_us(time) AS t, CASE WHEN {quotes} THEN inner_dst_ip ELSE src_ip END AS victim, packets, src_ip, dst_ip,
         {answer} AS answer,
         CASE WHEN {quotes} THEN inner_protocol ELSE protocol END AS protocol,
         CASE WHEN {quotes} THEN inner_dst_port ELSE src_port END AS port,
         country, asn, as_name
  FROM raw_events
  WHERE {where} AND kind = 'backscatter'
)
SELECT victim, first, {columns}
FROM answers JOIN vectors USING (victim)
WHERE t BETWEEN first AND last
GROUP BY ALL
"""
_WHO: Final = """count(DISTINCT told_address(dst_ip)) AS destinations, count(DISTINCT src_ip) AS responders,
       any_value(country) FILTER (src_ip = victim) AS country, any_value(asn) FILTER (src_ip = victim) AS asn,
       any_value(as_name) FILTER (src_ip = victim) AS as_name, bool_or(src_ip = victim) AS answered"""
_KEY: Final = ["victim", "first"]


def described(session: Session, filters: Filters, found: pl.DataFrame) -> pl.DataFrame:
    """ATTACK: vectors (VECTOR) of the events that the filters let through, with what was attacked and who answered."""
    if not found.height:
        return pl.DataFrame(schema=ATTACK)
    where = " AND ".join(filters.conditions(raw=True, attempts=False)) or "true"
    given = {
        "victims": found["victim"].to_list(),
        "starts": found["start"].to_physical().to_list(),
        "ends": found["end"].to_physical().to_list(),
    }

    def ask(columns: str) -> pl.DataFrame:
        return session.frame(_DETAILS.format(quotes=QUOTES, answer=ANSWER, where=where, columns=columns), given)

    summed = ask(_WHO)
    ports = ask("protocol, port, sum(packets)::BIGINT AS n").sort(
        *_KEY, "n", "protocol", "port", descending=[*[False] * 2, True, *[False] * 2]
    )
    forms = ask("answer, sum(packets)::BIGINT AS n").sort(*_KEY, "n", "answer", descending=[*[False] * 2, True, False])
    out = found.with_columns(pl.col("start").to_physical().alias("first"))
    for part in (
        summed,
        _ports(ports),
        forms.group_by(_KEY, maintain_order=True).agg(pl.col("answer").str.join(" ").alias("answers")),
    ):
        out = out.join(part, on=_KEY, how="left", maintain_order="left")
    return _located(out).select(pl.col(name).cast(dtype) for name, dtype in ATTACK.items())


def _ports(counted: pl.DataFrame) -> pl.DataFrame:
    """The ports of each vector in order of packets; the first few as text."""
    text = [thing_text(p, n) for p, n in counted.select("protocol", "port").iter_rows()]
    return (
        counted.with_columns(pl.Series("text", text, dtype=pl.String))
        .group_by(_KEY, maintain_order=True)
        .agg(
            pl.col("text").head(PORTS_NAMED).str.join(" ").alias("ports"),
            pl.col("protocol").cast(pl.Int64).alias("protocols"),
            pl.col("port").cast(pl.Int64).alias("numbers"),
            pl.len().cast(pl.Int64).alias("port_count"),
        )
    )


def _located(rows: pl.DataFrame) -> pl.DataFrame:
    """Country and AS of victims that sent nothing themselves (routers answered for them), by the data of the attack's day."""
    from teiten import enrich

    silent = rows.filter(~pl.col("answered").fill_null(False))
    if not silent.height:
        return rows
    asked = pl.DataFrame({"time": silent["start"], "src_ip": silent["victim"]}).with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in frame.DECODED_SCHEMA.items() if name not in ("time", "src_ip")
    )
    told = enrich.enrich(asked.select(list(frame.DECODED_SCHEMA))).select("country", "asn", "as_name")
    told = pl.concat([silent.select("victim", "first"), told], how="horizontal")
    joined = rows.join(told, on=["victim", "first"], how="left", suffix="_told", maintain_order="left")
    return joined.with_columns(pl.coalesce(n, f"{n}_told").alias(n) for n in ("country", "asn", "as_name"))


def attacks(session: Session, filters: Filters, rule: Rule) -> pl.DataFrame:
    """ATTACK, and `goes_on`: the attacks that touch the filters' span, whole (up to `REACH` before and after it).

    Of the filters only span and sensors say which answers there are; the others are about victims and their ports:
    `matching`. An attack goes on where the lake ends before the idle time after its last packet is over.
    """
    wide = Filters(
        start=filters.start and filters.start - REACH, end=filters.end and filters.end + REACH, sensor=filters.sensor
    )
    found = vectors(session, wide, rule)
    if filters.start is not None:
        found = found.filter(pl.col("end") >= filters.start.astimezone(dt.UTC))
    if filters.end is not None:
        found = found.filter(pl.col("start") < filters.end.astimezone(dt.UTC))
    out = described(session, wide, found)
    last = session.query(f"SELECT max(time) AS last FROM raw_events WHERE {_sensors(filters)}")[0]["last"]
    limit = pl.lit(None) if last is None else pl.lit(last.astimezone(dt.UTC) - dt.timedelta(seconds=rule.idle))
    return matching(out.with_columns((pl.col("end") >= limit).alias("goes_on")), filters)


def _sensors(filters: Filters) -> str:
    return " AND ".join(Filters(sensor=filters.sensor).conditions(raw=True, attempts=False)) or "true"


def matching(rows: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """The attacks whose victim and ports the filters mean: src (the victim), country, asn, port, protocol."""
    keep = pl.lit(True)
    if filters.country:
        keep &= pl.col("country").is_in(list(filters.country), nulls_equal=True)
    if filters.asn:
        keep &= pl.col("asn").is_in(list(filters.asn), nulls_equal=True)
    rows = rows.filter(keep)
    if filters.src:
        inside = [any(_in(address, net) for net in filters.src) for address in rows["victim"]]
        rows = rows.filter(pl.Series(inside, dtype=pl.Boolean))
    if filters.port or filters.protocol:
        hit = [_attacked(p, n, filters) for p, n in rows.select("protocols", "numbers").iter_rows()]
        rows = rows.filter(pl.Series(hit, dtype=pl.Boolean))
    return rows


def _in(address: bytes, network: object) -> bool:
    import ipaddress

    assert isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network)
    return len(address) == network.max_prefixlen // 8 and ipaddress.ip_address(address) in network


def _attacked(protocols: list[int | None], numbers: list[int | None], filters: Filters) -> bool:
    for protocol, number in zip(protocols, numbers, strict=True):
        if filters.protocol and protocol not in filters.protocol:
            continue
        if not filters.port or any(
            number is not None and p.first <= number <= p.last and p.protocol in (None, protocol) for p in filters.port
        ):
            return True
    return False
