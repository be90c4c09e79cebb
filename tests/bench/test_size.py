"""The installation's weight: every dependency counted once, the goal kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

from teiten.bench import size


def test_the_closure_holds_what_we_depend_on_and_no_tool_of_development() -> None:
    found = set(size.closure())
    assert {
        "teiten",
        "numpy",
        "numba",
        "llvmlite",
        "polars",
        "deltalake",
        "duckdb",
        "nanoarrow",
        "resvg-py",
        "pillow",
        "tzdata",
    } <= found
    assert not {"pytest", "mypy", "ruff", "pyarrow", "pandas"} & found


def test_a_weight_is_that_of_the_files_on_disk(tmp_path: Path) -> None:
    import numpy

    folder = Path(numpy.__file__).parent
    du = subprocess.run(
        ["du", "-sk", str(folder), str(folder.parent / "numpy.libs")], capture_output=True, text=True, check=False
    )
    said = sum(int(line.split()[0]) for line in du.stdout.splitlines()) / 1024
    assert abs(size.weight("numpy") - said) < 0.1 * said


def test_the_goal_is_kept(tmp_path: Path) -> None:
    """Under 750 MB, each large part justified in docs/decisions."""
    figures = size.run_benchmark(tmp_path, quick=True)
    sign, bound = size.GOALS["total_mb"]
    assert sign == "<"
    assert figures["total_mb"] < bound
    assert sum(v for k, v in figures.items() if k != "total_mb") > 0.95 * figures["total_mb"]
