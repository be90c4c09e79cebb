"""What changed, beside the truth: counts with known changes in five sizes, quiet days, faults of the observer's own line."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from teiten.bench._changes import work

NAME: Final = "detect"
HELP: Final = "changes that were put into simulated counts, quiet days, faults of the own line: what is told of them"
SIZES: Final = (1.5, 2.0, 3.0, 5.0, 10.0)
SCALES: Final = ("home300", "home7000", "sensors30", "p16")
SEEDS: Final = 20
GOALS: Final = {
    f"{scale}.{name}": goal
    for scale in ("sensors30", "p16")
    for name, goal in {
        "recall_from_3": (">=", 0.95),
        "precision": (">=", 0.9),
        "quiet.false_a_day": ("<", 0.2),
        "faults.told": (">=", 1.0),
    }.items()
}


def run_benchmark(work_folder: Path, quick: bool) -> dict[str, float]:
    """SCALE.{recall, right, tellings}.KIND.SIZE ...; what was missed or told wrongly lies in `detect-findings.txt`.

    Worlds whose file is in the folder are not run again: with --work it goes on where it was.
    """
    folder = work_folder / ("detect-quick" if quick else "detect")
    folder.mkdir(parents=True, exist_ok=True)
    scales = os.environ.get("TEITEN_BENCH_SCALES", "home300,home7000" if quick else ",".join(SCALES)).split(",")
    seeds = range(1, 1 + int(os.environ.get("TEITEN_BENCH_SEEDS", "2" if quick else str(SEEDS))))
    sizes = (2.0, 3.0, 10.0) if quick else SIZES
    jobs = [(scale, seed, sizes, 3 if quick else 7, folder / f"{scale}-{seed}.json") for seed in seeds for scale in scales]
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ProcessPoolExecutor(cores, get_context("spawn"), max_tasks_per_child=4) as pool:
        for done in [pool.submit(work.job, *one) for one in jobs]:
            done.result()
    results = [json.loads(one[-1].read_text(encoding="utf-8")) for one in jobs]
    (work_folder / "detect-findings.txt").write_text("\n".join(_findings(results)) + "\n", encoding="utf-8")
    return figures(results)


def figures(results: list[dict[str, Any]]) -> dict[str, float]:
    """Worlds' results as figures."""
    out: dict[str, float] = {}
    for scale in dict.fromkeys(r["scale"] for r in results):
        mine = [r for r in results if r["scale"] == scale]
        changes = [row for r in mine for trial in r["trials"] for row in trial["changes"]]
        for what, key in (("size", "size"), ("kind", "kind")):
            groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
            for row in changes:
                groups[row[key]].append(row)
            for name, rows in sorted(groups.items()):
                some = rows if what == "size" else [row for row in rows if row["size"] >= 3]
                label = f"{scale}.{what}.{name:g}" if what == "size" else f"{scale}.{what}.{name}"
                out |= _shares(label, some)
        large = [row for row in changes if row["size"] >= 3]
        out |= {f"{scale}.changes": float(len(changes))}
        out |= {f"{scale}.{name}_from_3": v for name, v in _shares("x", large, plain=True).items()}
        sums = {k: sum(t["days"][k] for r in mine for t in r["trials"]) for k in ("days", "detections", "false", "seconds")}
        out[f"{scale}.precision"] = 1 - sums["false"] / sums["detections"] if sums["detections"] else 0.0
        out[f"{scale}.false_a_day"] = sums["false"] / max(1, sums["days"])
        out[f"{scale}.seconds_a_day"] = sums["seconds"] / max(1, sums["days"])
        quiet = {k: sum(r["quiet"][k] for r in mine) for k in ("days", "false", "own")}
        out[f"{scale}.quiet.days"] = float(quiet["days"])
        out[f"{scale}.quiet.false_a_day"] = quiet["false"] / max(1, quiet["days"])
        out[f"{scale}.quiet.own_a_day"] = quiet["own"] / max(1, quiet["days"])
        faults = [f for r in mine for f in r["faults"]]
        out[f"{scale}.faults"] = float(len(faults))
        for name in ("told", "right"):
            out[f"{scale}.faults.{name}"] = sum(f[name] for f in faults) / max(1, len(faults))
        out[f"{scale}.faults.false_a_day"] = sum(f["false"] for f in faults) / max(1, len(faults))
        out[f"{scale}.faults.false_the_day_after"] = sum(f["after"] for f in faults) / max(1, len(faults))
    return out


def _shares(label: str, rows: list[dict[str, Any]], plain: bool = False) -> dict[str, float]:
    told = [row for row in rows if row["told"] is not None]
    values = {
        "recall": len(told) / max(1, len(rows)),
        "right": sum(row["right"] for row in told) / max(1, len(told)),
        "tellings": sum(row["tellings"] for row in told) / max(1, len(told)),
    }
    return values if plain else {f"{label}.{name}": value for name, value in values.items()}


def _findings(results: list[dict[str, Any]]) -> list[str]:
    """What was missed and what was told wrongly, each with the words that show it again."""
    out = []
    for r in results:
        again = f"python -m teiten.bench._changes.work {r['scale']} {r['seed']}"
        for trial in r["trials"]:
            for row in trial["changes"]:
                if row["told"] is None and row["size"] >= 3:
                    out.append(
                        f"MISSED {again} {row['kind']} {row['size']:g}: {row['about']} usual {row['usual']}"
                        f" excess {row['excess']}"
                    )
            size = trial["changes"][0]["size"]
            out += [f"FALSE {again} '' {size:g}: {line}" for line in trial["words"]]
        out += [f"QUIET {again} quiet: {line}" for line in r["quiet"]["words"]]
        for fault in r["faults"]:
            if not fault["told"] or fault["false"] or fault["after"]:
                out.append(f"FAULT {again} {fault['kind']}: {fault['about']} told {fault['told']}")
                out += [f"    {line}" for line in fault["words"][:6]]
    return out


def table(figures: Mapping[str, float]) -> str:
    """The figures as a person reads them."""
    out = []
    for scale in SCALES:
        mine = {k.removeprefix(f"{scale}."): v for k, v in figures.items() if k.startswith(f"{scale}.")}
        if not mine:
            continue
        out.append(
            f"{scale}: {mine['changes']:.0f} changes; precision {mine['precision']:.3f}; of a day with changes"
            f" {mine['false_a_day']:.2f} false; of {mine['quiet.days']:.0f} quiet days {mine['quiet.false_a_day']:.2f}"
            f" false a day ({mine['quiet.own_a_day']:.2f} own); {mine['seconds_a_day']:.2f} s a day"
        )
        out.append(
            f"  own line: {mine['faults']:.0f} faults, told {mine['faults.told']:.2f}, rightly {mine['faults.right']:.2f};"
            f" false that day {mine['faults.false_a_day']:.2f}, the day after {mine['faults.false_the_day_after']:.2f}"
        )
        out.append(f"  {'':<24}{'recall':>8}{'right':>8}{'tellings':>10}")
        for kind, head in (("size", "x"), ("kind", "")):
            for key in [k for k in mine if k.startswith(f"{kind}.") and k.endswith(".recall")]:
                name = key.removeprefix(f"{kind}.").removesuffix(".recall")
                cells = [mine[f"{kind}.{name}.{what}"] for what in ("recall", "right", "tellings")]
                out.append(f"  {name + head:<24}{cells[0]:>8.2f}{cells[1]:>8.2f}{cells[2]:>10.2f}")
        out.append("")
    return "\n".join(out)
