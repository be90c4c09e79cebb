"""Whether a station lives: by what it last said, whatever stands in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from teiten.station import standing


@pytest.mark.parametrize(
    ("age", "ended", "runs"), [(3, False, True), (31, False, False), (3, True, False), (-3, False, True), (-3600, False, False)]
)
def test_it_lives_as_long_as_it_says_something(age: float, ended: bool, runs: bool, tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text(json.dumps({"at": 1000.0, "ended": ended, "inputs": {"a": {}}, "tasks": 3}))
    found = standing.read(tmp_path, 1000 + age)
    assert found is not None and found.runs == runs
    assert found.part("inputs") == {"a": {}} and found.part("tasks") == {} == found.part("nothing")


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null", "{}", '{"at": null}', '{"at": []}'])
def test_nothing_that_can_be_read_is_nothing(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "status.json").write_text(text)
    assert standing.read(tmp_path) is None
