"""A data set for research: flows with anonymised addresses, and what somebody needs to use and to judge them.

The folder holds `flows.parquet`, `flowtuple.avro` (IPv4), a codebook, the risk of re-identification in figures, the licence,
CITATION.cff and a manifest with the SHA-256 of each file. Times are intervals. No address of a sensor is in it, in no form:
destinations are left out, or numbers by a key that is thrown away. Sources by the scheme that was chosen (`anonymise.SCHEMES`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import teiten
from teiten.publish import anonymise, flowtuple, papers

if TYPE_CHECKING:
    import polars as pl

    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters

FLOWS: Final = "flows.parquet"
FLOWTUPLES: Final = "flowtuple.avro"
LEVELS: Final = (2, 5, 10)
"""of k-anonymity: sources that look alike"""
DESTINATIONS: Final = ("drop", "hash")
COLUMNS: Final[dict[str, tuple[str, str]]] = {
    "time": ("UTC", "beginning of the interval in which the packets came"),
    "ip_version": ("", "4 or 6"),
    "src": ("", "source, anonymised (see the scheme)"),
    "dst": ("", "destination as a number by a key that was thrown away, or nothing"),
    "protocol": ("IANA number", "1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6"),
    "src_port": ("", "source port"),
    "dst_port": ("", "destination port"),
    "icmp_type": ("", "ICMP type"),
    "icmp_code": ("", "ICMP code"),
    "ttl": ("hops", "TTL or hop limit as it arrived"),
    "tcp_flags": ("bits", "FIN 1 SYN 2 RST 4 PSH 8 ACK 16 URG 32 ECE 64 CWR 128 AE 256"),
    "tcp_window": ("", "TCP window, unscaled"),
    "tcp_opt_len": ("bytes", "length of the TCP options"),
    "ip_len": ("bytes", "length of the packet"),
    "kind": ("", "syn, tcp, udp, icmp, backscatter, other: what a packet is by itself"),
    "mark_masscan": ("", "has the packet masscan's mark?"),
    "country": ("ISO 3166", "country of the source on that day"),
    "asn": ("", "autonomous system of the source on that day"),
    "packets": ("packets", "packets that have all of the above in common"),
}
"""column -> unit, meaning"""

_KEYS: Final = (
    "protocol, src_port, dst_port, icmp_type, icmp_code, ttl, tcp_flags, tcp_window, tcp_opt_len, ip_len, kind, mark_masscan, "
    "country, asn"
)
_QUERY: Final = """
SELECT time_bucket(INTERVAL '{seconds} seconds', time) AS time,
       CASE octet_length(src_ip) WHEN 4 THEN 4 ELSE 6 END AS ip_version, src_ip, {dst} AS dst_ip,
       {keys}, sum(packets)::BIGINT AS packets
FROM raw_events
WHERE {where} AND src_ip NOT IN (SELECT dst_ip FROM raw_events WHERE {span})
GROUP BY ALL
ORDER BY ALL"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the data set is to be. keys: 32 bytes each, for sources and for destinations."""

    title: str
    publisher: str
    licence: str
    licence_url: str
    scheme: str
    destinations: str
    interval: int
    source_key: bytes
    destination_key: bytes
    url: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """The files of the folder, and what the command says about them."""

    files: dict[str, bytes]
    flows: int
    sources: int
    six: int
    risk: dict[str, Any]


def make(session: Session, filters: Filters, wanted: Wanted, today: dt.date) -> Made:
    """The data set of the events that the filters choose, in memory."""
    import polars as pl

    words = {
        "where": " AND ".join(filters.conditions(raw=True)) or "true", "span": " AND ".join(filters.span()) or "true",
        "dst": "NULL::BLOB" if wanted.destinations == "drop" else "dst_ip", "keys": _KEYS, "seconds": wanted.interval,
    }  # fmt: skip
    found = session.frame(_QUERY.format(**words))
    figures = risk(found)
    named = anonymise.texts(found["src_ip"].unique(maintain_order=True).to_list(), wanted.scheme, wanted.source_key)
    numbers = {one: _number(one, wanted.destination_key) for one in found["dst_ip"].drop_nulls().unique().to_list()}
    flows = found.with_columns(
        pl.Series("src", [named[one] for one in found["src_ip"].to_list()], dtype=pl.String),
        pl.Series("dst", [None if one is None else numbers[one] for one in found["dst_ip"].to_list()], dtype=pl.Int64),
    ).select([*COLUMNS])
    # what stood beside it in the true order of addresses would tell about them: the order is that of what is shown
    flows = flows.sort([*COLUMNS], nulls_last=False)
    sink = io.BytesIO()
    flows.write_parquet(sink)
    packed, records, left = flowtuple.avro({**row, "dst_number": row["dst"]} for row in flows.iter_rows(named=True))
    span = (flows["time"].min(), flows["time"].max())
    files = {FLOWS: sink.getvalue()}
    if wanted.scheme != "hash":
        files[FLOWTUPLES] = packed
    files |= {name: text.encode() for name, text in _papers(flows, wanted, figures, span, today, (records, left)).items()}
    files["manifest.json"] = _manifest(files, flows, wanted, figures, span, today).encode()
    return Made(files, flows.height, found["src_ip"].n_unique(), left, figures)


