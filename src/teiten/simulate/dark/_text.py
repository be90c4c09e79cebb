"""Columns of packets -> the lines that a Linux box with a LOG rule (TCP sequence and options told) would write of them.

As net/netfilter/nf_log_syslog.c prints them. Packets with a source that the kernel takes for a martian never reach such a
rule in INPUT (net/ipv4/route.c): they have no line.
"""

from __future__ import annotations

import datetime as dt
import functools
import io
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.simulate.dark._batch import ACK, ICMP, RST, SYN, TCP, UDP, Batch
from teiten.simulate.dark._series import Prefix
from teiten.simulate.dark._wire import EXTRAS, LENGTHS, LINUX, MACS, QUOTE_WHOLE, is_error, lengths, stamps

PIECE: Final = 250_000
"""lines put together at a time: bounds the memory"""
FLAGS: Final = {SYN: "SYN ", SYN | ACK: "ACK SYN ", RST | ACK: "ACK RST ", RST: "RST ", ACK: "ACK "}
ZONE_HOURS: Final = 9
Texts = pl.Series


@functools.cache
def _table(pattern: str, size: int) -> Texts:
    """The numbers below `size` as text."""
    return pl.Series([format(n, pattern) for n in range(size)], dtype=pl.String)


@functools.cache
def _halves() -> Texts:
    return pl.Series([f"{n >> 8}.{n & 255}" for n in range(65536)], dtype=pl.String)


def _number(values: npt.NDArray[Any]) -> Texts:
    """Numbers of up to 16 bits as text."""
    return _table("d", 65536).gather(values.astype(np.uint32))


def _hex(values: npt.NDArray[Any]) -> Texts:
    number = values.astype(np.uint32)
    return _table("04X", 65536).gather(number >> 16) + _table("04X", 65536).gather(number & 0xFFFF)


def _address(values: npt.NDArray[Any]) -> Texts:
    number = values.astype(np.uint32)
    return _halves().gather(number >> 16) + "." + _halves().gather(number & 0xFFFF)


def _big(values: npt.NDArray[Any]) -> Texts:
    return pl.Series(values.astype(np.uint32)).cast(pl.String)


def logged(batch: Batch, prefix: Prefix) -> npt.NDArray[np.bool_]:
    """Which packets get a line: those whose source is no martian to a box that the prefix belongs to."""
    top = batch["src"] >> 24
    own = (batch["src"] >= prefix.network) & (batch["src"] < prefix.network + prefix.size)
    out: npt.NDArray[np.bool_] = (top != 0) & (top != 127) & (top < 224) & ~own
    return out


def text(batch: Batch, sensor: str, boot: int) -> tuple[bytes, npt.NDArray[np.int64]]:
    """(the lines, each with its end; the length of each). `boot`: seconds since 1970 from which the kernel's clock counts."""
    plain, sizes = io.BytesIO(), []
    for begin in range(0, len(batch["time"]), PIECE):
        lines = _piece({name: column[begin : begin + PIECE] for name, column in batch.items()}, sensor, boot)
        pl.DataFrame({"line": lines}).write_csv(plain, include_header=False, quote_style="never")
        sizes.append(lines.str.len_bytes().to_numpy().astype(np.int64) + 1)
    return plain.getvalue(), np.concatenate(sizes) if sizes else np.zeros(0, dtype=np.int64)


def _piece(b: Batch, sensor: str, boot: int) -> Texts:
    n = len(b["time"])
    protocol, extra = b["protocol"], b["extra"]
    rest = pl.Series(np.zeros(n, dtype=np.uint8)).cast(pl.String)
    for number, words in ((TCP, _tcp), (UDP, _udp), (ICMP, _icmp)):
        some = np.flatnonzero(protocol == number)
        if len(some):
            rest = rest.scatter(some, words({name: column[some] for name, column in b.items()}, extra[some]))
    mac = ":".join(f"{x:02x}" for x in (*MACS, 8, 0))
    df = pl.Series(["", "DF "]).gather(b["df"].astype(np.uint32))
    frame = pl.DataFrame(
        {
            "head": _stamp(b["time"], sensor, boot),
            "src": _address(b["src"]),
            "dst": _address(b["dst"]),
            "len": _number(lengths(b)),
            "tos": _table("02X", 256).gather((b["tos"] & 0x1E).astype(np.uint32)),
            "prec": _table("02X", 256).gather((b["tos"] & 0xE0).astype(np.uint32)),
            "ttl": _number(b["ttl"]),
            "id": _number(b["ip_id"]),
            "df": df,
            "rest": rest,
        }
    )
    shape = f"{{}}[DROP] IN=eth0 OUT= MAC={mac} SRC={{}} DST={{}} LEN={{}} TOS=0x{{}} PREC=0x{{}} TTL={{}} ID={{}} {{}}{{}}"
    return frame.select(pl.format(shape, *frame.columns).alias("line"))["line"]


