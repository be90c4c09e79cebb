"""A month's report over a million events, a quarter's over several millions, and a ranking at the terminal."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from teiten.bench import _lines, _quarter, scale
from teiten.bench._process import middle, run, teiten
from teiten.bench.ingest import ingest

NAME: Final = "report"
HELP: Final = "a month's report and a ranking over a million events; a quarter's over 1 and 5 million"
GOALS: Final = {
    "month_s": ("<=", 15.0),
    "quarter_5m_s": ("<=", 12.0),
    "quarter_50m_s": ("<=", 60.0),
    "quarter_50m_counted_s": ("<=", 15.0),
    "quarter_50m_month_counted_s": ("<=", 10.0),
    "quarter_50m_memory_mib": ("<", 2048.0),
    "quarter_growth": ("<=", 1.0),
}


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Seconds of whole processes."""
    lines = 100_000 if quick else 1_000_000
    lake, out = work / "lake-report", work / "report"
    shutil.rmtree(lake, ignore_errors=True)
    run(ingest(_lines.made(work, lines), lake))
    common = ["--lake", str(lake), "--tz", "Asia/Tokyo"]
    figures = {"events": float(lines)}
    for name, words in {
        "month": ["report", "monthly", "2026-06", "--lang", "en", *common],
        "month_ja": ["report", "monthly", "2026-06", "--lang", "ja", *common],
        "day": ["report", "daily", "2026-06-15", "--lang", "en", *common],
    }.items():
        runs = []
        for _ in range(1 if quick else 3):
            shutil.rmtree(out, ignore_errors=True)
            runs.append(run(teiten(*words, "--out", str(out))))
        figures[f"{name}_s"], figures[f"{name}_memory_mib"] = middle(runs).seconds, middle(runs).memory
    window = ["--from", "2026-06-01", "--to", "2026-07-01"]
    for what in ("ports", "countries", "sources"):
        figures[f"top_{what}_s"] = middle([run(teiten("top", what, *window, *common)) for _ in range(3)]).seconds
    shutil.rmtree(lake, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    usual = (50_000,) if quick else (1_000_000, 5_000_000)
    return figures | _quarter.figures(work, scale.sizes(quick) if os.environ.get("TEITEN_BENCH_SIZES") else usual)
