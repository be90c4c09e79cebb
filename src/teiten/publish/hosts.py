"""Hosts that sent something, as lists for others: what is asked of the lake, and Shadowserver's columns for it.

Only what came from outside is listed, and no address to which packets were sent (those are the sensors' own): a source that
is such an address, too, was forged or looks in a mirror.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from teiten.engine.filters import PROTOCOL_NAMES, Filters

if TYPE_CHECKING:
    import polars as pl

    from teiten.engine.duckdb import Session

SHADOWSERVER: Final = (
    "timestamp", "protocol", "src_ip", "src_port", "src_asn", "src_geo", "src_region", "src_city", "src_hostname", "src_naics",
    "src_sector", "device_vendor", "device_type", "device_model", "severity", "dst_ip", "dst_port", "dst_asn", "dst_geo",
    "dst_region", "dst_city", "dst_hostname", "dst_naics", "dst_sector", "public_source", "infection", "family", "tag",
    "application", "version", "event_id", "count",
)  # fmt: skip
"""columns of Shadowserver's report event4_honeypot_darknet; what is not known is empty, and all of dst_ but the port"""
WHOLE: Final = frozenset({"src_port", "src_asn", "dst_port", "count"})
"""those that hold whole numbers"""
BACKSCATTER: Final = "backscatter"
INFECTIONS: Final = frozenset({"mirai"})
"""tools by which a host is known to be infected, and not one that somebody runs"""

_SHADOWSERVER: Final = """
SELECT min(time) AS first, protocol, src_ip, arg_min(src_port, time) AS src_port, max(asn) AS src_asn, max(country) AS src_geo,
       dst_port, max(tool) AS tool, sum(packets)::BIGINT AS "count"
FROM raw_events
WHERE {where} AND octet_length(src_ip) {length} 4
  AND src_ip NOT IN (SELECT dst_ip FROM raw_events WHERE {span})
GROUP BY src_ip, protocol, dst_port, time::DATE
ORDER BY time::DATE, src_ip, protocol, dst_port NULLS FIRST"""

_SOURCES: Final = """
SELECT src_ip, min(time) AS first, max(time) AS last, sum(packets)::BIGINT AS packets,
       count(DISTINCT (protocol, dst_port)) AS ports, max(country) AS country, max(asn) AS asn, max(scanner) AS scanner,
       bool_or(research_scanner) AS research, max(tool) AS tool
FROM raw_events
WHERE {where} AND src_ip NOT IN (SELECT dst_ip FROM raw_events WHERE {span})
GROUP BY src_ip
ORDER BY octet_length(src_ip), src_ip"""

_OWN: Final = "SELECT DISTINCT dst_ip FROM raw_events WHERE {span}"


@dataclass(frozen=True, slots=True)
class Found:
    """A list of hosts, and how many sources were left out of it because their addresses do not fit its columns."""

    rows: pl.DataFrame
    six: int = 0


def usual(filters: Filters) -> Filters:
    """The filters, with what a list for others leaves out unless it was asked for: backscatter, whose senders did nothing, is
    left out where no kind of packet is named."""
    if filters.kind:
        return filters
    from teiten import event

    return replace(filters, kind=(*(k for k in event.KINDS if k != BACKSCATTER), None))


def shadowserver(session: Session, filters: Filters, source: str = "") -> Found:
    """Hosts of IPv4 in Shadowserver's columns: a row for each source, day, protocol and port it tried; when it first did so
    that day (in UTC), from which port, how many packets. source: who says so (`public_source`)."""
    import polars as pl

    from teiten import frame

    words = {"where": _where(filters), "span": _span(filters)}
    found = frame.addresses_as_text(session.frame(_SHADOWSERVER.format(**words, length="=")))
    six = session.frame(_SHADOWSERVER.format(**words, length=">"))["src_ip"].n_unique()
    infection = pl.when(pl.col("tool").is_in(list(INFECTIONS))).then(pl.col("tool"))
    known = {
        "timestamp": pl.col("first").dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S"),
        "protocol": pl.col("protocol").replace_strict(PROTOCOL_NAMES, default=None, return_dtype=pl.String),
        "infection": infection,
        "tag": pl.col("tool"),
        "public_source": pl.lit(source or None, pl.String),
    }
    columns = [
        known[name].alias(name)
        if name in known
        else (pl.col(name) if name in found.columns else pl.lit(None, pl.Int64 if name in WHOLE else pl.String).alias(name))
        for name in SHADOWSERVER
    ]
    return Found(found.select(columns), six)


def sources(session: Session, filters: Filters) -> list[dict[str, Any]]:
    """Sources over the span, in order of address: src_ip (text), first, last, packets, ports (how many it tried), country, asn,
    scanner (organisation), research (is it an announced or a large scanner on one of the days), tool."""
    from teiten import frame

    found = session.frame(_SOURCES.format(where=_where(filters), span=_span(filters)))
    return frame.addresses_as_text(found).to_dicts()


def own(session: Session, filters: Filters) -> set[bytes]:
    """Addresses that packets were sent to in the span, packed: no list may name them. (0.0.0.0 and :: are nobody's.)"""
    return {one for one in session.frame(_OWN.format(span=_span(filters)))["dst_ip"].to_list() if any(one)}


def _where(filters: Filters) -> str:
    return " AND ".join(filters.conditions(raw=True)) or "true"


def _span(filters: Filters) -> str:
    return " AND ".join(filters.span()) or "true"
