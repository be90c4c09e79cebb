"""Rotation is invisible: a log that is rotated again and again while it is written to, the station running or not."""

from __future__ import annotations

import gzip
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from teiten.station.spool import Spool

pytestmark = pytest.mark.faults

HERE = Path(__file__).parent
LINE = re.compile(rb"(\d+) of the log's lines, at last\n")
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
    """A log to which a thread writes lines with numbers, about 300 a second, and which is rotated as logrotate does it.

    Every part is kept: what is in none of them at the end is what copytruncate took.
    """

    def __init__(self, path: Path, chance: random.Random) -> None:
        path.parent.mkdir()
        self.path, self.chance = path, chance
        self.number = self.parts = 0
        self.handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.half = b""
        self.kind = self.rename
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._write, daemon=True)
        self.thread.start()

    def _write(self) -> None:
        """Now and then half of a line is written, and its end the next time."""
        chance = random.Random(1)
        while not self.stop.wait(chance.uniform(0.005, 0.015)):
            with self.lock:
                many = chance.randint(1, 5)
                data = self.half + b"".join(
                    b"%d of the log's lines, at last\n" % n for n in range(self.number, self.number + many)
                )
                self.number += many
                cut = len(data) - (chance.randint(1, 20) if chance.random() < 0.1 else 0)
                self.half = data[cut:]
                os.write(self.handle, data[:cut])

    def end(self) -> None:
        self.stop.set()
        self.thread.join()
        os.write(self.handle, self.half)

    def _part(self, number: int, end: str = "") -> Path:
        return self.path.with_name(f"{self.path.name}.{number}{end}")

    def _shift(self) -> None:
        """Names as logrotate gives them."""
        for number in range(self.parts, 0, -1):
            for end in ("", ".gz"):
                if self._part(number, end).exists():
                    self._part(number, end).rename(self._part(number + 1, end))
        self.parts += 1

    def rename(self) -> None:
        self._shift()
        self.path.rename(self._part(1))
        if self.chance.random() < 0.5:
            time.sleep(0.01)  # the writer has not heard of it yet
        with self.lock:
            os.write(self.handle, self.half)
            self.half = b""
            fresh = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.close(self.handle)
            self.handle = fresh

    def copytruncate(self) -> None:
        self._shift()
        with self.path.open("rb") as source, self._part(1).open("wb") as copy:
            while piece := source.read(1000):
                copy.write(piece)
        with self.lock:
            # a line of which half is in the copy and half is taken would be no line of the log
            if self.half or self.chance.random() < 0.5:
                os.write(self.handle, self.half)
                self.half = b""
                with self.path.open("rb") as source, self._part(1).open("wb") as copy:
                    copy.write(source.read())
        time.sleep(self.chance.choice((0, 0, 0.02, 0.05)))
        with self.lock:
            os.write(self.handle, self.half)
            self.half = b""
            os.truncate(self.path, 0)

    def compress(self) -> None:
        self.rename()
        info = self._part(1).stat()
        with gzip.open(self._part(1, ".gz"), "wb") as packed:
            packed.write(self._part(1).read_bytes())
        os.utime(self._part(1, ".gz"), ns=(info.st_atime_ns, info.st_mtime_ns))
        self._part(1).unlink()

    def lines(self) -> Counter[int]:
        """The numbers that are in one of its parts, or in itself."""
        out: Counter[int] = Counter()
        for path in self.path.parent.iterdir():
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            out.update(int(match) for match in re.findall(rb"^(\d+) of the log's lines, at last$", data, re.MULTILINE))
        return out


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
        time.sleep(chance.random() * 0.05)
        if done % 10 == 0:
            time.sleep(0.3)  # nobody changes the kind of rotation in the middle of one
            log.kind = chance.choice((log.rename, log.copytruncate, log.compress))
        if done in stopped:
            station.end(chance.choice((signal.SIGKILL, signal.SIGTERM)))
            for _ in range(min(chance.randint(1, 3), rotations - done)):
                time.sleep(chance.random() * 0.05)
                log.kind()
                done += 1
            station.start()
        else:
            log.kind()
            done += 1
    log.end()
    wanted, found = log.lines(), Counter[int]()
    deadline = time.monotonic() + 60
    while wanted - found and time.monotonic() < deadline:
        time.sleep(0.5)
        found = Counter(int(match[1]) for one in station.lines() if (match := LINE.fullmatch(one)))
    station.end(signal.SIGTERM)
    strange = [one for one in station.lines() if not LINE.fullmatch(one)]
    missing, doubled = sorted(wanted - found), sorted(number for number, many in found.items() if many > 1)
    assert (missing[:10], doubled[:10], strange[:10]) == ([], [], []), (folder, len(missing), len(doubled))
    # what was read after the copy and before the end of the log is in the spool alone
    return log.number, log.number - len(found), station.lost()


def test_a_few_rotations(tmp_path: Path) -> None:
    rotated(tmp_path, 20, 3, 1)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_thousand_rotations(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    lines, taken, estimated = rotated(tmp_path, 1_000, 100, 2)
    figure(
        6,
        f"1,000 rotations (rename, copytruncate, compressed) of a log of {lines:,} lines, a fifth while the station was "
        f"stopped or killed: each line once, but for {taken} that copytruncate took (told, and estimated: {estimated})",
    )
