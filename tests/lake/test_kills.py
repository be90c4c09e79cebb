"""kill -9 at any moment leaves all or nothing of a batch, and the next run completes it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def kills() -> ModuleType:
    spec = importlib.util.spec_from_file_location("teiten_kills", Path(__file__).with_name("_kills.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_dozen_kills(tmp_path: Path) -> None:
    assert sum(kills().campaign(tmp_path, 12, seed=3)) >= 12


@pytest.mark.full
@pytest.mark.faults
@pytest.mark.timeout(3000)
def test_two_hundred_kills(tmp_path: Path) -> None:
    done = kills().campaign(tmp_path, 200, seed=4)
    print(f"{sum(done)} kills over {len(done)} lakes, every count exact")
    assert sum(done) >= 200
