"""Storing a log: `ingest` into a new lake beside `decode`, and how both grow from a tenth of the lines to ten times them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from teiten.bench import _lines
from teiten.bench._process import Took, middle, run, teiten
from teiten.bench.netfilter import decode

NAME: Final = "ingest"
HELP: Final = "ingest into a new lake beside decode; 0.3, 3 and 30 million lines; memory"
GOALS: Final = {
    "ingest_over_decode": ("<=", 2.0),
    "ingest_memory_mib": ("<", 512.0),
    "decode_memory_mib": ("<", 512.0),
    "decode_slope": ("<=", 1.1),
    "ingest_slope": ("<=", 1.1),
}


def ingest(log: Path, lake: Path) -> list[str]:
    """The command that stores the benchmarks' log in that lake."""
    return teiten("ingest", "--lake", str(lake), "--tz", "Asia/Tokyo", "--year", str(_lines.YEAR), str(log))


def into_a_new_lake(log: Path, work: Path) -> Took:
    lake = work / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    return run(ingest(log, lake))


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Seconds and MiB at each size; `slope` is the growth of the time over that of the lines, from the middle size up."""
    sizes = (30_000, 300_000, 1_000_000) if quick else (300_000, 3_000_000, 30_000_000)
    figures: dict[str, float] = {}
    read: dict[int, Took] = {}
    stored: dict[int, Took] = {}
    run(decode(_lines.made(work, 1_000), work / "warm.parquet"))
    for lines in sizes:
        log = _lines.made(work, lines)
        times = 3 if lines == sizes[1] and not quick else 1
        runs = [(run(decode(log, work / "decode.parquet")), into_a_new_lake(log, work)) for _ in range(times)]
        read[lines], stored[lines] = middle([r for r, _ in runs]), middle([s for _, s in runs])
        for name, one in (("decode", read[lines]), ("ingest", stored[lines])):
            figures[f"{name}_{lines}_lines_per_s"] = lines / one.seconds
            figures[f"{name}_{lines}_memory_mib"] = one.memory
        if lines == sizes[1]:
            # the same file again: nothing new, and how long it takes to find that out
            figures["again_s"] = run(ingest(log, work / "lake")).seconds
        if lines > 10_000_000:
            log.unlink()
    small, normal, large = sizes
    figures["start_up_s"] = read[small].seconds - small / normal * read[normal].seconds
    figures["ingest_over_decode"] = stored[normal].seconds / read[normal].seconds
    for name, took in (("decode", read), ("ingest", stored)):
        figures[f"{name}_memory_mib"] = max(one.memory for one in took.values())
        figures[f"{name}_slope"] = took[large].seconds / took[normal].seconds / (large / normal)
    shutil.rmtree(work / "lake", ignore_errors=True)
    return figures
