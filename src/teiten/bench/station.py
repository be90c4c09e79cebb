"""A live station under load: syslog over UDP, TCP and TLS into a lake that is being asked, and killed; beside rsyslog."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Final

from teiten.bench._process import run

NAME: Final = "station"
HELP: Final = "syslog into a live lake: rates, losses, processor, memory, latency, kills; beside rsyslog writing files"
GOALS: Final = {
    "udp_rate": (">=", 19_900.0),
    "udp_lost": ("<=", 0.0),
    "tcp_rate": (">=", 50_000.0),
    "tcp_lost": ("<=", 0.0),
    "tls_rate": (">=", 50_000.0),
    "tls_lost": ("<=", 0.0),
    "stall_lost": ("<=", 0.0),
    "latency_median_s": ("<=", 10.0),
    "latency_worst_s": ("<=", 60.0),
    "rows_differ": ("<=", 0.0),
    "kills_doubled": ("<=", 0.0),
}


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Rates are lines a second; `lost` counts lines that were sent and are not in the spool; processor is per cent of one core
    while lines came (receivers, and the maker that stores them in the lake); memory MiB; latency from a line's sending to the
    answer of a question that counts it; `rows_differ`: lines written down less events in the lake. 10 minutes of UDP, one
    each of TCP and TLS, 50 kills (quick: seconds, and 5).
    """
    work.mkdir(parents=True, exist_ok=True)
    folder, out = work / "station", work / "station.json"
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "teiten.bench._station_run", str(folder), "quick" if quick else "whole", str(out)])
    figures: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))
    shutil.rmtree(folder, ignore_errors=True)
    return figures
