"""Reading every format: `decode` to Parquet beside Polars with an expression made for that line; FlowTuples beside fastavro.

Each format's log at one size and ten times it, two of them and FlowTuples at a hundred times: seconds and memory of whole
processes, so that it shows whether the cost grows faster than the work.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Final

from teiten.bench import _forms, _lines
from teiten.bench._process import Took, run, teiten

NAME: Final = "formats"
HELP: Final = "every format of text beside Polars, FlowTuples beside fastavro: lines a second, memory, at 1, 10 and 100 times"
GOALS: Final = {
    "least_lines_per_s": (">=", 10_000.0),
    "most_slope": ("<=", 1.1),
    "most_memory_mib": ("<", 512.0),
    "times_fastavro": (">=", 3.0),
}
LARGE: Final = ("nfdump", "zeek_conn")
"""measured at a hundred times as well"""
FLOWS: Final = 100_000


def decode(path: Path, out: Path, name: str) -> list[str]:
    """The command that reads a log of that format to Parquet."""
    words = ["decode", "--format", name, "--tz", "UTC", "--year", "2026", "--output", "parquet", "--out", str(out), str(path)]
    return teiten(*words)


def tuples(work: Path, times: int) -> Path:
    """A FlowTuple file of so many times FLOWS records."""
    path = work / f"flowtuple-{times}.avro"
    if not path.exists():
        run([sys.executable, "-m", "teiten.bench._tuples", str(FLOWS), str(times), str(path)])
    return path


def _peer(name: str, path: Path, work: Path) -> list[str]:
    return [sys.executable, "-m", "teiten.bench._forms_peer", name, str(path), str(work / "peer.parquet")]


def _slope(small: Took, large: Took, times: int) -> float:
    return large.seconds / small.seconds / times


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Lines a second of each format and of its peer, memory, and how the time grows."""
    lines, out = (2_000 if quick else 10_000), work / "formats.parquet"
    figures = {"lines": 10.0 * lines}
    for name in ("netfilter", *_forms.LINES):
        own = _lines.made if name == "netfilter" else lambda work, n, name=name: _forms.made(work, name, n)
        run(decode(own(work, 100), out, name))  # the one-time compilation has a benchmark of its own
        sizes = (1, 10, 100) if name in LARGE and not quick else (1, 10)
        took = {times: run(decode(own(work, times * lines), out, name)) for times in sizes}
        most = sizes[-1]
        figures[f"{name}_lines_per_s"] = most * lines / took[most].seconds
        figures[f"{name}_memory_mib"] = took[most].memory
        figures[f"{name}_slope"] = max(_slope(took[1], took[times], times) for times in sizes[1:])
        if name in _forms.LINES:
            peer = run(_peer(name, own(work, 10 * lines), work))
            figures[f"{name}_polars_lines_per_s"] = 10 * lines / peer.seconds
            figures[f"{name}_polars_memory_mib"] = peer.memory
            # start-up is in both: the difference is the lines' alone
            figures[f"{name}_alone_lines_per_s"] = 9 * lines / max(1e-9, took[10].processor - took[1].processor)
    if importlib.util.find_spec("fastavro") is None:
        print("teiten bench: fastavro (teiten[research]) is not installed here; FlowTuples are left out.", file=sys.stderr)
    else:
        figures |= _tuples(work, (1, 10) if quick else (1, 10, 100))
    figures["least_lines_per_s"] = min(v for k, v in figures.items() if k.endswith("_alone_lines_per_s"))
    figures["most_slope"] = max(v for k, v in figures.items() if k.endswith("_slope"))
    figures["most_memory_mib"] = max(v for k, v in figures.items() if k.endswith("_memory_mib") and "_polars_" not in k)
    return figures


def _tuples(work: Path, sizes: tuple[int, ...]) -> dict[str, float]:
    out = work / "formats.parquet"
    run(decode(tuples(work, 1), out, "flowtuple"))
    took = {times: run(decode(tuples(work, times), out, "flowtuple")) for times in sizes}
    peer = {times: run(_peer("flowtuple", tuples(work, times), work)) for times in (1, 10)}
    for times in sizes[1:]:
        tuples(work, times).unlink()
    most = sizes[-1]
    return {
        "flowtuple_records_per_s": most * FLOWS / took[most].seconds,
        "flowtuple_memory_mib": took[most].memory,
        "flowtuple_slope": max(_slope(took[1], took[times], times) for times in sizes[1:]),
        "flowtuple_alone_records_per_s": 9 * FLOWS / max(1e-9, took[10].processor - took[1].processor),
        "fastavro_records_per_s": 10 * FLOWS / peer[10].seconds,
        "fastavro_alone_records_per_s": 9 * FLOWS / max(1e-9, peer[10].processor - peer[1].processor),
        "fastavro_memory_mib": peer[10].memory,
        "times_fastavro": (peer[10].processor - peer[1].processor) / max(1e-9, took[10].processor - took[1].processor),
    }


def table(figures: dict[str, float]) -> str:
    """A row a format."""
    rows = [f"{'format':18}{'lines/s':>12}{'alone':>12}{'Polars':>12}{'MiB':>8}{'slope':>8}"]
    for name in ("netfilter", *_forms.LINES):
        told = [
            figures.get(f"{name}_{what}", float("nan")) for what in ("lines_per_s", "alone_lines_per_s", "polars_lines_per_s")
        ]
        rest = figures[f"{name}_memory_mib"], figures[f"{name}_slope"]
        rows.append(f"{name:18}" + "".join(f"{one:12,.0f}" for one in told) + f"{rest[0]:8.0f}{rest[1]:8.2f}")
    for name, value in figures.items():
        if "flowtuple" in name or "fastavro" in name or name.startswith(("least", "most")):
            rows.append(f"{name:36}{value:14,.2f}")
    return "\n".join(rows)
