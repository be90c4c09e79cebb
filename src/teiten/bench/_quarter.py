"""A quarter's report over lakes of several sizes: from events, and from what finished days came to.

The lake is a telescope's second quarter of 2026, simulated and stored in pieces, each removed before the next. Started again
with the same --work it goes on where it ended, as `teiten bench scale` does.
"""

from __future__ import annotations

import datetime as dt
import math
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from teiten.bench._process import Took, run, teiten
from teiten.bench._scale_work import Size
from teiten.bench.scale import name_of

DAYS: Final = 91
QUARTER: Final = "2026-Q2"
MONTH: Final = "2026-05"
ONCE: Final = 4_000_000
"""events that are simulated in one piece"""
_ZONE: Final = ("--tz", "Asia/Tokyo")


def figures(work: Path, sizes: tuple[int, ...]) -> dict[str, float]:
    """Seconds, processor seconds and MiB of whole processes, for each size; and how they grow."""
    found: dict[str, float] = {}
    for events in sizes:
        size = Size(work / "quarter", events, DAYS, lambda step: print(f"teiten bench report: {step}", file=sys.stderr))
        found |= {f"quarter_{name_of(events)}_{name}": value for name, value in _measure(size).items()}
    return found | growth(found, sizes)


def growth(found: Mapping[str, float], sizes: tuple[int, ...]) -> dict[str, float]:
    """How processor seconds grow from the smallest size to the largest, as an exponent: 1 is linear, less is better."""
    low, high = min(sizes), max(sizes)
    if low == high:
        return {}
    times = math.log(high / low)
    keys = {"quarter_growth": "processor_s", "quarter_growth_counted": "counted_processor_s"}
    return {
        name: math.log(found[f"quarter_{name_of(high)}_{key}"] / found[f"quarter_{name_of(low)}_{key}"]) / times
        for name, key in keys.items()
    }


def pieces(events: int, days: int = DAYS) -> list[tuple[int, int]]:
    """First day and number of days of each piece: about `ONCE` events, one day at least."""
    long = max(1, days * ONCE // events)
    return [(first, min(long, days - first)) for first in range(0, days, long)]


def _measure(size: Size) -> dict[str, float]:
    if not size.done:
        shutil.rmtree(size.lake, ignore_errors=True)
    for first, days in pieces(size.events):
        size.once(f"stored {size.day(first)}", partial(_store, size, first, days))
    size.once("compacted", lambda: _told(run(teiten("lake", "compact", "--lake", str(size.lake)))))
    judged = Took(*size.once("judged", partial(_report, size, "quarterly", QUARTER)))
    out = {"judged_first_s": judged.seconds}
    runs = {"": ("quarterly", QUARTER), "month_": ("monthly", MONTH)}
    for counted in ("", "counted_"):
        if counted:
            took = Took(*size.once("rolled up", lambda: _told(run(_lake(size, "rollup", "--all")))))
            out |= {"rollup_s": took.seconds, "rollup_processor_s": took.processor}
        for name, words in runs.items():
            took = Took(*size.once(f"{name}{counted}report", partial(_report, size, *words)))
            values = (("s", took.seconds), ("processor_s", took.processor), ("memory_mib", took.memory))
            out |= {f"{name}{counted}{what}": value for what, value in values}
    return out


def _lake(size: Size, *words: str) -> list[str]:
    return teiten("lake", *words, "--lake", str(size.lake), *_ZONE)


def _report(size: Size, kind: str, period: str) -> list[float]:
    out = size.folder / "report"
    shutil.rmtree(out, ignore_errors=True)
    words = ["report", kind, period, "--lang", "ja", "--lake", str(size.lake), *_ZONE, "--out", str(out)]
    try:
        return _told(run(teiten(*words)))
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _store(size: Size, first: int, days: int) -> list[float]:
    sim = size.folder / "sim"
    shutil.rmtree(sim, ignore_errors=True)
    day: dt.date = size.day(first)
    made = ["--seed", str(1000 + first), "--days", str(days), "--events", str(size.events * days // DAYS)]
    where = ["--scenario", "telescope", "--prefix", "44.11.32.0/20", "--start", str(day), "--out", str(sim)]
    run(teiten("simulate", *where, *made))
    config = str(sim / "teiten.toml")
    took = run(teiten("ingest", "--no-verdicts", "--config", config, "--lake", str(size.lake), str(sim)))
    shutil.rmtree(sim)
    return _told(took)


def _told(took: Took) -> list[float]:
    return [took.seconds, took.processor, took.memory]
