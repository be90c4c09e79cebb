"""Suricata's EVE JSON: flows, netflow records, dropped packets and alerts are events; every other kind is ignored, by kind.

A `flow` counts the packets that went to its server, from its first to its last; a `netflow` record those of one direction. A
`drop` is one packet, told field by field. An `alert` is an attempt, and counts as one packet, as every log line does: where
the same file has flows as well, these count the packets of the connection once more (setting `alerts_count` in [reading]).
"""

from __future__ import annotations

import json
from typing import Any, Final

from teiten.event import TCP_FLAGS
from teiten.readers import _fields, _lines

NAME: Final = "suricata_eve"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = _lines.REASONS
_OTHERS: Final = (
    "stats", "anomaly", "http", "http2", "dns", "tls", "quic", "ssh", "smtp", "ftp", "ftp_data", "fileinfo", "files", "smb",
    "nfs", "tftp", "ikev2", "ike", "krb5", "snmp", "rfb", "sip", "dhcp", "rdp", "mqtt", "modbus", "dnp3", "enip", "dcerpc",
    "pgsql", "bittorrent_dht", "template", "metadata", "packet", "frame", "engine", "ldap", "arp", "mdns", "pop3",
    "websocket", "doh2",
)  # fmt: skip
KINDS: Final = {**_lines.KINDS, **{140 + place: name for place, name in enumerate(_OTHERS)}}
_CODES: Final = {name: code for code, name in KINDS.items() if code >= 140}

_DROP: Final = {
    "len": "ip_len", "ttl": "ttl", "ipid": "ip_id", "tcpseq": "tcp_seq", "tcpack": "tcp_ack", "tcpwin": "tcp_window",
}  # fmt: skip
_ACTIONS: Final = {"blocked": "drop", "drop": "drop", "reject": "reject", "rejected": "reject"}

recognise = _lines.recogniser(rb'\{(?!.{0,400}?"sensorid" ?:).{0,400}?"event_type" ?: ?"\w+"')  # (Conpot's lines name a sensor)


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line: a record, behind a syslog head perhaps."""
    begin = line.text.find("{")
    if begin < 0 or (begin and "suricata" not in line.text[:begin] and "@cee:" not in line.text[:begin]):
        return _lines.OTHER
    entry: dict[str, Any] = json.loads(line.text[begin:])
    kind = entry["event_type"]
    if kind not in ("flow", "netflow", "drop", "alert"):
        return _CODES.get(kind, _lines.OTHER)
    texts = {"src_ip": entry.get("src_ip"), "dst_ip": entry.get("dest_ip"), "protocol": entry.get("proto")}
    texts |= {
        ours: str(entry[theirs]) for ours, theirs in (("src_port", "src_port"), ("dst_port", "dest_port")) if theirs in entry
    }
    texts |= {
        ours: str(entry[theirs]) for ours, theirs in (("icmp_type", "icmp_type"), ("icmp_code", "icmp_code")) if theirs in entry
    }
    flow: dict[str, Any] = entry.get(kind) or {}
    told = {"time": flow.get("start") or entry["timestamp"]} if kind != "alert" else {"time": entry["timestamp"]}
    if kind == "flow":
        told |= {"time_end": flow.get("end"), "packets": str(flow["pkts_toserver"]), "bytes": str(flow["bytes_toserver"])}
    elif kind == "netflow":
        told |= {"time_end": flow.get("end"), "packets": str(flow["pkts"]), "bytes": str(flow["bytes"])}
    elif kind == "drop":
        told |= {ours: str(flow[theirs]) for theirs, ours in _DROP.items() if theirs in flow}
    event = _fields.event({**texts, **told, "interface": entry.get("in_iface")})
    if kind == "alert":
        event["action"] = _ACTIONS.get(str((entry.get("alert") or {}).get("action")))
        event["packets"] = line.options.reading.alerts_count
    elif kind == "drop":
        event["action"] = "reject" if flow.get("reason") == "reject" else "drop"
        if event.get("protocol") == _fields.TCP:
            event["tcp_flags"] = sum([bit for name, bit in TCP_FLAGS.items() if flow.get(name.lower()) is True])
        elif event.get("protocol") == _fields.UDP and "udplen" in flow:
            event["payload_len"] = max(0, flow["udplen"] - 8)
    elif event.get("protocol") == _fields.TCP:
        tcp: dict[str, Any] = entry.get("tcp") or {}
        bits = tcp.get("tcp_flags_ts") if kind == "flow" else tcp.get("tcp_flags")
        event["tcp_flags"] = None if bits is None else int(str(bits), 16)
    return event


read = _lines.texts(parse, REASONS)
