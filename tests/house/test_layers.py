"""Nobody imports upwards, no part imports a part of its own kind, and the start of the program is light."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
KINDS = (
    "teiten.cli",
    "teiten.readers",
    "teiten.report.sections",
    "teiten.simulate.scenarios",
    "teiten.lake.migrations",
    "teiten.doctor",
    "teiten.alerts.channels",
)
"""packages whose modules are parts: found by being there, and strangers to each other"""
HEAVY = {"numpy", "polars", "numba", "llvmlite", "duckdb", "deltalake", "nanoarrow", "resvg_py", "arro3", "PIL", "dns"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("teiten", cache_dir=None)


def test_layers_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_imports_no_part_of_its_own_kind(graph: grimp.ImportGraph, kind: str) -> None:
    if kind not in graph.modules:
        pytest.skip(f"there is no {kind}")
    parts = sorted(m for m in graph.find_children(kind) if not m.rpartition(".")[2].startswith("_"))
    crossings = []
    for part in parts:
        for module in {part, *graph.find_descendants(part)}:
            for imported in graph.find_modules_directly_imported_by(module):
                other = next((p for p in parts if p != part and (imported == p or imported.startswith(f"{p}."))), None)
                if other:
                    crossings.append(f"{module} imports {imported}")
    assert not crossings, crossings


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["decode", "--help"], ["report", "--help"], ["top", "--help"]])
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        "heavy = set(sys.argv[1].split(','))\n"
        "atexit.register(lambda: print('HEAVY', sorted({m.partition('.')[0] for m in sys.modules} & heavy)))\n"
        "from teiten.cli import main\n"
        "main(sys.argv[2:])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, ",".join(HEAVY), *argv], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "HEAVY []"


@pytest.mark.parametrize(
    "library",
    [
        "numba",
        "deltalake",
        "duckdb",
        "resvg_py",
        "nanoarrow",
        "PIL",
        "dns",
        "apprise",
        "starlette",
        "uvicorn",
        "jinja2",
        "argon2",
    ],
    ids=lambda library: f"one importer of {library}",
)
def test_heavy_libraries_have_one_importing_part(library: str) -> None:
    """A heavy library is one part's affair: the rest of the program speaks with that part."""
    allowed = {
        "numba": {"readers", "enrich", "lake"},
        "deltalake": {"lake"},
        "duckdb": {"engine", "bench"},  # as a peer on files of its own, too
        "resvg_py": {"report"},
        "nanoarrow": {"readers", "engine"},
        "PIL": {"report"},
        "dns": {"classify"},
        "apprise": {"alerts"},
        "starlette": {"web"},
        "uvicorn": {"web"},
        "jinja2": {"web"},
        "argon2": {"web"},
    }[library]
    found = grimp.build_graph("teiten", include_external_packages=True, cache_dir=None)
    if library not in found.modules:
        pytest.skip(f"nothing imports {library}")
    importers = {m.split(".")[1] for m in found.find_modules_that_directly_import(library)}
    assert importers <= allowed, importers - allowed


def test_help_is_quick() -> None:
    """The contract's figure is 0.2 s on a quiet machine; here only that nobody has made it slow by a mile."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    before = os.times()
    subprocess.run([sys.executable, "-m", "teiten", "--help"], env=env, check=True, capture_output=True, timeout=60)
    after = os.times()
    used = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    assert used < 0.6, f"{used:.2f} s of processor time for --help"
