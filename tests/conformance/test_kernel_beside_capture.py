"""The events of the kernel's log are those of a capture of the same packets read by tshark, field by field."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

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
            "ip_flags": flags, "frag_offset": 8 * (_number(ip, "ip.frag_offset") or 0), "_header": _number(ip, "ip.hdr_len"),
        }  # fmt: skip
    ip = packet.find("proto[@name='ipv6']")
    assert ip is not None
    row: Row = {
        "src_ip": _one(ip, "ipv6.src"), "dst_ip": _one(ip, "ipv6.dst"), "ttl": _number(ip, "ipv6.hlim"),
        "ip_len": 40 + (_number(ip, "ipv6.plen") or 0), "ip_id": None, "ip_flags": None, "frag_offset": None, "_header": 40,
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
    ah = next((proto for proto in packet.iter("proto") if proto.get("name") == "ah"), None)
    if ah is not None and following == 51:
        following = _number(ah, "ah.next_header")
        row["_header"] += 4 * ((_number(ah, "ah.length") or 0) + 2)
    row["protocol"] = following
    return row


def _transport(packet: ET.Element, row: Row) -> None:
    if row["protocol"] not in (1, 6, 17, 58):
        return  # what AH or a tunnel carries is not the packet's own transport
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
        row |= {
            "icmp_type": _number(found, f"{name}.type"),
            "icmp_code": _number(found, f"{name}.code"),
            "payload_len": above - 8,
        }
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
    ah = next((p for p in icmp.iter("proto") if p.get("name") == "ah"), None)
    if row["inner_protocol"] == 51 and not four and ah is not None:
        row["inner_protocol"] = _number(ah, "ah.next_header")
    if _number(inner, "ip.frag_offset"):
        return
    for name in ("tcp", "udp"):
        for proto in icmp.iter("proto"):
            if proto.get("name") == name:
                row |= {
                    "inner_src_port": _number(proto, f"{name}.srcport"),
                    "inner_dst_port": _number(proto, f"{name}.dstport"),
                }


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
    told = subprocess.run(command, capture_output=True, timeout=300, check=False)
    assert told.returncode == 0, told.stderr.decode()
    raw = log.read_bytes()
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    for row in rows:
        end = raw.find(b"\n", row["source_pos"])
        row["_line"] = raw[row["source_pos"] : end].decode()
    return rows


# What a log line does not say though the packet had it, and why. `line` is the line; nothing else may be silent.
_TRANSPORT = {"src_port", "dst_port", "icmp_type", "icmp_code", "tcp_flags", "tcp_seq", "tcp_ack", "tcp_window", "tcp_opt_len"}


def _excused(column: str, row: Row, line: str) -> bool:
    own, _, quoted = line.partition(" [SRC=")
    if column.startswith("inner_"):
        if not quoted:
            return row["icmp_type"] == 12 or "INCOMPLETE" in line  # the kernel prints no quotation there
        if column == "inner_protocol":
            return "PROTO=" not in quoted
        return column.endswith("_port") and ("INCOMPLETE" in quoted or " SPT=" not in quoted)
    if column in _TRANSPORT | {"payload_len"} and "INCOMPLETE [" in own:
        return True
    if column == "protocol":
        return "PROTO=" not in own
    options_of_ip = " OPT (" in own.partition(" PROTO=")[0]
    if column == "tcp_opt_len":
        # which of the two an OPT belongs to is plain; that there is none of TCP's is not, beside one of IP's
        return options_of_ip
    if column == "payload_len":
        fragmented = bool(row["ip_flags"] and row["ip_flags"] & 1)
        return row["protocol"] in (1, 58) or fragmented or options_of_ip
    return False


@pytest.fixture(scope="module")
def pairs(recordings: Any) -> list[tuple[Any, list[Row], list[Row]]]:
    captures = {recording.capture: captured(recording.capture) for recording in recordings}
    return [(recording, captures[recording.capture], decoded(recording.log)) for recording in recordings]


def test_every_packet_is_one_event(pairs: Any) -> None:
    for recording, packets, events in pairs:
        assert len(packets) > 90, "the laboratory was too quiet to prove anything"
        lines = recording.log.read_bytes().count(b"\n")
        assert (len(packets), len(events)) == (lines, lines), (recording.logger, recording.namespace)


@pytest.mark.parametrize("column", COMPARED)
def test_a_column_is_that_of_the_capture(pairs: Any, column: str) -> None:
    """Equal in every packet; silent only for a reason that the line shows."""
    spoken = 0
    wrong = []
    for recording, packets, events in pairs:
        for packet, found in zip(packets, events, strict=True):
            if packet[column] == found[column]:
                spoken += found[column] is not None
            elif found[column] is not None or not _excused(column, packet, found["_line"]):
                wrong.append(f"{recording.logger}: capture {packet[column]!r}, log {found[column]!r}: {found['_line']}")
    assert not wrong, f"{len(wrong)} differ, such as\n" + "\n".join(wrong[:5])
    assert spoken, f"no packet of the laboratory had a {column}"


def test_both_loggers_tell_the_same(pairs: Any) -> None:
    """iptables LOG and nftables' log statement saw the same packets: the same rows, but for place, time and prefix."""
    told = {(recording.logger, recording.namespace): events for recording, _, events in pairs}
    for namespace in {namespace for _, namespace in told}:
        one, other = told["iptables", namespace], told["nftables", namespace]
        for left, right in zip(one, other, strict=True):
            assert {c: left[c] for c in (*COMPARED, "action", "interface")} == {
                c: right[c] for c in (*COMPARED, "action", "interface")
            }
            assert left["action"] == "drop"
            assert left["interface"] == "v0"


def test_the_laboratory_shows_the_whole_grammar(pairs: Any) -> None:
    """Every branch of the log's grammar that a packet can reach was reached: else the comparison proves less than it says."""
    text = "".join(recording.log.read_text() for recording, _, _ in pairs)
    for branch in (
        "PROTO=TCP", "PROTO=UDP", "PROTO=ICMP ", "PROTO=ICMPv6", "PROTO=AH", "PROTO=ESP", "PROTO=132", "PROTO=47", "PROTO=59",
        "INCOMPLETE [", " FRAG:", " MF ", " DF ", " CE ", " AE ", " CWR ", " ECE ", " URG ", "OPT (", "OPT ( ", "GATEWAY=",
        "PARAMETER=", "POINTER=", "MTU=", "ID:", "MAC=", "MACSRC=", "TYPE=8 CODE=0 ID=", "HOPLIMIT=", "[SRC=",
    ):  # fmt: skip
        assert branch in text, branch
