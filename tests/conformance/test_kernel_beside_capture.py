"""The events of the kernel's log are those of a capture of the same packets read by tshark, field by field."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from teiten import event

pytestmark = [pytest.mark.full, pytest.mark.root]

COMPARED = (
    "src_ip", "dst_ip", "protocol", "src_port", "dst_port", "icmp_type", "icmp_code", "ttl", "ip_id", "ip_len", "tcp_flags",
    "tcp_seq", "tcp_ack", "tcp_window", "tcp_opt_len", "ip_flags", "frag_offset", "payload_len",
    "inner_src_ip", "inner_dst_ip", "inner_protocol", "inner_src_port", "inner_dst_port",
)  # fmt: skip
"""every column that both a log line and a capture speak of (their clocks differ, so the order stands for the time)"""

Row = dict[str, Any]


def _one(proto: ET.Element, name: str) -> str | None:
    found = proto.find(f".//field[@name='{name}']")
    return None if found is None else found.get("show")


def _number(proto: ET.Element, name: str) -> int | None:
    text = _one(proto, name)
    return None if not text else int(text, 0)


def _flag(proto: ET.Element, name: str) -> bool:
    return _one(proto, name) in ("1", "True")


def _network(packet: ET.Element) -> Row:
    """The IP header's columns. An ICMP error quotes another, which lies inside the icmp element and is not a child here."""
    ip = packet.find("proto[@name='ip']")
    if ip is not None:
        flags = 4 * _flag(ip, "ip.flags.rb") + 2 * _flag(ip, "ip.flags.df") + _flag(ip, "ip.flags.mf")
        return {
            "src_ip": _one(ip, "ip.src"), "dst_ip": _one(ip, "ip.dst"), "protocol": _number(ip, "ip.proto"),
            "ttl": _number(ip, "ip.ttl"), "ip_id": _number(ip, "ip.id"), "ip_len": _number(ip, "ip.len"),
            "ip_flags": flags, "frag_offset": _number(ip, "ip.frag_offset"), "_header": _number(ip, "ip.hdr_len"),
        }  # fmt: skip
    ip = packet.find("proto[@name='ipv6']")
    assert ip is not None
    row: Row = {
        "src_ip": _one(ip, "ipv6.src"), "dst_ip": _one(ip, "ipv6.dst"), "ttl": _number(ip, "ipv6.hlim"),
        "ip_len": 40 + (_number(ip, "ipv6.plen") or 0), "ip_id": None, "ip_flags": 0, "frag_offset": 0, "_header": 40,
    }  # fmt: skip
    following = _number(ip, "ipv6.nxt")
    for name, key in (("ipv6.hopopts", "hopopts"), ("ipv6.dstopts", "dstopts"), ("ipv6.routing", "routing")):
        for extension in ip.iter("proto"):
            if extension.get("name") == name:
                following = _number(extension, f"ipv6.{key}.nxt")
                row["_header"] += 8 * (1 + (_number(extension, f"ipv6.{key}.len") or 0))
    for extension in ip.iter("proto"):
        if extension.get("name") == "ipv6.fraghdr":
            following = _number(extension, "ipv6.fraghdr.nxt")
            row["_header"] += 8
            row["frag_offset"] = 8 * (_number(extension, "ipv6.fraghdr.offset") or 0)
            row["ip_flags"] = int(_flag(extension, "ipv6.fraghdr.more"))
    ah = packet.find("proto[@name='ah']")
    if ah is not None:
        following = _number(ah, "ah.next_header")
        row["_header"] += 4 * ((_number(ah, "ah.length") or 0) + 2)
    row["protocol"] = following
    return row


def _transport(packet: ET.Element, row: Row) -> None:
    above = row["ip_len"] - row["_header"]
    tcp, udp = packet.find("proto[@name='tcp']"), packet.find("proto[@name='udp']")
    icmp, icmp6 = packet.find("proto[@name='icmp']"), packet.find("proto[@name='icmpv6']")
    if tcp is not None:
        header = _number(tcp, "tcp.hdr_len") or 0
        row |= {
            "src_port": _number(tcp, "tcp.srcport"), "dst_port": _number(tcp, "tcp.dstport"),
            "tcp_seq": _number(tcp, "tcp.seq_raw"), "tcp_ack": _number(tcp, "tcp.ack_raw"),
            "tcp_flags": None if (flags := _number(tcp, "tcp.flags")) is None else flags & 0x1FF,
            "tcp_window": _number(tcp, "tcp.window_size_value"), "tcp_opt_len": header - 20, "payload_len": above - header,
        }  # fmt: skip
    elif udp is not None:
        length = _number(udp, "udp.length")
        row |= {
            "src_port": _number(udp, "udp.srcport"),
            "dst_port": _number(udp, "udp.dstport"),
            "payload_len": None if length is None else length - 8,
        }
    elif (found := icmp if icmp is not None else icmp6) is not None:
        name = "icmp" if icmp is not None else "icmpv6"
        row |= {"icmp_type": _number(found, f"{name}.type"), "icmp_code": _number(found, f"{name}.code"), "payload_len": above - 8}
        _quoted(found, row)


def _quoted(icmp: ET.Element, row: Row) -> None:
    inner = next((p for p in icmp.iter("proto") if p.get("name") in ("ip", "ipv6")), None)
    if inner is None:
        return
    four = inner.get("name") == "ip"
    row |= {
        "inner_src_ip": _one(inner, "ip.src" if four else "ipv6.src"),
        "inner_dst_ip": _one(inner, "ip.dst" if four else "ipv6.dst"),
        "inner_protocol": _number(inner, "ip.proto" if four else "ipv6.nxt"),
    }
    if _number(inner, "ip.frag_offset"):
        return
    for name in ("tcp", "udp"):
        for proto in icmp.iter("proto"):
            if proto.get("name") == name:
                row |= {"inner_src_port": _number(proto, f"{name}.srcport"), "inner_dst_port": _number(proto, f"{name}.dstport")}


def captured(capture: Path) -> list[Row]:
    """The packets of a capture as rows of the event's columns, told by tshark."""
    options = (
        "ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.relative_sequence_numbers:FALSE",
        "tcp.analyze_sequence_numbers:FALSE", "tcp.desegment_tcp_streams:FALSE",
    )  # fmt: skip
    command = ["tshark", "-n", "-r", str(capture), "-T", "pdml", *(word for option in options for word in ("-o", option))]
    told = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout
    rows = []
    for packet in ET.fromstring(told):
        row: Row = dict.fromkeys(COMPARED)
        row |= _network(packet)
        if not row["frag_offset"]:
            _transport(packet, row)
        rows.append(row)
    return rows


def decoded(log: Path) -> list[Row]:
    """The events of a log, each with the line that it came from."""
    command = [sys.executable, "-m", "teiten", "decode", "--tz", "UTC", "--output", "jsonl", str(log)]
    told = subprocess.run(command, capture_output=True, timeout=300, check=True)
    raw = log.read_bytes()
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    for row in rows:
        end = raw.find(b"\n", row["source_pos"])
        row["_line"] = raw[row["source_pos"] : end].decode()
    return rows
