"""A peer's part of `teiten bench scale`: its files made from a lake's day, and one standard question, each in a process.

    python _scale_peers.py duckdb make FOLDER DAY LAKE_FILE...      (a day of the zone: one file, sorted)
    python _scale_peers.py polars|chdb make FOLDER DAY              (from DuckDB's file)
    python _scale_peers.py PEER ask FOLDER QUESTION DAYS PACKETS    (days with commas between)

It is run by whichever Python has the peer, which need not have teiten: nothing of teiten is imported. Addresses are
unsigned integers, columns as narrow as their values (captures of IPv4 alone), rows in order of protocol, port, source, time.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

ZONE = "Asia/Tokyo"
TOP, MOST, PORTS = 10, 20, 30
ORDER = "protocol, dst_port, src_ip, time"
NARROW = {
    "protocol": "UTINYINT", "src_port": "USMALLINT", "dst_port": "USMALLINT", "icmp_type": "UTINYINT", "icmp_code": "UTINYINT",
    "ttl": "UTINYINT", "ip_id": "USMALLINT", "ip_len": "UINTEGER", "tcp_flags": "USMALLINT", "tcp_seq": "UINTEGER",
    "tcp_ack": "UINTEGER", "tcp_window": "USMALLINT", "inner_protocol": "UTINYINT", "inner_src_port": "USMALLINT",
    "inner_dst_port": "USMALLINT", "packets": "UINTEGER",
}  # fmt: skip
ADDRESSES = ("src_ip", "dst_ip", "inner_src_ip", "inner_dst_ip")
BOTH = "kind IN ('syn', 'udp')"


def text(address: int) -> str:
    """203.0.113.77 for 3405803853."""
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


# the questions of those who speak SQL: {day} a day of the zone, {distinct} how distinct values are counted
SQL = {
    "ports": "SELECT protocol, dst_port, sum(packets) AS p, {distinct}(src_ip) AS h FROM {events} GROUP BY protocol, dst_port"
    f" ORDER BY p DESC, h DESC, dst_port, protocol LIMIT {TOP}",
    "countries": "SELECT country, sum(packets) AS p, {distinct}(src_ip) AS h FROM {events} WHERE country IS NOT NULL"
    f" GROUP BY country ORDER BY p DESC, h DESC, country LIMIT {TOP}",
    "hosts": "SELECT {day} AS d, protocol, dst_port, {distinct}(src_ip) AS h FROM {events} GROUP BY d, protocol, dst_port"
    f" ORDER BY h DESC, d, protocol, dst_port LIMIT {MOST}",
    "mirai": "SELECT {day} AS d, country, {distinct}(src_ip) AS h FROM {events} WHERE mark_mirai GROUP BY d, country"
    f" ORDER BY h DESC, d, country LIMIT {MOST}",
    "scanner": "SELECT d, src_ip, any_value(p) AS q, {distinct}(dst_port) AS n FROM (SELECT {day} AS d, src_ip, dst_port FROM"
    f" {{events}} WHERE {BOTH} AND dst_port IS NOT NULL) e JOIN (SELECT {{day}} AS d, src_ip, sum(packets) AS p FROM"
    f" {{events}} WHERE {BOTH} GROUP BY d, src_ip HAVING p >= {{packets}}) m USING (d, src_ip) GROUP BY d, src_ip"
    f" HAVING n >= {PORTS} ORDER BY q DESC, n DESC, d, src_ip",
}


def shown(question: str, rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows as JSON has them, the same of every peer: whole numbers, days and addresses as text, null for unknown."""
    out = []
    for row in rows:
        line = [_plain(value) for value in row]
        if question == "scanner":
            line[1] = text(int(line[1]))
        out.append(line)
    return out


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    return str(value)[:10] if hasattr(value, "year") else int(value)


# DuckDB ---------------------------------------------------------------------------------------------------------------


def _duckdb() -> Any:
    import duckdb

    # what does not fit into memory would lie in the folder from which the bench was started
    spill = str(Path(tempfile.gettempdir()) / "teiten-bench-duckdb")
    con = duckdb.connect(config={"memory_limit": "1536MB", "preserve_insertion_order": True, "temp_directory": spill})
    con.execute(f"SET TimeZone = '{ZONE}'")
    return con


def duckdb_make(files: Sequence[str], out: str, day: str) -> None:
    """One day's rows as DuckDB writes them. Of version 1: ClickHouse misreads the delta pages of its version 2."""
    con = _duckdb()
    listed = "[" + ", ".join("'" + f.replace("'", "''") + "'" for f in files) + "]"
    source = f"read_parquet({listed}, union_by_name = true)"
    names = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
    columns = ", ".join(
        f"CASE octet_length({name}) WHEN 4 THEN {name}::BIT::UINTEGER END AS {name}" if name in ADDRESSES
        else f"{name}::{NARROW[name]} AS {name}" if name in NARROW
        else f'"{name}"'
        for name in names
    )  # fmt: skip
    where = f"time >= TIMESTAMPTZ '{day} 00:00:00' AND time < TIMESTAMPTZ '{day} 00:00:00' + INTERVAL 1 DAY"
    con.execute(
        f"COPY (SELECT {columns} FROM {source} WHERE {where} ORDER BY {ORDER}) TO '{out}.part'"
        " (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v1)"
    )
    Path(f"{out}.part").replace(out)


