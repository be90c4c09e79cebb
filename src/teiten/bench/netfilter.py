"""Reading a netfilter log: `decode` to Parquet beside Polars, fwlogwatch, grep and mawk on the same lines."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from teiten.bench import _lines
from teiten.bench._process import Took, middle, run, teiten

NAME: Final = "netfilter"
HELP: Final = "decode to Parquet beside Polars, fwlogwatch, grep and mawk"
GOALS: Final = {"times_polars": (">=", 4.0), "times_fwlogwatch": (">=", 100.0), "decode_memory_mib": ("<", 512.0)}

SLICE: Final = 100_000
"""lines for fwlogwatch, whose time grows faster than the lines: a longer log would make it look worse"""


def decode(log: Path, out: Path) -> list[str]:
    """The command that decodes the benchmarks' log to Parquet."""
    return teiten(
        "decode", "--tz", "Asia/Tokyo", "--year", str(_lines.YEAR), "--output", "parquet", "--out", str(out), str(log)
    )


def beside(commands: dict[str, list[str]], times: int, out: Path) -> dict[str, Took]:
    """Each command that many times, turn by turn, so that a noisy minute falls on all of them.

    What they print goes to the file `out`: grep, for one, stops at its first hit when it prints to /dev/null.
    """
    runs: dict[str, list[Took]] = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            runs[name].append(run(command, out=out))
    return {name: middle(found) for name, found in runs.items()}


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Lines a second of each, and the ratios."""
    lines = 300_000 if quick else 3_000_000
    log = _lines.made(work, lines)
    run(decode(_lines.made(work, 1_000), work / "warm.parquet"))  # the one-time compilation has a benchmark of its own
    commands = {
        "cat": ["cat", str(log)],
        "decode": decode(log, work / "decode.parquet"),
        "polars": [sys.executable, "-m", "teiten.bench._polars", str(log), str(work / "polars.parquet")],
    }
    if shutil.which("grep"):
        commands["grep"] = ["grep", "-c", "-F", "DPT=23 ", str(log)]
    if shutil.which("mawk"):
        program = "match($0, / DPT=[0-9]+/) { n[substr($0, RSTART + 5, RLENGTH - 5)]++ } END { for (p in n) print n[p], p }"
        commands["mawk"] = ["mawk", program, str(log)]
    took = beside(commands, 1 if quick else 3, work / "stdout")
    figures = {"lines": float(lines), "megabytes": log.stat().st_size / 1e6}
    figures |= {f"{name}_lines_per_s": lines / one.seconds for name, one in took.items()}
    figures |= {f"{name}_memory_mib": took[name].memory for name in ("decode", "polars")}
    figures["times_polars"] = took["polars"].seconds / took["decode"].seconds
    if shutil.which("fwlogwatch"):
        part = _lines.made(work, SLICE)
        one = run(["fwlogwatch", "-o", str(work / "fwlogwatch.txt"), str(part)])
        figures["fwlogwatch_lines_per_s"] = SLICE / one.seconds
        figures["times_fwlogwatch"] = figures["decode_lines_per_s"] / figures["fwlogwatch_lines_per_s"]
    return figures
