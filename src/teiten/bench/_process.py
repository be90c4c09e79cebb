"""Runs a command as a person would, and says how long it took and how much memory it held at most.

Nothing heavy may be imported here: the memory that Linux reports for a child begins with that of its parent.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from teiten import __version__
from teiten.errors import TeitenError


@dataclass(frozen=True, slots=True)
class Took:
    """One run. `seconds` on the clock, `processor` seconds of all its threads, `memory` in MiB (the most at one time)."""

    seconds: float
    processor: float
    memory: float


def teiten(*words: str) -> list[str]:
    """The command line of this same installation."""
    return [sys.executable, "-m", "teiten", *words]


def run(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, out: Path | None = None, cwd: Path | None = None
) -> Took:
    """Runs it once, its output thrown away (or written to `out`). TeitenError, with its last words, where it fails."""
    with tempfile.TemporaryFile() as errors, (out or Path(os.devnull)).open("wb") as sink:
        began = time.perf_counter()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=errors, env={**os.environ, **(env or {})}, cwd=cwd
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            errors.seek(0)
            words = errors.read().decode(errors="replace").strip().splitlines()
            raise TeitenError(f"{command[0]} ended with {child.returncode}: {words[-1] if words else 'without a word'}")
    memory = usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return Took(seconds, usage.ru_utime + usage.ru_stime, memory)


def run_apart(command: Sequence[str]) -> Took:
    """The same out of a small process of its own, for a bench that holds much itself: its memory would be the least told."""
    code = "import json, sys; from teiten.bench import _process as p; t = p.run(json.load(sys.stdin))"
    code += "; print(json.dumps([t.seconds, t.processor, t.memory]))"
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(list(command)), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        raise TeitenError(words[-1] if words else f"{command[0]} ended without a word")
    return Took(*json.loads(done.stdout))


def middle(runs: Sequence[Took]) -> Took:
    """The median of the times; the largest memory."""
    return Took(
        statistics.median(r.seconds for r in runs),
        statistics.median(r.processor for r in runs),
        max(r.memory for r in runs),
    )


def machine() -> dict[str, str | int | float]:
    """What the figures were taken on."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0.0
    return {
        "processor": processor,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "teiten": __version__,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
    }
