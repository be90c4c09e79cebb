"""Logs whose lines are numbered, and which numbers a lake holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl

from teiten.lake import Lake

LINE = (
    "2026-04-{d:02d}T00:{m:02d}:{s:02d}+00:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=203.0.113.{x} DST=198.51.100.1 "
    "LEN=40 TTL=50 ID=1 PROTO=TCP SPT=4000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


def daily(folder: Path, days: int, lines: int) -> list[Path]:
    """One log a day, `lines` lines each; a line's number is its sequence number."""
    out = []
    for day in range(days):
        rows = range(day * lines, (day + 1) * lines)
        text = "".join(LINE.format(d=day + 1, m=n % 3600 // 60, s=n % 60, x=n % 250, n=n) for n in rows)
        out.append(folder / f"messages-202604{day + 1:02d}")
        out[-1].write_text(text)
    return out


def numbers(lake: Lake) -> Counter[int]:
    """How often each number is stored."""
    files, _ = lake.live_files()
    return Counter(n for file in files for n in pl.read_parquet(file.path, columns=["tcp_seq"])["tcp_seq"])
