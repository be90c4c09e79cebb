"""`teiten bench`: every benchmark keeps its contract; the JSON is the contract's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from teiten import bench
from teiten.cli import main


@pytest.mark.parametrize("module", bench.benchmarks().values(), ids=lambda m: m.NAME)
def test_a_benchmark_keeps_its_contract(module: ModuleType) -> None:
    assert module.__name__ == f"teiten.bench.{module.NAME}"
    assert module.HELP and module.HELP[0].lower() == module.HELP[0]
    assert all(sign in ("<", "<=", ">=") and bound >= 0 for sign, bound in module.GOALS.values())
    assert callable(module.run_benchmark)


def test_json_is_one_object_of_figures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["bench", "size", "--quick", "--output", "json", "--work", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"bench", "figures", "machine"}
    assert told["bench"] == "size"
    assert all(isinstance(v, int | float) for v in told["figures"].values())
    assert told["figures"]["total_mb"] > 100


def test_an_unknown_benchmark_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "nothing"]) == 2
    assert f"There are: all, {', '.join(bench.names())}." in capsys.readouterr().err


def test_the_measuring_process_is_light() -> None:
    """The memory that Linux reports for a child begins with its parent's: that must stay small."""
    code = (
        "import sys; from teiten import bench; bench.benchmarks(); print(sorted({'polars','numpy','numba'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.full
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", ["netfilter", "ingest", "packets", "report", "startup"])
def test_a_quick_run_gives_every_figure_that_has_a_goal(name: str, tmp_path: Path) -> None:
    module = bench.benchmarks()[name]
    figures = module.run_benchmark(tmp_path, True)
    missing = set(module.GOALS) - set(figures)
    # a peer may not be installed; the largest inputs, and growth towards them, are not for a quick run
    assert all(re.search(r"^times_|_100|_\d+m_|_growth$", figure) for figure in missing), missing
    assert all(value >= 0 or key == "start_up_s" for key, value in figures.items())
