"""The power is cut at any moment: no acknowledged row is lost, the lake opens, and the next run makes it whole.

What the intake does to its files is recorded once, call by call; then the calls are replayed on disks that lose what was not
synced, up to a random moment, and the lake that is left is opened and filled up by the real program.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _disk as disk
import _trace as trace
import pytest
from _logs import daily, numbers

from teiten.errors import LakeError
from teiten.intake import ingest
from teiten.lake import Lake
from teiten.settings import Settings

HERE = Path(__file__).parent
LINES = 1200
pytestmark = [pytest.mark.faults, pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve daily logs of a hundred lines; a line's number is its sequence number."""
    return daily(tmp_path_factory.mktemp("logs"), 12, LINES // 12)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory, logs: list[Path]) -> list[Any]:
    lake = tmp_path_factory.mktemp("power") / "disk"
    lake.mkdir()
    if subprocess.run(["strace", "-o", "/dev/null", "true"], check=False, capture_output=True).returncode:
        pytest.skip("strace may not trace here")
    command = [sys.executable, str(HERE / "_intake.py"), str(lake / "lake"), *map(str, logs)]
    found: list[Any] = trace.record(command, lake)
    return found


@pytest.mark.full
def test_the_recording_is_whole(calls: list[Any], tmp_path: Path) -> None:
    """Without a cut the replayed files are the lake."""
    replayed = disk.Disk("any")
    for op in calls:
        replayed.apply(op)
    replayed.apply(trace.Synced("", all=True))
    replayed.after_a_cut(tmp_path / "disk", random.Random(1))
    lake = Lake.open(tmp_path / "disk" / "lake")
    assert numbers(lake) == Counter(range(LINES))
    kinds = Counter(type(op).__name__ for op in calls)
    assert kinds["Synced"] > 40 and kinds["Said"] == 13 and kinds["Moved"] + kinds["Linked"] > 5, kinds


def cut(calls: Sequence[Any], at: int, kind: str, seed: int, folder: Path) -> tuple[bool, int]:
    """The files after a cut before call `at`; whether the lake was said to be made, and the last batch said to be stored."""
    state = disk.Disk(kind)
    made, stored = False, 0
    for op in calls[:at]:
        state.apply(op)
        if isinstance(op, trace.Said):
            made = made or op.text == "made"
            if found := re.fullmatch(r"stored (\d+)", op.text):
                stored = int(found.group(1))
    state.after_a_cut(folder, random.Random(seed))
    return made, stored


def check(calls: Sequence[Any], logs: list[Path], at: int, kind: str, seed: int, folder: Path) -> None:
    where = f"cut before call {at} of {len(calls)} ({calls[at - 1]!r:.120}), a disk of kind {kind}, seed {seed}"
    made, stored = cut(calls, at, kind, seed, folder)
    try:
        lake = Lake.open(folder / "lake")
    except LakeError:
        assert not made, f"the lake does not open: {where}"
    else:
        found = numbers(lake)
        assert max(found.values(), default=1) == 1, f"rows twice: {where}"
        assert set(found) >= set(range(stored * LINES // 12)), f"acknowledged rows are lost: {where}"
        assert len(found) % (LINES // 12) == 0, f"half a batch: {where}"
    again = Lake.open_or_create(folder / "lake", "UTC")
    result = ingest(again, [str(log) for log in logs], Settings("UTC", "flag"), judge=False)
    assert not result.failed, f"{result.failed[0].error}: {where}"
    assert numbers(Lake.open(folder / "lake")) == Counter(range(LINES)), f"not whole after the next run: {where}"


def campaign(calls: Sequence[Any], logs: list[Path], count: int, seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    for n in range(count):
        kind = ("journal", "any")[n % 2]
        check(calls, logs, chance.randint(1, len(calls)), kind, chance.randrange(1 << 30), folder / f"cut{n}")
        shutil.rmtree(folder / f"cut{n}")


@pytest.mark.full
def test_a_few_cuts(calls: list[Any], logs: list[Path], tmp_path: Path) -> None:
    campaign(calls, logs, 6, 1, tmp_path)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_hundred_cuts(calls: list[Any], logs: list[Path], tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    campaign(calls, logs, 100, 2, tmp_path)
    figure(2, "100 power cuts, 50 on each kind of disk: no acknowledged row lost, none twice, the lake opened 100 of 100 times")