def _stamp(time: npt.NDArray[np.int64], sensor: str, boot: int) -> Texts:
    """`2026-04-01T00:00:00.123456+09:00 telescope kernel: [86400.123456] `"""
    second, micro = np.divmod(time, 1_000_000)
    known, place = np.unique(second, return_inverse=True)
    zone = dt.timezone(dt.timedelta(hours=ZONE_HOURS))
    clock = [dt.datetime.fromtimestamp(int(s), zone).strftime("%Y-%m-%dT%H:%M:%S") for s in known]
    heads = pl.Series(clock, dtype=pl.String).gather(place.astype(np.uint32))
    up = pl.Series([str(int(s) - boot).rjust(5) for s in known], dtype=pl.String).gather(place.astype(np.uint32))
    fine = _table("03d", 1000).gather((micro // 1000).astype(np.uint32)) + _table("03d", 1000).gather(
        (micro % 1000).astype(np.uint32)
    )
    frame = pl.DataFrame({"a": heads, "b": fine, "c": up})
    return frame.select(pl.format(f"{{}}.{{}}+{ZONE_HOURS:02d}:00 {sensor} kernel: [{{}}.{{}}] ", "a", "b", "c", "b"))[:, 0]


def _tcp(b: Batch, extra: npt.NDArray[Any]) -> Texts:
    # the options are those of the wire; Linux' have its clock in them
    known = [e.hex().upper() for e in EXTRAS[: LINUX + 1]]
    options = pl.Series(["", *(f"OPT ({o}) " for o in known[1:])]).gather(extra.astype(np.uint32))
    stamped = np.flatnonzero(extra == LINUX)
    if len(stamped):
        clock = _hex(stamps({name: column[stamped] for name, column in b.items()}))
        told = pl.DataFrame({"c": clock}).select(pl.format(f"OPT ({known[LINUX][:16]}{{}}{known[LINUX][24:]}) ", "c"))[:, 0]
        options = options.scatter(stamped, told)
    flags = pl.Series([FLAGS.get(n, "") for n in range(64)]).gather(b["flags"].astype(np.uint32))
    columns = (
        _number(b["sport"]), _number(b["dport"]), _big(b["seq"]), _big(b["ack"]), _number(b["window"]), flags, options
    )  # fmt: skip
    frame = pl.DataFrame({str(i): column for i, column in enumerate(columns)})
    return frame.select(pl.format("PROTO=TCP SPT={} DPT={} SEQ={} ACK={} WINDOW={} RES=0x00 {}URGP=0 {}", *frame.columns))[:, 0]


def _udp(b: Batch, extra: npt.NDArray[Any]) -> Texts:
    frame = pl.DataFrame({"s": _number(b["sport"]), "d": _number(b["dport"]), "l": _number(8 + LENGTHS[extra] + b["pad"])})
    return frame.select(pl.format("PROTO=UDP SPT={} DPT={} LEN={} ", "s", "d", "l"))[:, 0]


def _icmp(b: Batch, extra: npt.NDArray[Any]) -> Texts:
    frame = pl.DataFrame(
        {
            "type": b["icmp_type"], "code": b["icmp_code"], "id": b["sport"], "seq": b["seq"] & 0xFFFF,
            "src": _address(b["dst"]), "dst": _address(b["inner_dst"]), "iid": b["inner_id"],
            "ttl": np.where(b["icmp_type"] == 11, 1, 64 - b["ttl"].astype(np.int64) % 16),
            "sp": b["inner_sport"], "dp": b["inner_dport"], "iseq": b["seq"],
        }
    )  # fmt: skip
    head = pl.format("PROTO=ICMP TYPE={} CODE={} ", "type", "code")
    echo = pl.format("{}ID={} SEQ={} ", head, "id", "seq")
    quoted = pl.format("{}[SRC={} DST={} LEN=", head, "src", "dst")
    after = pl.format(" TOS=0x00 PREC=0x00 TTL={} ID={} ", "ttl", "iid")
    udp = pl.format("{}52{}PROTO=UDP SPT={} DPT={} LEN=32 ] ", quoted, after, "sp", "dp")
    cut = pl.format("{}40{}PROTO=TCP INCOMPLETE [8 bytes] ] ", quoted, after)
    whole = pl.format(
        "{}40{}PROTO=TCP SPT={} DPT={} SEQ={} ACK=0 WINDOW=512 RES=0x00 SYN URGP=0 ] ", quoted, after, "sp", "dp", "iseq"
    )
    error, is_udp = pl.Series(is_error(b)), pl.Series(b["inner_protocol"] == UDP)
    is_whole = pl.Series(extra == QUOTE_WHOLE)
    return frame.select(pl.when(~error).then(echo).when(is_udp).then(udp).when(is_whole).then(whole).otherwise(cut))[:, 0]
