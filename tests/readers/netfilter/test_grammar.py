"""The grammar both ways: packets drawn at random are printed as the kernel prints them, and read back; then cut anywhere.

The printer below follows the kernel's grammar and nothing of the reader's: a cut line may lose values, never change one.
"""

from __future__ import annotations

import ipaddress
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.readers.reading import chunks

from teiten import frame

FLAGS = (("AE", 256), ("CWR", 128), ("ECE", 64), ("URG", 32), ("ACK", 16), ("PSH", 8), ("RST", 4), ("SYN", 2), ("FIN", 1))
HEADS = (
    "2026-04-01T10:00:00+09:00 router kernel: ",
    "<4>2026-04-01T01:00:00.123456Z router kernel: [ 2132.109826] ",
    "Apr  1 10:00:00 router kernel: [463590.337950] ",
    "[Wed Apr  1 10:00:00 2026] ",
)


@dataclass
class Packet:
    """What was printed, and the columns that must come back."""

    text: str
    columns: dict[str, Any]


def _u(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << bits) - 1)


@st.composite
def tcp(draw: st.DrawFn) -> Packet:
    spt, dpt, window = draw(_u(16)), draw(_u(16)), draw(_u(16))
    flags = draw(st.sets(st.sampled_from(FLAGS)))
    columns: dict[str, Any] = {"protocol": 6, "src_port": spt, "dst_port": dpt, "tcp_window": window}
    text = f"PROTO=TCP SPT={spt} DPT={dpt} "
    if draw(st.booleans()):
        columns["tcp_seq"], columns["tcp_ack"] = draw(_u(32)), draw(_u(32))
        text += f"SEQ={columns['tcp_seq']} ACK={columns['tcp_ack']} "
    text += f"WINDOW={window} RES=0x00 " + "".join(f"{name} " for name, bit in FLAGS if (name, bit) in flags) + "URGP=0 "
    columns["tcp_flags"] = sum(bit for _, bit in flags)
    options = draw(st.none() | st.integers(1, 10))
    if options is not None:
        text += f"OPT ({'AB' * 4 * options}) "
        columns["tcp_opt_len"] = 4 * options
    return Packet(text, columns)


@st.composite
def udp(draw: st.DrawFn) -> Packet:
    spt, dpt = draw(_u(16)), draw(_u(16))
    return Packet(f"PROTO=UDP SPT={spt} DPT={dpt} LEN=<udp> ", {"protocol": 17, "src_port": spt, "dst_port": dpt})


@st.composite
def icmp(draw: st.DrawFn) -> Packet:
    kind, code = draw(_u(8)), draw(_u(8))
    columns: dict[str, Any] = {"protocol": 1, "icmp_type": kind, "icmp_code": code}
    text = f"PROTO=ICMP TYPE={kind} CODE={code} "
    if kind in (0, 8):
        text += f"ID={draw(_u(16))} SEQ={draw(_u(16))} "
    elif kind in (3, 4, 11):
        source, target = draw(st.ip_addresses(v=4)), draw(st.ip_addresses(v=4))
        inner = draw(tcp() | udp())
        body = inner.text.replace("<udp>", "30")
        text += f"[SRC={source} DST={target} LEN=60 TOS=0x00 PREC=0x00 TTL=9 ID=77 DF {body}] "
        columns |= {"inner_src_ip": str(source), "inner_dst_ip": str(target), "inner_protocol": inner.columns["protocol"]}
        columns |= {f"inner_{k}": inner.columns[k] for k in ("src_port", "dst_port")}
    return Packet(text, columns)


