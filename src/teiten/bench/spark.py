"""The same questions to the same lake by DuckDB, by Spark here, and by a cluster of one and of two workers."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from teiten.bench._scale_work import QUESTIONS, ZONE, Size
from teiten.bench._spark_cluster import cluster
from teiten.errors import TeitenError

NAME: Final = "spark"
HELP: Final = "the standard questions by DuckDB, by Spark on 2 cores, and by a cluster of 1 and of 2 workers; starting apart"
ALONE: Final = True
"""needs Java, pyspark, and a lake that takes long to fill: not one of `all`"""
GOALS: Final = {"times_duckdb_worst": ("<=", 4.0), "scaling_all": (">=", 1.6)}
_DAYS: Final = 30
_TIMES: Final = 3


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Seconds of each question and engine, and how they compare. $TEITEN_BENCH_LAKE: the folder of a lake that
    `teiten bench scale` or `web` filled, which is read; else one of 50 million events is filled (quick: 300,000).

    TeitenError where the engines' answers differ."""
    events, days = (300_000, 3) if quick else (50_000_000, _DAYS)
    named = os.environ.get("TEITEN_BENCH_LAKE")
    if named:
        lake = Path(named)
    else:
        size = Size(work, events, days, lambda step: print(f"teiten bench spark: {step}", file=sys.stderr))
        size.fill()
        lake = size.lake
    events, low, high = _span(lake)
    words = [low.isoformat(), high.isoformat(), str(max(2, events // (high - low).days // 200))]
    figures: dict[str, float] = {"events": events, "days": (high - low).days}
    held: dict[str, Any] = {"duckdb": _ask(lake, "duckdb", words), "local2": _ask(lake, "local[2]", words)}
    for workers in (1, 2):
        folder = work / f"cluster{workers}"
        folder.mkdir(parents=True, exist_ok=True)
        with cluster(folder, workers, "1700m") as (master, _):
            held[f"workers{workers}"] = _ask(lake, master, words)
    for who, told in held.items():
        if told["rows"] != held["duckdb"]["rows"]:
            raise TeitenError(f"{who} answers otherwise than duckdb.")
        figures[f"start_{who}_s"] = told["start"]
        figures |= {f"{question}_{who}_s": told["seconds"][question] for question in QUESTIONS}
        figures |= {f"{question}_{who}_first_s": told["first"][question] for question in QUESTIONS}
        if who in ("duckdb", "local2"):
            figures |= {f"{question}_{who}_processor_s": told["processor"][question] for question in QUESTIONS}
    return figures | compared(figures)


def compared(figures: Mapping[str, float]) -> dict[str, float]:
    """How many times as long Spark takes on two cores as DuckDB, and how much sooner two workers answer than one."""
    out = {f"{q}_times_duckdb": figures[f"{q}_local2_s"] / figures[f"{q}_duckdb_s"] for q in QUESTIONS}
    out["times_duckdb_worst"] = max(out.values())
    for q in QUESTIONS:
        out[f"{q}_processor_times_duckdb"] = figures[f"{q}_local2_processor_s"] / figures[f"{q}_duckdb_processor_s"]
    whole = {who: sum(figures[f"{q}_{who}_s"] for q in QUESTIONS) for who in ("duckdb", "local2", "workers1", "workers2")}
    out["times_duckdb_all"] = whole["local2"] / whole["duckdb"]
    out["scaling_all"] = whole["workers1"] / whole["workers2"]
    return out


def _span(lake: Path) -> tuple[int, dt.datetime, dt.datetime]:
    """How many events there are, from the start of which day to the end of which."""
    from teiten.lake import Lake

    files = Lake.open(lake).live_files()[0]
    first = min(file.t_min for file in files if file.t_min is not None)
    last = max(file.t_max for file in files if file.t_max is not None) - dt.timedelta(milliseconds=1)  # (its slack)
    days = (first.astimezone(ZONE).date(), last.astimezone(ZONE).date() + dt.timedelta(days=1))
    start, end = (dt.datetime.combine(day, dt.time(), ZONE) for day in days)
    return sum(file.rows for file in files), start, end


def _ask(lake: Path, master: str, asked: Sequence[str]) -> dict[str, Any]:
    words = [str(lake), master, *asked, str(_TIMES)]
    told = subprocess.run(
        [sys.executable, "-m", "teiten.bench._spark_ask", *words], capture_output=True, text=True, check=False,
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"},
    )  # fmt: skip
    if told.returncode:
        raise TeitenError(f"{master} does not answer: {told.stderr.strip().splitlines()[-1] if told.stderr else 'no word'}")
    found: dict[str, Any] = json.loads(told.stdout.strip().splitlines()[-1])
    return found