def duckdb_ask(folder: str, question: str, days: Sequence[str], packets: int) -> list[list[Any]]:
    files = ", ".join(f"'{folder}/duckdb/{day}.parquet'" for day in days)
    words = {"events": f"read_parquet([{files}])", "day": "time::DATE", "packets": packets}
    sql = SQL[question]
    for column in ("src_ip", "dst_port"):
        sql = sql.replace(f"{{distinct}}({column})", f"count(DISTINCT {column})")
    con = _duckdb()
    con.execute("SET preserve_insertion_order = false")
    return shown(question, con.execute(sql.format(**words)).fetchall())


# Polars ---------------------------------------------------------------------------------------------------------------


def polars_make(source: str, out: str) -> None:
    import polars as pl

    pl.read_parquet(source).write_parquet(f"{out}.part", compression="zstd", compression_level=3)
    Path(f"{out}.part").replace(out)


def polars_ask(folder: str, question: str, days: Sequence[str], packets: int) -> list[list[Any]]:
    import polars as pl

    events = pl.scan_parquet([f"{folder}/polars/{day}.parquet" for day in days])
    day = pl.col("time").dt.convert_time_zone(ZONE).dt.date().alias("d")
    hosts, sent = pl.col("src_ip").n_unique().alias("h"), pl.col("packets").sum().cast(pl.Int64).alias("p")

    def first(frame: pl.LazyFrame, by: list[str], descending: list[bool], n: int | None = None) -> list[list[Any]]:
        found = frame.sort(by, descending=descending, nulls_last=True)
        return shown(question, (found.head(n) if n else found).collect(engine="streaming").rows())

    if question == "ports":
        found = events.group_by("protocol", "dst_port").agg(sent, hosts)
        return first(found, ["p", "h", "dst_port", "protocol"], [True, True, False, False], TOP)
    if question == "countries":
        found = events.filter(pl.col("country").is_not_null()).group_by("country").agg(sent, hosts)
        return first(found, ["p", "h", "country"], [True, True, False], TOP)
    if question == "hosts":
        found = events.group_by(day, "protocol", "dst_port").agg(hosts)
        return first(found, ["h", "d", "protocol", "dst_port"], [True, False, False, False], MOST)
    if question == "mirai":
        found = events.filter(pl.col("mark_mirai")).group_by(day, "country").agg(hosts)
        return first(found, ["h", "d", "country"], [True, False, False], MOST)
    asks = events.filter(pl.col("kind").is_in(["syn", "udp"]))
    much = asks.group_by(day, "src_ip").agg(sent).filter(pl.col("p") >= packets).collect(engine="streaming").lazy()
    tried = asks.filter(pl.col("dst_port").is_not_null()).with_columns(day).join(much, on=["d", "src_ip"])
    found = tried.group_by("d", "src_ip").agg(pl.col("p").first(), pl.col("dst_port").n_unique().alias("n"))
    return first(found.filter(pl.col("n") >= PORTS), ["p", "n", "d", "src_ip"], [True, True, False, False])


# ClickHouse, in the process -------------------------------------------------------------------------------------------

CODECS = {
    "time": "DateTime64(6, 'UTC') CODEC(Delta, ZSTD(3))", "src_ip": "UInt32 CODEC(Delta, ZSTD(3))",
    "dst_ip": "UInt32 CODEC(ZSTD(3))", "protocol": "UInt8 CODEC(ZSTD(3))", "source_pos": "Int64 CODEC(Delta, ZSTD(3))",
}  # fmt: skip


def _chdb(folder: str) -> Any:
    from chdb.session import Session

    session = Session(f"{folder}/chdb")
    session.query("SET session_timezone = 'UTC'")
    return session


def chdb_make(source: str, folder: str) -> None:
    """A day's rows into a MergeTree table in the same order, a partition a day, merged."""
    session = _chdb(folder)
    described = session.query(f"DESCRIBE file('{source}', 'Parquet')", "JSONCompact").bytes()
    kinds = {row[0]: row[1] for row in json.loads(described)["data"]}
    columns = []
    for name, kind in kinds.items():
        bare = kind.removeprefix("Nullable(").removesuffix(")") if kind.startswith("Nullable") else kind
        usual = f"LowCardinality({kind})" if bare == "String" and name != "payload" else kind
        columns.append(f"`{name}` {CODECS.get(name, f'{usual} CODEC(ZSTD(3))')}")
    session.query(
        f"CREATE TABLE IF NOT EXISTS events ({', '.join(columns)}) ENGINE = MergeTree PARTITION BY toDate(time, '{ZONE}')"
        " ORDER BY (protocol, assumeNotNull(dst_port), src_ip, time)"
    )
    session.query(f"INSERT INTO events SELECT * FROM file('{source}', 'Parquet')")


