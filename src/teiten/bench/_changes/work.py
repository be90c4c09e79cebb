"""One world (a scale and a seed) with all that is asked of it; its results as JSON, so that what was done is not done again.

python -m teiten.bench._changes.work SCALE SEED [WHAT [SIZE]]    WHAT: a kind of change or fault, or quiet: in words
"""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

TOGETHER: Final = 4
"""changes that are put into one trial, of ports and countries of their own"""
QUIET: Final = range(28, 35)


def views(cells: Any, watched: Any, world: Any, days: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Each day as it would be looked at when it is over: nothing later is known."""
    import polars as pl

    from teiten.bench._changes.world import ZONE
    from teiten.detect.view import View

    for day in days:
        known = pl.col("time") < world.time((day + 1) * 24)
        yield day, View(cells.filter(known), watched.filter(known), world.day(day), ZONE)


def trials(world: Any, size: float) -> Iterator[tuple[list[str], list[Any]]]:
    """The kinds of change in groups, each group with its changes."""
    from teiten.bench._changes.kinds import KINDS
    from teiten.bench._changes.world import generator

    names = [name for name in KINDS if name != "burst_sensor" or world.scale.sensors > 1]
    order = generator("order", world.seed).permutation(len(names))
    names = [names[n] for n in order]
    for begin in range(0, len(names), TOGETHER):
        group = names[begin : begin + TOGETHER]
        yield group, made(world, group, size)


def made(world: Any, group: Sequence[str], size: float) -> list[Any]:
    """These changes, none of them of a port or country of another."""
    from teiten.bench._changes.kinds import KINDS, Draw
    from teiten.bench._changes.world import generator

    taken: set[object] = set()
    return [
        KINDS[name](Draw(world, generator("change", name, world.scale.name, world.seed, size), size, taken)) for name in group
    ]


def change_trial(world: Any, changes: Sequence[Any], find: Callable[[Any], list[Any]]) -> dict[str, Any]:
    """What is told of these changes, and what is told beside them."""
    from teiten.bench._changes import kinds, score
    from teiten.bench._changes.world import generator

    truths = [change.truth for change in changes]
    cells = kinds.put_in(world.cells, changes, world, generator("thin", world.seed))
    days = sorted({day for truth in truths for day in truth.days})
    out: list[dict[str, Any]] = [
        {
            "scale": world.scale.name, "seed": world.seed, "kind": t.kind, "size": t.size, "usual": round(t.usual, 1),
            "excess": round(t.excess, 1), "about": f"{t.ports} {t.countries} {t.asn} {t.sensor} {t.start:%d %H:%M}",
            "told": None, "right": False, "tellings": 0,
        }
        for t in truths
    ]  # fmt: skip
    counts = {"days": 0, "detections": 0, "false": 0, "seconds": 0.0}
    words = []
    for day, view in views(cells, world.watched, world, days):
        begun = time.process_time()
        found = find(view)
        counts["seconds"] += time.process_time() - begun
        wrong = score.false(found, truths)
        counts["days"] += 1
        counts["detections"] += len(found)
        counts["false"] += len(wrong)
        words += [f"day {day}: false: {score.said(one)}" for one in wrong]
        for row, truth in zip(out, truths, strict=True):
            telling = [one for one in found if score.tells(one, truth)] if day in truth.days else []
            if telling and row["told"] is None:
                row["told"] = day - truth.days[0]
                row["tellings"] = sum(score.explained(one, truth) for one in found)
            row["right"] |= any(one.kind in truth.right for one in telling)
    return {"changes": out, "days": counts, "words": words}


def quiet_days(world: Any, find: Callable[[Any], list[Any]], days: Sequence[int] = QUIET) -> dict[str, Any]:
    """What is told of days on which nothing happens."""
    from teiten.bench._changes import score
    from teiten.detect import model

    out: dict[str, Any] = {"days": 0, "false": 0, "own": 0, "words": [], "seconds": 0.0}
    for day, view in views(world.cells, world.watched, world, days):
        begun = time.process_time()
        found = find(view)
        out["seconds"] += time.process_time() - begun
        own = [one for one in found if one.kind in model.OWN]
        out["days"] += 1
        out["own"] += len(own)
        out["false"] += len(found) - len(own)
        out["words"] += [f"day {day}: quiet: {score.said(one)}" for one in found]
    return out


def fault_trial(world: Any, kind: str, find: Callable[[Any], list[Any]]) -> dict[str, Any]:
    """What is told of a fault on its day, and what on the day after it."""
    from teiten.bench._changes import faults, score
    from teiten.detect import model

    fault, (cells, watched) = faults.made(world, kind)
    out: dict[str, Any] = {
        "scale": world.scale.name, "seed": world.seed, "kind": kind, "told": False, "right": False, "false": 0, "after": 0,
        "about": f"{fault.sensor} {fault.start:%d %H:%M}-{fault.end:%d %H:%M} {fault.share:.2f}", "words": [],
    }  # fmt: skip
    for day, view in views(cells, watched, world, (fault.day, fault.day + 1)):
        found = find(view)
        world_s = [one for one in found if one.kind not in model.OWN]
        if day == fault.day:
            telling = score.own(found, fault)
            out["told"], out["right"] = bool(telling), any(one.kind in fault.right for one in telling)
            out["false"] = len(world_s)
        else:
            out["after"] = len(world_s)
        out["words"] += [f"day {day}: {score.said(one)}" for one in found]
    return out


def job(scale: str, seed: int, sizes: Sequence[float], quiet: int, out: Path) -> None:
    """All that is asked of one world, into a file that appears when it is whole."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from teiten import detect
    from teiten.bench._changes.faults import FAULTS
    from teiten.bench._changes.world import SCALES, World

    if out.exists():
        return
    world = World(SCALES[scale], seed)
    result: dict[str, Any] = {"scale": scale, "seed": seed, "trials": [], "faults": []}
    result["quiet"] = quiet_days(world, detect.find, QUIET[:quiet])
    for size in sizes:
        for _, changes in trials(world, size):
            result["trials"].append(change_trial(world, changes, detect.find))
    for kind in FAULTS:
        result["faults"].append(fault_trial(world, kind, detect.find))
    part = out.with_suffix(".part")
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(out)


def _main(scale: str, seed: str, what: str = "", size: str = "3") -> None:
    """One trial in words: what was put in, what was told."""
    from teiten import detect
    from teiten.bench._changes import peers
    from teiten.bench._changes.faults import FAULTS
    from teiten.bench._changes.world import SCALES, World

    find = peers.methods().get(os.environ.get("TEITEN_BENCH_METHOD", ""), detect.find)
    began = dt.datetime.now()
    world = World(SCALES[scale], int(seed))
    told: dict[str, Any]
    if what in FAULTS:
        told = fault_trial(world, what, find)
        print("put in:", {k: v for k, v in told.items() if k != "words"})
    elif what == "quiet":
        told = quiet_days(world, find)
        print({k: v for k, v in told.items() if k != "words"})
    else:
        groups = [(made(world, [what], float(size)))] if what else [changes for _, changes in trials(world, float(size))]
        for changes in groups:
            told = change_trial(world, changes, find)
            for row in told["changes"]:
                print("put in:", row)
            print(told["days"], *told["words"], sep="\n  ")
        told = {"words": []}
    print(*told["words"], f"{(dt.datetime.now() - began).total_seconds():.1f} s", sep="\n  ")


if __name__ == "__main__":
    import sys

    _main(*sys.argv[1:])
