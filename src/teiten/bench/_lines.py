"""Makes the benchmarks' netfilter log: seeded, many sources, ports as bots choose them, some 240 bytes a line.

    python -m teiten.bench._lines LINES FILE

It is a program of its own so that the memory of what makes the lines is not counted with what reads them. It shares no
code with `simulate`, whose traffic is for being understood; this is for being read fast.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from teiten.bench import _process

SPAN: Final = 30 * 86_400
"""seconds that the log covers, whatever its length: June 2026"""
YEAR: Final = 2026
_BLOCK: Final = 250_000
_PORTS: Final = (23, 445, 22, 80, 8080, 3389, 2323, 5060, 443, 1433, 52869, 5555, 81, 8443, 3306, 6379, 7547, 8291, 9530, 37215)
_PREFIX: Final = "router kernel: ["
_RULE: Final = "] DROP IN=ppp0 OUT= MAC= SRC="


def made(work: Path, lines: int) -> Path:
    """The log of that many lines in the folder; made there once, the same bytes every time."""
    path = work / f"netfilter-{lines}.log"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        _process.run([sys.executable, "-m", __name__, str(lines), str(path)])
    return path


def _block(first: int, count: int, lines: int) -> bytes:
    import numpy as np
    import polars as pl

    rng = np.random.default_rng([20260601, first])
    number = np.arange(first, first + count)
    seconds = number * SPAN // lines
    source = np.random.default_rng(7).integers(1 << 24, 224 << 24, 300_000)
    chosen = source[(rng.zipf(1.2, count) - 1) % len(source)]
    known = np.array(_PORTS)[(rng.zipf(1.5, count) - 1) % len(_PORTS)]
    port = np.where(rng.random(count) < 0.75, known, rng.integers(1, 65536, count))
    kind = np.select([rng.random(count) < 0.85, rng.random(count) < 0.8], [0, 1], 2)  # TCP, UDP, ICMP
    days = pl.Series("d", seconds // 86_400 + 1)
    columns = {
        "day": days.cast(pl.String).str.pad_start(2, " "),
        **{
            name: pl.Series(part).cast(pl.String).str.zfill(2)
            for name, part in (("h", seconds // 3600 % 24), ("m", seconds // 60 % 60), ("s", seconds % 60))
        },
        "up": (400_000 + seconds).astype("U"),
        "us": pl.Series(rng.integers(0, 1_000_000, count)).cast(pl.String).str.zfill(6),
        **{f"a{n}": chosen >> (24 - 8 * n) & 255 for n in range(4)},
        "ttl": rng.integers(30, 255, count),
        "id": rng.integers(0, 65536, count),
        "sp": rng.integers(1024, 65536, count),
        "dp": port,
        "seq": rng.integers(0, 1 << 32, count),
        "win": rng.choice([1024, 65535, 29200, 14600, 64240, 5840], count),
        "kind": kind,
        "len": rng.integers(20, 1200, count),
        "opt": rng.random(count) < 0.35,
    }
    frame = pl.DataFrame(columns)
    head = pl.format(
        "Jun {} {}:{}:{} " + _PREFIX + "{}.{}" + _RULE + "{}.{}.{}.{} DST=203.0.113.77 LEN=",
        "day", "h", "m", "s", "up", "us", "a0", "a1", "a2", "a3",
    )  # fmt: skip
    middle = pl.format(" TOS=0x00 PREC=0x00 TTL={} ID={} ", "ttl", "id")
    option = pl.when("opt").then(pl.lit("OPT (020405B40402080A0023AB100000000001030307) ")).otherwise(pl.lit(""))
    length = pl.when("opt").then(pl.lit("60")).otherwise(pl.lit("40"))
    tcp = pl.format(
        "{}{}DF PROTO=TCP SPT={} DPT={} SEQ={} ACK=0 WINDOW={} RES=0x00 SYN URGP=0 {}",
        length, middle, "sp", "dp", "seq", "win", option,
    )  # fmt: skip
    udp = pl.format("{}{}PROTO=UDP SPT={} DPT={} LEN={} ", pl.col("len") + 28, middle, "sp", "dp", pl.col("len") + 8)
    icmp = pl.format("84{}PROTO=ICMP TYPE=8 CODE=0 ID={} SEQ=1 ", middle, "sp")
    body = pl.when(pl.col("kind") == 0).then(tcp).when(pl.col("kind") == 1).then(udp).otherwise(icmp)
    text = frame.select(pl.concat_str(head, body).alias("line"))["line"]
    return ("\n".join(text.to_list()) + "\n").encode()


def main(argv: list[str]) -> None:
    """Writes the file under another name first, so that a cut-off run leaves no half log."""
    lines, path = int(argv[0]), Path(argv[1])
    part = path.with_suffix(".part")
    with part.open("wb") as out:
        for first in range(0, lines, _BLOCK):
            out.write(_block(first, min(_BLOCK, lines - first), lines))
    part.replace(path)


if __name__ == "__main__":
    main(sys.argv[1:])
