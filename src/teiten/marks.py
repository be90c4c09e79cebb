"""What a rule sees in one packet: `mark_mirai`, `mark_masscan`, `mark_zmap` and `kind`, as numbers of the rules and as polars.

They speak of the packet alone. By chance one SYN in 65,536 has masscan's or ZMap's mark: what a *source* is taken for is
said by a verdict (`classify`), which asks for several packets. A mark is false where one of its conditions is known not to
hold, else null where one of them is not known (a log without sequence numbers), else true: as AND does it in SQL.

Sources. Mirai: NICTER's report (SYN, sequence number == destination, source port > 1024). masscan: its `templ-pkt.c`
(ip_id = destination ^ port ^ sequence number). ZMap: its `packet.c` until 4.1.0. Backscatter: CAIDA's corsaro,
`libcorsaro_filtering.c`, and the same errors and answers of ICMPv6 (RFC 4443).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teiten import event

if TYPE_CHECKING:
    import polars as pl

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
SYN_ACK: Final = event.TCP_FLAGS["SYN"] | event.TCP_FLAGS["ACK"]
SYN: Final = event.TCP_FLAGS["SYN"]
RST: Final = event.TCP_FLAGS["RST"]
MIRAI_PORTS_ABOVE: Final = 1024
"""NICTER's rule asks for a source port above it; Mirai's code draws them from 1024 on, so the rule misses a few"""
ZMAP_ID: Final = 54321
ECHO_REQUEST: Final = 8
DNS: Final = 53
ANSWERS: Final = (0, 3, 4, 5, 11, 12, 14, 16, 18)
"""ICMP types that answer something: errors and replies"""
ANSWERS_V6: Final = (1, 2, 3, 4, 129)


def columns() -> list[pl.Expr]:
    """The columns of `event.MARKS`, from the columns of tier "read" of a frame (addresses as bytes)."""
    import polars as pl

    protocol, flags, port = pl.col("protocol"), pl.col("tcp_flags"), pl.col("dst_port").cast(pl.Int64)
    ip_id, seq, icmp = pl.col("ip_id").cast(pl.Int64), pl.col("tcp_seq"), pl.col("icmp_type")
    destination = pl.col("dst_ip").bin.reinterpret(dtype=pl.UInt32, endianness="big").cast(pl.Int64)
    v4 = pl.col("dst_ip").bin.size() == 4
    syn = (protocol == TCP) & ((flags & SYN_ACK) == SYN)
    answer = ((flags & RST) != 0) | ((flags & SYN_ACK) == SYN_ACK)
    probe = syn | (protocol == UDP) | ((protocol == ICMP) & (icmp == ECHO_REQUEST))
    # a flow record's flags are those of several packets together: with SYN among others, which packet had which is not said
    mixed = (pl.col("packets") > 1) & ((flags & SYN) != 0) & ((flags & (RST | SYN_ACK)) != SYN) & (flags != SYN_ACK)
    kind = (
        pl.when(protocol.is_null() | ((protocol == TCP) & (flags.is_null() | mixed))).then(None)
        .when((protocol == TCP) & answer).then(pl.lit("backscatter"))
        .when(syn).then(pl.lit("syn"))
        .when(protocol == TCP).then(pl.lit("tcp"))
        .when((protocol == UDP) & (pl.col("src_port") == DNS)).then(pl.lit("backscatter"))
        .when(protocol == UDP).then(pl.lit("udp"))
        .when((protocol == ICMP) & icmp.is_in(ANSWERS)).then(pl.lit("backscatter"))
        .when((protocol == ICMPV6) & icmp.is_in(ANSWERS_V6)).then(pl.lit("backscatter"))
        .when(protocol.is_in((ICMP, ICMPV6))).then(pl.lit("icmp"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip
    return [
        (v4 & syn & (pl.col("src_port") > MIRAI_PORTS_ABOVE) & (seq == destination)).alias("mark_mirai"),
        (v4 & syn & (ip_id == (destination ^ port ^ seq) & 0xFFFF)).alias("mark_masscan"),
        (v4 & probe & (ip_id == ZMAP_ID)).alias("mark_zmap"),
        kind.cast(pl.String).alias("kind"),
    ]


def add(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows with the marks: of `frame.READ_SCHEMA`, they become rows of `frame.DECODED_SCHEMA`, in its order."""
    return frame.with_columns(columns())
