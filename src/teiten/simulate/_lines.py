"""Packets as the kernel's log lines, a million or so a second: columns of text put together by polars."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from teiten.simulate._shapes import FLAG_TEXT, ICMP, OPTIONS, TCP, UDP, near

STAMP: Final = "%Y-%m-%dT%H:%M:%S"


def address(column: str) -> pl.Expr:
    """An IPv4 address as a number -> its text."""
    number = pl.col(column).cast(pl.UInt32)
    parts = [(number // (1 << shift)) % 256 for shift in (24, 16, 8, 0)]
    return pl.format("{}.{}.{}.{}", *parts)


def stamp(zone_hours: int, pattern: str) -> pl.Expr:
    """The column `time` (µs since 1970) as ISO 8601 of a fixed offset."""
    local = pl.from_epoch(pl.col("time") + zone_hours * 3_600_000_000, time_unit="us")
    return local.dt.strftime(f"{pattern}+{zone_hours:02d}:00")


def _hex(column: str, choices: dict[int, str]) -> pl.Expr:
    return pl.col(column).replace_strict(list(choices), list(choices.values()), return_dtype=pl.String)


def _ip(length: str = "len") -> pl.Expr:
    """`LEN=.. TOS=.. PREC=.. TTL=.. ID=.. [DF ]`"""
    tos = _hex("tos", {0: "0x00", 8: "0x08"})
    return pl.format(
        "LEN={} TOS={} PREC=0x00 TTL={} ID={} {}",
        length,
        tos,
        "ttl",
        "id",
        pl.when(pl.col("df") == 1).then(pl.lit("DF ")).otherwise(pl.lit("")),
    )


def _tcp() -> pl.Expr:
    options = pl.col("options").replace_strict(
        list(range(len(OPTIONS))), ["", *(f"OPT ({o}) " for o in OPTIONS[1:])], return_dtype=pl.String
    )
    return pl.format(
        "PROTO=TCP SPT={} DPT={} SEQ={} ACK={} WINDOW={} RES=0x00 {}URGP=0 {}",
        "spt",
        "dpt",
        "seq",
        "ack",
        "window",
        _hex("flags", FLAG_TEXT),
        options,
    )


def _udp() -> pl.Expr:
    return pl.format("PROTO=UDP SPT={} DPT={} LEN={} ", "spt", "dpt", pl.col("payload") + 8)


def _icmp() -> pl.Expr:
    echo = pl.format("PROTO=ICMP TYPE={} CODE={} ID={} SEQ={} ", "icmp_type", "icmp_code", "icmp_id", "icmp_seq")
    # the quoted packet is the forged one: from the observer's address to the victim
    quoted = pl.format(
        "PROTO=ICMP TYPE={} CODE={} [SRC={} DST={} LEN=40 TOS=0x00 PREC=0x00 TTL=1 ID={} PROTO=TCP INCOMPLETE [8 bytes] ] ",
        "icmp_type",
        "icmp_code",
        address("dst"),
        pl.col("victim"),
        pl.col("seq") % 65536,
    )
    whole = pl.format(
        "PROTO=ICMP TYPE={} CODE={} [SRC={} DST={} LEN=40 TOS=0x00 PREC=0x00 TTL={} ID={} PROTO=TCP SPT={} DPT={} "
        "SEQ={} ACK=0 WINDOW=512 RES=0x00 SYN URGP=0 ] ",
        "icmp_type",
        "icmp_code",
        address("dst"),
        pl.col("victim"),
        64 - pl.col("ttl") % 16,
        pl.col("seq") % 65536,
        "inner_spt",
        "inner_dpt",
        "seq",
    )
    return pl.when(pl.col("icmp_type") == 8).then(echo).when(pl.col("icmp_type") == 11).then(quoted).otherwise(whole)


def lines(packets: pl.DataFrame, prefix: pl.Expr, *, zone_hours: int, pattern: str = STAMP) -> pl.Series:
    """(n) packets of `_shapes.fill` -> (n) lines without line end. `prefix` stands between the stamp and `SRC=`."""
    with_src = packets.with_row_index("row").with_columns(
        stamp(zone_hours, pattern).alias("stamp"), address("src").alias("src_text"), address("dst").alias("dst_text")
    )
    parts = []
    for protocol, rest in ((TCP, _tcp()), (UDP, _udp()), (ICMP, _icmp())):
        some = with_src.filter(pl.col("protocol") == protocol)
        if protocol == ICMP:
            # a router before the victim answers: the victim is a neighbour of it
            victims = pl.Series("near", near(some["src"].to_numpy().astype(np.int64)))
            some = some.with_columns(victims).with_columns(address("near").alias("victim"))
        text = pl.format("{} {}SRC={} DST={} {}{}", "stamp", prefix, "src_text", "dst_text", _ip(), rest)
        parts.append(some.select("row", text.alias("line")))
    return pl.concat(parts).sort("row")["line"]
