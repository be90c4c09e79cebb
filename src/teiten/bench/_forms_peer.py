"""The peers: Polars with one regular expression made for the format's very line, to Parquet; fastavro's plain reading.

    python -m teiten.bench._forms_peer FORMAT FILE PARQUET

Polars takes time, addresses and ports of each line, and nothing else: no years or zones, no other spelling of a line, no
accounting. fastavro counts the packets of FlowTuples.
"""

from __future__ import annotations

import sys
from pathlib import Path

from teiten.bench import _forms


def polars(name: str, log: str, out: str) -> None:
    """The lines as Parquet."""
    import polars as pl

    found = pl.col("line").str.extract_groups(_forms.expression(name)).alias("found")
    rows = pl.scan_lines(log, name="line").select(found).unnest("found").drop_nulls("src_ip")
    ports = pl.col("^(src|dst)_port$").cast(pl.Int32)
    rows.with_columns(ports, pl.lit("home").alias("sensor")).sink_parquet(out, compression="zstd", compression_level=1)


def fastavro(path: str) -> int:
    """The packets of all records."""
    import fastavro as library

    with Path(path).open("rb") as file:
        return sum(record["packet_cnt"] for record in library.reader(file))  # type: ignore[index, call-overload, misc]


if __name__ == "__main__":
    if sys.argv[1] == "flowtuple":
        print(fastavro(sys.argv[2]))
    else:
        polars(*sys.argv[1:4])
