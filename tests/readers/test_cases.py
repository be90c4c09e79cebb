"""Cases as files for every reader of lines: FORMAT/cases/x.log beside x.expected.jsonl, what every line of it comes to.

A new format needs no code here. TEITEN_ACCEPT=1 pytest FILE writes the expected ones anew: read the diff.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.readers import oracle
from tests.readers.reading import outcome_rows

from teiten import readers

HERE = Path(__file__).parent
LOGS = [log for log in sorted(HERE.glob("*/cases/*.log")) if log.parent.parent.name != "netfilter"]
"""(netfilter has tests of its own)"""


def name(log: Path) -> str:
    return f"{log.parent.parent.name} {log.stem}"


@pytest.mark.parametrize("log", LOGS, ids=name)
def test_case(log: Path) -> None:
    beside = log.with_suffix(".options.json")
    given: dict[str, Any] = json.loads(beside.read_text()) if beside.exists() else {}
    found = outcome_rows(log, fmt=log.parent.parent.name, **given)
    expected = log.with_suffix(".expected.jsonl")
    if os.environ.get("TEITEN_ACCEPT"):
        expected.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found), encoding="utf-8")
    assert found == [json.loads(line) for line in expected.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("log", LOGS, ids=name)
def test_what_must_hold_for_any_bytes(log: Path) -> None:
    """The format is recognised; cut anywhere, read on from any line, the accounting holds."""
    data = log.read_bytes()
    wanted = log.parent.parent.name
    assert wanted == readers.pick(data[: 1 << 16]).NAME
    reader: Any = readers.module(wanted)
    said = oracle.look(reader, data, frame=True)
    assert said is not None and said.lines
    for part in range(12):
        # a line that is cut is another line: whole ones before it stay as they were
        oracle.cut(reader, data, said, said.lines[part * len(said.lines) // 12][0])
        oracle.read_on(reader, data, said, part * len(said.lines) // 12)


def test_every_reader_of_lines_has_cases() -> None:
    own = {log.parent.parent.name for log in HERE.glob("*/cases/*.log")}
    assert own == {one for one in readers.names() if readers.module(one).LINES}
