"""The peer of storing a capture: Polars writes the lake's own frame to Parquet (zstd, level 1), and does nothing else.

    python -m teiten.bench._bare LAKE PARQUET

The frame is in memory before the clock starts. Prints the seconds that it took.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import polars as pl


def main(argv: list[str]) -> None:
    frame = pl.read_parquet(sorted(Path(argv[0], "events").glob("*.parquet"))).rechunk()
    began = time.perf_counter()
    frame.write_parquet(argv[1], compression="zstd", compression_level=1)
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main(sys.argv[1:])
