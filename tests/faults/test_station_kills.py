"""A station is killed again and again, it or its maker or both, while a log grows: each line is in the lake, once; and the
lake made anew from the evidence has the same rows."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from _logs import LINE, numbers

from teiten import cli
from teiten.lake import Lake
from teiten.station.spool import Spool
from teiten.station.verifying import DAMAGE, Verified, verify

pytestmark = pytest.mark.faults

SETTINGS = """zone = "UTC"
[station]
every = 1
sync = 0.05
[station.input.log]
kind = "file"
path = "{log}"
poll = 0.1
"""


class Grown:
    """A log that is written to from now on, in pieces, until it has so many numbered lines."""

    def __init__(self, path: Path, lines: int, seconds: float) -> None:
        self.path, self.lines, self.seconds = path, lines, seconds
        self.thread = threading.Thread(target=self._write)
        self.thread.start()

    def _write(self) -> None:
        chance, at, begun = random.Random(3), 0, time.monotonic()
        with self.path.open("ab", buffering=0) as out:
            while at < self.lines:
                due = int(self.lines * min(1.0, (time.monotonic() - begun) / self.seconds))
                while at < due:
                    many = min(chance.randint(1, 2000), due - at)
                    text = "".join(map(line, range(at, at + many))).encode()
                    half = chance.randrange(len(text))  # a line is written in two parts now and then
                    out.write(text[:half])
                    out.write(text[half:])
                    at += many
                time.sleep(0.02)


def line(n: int) -> str:
    return LINE.format(d=1 + n // 86400 % 28, m=n // 60 % 60, s=n % 60, x=n % 250, n=n)


def watch(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "teiten", "watch", "--config", str(folder / "teiten.toml"), "--no-tasks", *more]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def maker_of(pid: int) -> int | None:
    """The station's child."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return None
    return int(found[0]) if found else None


def killed(folder: Path, kills: int, lines: int, seed: int) -> int:
    """Kills it so often; how many of the kills hit the maker alone."""
    (folder / "teiten.toml").write_text(SETTINGS.format(log=folder / "messages"))
    (folder / "messages").touch()
    chance, makers, count = random.Random(seed), 0, 0
    grown = Grown(folder / "messages", lines, kills * 1.6)
    while count < kills:
        station = watch(folder)
        for _ in range(chance.randint(1, 4)):
            time.sleep(chance.uniform(0.3, 1.2))
            maker = maker_of(station.pid)
            if maker is not None and chance.random() < 0.5:
                os.kill(maker, signal.SIGKILL)
                makers, count = makers + 1, count + 1
        assert station.poll() is None, station.stderr.read() if station.stderr else b""
        os.killpg(station.pid, signal.SIGKILL) if chance.random() < 0.7 else station.kill()
        count += 1
        station.communicate()
    grown.thread.join()
    last = watch(folder, "--once")
    _, told = last.communicate(timeout=600)
    assert last.returncode == 0, told
    return makers


def rows(lake: Path) -> pl.DataFrame:
    """Every column that does not say by which batch and run a row came."""
    files, _ = Lake.open(lake).live_files()
    whole = pl.concat([pl.read_parquet(one.path) for one in files])
    return whole.drop("source_id", "batch", strict=False).sort("tcp_seq", "source_pos", maintain_order=True)


def whole(folder: Path, lines: int) -> None:
    """Each line once, in the spool and in the lake, and in a lake made anew."""
    spool = Spool.there(folder / "teiten-spool")
    assert not [one for one in verify(spool, Verified()) if one.kind == DAMAGE]
    text = b"".join(one.read(0, one.end) for about in spool.streams() for one in spool.segments(about.id))
    assert text == (folder / "messages").read_bytes()
    assert numbers(Lake.open(folder / "teiten-lake")) == Counter(range(lines))
    anew = folder / "anew"
    assert cli.main(["spool", "rebuild", "--config", str(folder / "teiten.toml"), "--into", str(anew)]) == 0
    assert rows(anew).equals(rows(folder / "teiten-lake"))


@pytest.mark.full
@pytest.mark.timeout(3000)
def test_two_hundred_kills(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    lines = 1_000_000
    makers = killed(tmp_path, 200, lines, 1)
    whole(tmp_path, lines)
    figure(
        1,
        f"`teiten watch` on a log that grows to {lines:,} lines: 200 kills at random moments, {makers} of them of the maker "
        "alone: each line once, in the spool and in the lake",
    )
    figure(
        13, f"the lake of {lines:,} rows made again from the raw spool (`teiten spool rebuild`): the same rows in every column"
    )


@pytest.mark.full
def test_a_few_kills(tmp_path: Path) -> None:
    killed(tmp_path, 4, 3000, 2)
    whole(tmp_path, 3000)
