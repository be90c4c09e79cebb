"""Cases as files: x.log beside x.expected.jsonl, what every line of it comes to.

TEITEN_ACCEPT=1 pytest tests/readers/netfilter/test_cases.py writes the expected files anew: read the diff.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.readers.reading import outcome_rows

CASES = Path(__file__).parent / "cases"
LOGS = sorted(CASES.glob("*.log"))


def options(log: Path) -> dict[str, Any]:
    beside = log.with_suffix(".options.json")
    return json.loads(beside.read_text()) if beside.exists() else {}


@pytest.mark.parametrize("log", LOGS, ids=lambda p: p.stem)
def test_case(log: Path) -> None:
    found = outcome_rows(log, **options(log))
    expected = log.with_suffix(".expected.jsonl")
    if os.environ.get("TEITEN_ACCEPT"):
        expected.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found), encoding="utf-8")
    assert found == [json.loads(line) for line in expected.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("form", ["plain", pytest.param("checked", marks=pytest.mark.full)])
def test_other_forms_of_the_kernel_agree(form: str, tmp_path: Path) -> None:
    """As plain Python (no compiler), and compiled with every access checked: the same rows on every case."""
    setting = {"plain": {"NUMBA_DISABLE_JIT": "1"}, "checked": {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}}
    code = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    run = subprocess.run(
        [sys.executable, "-c", code, "-q", "-p", "no:cacheprovider", f"{Path(__file__)}::test_case"],
        env={**os.environ, **setting[form]}, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-4000:]
