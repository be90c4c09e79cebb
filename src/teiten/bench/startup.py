"""Starting: `teiten --help`, one line decoded warm, and the one-time compilation of the readers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from teiten.bench import _lines
from teiten.bench._process import middle, run, teiten
from teiten.bench.netfilter import decode

NAME: Final = "startup"
HELP: Final = "--help, a first line, and the one-time compilation"
GOALS: Final = {"help_s": ("<=", 0.2), "compilation_s": ("<", 15.0)}


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Seconds of whole processes; `compilation_s` is a run with an empty cache less a warm one."""
    few = _lines.made(work, 1_000)
    out = work / "startup.parquet"
    times = 3 if quick else 9
    run(teiten("--help"))
    figures = {"help_s": middle([run(teiten("--help")) for _ in range(times)]).seconds}
    run(decode(few, out))
    warm = middle([run(decode(few, out)) for _ in range(times)])
    figures["first_lines_s"] = warm.seconds
    cold = []
    for _ in range(1 if quick else 3):
        with tempfile.TemporaryDirectory(dir=work) as cache:
            cold.append(run(decode(few, out), env={"NUMBA_CACHE_DIR": cache}))
    figures["compilation_s"] = middle(cold).seconds - warm.seconds
    figures["compilation_processor_s"] = middle(cold).processor - warm.processor
    return figures