def text(address: Any) -> str:
    return frame.address_text(address.packed)


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A whole line without its end, and the columns that it says."""
    version = draw(st.sampled_from((4, 4, 6)))
    source, target = draw(st.ip_addresses(v=version)), draw(st.ip_addresses(v=version))
    inner = draw(tcp() | udp() | icmp() if version == 4 else tcp() | udp())
    headers = (40 if version == 4 else 60) + inner.columns.get("tcp_opt_len", 0)  # a packet holds its own headers
    size, ttl = draw(st.integers(headers, 1500)), draw(_u(8))
    columns: dict[str, Any] = {"src_ip": text(source), "dst_ip": text(target), "ip_len": size, "ttl": ttl} | inner.columns
    body = inner.text
    if version == 4:
        ident = draw(_u(16))
        bits = draw(st.sets(st.sampled_from((("CE", 4), ("DF", 2)))))
        columns |= {"ip_id": ident, "ip_flags": sum(b for _, b in bits), "frag_offset": 0}
        words = "".join(f"{w} " for w in ("CE", "DF") if w in dict(bits))
        header = f"SRC={source} DST={target} LEN={size} TOS=0x00 PREC=0x00 TTL={ttl} ID={ident} {words}"
    else:
        full = [ipaddress.IPv6Address(int(a)).exploded for a in (source, target)]
        header = f"SRC={full[0]} DST={full[1]} LEN={size} TC=0 HOPLIMIT={ttl} FLOWLBL={draw(_u(20))} "
    if "<udp>" in body:
        length = draw(st.integers(8, size - (20 if version == 4 else 40)))
        body = body.replace("<udp>", str(length))
        columns["payload_len"] = length - 8
    mac = draw(st.sampled_from(("MAC= ", "", "MAC=7e:3c:71:5f:35:54:7e:fc:60:86:d5:8e:08:00 ")))
    tail = draw(st.sampled_from(("", "MARK=0x1 ", "UID=0 GID=0 ")))
    prefix = draw(st.sampled_from(("DROP ", "", "[X-Y-D]", "a IN=b ")))
    line = f"{draw(st.sampled_from(HEADS))}{prefix}IN=eth0 OUT= {mac}{header}{body}{tail}"
    return line, columns


def decoded(data: bytes) -> tuple[pl.DataFrame, list[int]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.log"
        path.write_bytes(data)
        found = chunks(path)
    if not found:
        return pl.DataFrame(schema=frame.READ_SCHEMA), []
    table = frame.addresses_as_text(pl.concat([c.events for c in found]))
    return table, [code for c in found for code in c.outcome.tolist()]


CHECKED = (
    "src_ip", "dst_ip", "protocol", "src_port", "dst_port", "icmp_type", "icmp_code", "ttl", "ip_id", "ip_len", "tcp_flags",
    "tcp_seq", "tcp_ack", "tcp_window", "tcp_opt_len", "ip_flags", "frag_offset", "payload_len",
    "inner_src_ip", "inner_dst_ip", "inner_protocol", "inner_src_port", "inner_dst_port",
)  # fmt: skip
CERTAIN = ("tcp_opt_len", "payload_len")
"""said by arithmetic too, where the line does not"""

slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@given(st.lists(lines(), min_size=1, max_size=30))
@settings(slow, max_examples=60)
def test_what_was_printed_is_read(drawn: list[tuple[str, dict[str, Any]]]) -> None:
    table, outcomes = decoded("".join(f"{line}\n" for line, _ in drawn).encode())
    assert outcomes == [0] * len(drawn)
    for row, (line, columns) in zip(table.to_dicts(), drawn, strict=True):
        for name in CHECKED:
            if name not in CERTAIN or name in columns:
                assert row[name] == columns.get(name), (name, line)


@given(lines())
@settings(slow, max_examples=60)
def test_a_cut_line_never_says_a_wrong_value(drawn: tuple[str, dict[str, Any]]) -> None:
    """Every beginning of a line, in one file: values are the whole line's, or null."""
    line, columns = drawn
    whole, _ = decoded(f"{line}\n".encode())
    right = whole.to_dicts()[0]
    pieces = [line[:n] for n in range(len(line) + 1)]
    table, outcomes = decoded("".join(f"{piece}\n" for piece in pieces).encode())
    assert len(outcomes) == len(pieces)
    assert outcomes[-1] == 0
    for row in table.to_dicts():
        for name in CHECKED:
            assert row[name] is None or row[name] == right[name], (name, columns)


@given(st.binary(max_size=600))
@settings(slow, max_examples=150)
def test_any_bytes(data: bytes) -> None:
    """No exception, and every line in one of three (`reading.check`)."""
    _, outcomes = decoded(b"Apr  1 10:00:00 router x: y\n" + data)
    text = b"Apr  1 10:00:00 router x: y\n" + data
    assert len(outcomes) == text.count(b"\n") + (not text.endswith(b"\n"))


@given(st.lists(st.tuples(lines(), st.integers(0, 400), st.binary(min_size=1, max_size=4)), min_size=1, max_size=10))
@settings(slow, max_examples=100)
def test_lines_with_bytes_put_in(drawn: list[tuple[tuple[str, Any], int, bytes]]) -> None:
    """Damaged lines are read to their ends: the accounting holds."""
    data = b"".join(
        line.encode()[: at % len(line)] + dirt + line.encode()[at % len(line) :] + b"\n" for (line, _), at, dirt in drawn
    )
    _, outcomes = decoded(data)
    assert len(outcomes) == data.count(b"\n")