def _number(address: bytes, key: bytes) -> int:
    """31 bits of a keyed hash."""
    return int(anonymise.hashed(address, key)[:8], 16) >> 1


def risk(found: pl.DataFrame) -> dict[str, Any]:
    """How well sources are hidden among others, by what is shown of them (before anonymisation; `src_ip` is the true one).

    For each set of columns that somebody else may know of a source (its quasi-identifiers): how many sources there are, and
    the share of them that fewer than k sources look like, for k of `LEVELS` (Sweeney's k-anonymity, 2002); below 2 a source
    stands alone."""
    import polars as pl

    day = pl.col("time").dt.truncate("1d").alias("day")
    views: dict[str, list[str | pl.Expr]] = {
        "country, AS": ["country", "asn"],
        "day, country, AS": [day, "country", "asn"],
        "interval, destination port": ["time", "protocol", "dst_port"],
        "interval, both ports, TTL": ["time", "protocol", "src_port", "dst_port", "ttl"],
    }
    total = found["src_ip"].n_unique()
    told: dict[str, Any] = {"sources": total, "rows": found.height, "by": {}}
    for name, columns in views.items():
        alike = found.group_by(columns).agg(pl.col("src_ip").n_unique().alias("k"), pl.col("src_ip").unique())
        least = alike.explode("src_ip").group_by("src_ip").agg(pl.col("k").min())["k"]
        told["by"][name] = {f"k<{k}": round(int((least < k).sum()) / total, 4) if total else 0.0 for k in LEVELS}
    return told


def _papers(
    flows: pl.DataFrame, wanted: Wanted, figures: dict[str, Any], span: tuple[Any, Any], today: dt.date, tuples: tuple[int, int]
) -> dict[str, str]:  # fmt: skip
    first, last = (f"{one:%Y-%m-%d %H:%M}" if one else "-" for one in span)
    licence = f"{wanted.licence}{f' ({wanted.licence_url})' if wanted.licence_url else ''}"
    held = "not made, since sources are no addresses"
    if wanted.scheme != "hash":
        held = f"{tuples[0]:,} records; {tuples[1]:,} flows of IPv6 do not fit"
    columns = [(name, str(flows[name].dtype), *told) for name, told in COLUMNS.items()]
    return {
        "README.md": papers.readme(
            title=wanted.title, first=first, last=last, interval=wanted.interval, flows=flows.height,
            sources=figures["sources"], tuples=held, licence=licence,
        ),
        "codebook.md": papers.codebook(columns, wanted.scheme, wanted.destinations),
        "risk.md": papers.risk(wanted.scheme, figures),
        "LICENSE.txt": f"{wanted.title}\n\n{licence}\n",
        "CITATION.cff": papers.citation(wanted.title, wanted.publisher, wanted.licence_url, wanted.url, today),
    }  # fmt: skip


def _manifest(
    files: dict[str, bytes], flows: pl.DataFrame, wanted: Wanted, figures: dict[str, Any], span: tuple[Any, Any], today: dt.date
) -> str:  # fmt: skip
    told = {
        "title": wanted.title, "publisher": wanted.publisher, "licence": wanted.licence, "licence_url": wanted.licence_url,
        "made": str(today), "program": f"teiten {teiten.__version__}", "scheme": wanted.scheme,
        "destinations": wanted.destinations, "interval_seconds": wanted.interval, "flows": flows.height,
        "packets": int(flows["packets"].sum()), "first": span[0] and span[0].isoformat(),
        "last": span[1] and span[1].isoformat(), "risk": figures,
        "files": {n: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for n, data in sorted(files.items())},
    }  # fmt: skip
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"
