"""Storing logs and captures: `ingest` into a new lake beside `decode` and beside the bare writing, and how they grow."""

from __future__ import annotations

import shutil
import statistics
import sys
from pathlib import Path
from typing import Final

from teiten.bench import _capture, _lines
from teiten.bench._process import Took, middle, run, teiten
from teiten.bench.netfilter import decode

NAME: Final = "ingest"
HELP: Final = "ingest into a new lake beside decode: 0.3, 3, 30 million lines, 0.5, 5, 50 million packets; memory"
GOALS: Final = {
    "packets_per_s": (">=", 2_500_000.0),
    "packets_over_bare_writing": ("<=", 2.0),
    "packets_memory_mib": ("<", 1024.0),
    "packets_slope": ("<=", 1.1),
    "packets_slope_100m": ("<=", 1.1),
    "ingest_over_decode": ("<=", 2.0),
    "ingest_memory_mib": ("<", 512.0),
    "decode_memory_mib": ("<", 512.0),
    "decode_slope": ("<=", 1.1),
    "ingest_slope": ("<=", 1.1),
}


def ingest(log: Path, lake: Path, *more: str) -> list[str]:
    """The command that stores the benchmarks' log or capture in that lake."""
    return teiten("ingest", "--lake", str(lake), "--tz", "Asia/Tokyo", "--year", str(_lines.YEAR), *more, str(log))


def into_a_new_lake(log: Path, work: Path, *more: str) -> Took:
    lake = work / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    return run(ingest(log, lake, *more))


def bare_writing(work: Path) -> float:
    """Seconds that Polars takes to write the lake's events as they are, in one file."""
    out = work / "seconds"
    run([sys.executable, "-m", "teiten.bench._bare", str(work / "lake"), str(work / "bare.parquet")], out=out)
    (work / "bare.parquet").unlink()
    return float(out.read_text(encoding="utf-8"))


def packets(work: Path, quick: bool) -> dict[str, float]:
    """Captures: decoded, marked, enriched and durable, without the verdicts; with them (`judged`) in a figure of its own.

    `packets_per_s` is that of the whole process at the middle size, start-up included; `packets_warm_per_s` is what the
    packets between that size and the small one took.
    """
    sizes = (50_000, 500_000, 1_000_000) if quick else (500_000, 5_000_000, 50_000_000)
    figures: dict[str, float] = {}
    took: dict[int, Took] = {}
    into_a_new_lake(_capture.made(work, 1_000), work, "--no-verdicts")
    for size in sizes:
        capture = _capture.made(work, size)
        times = 3 if size == sizes[1] and not quick else 1
        runs, bare = [], []
        for _ in range(times):
            runs.append(into_a_new_lake(capture, work, "--no-verdicts"))
            bare += [bare_writing(work)] if size == sizes[1] else []
        took[size] = middle(runs)
        figures[f"ingest_{size}_packets_per_s"] = size / took[size].seconds
        figures[f"ingest_{size}_packets_memory_mib"] = took[size].memory
        if bare:
            figures["bare_writing_s"] = statistics.median(bare)
            figures["judged_packets_per_s"] = size / into_a_new_lake(capture, work).seconds
        if size > 10_000_000:
            capture.unlink()
    small, normal, large = sizes
    whole = took[normal].seconds
    figures["packets_per_s"] = normal / whole
    figures["packets_warm_per_s"] = (normal - small) / (whole - took[small].seconds)
    figures["packets_processor_s"] = took[normal].processor
    figures["packets_over_bare_writing"] = whole / figures["bare_writing_s"]
    figures["packets_memory_mib"] = max(one.memory for one in took.values())
    figures["packets_slope"] = took[large].seconds / whole / (large / normal)
    shutil.rmtree(work / "lake", ignore_errors=True)
    return figures


def run_large(work: Path) -> dict[str, float]:
    """The same to 100 million packets: some 13 GB of disk."""
    took = {}
    for size in (10_000_000, 100_000_000):
        capture = _capture.made(work, size)
        took[size] = into_a_new_lake(capture, work, "--no-verdicts")
        capture.unlink()
    shutil.rmtree(work / "lake", ignore_errors=True)
    small, large = took.values()
    return {
        "ingest_100000000_packets_per_s": 1e8 / large.seconds,
        "ingest_100000000_packets_memory_mib": large.memory,
        "packets_slope_100m": large.seconds / small.seconds / 10,
    }


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Seconds and MiB at each size; `slope` is the growth of the time over that of the lines, from the middle size up.

    Storing is measured without the verdicts on the days stored, which `judged_lines_per_s` has as well.
    """
    sizes = (30_000, 300_000, 1_000_000) if quick else (300_000, 3_000_000, 30_000_000)
    figures: dict[str, float] = {}
    read: dict[int, Took] = {}
    stored: dict[int, Took] = {}
    run(decode(_lines.made(work, 1_000), work / "warm.parquet"))
    for lines in sizes:
        log = _lines.made(work, lines)
        times = 3 if lines == sizes[1] and not quick else 1
        runs = [(run(decode(log, work / "decode.parquet")), into_a_new_lake(log, work, "--no-verdicts")) for _ in range(times)]
        read[lines], stored[lines] = middle([r for r, _ in runs]), middle([s for _, s in runs])
        for name, one in (("decode", read[lines]), ("ingest", stored[lines])):
            figures[f"{name}_{lines}_lines_per_s"] = lines / one.seconds
            figures[f"{name}_{lines}_memory_mib"] = one.memory
        if lines == sizes[1]:
            # the same file again: nothing new, and how long it takes to find that out
            figures["again_s"] = run(ingest(log, work / "lake", "--no-verdicts")).seconds
            figures["judged_lines_per_s"] = lines / into_a_new_lake(log, work).seconds
        if lines > 10_000_000:
            log.unlink()
    small, normal, large = sizes
    figures["start_up_s"] = read[small].seconds - small / normal * read[normal].seconds
    figures["ingest_over_decode"] = stored[normal].seconds / read[normal].seconds
    for name, took in (("decode", read), ("ingest", stored)):
        figures[f"{name}_memory_mib"] = max(one.memory for one in took.values())
        figures[f"{name}_slope"] = took[large].seconds / took[normal].seconds / (large / normal)
    shutil.rmtree(work / "lake", ignore_errors=True)
    return figures | packets(work, quick)
