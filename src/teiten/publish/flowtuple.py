"""FlowTuple, CAIDA's format of telescope data: corsaro 3's Avro records (org.caida.corsaro.flowtuple), written from flows.

A record is what packets of one interval have in common: addresses, ports (of ICMP type and code), protocol, TTL, flags, length.
Its integers know no null: what is not known is 0, as corsaro writes it; `tcp_synlen` (bytes of the TCP header) and
`tcp_synwinlen` (its window) are those of a bare SYN. Version 4 tells of /24s instead of destinations, and is not made here.
"""

from __future__ import annotations

import io
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, Final

_LONG: Final = ("time", "src_ip", "dst_ip", "packet_cnt", "prefix2asn")
_TEXT: Final = ("maxmind_continent", "maxmind_country", "netacq_continent", "netacq_country")
FIELDS: Final = (
    "time", "src_ip", "dst_ip", "src_port", "dst_port", "protocol", "ttl", "tcp_flags", "ip_len", "tcp_synlen", "tcp_synwinlen",
    "packet_cnt", "is_spoofed", "is_masscan", *_TEXT, "prefix2asn",
)  # fmt: skip
"""the record's fields, in their order"""
SCHEMA: Final[dict[str, Any]] = {
    "type": "record", "namespace": "org.caida.corsaro", "name": "flowtuple",
    "fields": [{"name": n, "type": "long" if n in _LONG else "string" if n in _TEXT else "int"} for n in FIELDS],
}  # fmt: skip
SYN: Final = 2


def record(flow: Mapping[str, Any]) -> dict[str, Any] | None:
    """One flow (columns of `research.COLUMNS`) as a record; None for what it cannot hold: IPv6, a source that is no address."""
    try:
        source = ipaddress.ip_address(flow["src"] or "0.0.0.0")
    except ValueError:
        return None
    if source.version != 4 or flow["ip_version"] != 4:
        return None
    icmp = flow["protocol"] == 1
    bare = flow["protocol"] == 6 and flow["tcp_flags"] == SYN
    numbers = {
        "time": int(flow["time"].timestamp()), "src_ip": int(source), "dst_ip": flow.get("dst_number") or 0,
        "src_port": flow["icmp_type" if icmp else "src_port"], "dst_port": flow["icmp_code" if icmp else "dst_port"],
        "protocol": flow["protocol"], "ttl": flow["ttl"], "tcp_flags": (flow["tcp_flags"] or 0) & 255, "ip_len": flow["ip_len"],
        "tcp_synlen": 20 + flow["tcp_opt_len"] if bare and flow["tcp_opt_len"] is not None else 0,
        "tcp_synwinlen": flow["tcp_window"] if bare else 0, "packet_cnt": flow["packets"], "is_spoofed": 0,
        "is_masscan": int(flow["mark_masscan"] or False), "prefix2asn": flow["asn"],
    }  # fmt: skip
    texts = {**dict.fromkeys(_TEXT, "??"), "maxmind_country": flow["country"] or "??"}
    return {name: texts[name] if name in texts else int(numbers[name] or 0) for name in FIELDS}


def avro(flows: Iterable[Mapping[str, Any]]) -> tuple[bytes, int, int]:
    """The flows as an Avro file; how many records it has, and how many flows it could not hold."""
    import fastavro

    made: list[dict[str, Any]] = []
    left = 0
    for flow in flows:
        one = record(flow)
        if one is None:
            left += 1
        else:
            made.append(one)
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(SCHEMA), made, codec="deflate")
    return out.getvalue(), len(made), left
