"""FlowTuple files as a test wants them: blocks and records byte by byte, sound or not."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from teiten.publish import flowtuple

BEGIN = 1_700_000_000
SYNC = bytes(range(200, 216))
FIELDS4 = (
    "time", "src_ip", "dst_net", "dst_port", "protocol", "packet_cnt", "uniq_dst_ips", "uniq_pkt_sizes", "uniq_ttls",
    "uniq_src_ports", "uniq_tcp_flags", "first_syn_length", "first_tcp_rwin", "common_pktsizes", "common_pktsize_freqs",
    "common_ttls", "common_ttl_freqs", "common_srcports", "common_srcport_freqs", "common_tcpflags", "common_tcpflag_freqs",
    "netacq_continent", "netacq_country", "prefix2asn",
)  # fmt: skip
"""of version 4, in the order of CAIDA's converter"""


def _kind4(name: str) -> Any:
    if name.startswith("common_"):
        return {"type": "array", "items": "long"}
    return "string" if name.startswith("netacq") else "long" if name in ("time", "src_ip", "dst_net", "packet_cnt") else "int"


SCHEMA4 = {
    "type": "record", "namespace": "org.caida.corsaro", "name": "flowtuple4",
    "fields": [{"name": name, "type": _kind4(name)} for name in FIELDS4],
}  # fmt: skip
SCHEMAS: Mapping[int, Any] = {3: flowtuple.SCHEMA, 4: SCHEMA4}

FLOW: Mapping[str, Any] = {
    "time": 1_700_000_000, "src_ip": 0xC6336401, "dst_ip": 0x2C010203, "src_port": 40000, "dst_port": 23, "protocol": 6,
    "ttl": 51, "tcp_flags": 2, "ip_len": 44, "tcp_synlen": 24, "tcp_synwinlen": 1024, "packet_cnt": 3, "is_spoofed": 0,
    "is_masscan": 1, "maxmind_continent": "AS", "maxmind_country": "JP", "netacq_continent": "AS", "netacq_country": "JP",
    "prefix2asn": 64500,
}  # fmt: skip
FLOW4: Mapping[str, Any] = {
    "time": 1_700_000_000, "src_ip": 0xC6336401, "dst_net": 0x2C010200, "dst_port": 23, "protocol": 6, "packet_cnt": 9,
    "uniq_dst_ips": 9, "uniq_pkt_sizes": 1, "uniq_ttls": 2, "uniq_src_ports": 1, "uniq_tcp_flags": 1, "first_syn_length": 24,
    "first_tcp_rwin": 1024, "common_pktsizes": [44], "common_pktsize_freqs": [9], "common_ttls": [51, 52],
    "common_ttl_freqs": [5, 4], "common_srcports": [40000], "common_srcport_freqs": [9], "common_tcpflags": [2],
    "common_tcpflag_freqs": [9], "netacq_continent": "AS", "netacq_country": "JP", "prefix2asn": 64500,
}  # fmt: skip
FLOWS: Mapping[int, Mapping[str, Any]] = {3: FLOW, 4: FLOW4}


def number(value: int) -> bytes:
    """A zigzag number of variable length."""
    left = (value << 1) ^ (value >> 63)
    left &= (1 << 64) - 1
    out = b""
    while left > 127:
        out += bytes([left & 127 | 128])
        left >>= 7
    return out + bytes([left])


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return number(len(data)) + data


def record(version: int = 3, **other: Any) -> bytes:
    """The usual record with some fields changed."""
    out = b""
    for name, value in {**FLOWS[version], **other}.items():
        if isinstance(value, list):
            out += (number(len(value)) + b"".join(map(number, value)) if value else b"") + number(0)
        else:
            out += text(value) if isinstance(value, str) else number(value)
        assert name in (*flowtuple.FIELDS, *FIELDS4)
    return out


def literal(data: bytes) -> bytes:
    """Snappy that packs nothing."""
    size, left = b"", len(data)
    while left > 127:
        size += bytes([left & 127 | 128])
        left >>= 7
    out = size + bytes([left])
    for at in range(0, len(data), 60):
        piece = data[at : at + 60]
        out += bytes([(len(piece) - 1) << 2]) + piece
    return out + zlib.crc32(data).to_bytes(4, "big")


def packed(data: bytes, codec: str) -> bytes:
    if codec == "deflate":
        made = zlib.compressobj(6, zlib.DEFLATED, -15)
        return made.compress(data) + made.flush()
    return literal(data) if codec == "snappy" else data


def block(data: bytes, count: int, codec: str = "null", sync: bytes = SYNC) -> bytes:
    """A block of records; `data` as they are unpacked."""
    stored = packed(data, codec)
    return number(count) + number(len(stored)) + stored + sync


def header(schema: Any, codec: str = "null") -> bytes:
    told = {"avro.schema": json.dumps(schema).encode(), "avro.codec": codec.encode()}
    return b"Obj\x01" + number(len(told)) + b"".join(text(a) + text(b) for a, b in told.items()) + number(0) + SYNC


def file(blocks: Iterable[bytes], codec: str = "null", version: int = 3) -> bytes:
    return header(SCHEMAS[version], codec) + b"".join(blocks)


def many(codec: str, version: int = 3, blocks: int = 4, each: int = 12) -> bytes:
    """Blocks of records that differ."""
    made = []
    for b in range(blocks):
        flows = [
            record(version, time=BEGIN + 60 * b, src_ip=0xC6336400 + i, dst_port=(23, 0, 445, 65535)[i % 4], packet_cnt=1 + i)
            for i in range(each)
        ]
        made.append(block(b"".join(flows), each, codec))
    return file(made, codec, version)
