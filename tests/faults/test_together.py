"""Two writers and many readers at once, real processes all: both writers complete, and every answer is a state of the lake.

A lake's states: each log whole or not there at all; and, once somebody was forgotten, all logs without that somebody.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from _logs import daily, numbers

from teiten.lake import Lake, check

HERE = Path(__file__).parent
TEITEN = [sys.executable, "-m", "teiten"]
ENV = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
HOSTS = 250

pytestmark = pytest.mark.faults


def teiten(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*TEITEN, *words], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def done(run: subprocess.Popen[str]) -> str:
    _, said = run.communicate(timeout=600)
    assert run.returncode == 0, said
    return said


def together(folder: Path, readers: int, logs: int, lines: int) -> tuple[int, Counter[int]]:
    """Everything at once; how many answers were given, and how often each number of logs was seen."""
    made = daily(folder, logs, lines)
    lake, stop = str(folder / "lake"), folder / "stop"
    Lake.create(lake, "UTC")
    asking = []
    for n in range(readers):
        with (folder / f"answers{n}").open("w") as out:
            command = [sys.executable, str(HERE / "_reader.py"), lake, str(stop)]
            asking.append(subprocess.Popen(command, env=ENV, stdout=out, stderr=subprocess.PIPE, text=True))
    try:
        halves = [[str(log) for log in made[n::2]] for n in range(2)]
        writers = [teiten("ingest", "--lake", lake, "--tz", "UTC", "--no-verdicts", *half) for half in halves]
        for writer in writers:
            done(writer)
        assert numbers(Lake.open(lake)) == Counter(range(logs * lines))
        done(teiten("lake", "compact", "--lake", lake, "--hours", "0"))
        done(teiten("forget", "203.0.113.7", "--lake", lake, "--yes"))
        done(teiten("lake", "compact", "--lake", lake, "--hours", "0"))
        done(teiten("lake", "vacuum", "--lake", lake, "--hours", "0"))
    finally:
        stop.touch()
        for one in asking:
            done(one)
    assert check.look(Path(lake)) == []
    return judged([folder / f"answers{n}" for n in range(readers)], logs, lines)


def judged(files: list[Path], logs: int, lines: int) -> tuple[int, Counter[int]]:
    gone = [sum((log * lines + n) % HOSTS == 7 for n in range(lines)) for log in range(logs)]
    left = {lines - count for count in gone}
    seen: Counter[int] = Counter()
    for file in files:
        for line in file.read_text().splitlines():
            rows = json.loads(line)
            assert isinstance(rows, list), f"an error: {rows}"
            whole = all(row["n"] == lines == row["d"] for row in rows)
            forgotten = len(rows) == logs and all(row["n"] == row["d"] and row["n"] in left for row in rows)
            assert whole or forgotten, f"no state of the lake: {rows}"
            seen[len(rows)] += 1
    return sum(seen.values()), seen


@pytest.mark.full
def test_two_writers_and_two_readers(tmp_path: Path) -> None:
    answers, seen = together(tmp_path, 2, 6, 300)
    assert answers > 5 and seen[6] > 1


@pytest.mark.full
@pytest.mark.timeout(3000)
def test_two_writers_and_eight_readers(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    total, states = 0, 0
    for round_ in range(3):
        (tmp_path / str(round_)).mkdir()
        answers, seen = together(tmp_path / str(round_), 8, 24, 400)
        total, states = total + answers, max(states, len(seen))
        shutil.rmtree(tmp_path / str(round_))
    figure(
        22,
        f"two writers at once and eight readers, through ingest, compact, forget, vacuum --hours 0, three times: "
        f"{total:,} answers, each a true state of the lake, no error; both writers completed",
    )
    assert states > 3
