"""A full disk only pauses: what was stored is whole, and the intake goes on when there is room; nothing is left behind."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _logs import daily, numbers

from teiten.errors import LakeError
from teiten.intake import ingest
from teiten.lake import Lake, _delta
from teiten.settings import Settings

DAYS, LINES = 4, 150
SIZE = 1 << 20

pytestmark = [pytest.mark.faults, pytest.mark.root]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    disk = tmp_path / "small"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "teiten", str(disk)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path, free: int) -> Path:
    """A file that leaves so many bytes (whole pages of them)."""
    other = disk / "other"
    room = subprocess.run(["stat", "-f", "-c", "%a %S", str(disk)], capture_output=True, text=True, check=True).stdout.split()
    with other.open("wb") as file:
        file.write(bytes(max(0, int(room[0]) * int(room[1]) - free)))
    return other


def campaign(disk: Path, logs: list[Path], points: int, seed: int) -> tuple[int, float]:
    """Fills the disk, stores until it is full, makes room, stores the rest: that often.

    How often it really was full, and the most seconds from the room to the last line stored.
    """
    chance, full, longest = random.Random(seed), 0, 0.0
    wanted = Counter(range(DAYS * LINES))
    for _ in range(points):
        lake = Lake.create(disk / "lake", "UTC")
        other = fill(disk, chance.randrange(0, 160) << 10)
        try:
            done = ingest(lake, [str(log) for log in logs], Settings("UTC", "flag"))
            assert not done.failed
        except LakeError as error:
            full += 1
            assert "could not be written" in error.message and "Make room" in str(error.hint)
        found = numbers(Lake.open(disk / "lake"))
        assert max(found.values(), default=1) == 1 and len(found) % LINES == 0
        other.unlink()
        begun = time.monotonic()
        done = ingest(Lake.open(disk / "lake"), [str(log) for log in logs], Settings("UTC", "flag"))
        longest = max(longest, time.monotonic() - begun)
        assert not done.failed
        lake = Lake.open(disk / "lake")
        assert numbers(lake) == wanted
        for table in ("events", "batches"):
            live = {file.name for file in _delta.Table(disk / "lake" / table).files()}
            assert {file.name for file in (disk / "lake" / table).glob("*.parquet")} == live, "files of nobody were left"
        subprocess.run(["rm", "-r", str(disk / "lake")], check=True)
    return full, longest


@pytest.mark.full
def test_a_few_fill_points(small: Path, tmp_path: Path) -> None:
    assert campaign(small, daily(tmp_path, DAYS, LINES), 6, 1)[0] >= 2


@pytest.mark.full
@pytest.mark.timeout(3000)
def test_five_hundred_fill_points(small: Path, tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    full, longest = campaign(small, daily(tmp_path, DAYS, LINES), 500, 2)
    figure(
        3,
        f"500 fill points, the disk full before the end at {full}: nothing lost, nothing twice, no file left that is nobody's, "
        f"all stored within {longest:.1f} s of room being made",
    )
    assert full >= 100 and longest < 10