def chdb_bytes(folder: str) -> None:
    session = _chdb(folder)
    session.query("OPTIMIZE TABLE events FINAL")
    print(
        session.query("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'events'", "TSV").bytes().decode()
    )


def chdb_ask(folder: str, question: str, days: Sequence[str], packets: int, native: bool) -> list[list[Any]]:
    words = {"day": f"toDate(time, '{ZONE}')", "distinct": "uniqExact", "packets": packets}
    words["events"] = f"file('{folder}/duckdb/{{{','.join(days)}}}.parquet', 'Parquet')"
    if len(days) == 1:
        words["events"] = f"file('{folder}/duckdb/{days[0]}.parquet', 'Parquet')"
    if native:
        low, high = days[0], days[-1]
        words["events"] = f"(SELECT * FROM events WHERE toDate(time, '{ZONE}') BETWEEN '{low}' AND '{high}')"
    order = SQL[question].replace(" DESC", " DESC NULLS LAST").format(**words)
    session = _chdb(folder)
    found = session.query(f"{order} SETTINGS output_format_json_quote_64bit_integers = 0", "JSONCompact").bytes()
    return shown(question, json.loads(found)["data"])


# pandas ---------------------------------------------------------------------------------------------------------------


def pandas_ask(folder: str, question: str, days: Sequence[str], packets: int) -> list[list[Any]]:
    import pandas as pd

    wanted = {
        "ports": ["protocol", "dst_port", "packets", "src_ip"], "countries": ["country", "packets", "src_ip"],
        "hosts": ["time", "protocol", "dst_port", "src_ip"], "mirai": ["time", "country", "src_ip", "mark_mirai"],
        "scanner": ["time", "src_ip", "dst_port", "packets", "kind"],
    }[question]  # fmt: skip
    frame = pd.concat([pd.read_parquet(f"{folder}/duckdb/{day}.parquet", columns=wanted) for day in days], ignore_index=True)
    if question == "mirai":
        frame = frame[frame["mark_mirai"].fillna(False).astype(bool)]
    if question == "scanner":
        frame = frame[frame["kind"].isin(["syn", "udp"])]
    if "time" in frame:
        frame = frame.assign(d=frame["time"].dt.tz_convert(ZONE).dt.normalize().dt.tz_localize(None))
    keys = {"ports": ["dst_port", "protocol"], "countries": ["country"], "hosts": ["d", "protocol", "dst_port"]}
    by = keys.get(question, ["d", "country"])
    if question == "scanner":
        sent = frame.groupby(["d", "src_ip"])["packets"].sum()
        much = sent[sent >= packets].rename("p").reset_index()
        tried = frame.merge(much, on=["d", "src_ip"]).groupby(["d", "src_ip"]).agg(p=("p", "first"), n=("dst_port", "nunique"))
        found = (
            tried[tried["n"] >= PORTS]
            .reset_index()
            .sort_values(["p", "n", "d", "src_ip"], ascending=[False, False, True, True])
        )
    elif question in ("ports", "countries"):
        grouped = frame.groupby(by, dropna=question == "countries").agg(p=("packets", "sum"), h=("src_ip", "nunique"))
        found = grouped.reset_index().sort_values(["p", "h", *by], ascending=[False, False, *[True] * len(by)]).head(TOP)
        found = found[[*reversed(by), "p", "h"]]
    else:
        grouped = frame.groupby(by, dropna=False).agg(h=("src_ip", "nunique"))
        found = grouped.reset_index().sort_values(["h", *by], ascending=[False, *[True] * len(by)]).head(MOST)
    rows = [[None if pd.isna(v) else v for v in row] for row in found.itertuples(index=False)]
    return shown(question, rows)


ASK: dict[str, Callable[..., list[list[Any]]]] = {
    "duckdb": duckdb_ask, "polars": polars_ask, "pandas": pandas_ask,
    "chdb": partial(chdb_ask, native=True), "chdb_parquet": partial(chdb_ask, native=False),
}  # fmt: skip


def main(argv: list[str]) -> None:
    peer, what, folder, *rest = argv
    if what == "ask":
        print(json.dumps(ASK[peer](folder, rest[0], rest[1].split(","), int(rest[2]))))
    elif what == "bytes":
        chdb_bytes(folder)
    elif peer == "duckdb":
        duckdb_make(rest[1:], f"{folder}/duckdb/{rest[0]}.parquet", rest[0])
    elif peer == "polars":
        polars_make(f"{folder}/duckdb/{rest[0]}.parquet", f"{folder}/polars/{rest[0]}.parquet")
    else:
        chdb_make(f"{folder}/duckdb/{rest[0]}.parquet", folder)
    sys.stdout.flush()
    os._exit(0)  # ClickHouse's threads take seconds to end


if __name__ == "__main__":
    main(sys.argv[1:])
