"""One commit a minute for a month: whether questions, opening and the number of files stay as they were on the first day."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Final

from teiten.bench._process import run

NAME: Final = "minutes"
HELP: Final = "30 simulated days of one commit a minute (43,200): query time, files, and the cost of a commit, day by day"
GOALS: Final = {
    "day_query_growth": ("<=", 1.3),
    "all_query_growth": ("<=", 1.6),
    "files_growth": ("<=", 1.3),
    "commit_growth": ("<=", 1.3),
    "ingest_growth": ("<=", 1.5),
    "live_files_most": ("<=", 400.0),
    "files_on_disk_most": ("<=", 1000.0),
}


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """The medians of the first and last seven days (quick: the first and last of three), and the last over the first.

    Processor milliseconds, least of several; files are counted when they are most, before each hundredth commit. The clock is
    simulated: a replaced file goes away an hour of that clock later.
    """
    work.mkdir(parents=True, exist_ok=True)
    out, lake = work / "minutes.json", work / "minutes-lake"
    shutil.rmtree(lake, ignore_errors=True)
    days = 3 if quick else 30
    whole = run([sys.executable, "-m", "teiten.bench._minutes", str(lake), str(days), str(out)])
    figures: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))
    shutil.rmtree(lake, ignore_errors=True)
    return figures | {"memory_mib": whole.memory, "processor_s": whole.processor}
