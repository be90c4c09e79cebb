"""What changed, beside the truth: counts with known changes in five sizes, quiet days, faults of the observer's own line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from teiten.bench._changes import work
from teiten.bench._changes.tally import figures, findings, words
from teiten.bench._changes.work import Wish

NAME: Final = "detect"
HELP: Final = (
    "changes put into simulated counts, quiet days, faults of the own line: what is told of them, beside other methods"
)
ALONE: Final = True
SIZES: Final = (1.5, 2.0, 3.0, 5.0, 10.0)
SCALES: Final = ("home300", "home7000", "sensors30", "p16")
SEEDS: Final = 20
PEERS: Final = ("sigma", "ewma", "stl")
STREAMED: Final = 3
"""seeds in which changes are looked for every quarter of an hour, and other methods are asked"""
GOALS: Final = {
    f"{scale}.{name}": goal
    for scale in ("sensors30", "p16")
    for name, goal in {
        "recall_from_3": (">=", 0.95),
        "precision": (">=", 0.9),
        "quiet.false_a_day": ("<", 0.2),
        "told_within_2_hours": (">=", 0.95),
    }.items()
} | {f"{scale}.faults.told": (">=", 1.0) for scale in ("home7000", "sensors30", "p16")}


def run_benchmark(work_folder: Path, quick: bool) -> dict[str, float]:
    """SCALE.kind.KIND.{recall, right, tellings}, SCALE.size.SIZE..., SCALE.{precision, ...}, SCALE.METHOD....

    What was missed or told wrongly lies in `detect-findings.txt` of the folder, with the words that show it again. Worlds whose
    file is in the folder are not run again: with --work it goes on where it was. Fewer by TEITEN_BENCH_SCALES, ..._SEEDS.
    """
    folder = work_folder / ("detect-quick" if quick else "detect")
    folder.mkdir(parents=True, exist_ok=True)
    scales = os.environ.get("TEITEN_BENCH_SCALES", "home300,home7000" if quick else ",".join(SCALES)).split(",")
    seeds = range(1, 1 + int(os.environ.get("TEITEN_BENCH_SEEDS", "1" if quick else str(SEEDS))))
    jobs = []
    for seed in seeds:
        for scale in scales:
            wish = Wish(scale, seed, (3.0, 10.0), 3) if quick else Wish(scale, seed, SIZES, 7)
            if seed <= STREAMED and not quick:
                wish = Wish(scale, seed, SIZES, 7, (3.0, 10.0), PEERS)
            jobs.append((wish, folder / f"{scale}-{seed}.json"))
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = int(os.environ.get("TEITEN_BENCH_PROCESSES", cores))
    # a world takes 1.5 GiB at the most; a process of its own gives it back
    with ProcessPoolExecutor(cores, get_context("spawn"), max_tasks_per_child=1) as pool:
        for done in [pool.submit(work.job, *one) for one in jobs]:
            done.result()
    results = [json.loads(out.read_text(encoding="utf-8")) for _, out in jobs]
    (work_folder / "detect-findings.txt").write_text("\n".join(findings(results)) + "\n", encoding="utf-8")
    return figures(results)


def table(figures: Mapping[str, float]) -> str:
    """The figures as a person reads them."""
    return words(figures, SCALES, GOALS)
