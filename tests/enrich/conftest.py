"""The user's own data set folder is an empty one of the test's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from teiten.enrich import datasets


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TEITEN_DATA", str(tmp_path / "own"))
    datasets.forget()
    yield tmp_path / "own" / "geo"
    datasets.forget()
