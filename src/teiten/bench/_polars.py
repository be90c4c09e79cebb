"""The peer: Polars' own way with the same lines, an expression per column over a scan of the text, to Parquet.

    python -m teiten.bench._polars LOG PARQUET

The columns are those that `decode` fills from these lines, all of them, with the same values and types, and the same
compression (a test holds them against each other). It is written as somebody who knows Polars would: one lazy query,
streamed. It looks for no damage, repeats, or second spelling.
"""

from __future__ import annotations

import sys

import polars as pl

from teiten.bench import _lines

_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")


def _number(pattern: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    return pl.col("line").str.extract(pattern).cast(dtype)


def columns() -> list[pl.Expr]:
    """One expression per column."""
    line = pl.col("line")
    stamp = line.str.extract(r"^(\w{3} +\d+ [\d:]{8})")
    flags = [
        pl.when(line.str.contains(f" {name} ", literal=True)).then(1 << bit).otherwise(0) for bit, name in enumerate(_FLAGS)
    ]
    option = line.str.extract(r"URGP=\d+ OPT \(([0-9A-F]*)\)")
    tcp = line.str.contains(" PROTO=TCP ", literal=True)
    length = _number(r"LEN=(\d+)", pl.Int32)
    options = pl.when(option.is_not_null()).then(option.str.len_bytes() // 2).when(tcp & (length == 40)).then(0)
    payload = pl.when(tcp & (length == 40 + options.cast(pl.Int32))).then(0)
    size = line.str.len_bytes().cast(pl.Int64) + 1
    return [
        (f"{_lines.YEAR} " + stamp)
        .str.to_datetime("%Y %b %e %H:%M:%S", time_unit="us")
        .dt.replace_time_zone("Asia/Tokyo")
        .dt.convert_time_zone("UTC")
        .alias("time"),
        pl.lit("home").alias("sensor"),
        line.str.extract(r"SRC=(\S+)").alias("src_ip"),
        line.str.extract(r"DST=(\S+)").alias("dst_ip"),
        line.str.extract(r"PROTO=(\w+)")
        .replace_strict({"TCP": 6, "UDP": 17, "ICMP": 1}, default=None)
        .cast(pl.Int16)
        .alias("protocol"),
        _number(r"SPT=(\d+)", pl.Int32).alias("src_port"),
        _number(r"DPT=(\d+)", pl.Int32).alias("dst_port"),
        _number(r" TYPE=(\d+)", pl.Int16).alias("icmp_type"),
        _number(r" CODE=(\d+)", pl.Int16).alias("icmp_code"),
        _number(r"TTL=(\d+)", pl.Int16).alias("ttl"),
        _number(r"TTL=\d+ ID=(\d+)", pl.Int32).alias("ip_id"),
        length.alias("ip_len"),
        pl.when(tcp).then(pl.sum_horizontal(flags)).cast(pl.Int16).alias("tcp_flags"),
        _number(r"SPT=\d+ DPT=\d+ SEQ=(\d+)", pl.Int64).alias("tcp_seq"),
        _number(r"ACK=(\d+)", pl.Int64).alias("tcp_ack"),
        _number(r"WINDOW=(\d+)", pl.Int32).alias("tcp_window"),
        options.cast(pl.Int16).alias("tcp_opt_len"),
        pl.when(line.str.contains(" DF ", literal=True)).then(2).otherwise(0).cast(pl.Int16).alias("ip_flags"),
        pl.lit(0, pl.Int32).alias("frag_offset"),
        payload.otherwise(_number(r"PROTO=UDP .* LEN=(\d+)", pl.Int32) - 8).cast(pl.Int32).alias("payload_len"),
        pl.lit(1, pl.Int64).alias("packets"),
        pl.lit(0, pl.Int64).alias("source_id"),
        (size.cum_sum() - size).alias("source_pos"),
        pl.lit("stated").alias("time_basis"),
        line.str.extract(r"(DROP|ACCEPT|REJECT)").str.to_lowercase().alias("action"),
        line.str.extract(r"IN=(\S*)").alias("interface"),
    ]


def marks() -> list[pl.Expr]:
    """What one packet shows, from the columns."""
    bits = pl.col("dst_ip").str.split_exact(".", 3)
    parts = [bits.struct.field(f"field_{n}").cast(pl.Int64) for n in range(4)]
    number = parts[0] * 2**24 + parts[1] * 2**16 + parts[2] * 2**8 + parts[3]
    tcp, udp = pl.col("protocol") == 6, pl.col("protocol") == 17
    flags, seq, ip_id = pl.col("tcp_flags"), pl.col("tcp_seq"), pl.col("ip_id").cast(pl.Int64)
    syn = tcp & (flags & 18 == 2)
    probe = syn | udp | (pl.col("icmp_type") == 8)
    answer = tcp & ((flags & 4 == 4) | (flags & 18 == 18))
    answer |= (udp & (pl.col("src_port") == 53)) | pl.col("icmp_type").is_in([0, 3, 4, 5, 11, 12, 14, 16, 18])
    kind = pl.when(answer).then(pl.lit("backscatter")).when(syn).then(pl.lit("syn")).when(tcp).then(pl.lit("tcp"))
    return [
        (syn & (pl.col("src_port") > 1024) & (seq == number)).alias("mark_mirai"),
        (syn & (ip_id == (number ^ pl.col("dst_port").cast(pl.Int64) ^ seq) & 0xFFFF)).alias("mark_masscan"),
        (probe & (ip_id == 54321)).alias("mark_zmap"),
        kind.when(udp).then(pl.lit("udp")).otherwise(pl.lit("icmp")).alias("kind"),
    ]


def main(argv: list[str]) -> None:
    lines = pl.scan_lines(argv[0], name="line")
    lines.select(columns()).with_columns(marks()).sink_parquet(argv[1], compression="zstd", compression_level=1)


if __name__ == "__main__":
    main(sys.argv[1:])
