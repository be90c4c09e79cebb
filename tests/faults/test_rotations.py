"""Rotation is invisible: a log that is rotated again and again while it is written to, the station running or not."""

from __future__ import annotations

import gzip
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from teiten.station.spool import Spool

pytestmark = pytest.mark.faults

HERE = Path(__file__).parent
KEPT = 40
"""older parts that rotation keeps"""
CONFIG = """
[station]
spool = "spool"
sync = 0.02
[station.input.kern]
kind = "file"
path = "log/kern.log"
poll = 0.02
begin = "oldest"
"""


class Log:
    """A log that is written to by lines with numbers, and rotated as logrotate does it."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        path.parent.mkdir()
        self.path, self.chance = path, chance
        self.number = 0
        self.taken: set[int] = set()
        """numbers that copytruncate took"""
        self.handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.half = b""
        self.kind = self.rename

    def write(self, many: int) -> range:
        """So many lines; now and then half of the last one only, whose end comes first the next time."""
        before = self.number
        self.number += many
        data = self.half + b"".join(b"%d of the log's lines, at last\n" % n for n in range(before, self.number))
        cut = len(data) - (self.chance.randint(1, 20) if many and self.chance.random() < 0.2 else 0)
        self.half = data[cut:]
        os.write(self.handle, data[:cut])
        return range(before, self.number)

    def flush(self) -> None:
        os.write(self.handle, self.half)
        self.half = b""

    def _part(self, number: int, end: str = "") -> Path:
        return self.path.with_name(f"{self.path.name}.{number}{end}")

    def _shift(self) -> None:
        for number in range(KEPT, 0, -1):
            for end in ("", ".gz"):
                if self._part(number, end).exists():
                    if number == KEPT:
                        self._part(number, end).unlink()
                    else:
                        self._part(number, end).rename(self._part(number + 1, end))

    def rename(self) -> None:
        self._shift()
        self.path.rename(self._part(1))
        if self.chance.random() < 0.5:
            self.write(self.chance.randint(0, 3))  # the writer has not heard of it yet
        self.flush()
        fresh = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.close(self.handle)
        self.handle = fresh

    def copytruncate(self) -> None:
        self._shift()
        with self.path.open("rb") as source, self._part(1).open("wb") as copy:
            while piece := source.read(1000):
                copy.write(piece)
        if self.chance.random() < 0.3:
            self.flush()  # so that what is taken are whole lines
            with self.path.open("rb") as source, self._part(1).open("wb") as copy:
                copy.write(source.read())
            time.sleep(0.01)
            self.taken.update(self.write(self.chance.randint(1, 3)))
            self.flush()
        os.truncate(self.path, 0)

    def compress(self) -> None:
        self.rename()
        info = self._part(1).stat()
        with gzip.open(self._part(1, ".gz"), "wb") as packed:
            packed.write(self._part(1).read_bytes())
        os.utime(self._part(1, ".gz"), ns=(info.st_atime_ns, info.st_mtime_ns))
        self._part(1).unlink()

    def rotate(self) -> None:
        self.kind()


class Station:
    """The process that follows it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "teiten.toml").write_text(CONFIG)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, str(HERE / "_watcher.py"), str(self.folder / "teiten.toml")]
        with (self.folder / "said").open("ab") as said:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.communicate(timeout=60)

    def lines(self) -> list[bytes]:
        spool, out = Spool(self.folder / "spool"), b""
        for about in spool.streams():
            for segment in spool.segments(about.id):
                assert segment.path is not None
                out += segment.path.read_bytes()[: segment.end]
        return out.splitlines(keepends=True)

    def lost(self) -> int:
        spool = Spool(self.folder / "spool")
        return sum(
            record.counts.get("lost_estimated", 0)
            for about in spool.streams()
            for segment in spool.segments(about.id)
            for record in segment.records
        )


def rotated(folder: Path, rotations: int, stops: int, seed: int) -> tuple[int, int, int]:
    """So many rotations, of which a fifth happens while the station is stopped: lines, taken by copytruncate, estimated."""
    chance = random.Random(seed)
    log, station = Log(folder / "log" / "kern.log", chance), Station(folder)
    station.start()
    done, stopped = 0, set(chance.sample(range(rotations), stops))
    while done < rotations:
        log.write(chance.randint(0, 30))
        if done in stopped:
            station.end(chance.choice((signal.SIGKILL, signal.SIGTERM)))
            for _ in range(min(chance.randint(1, 3), rotations - done)):
                log.write(chance.randint(0, 30))
                log.rotate()
                done += 1
                stopped.discard(done)
            log.write(chance.randint(0, 30))
            station.start()
        else:
            time.sleep(chance.random() * 0.05)
            if done % 10 == 0:
                time.sleep(0.3)  # nobody changes the kind of rotation in the middle of one
                log.kind = chance.choice((log.rename, log.copytruncate, log.compress))
            log.rotate()
            done += 1
    log.write(5)
    log.flush()
    deadline = time.monotonic() + 60
    wanted = Counter(n for n in range(log.number) if n not in log.taken)
    found: Counter[int] = Counter()
    while found != wanted and time.monotonic() < deadline:
        time.sleep(0.5)
        lines = station.lines()
        found = Counter(int(match[1]) for one in lines if (match := re.fullmatch(rb"(\d+) of the log's lines, at last\n", one)))
        assert not found or max(found.values()) == 1, [n for n, many in found.items() if many > 1][:20]
    station.end(signal.SIGTERM)
    strange = [one for one in station.lines() if not re.fullmatch(rb"\d+ of the log's lines, at last\n", one)]
    missing, more = sorted(wanted - found), sorted(found - wanted)
    assert (missing[:10], more[:10], strange[:10]) == ([], [], []), (folder, len(missing), len(more))
    return log.number, len(log.taken), station.lost()


def test_a_few_rotations(tmp_path: Path) -> None:
    rotated(tmp_path, 60, 8, 1)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_thousand_rotations(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    lines, taken, estimated = rotated(tmp_path, 1_000, 100, 2)
    figure(
        6,
        f"1,000 rotations (rename, copytruncate, compressed) of a log of {lines:,} lines, a fifth while the station was "
        f"stopped or killed: each line once, but for {taken} that copytruncate took (told, and estimated: {estimated})",
    )
