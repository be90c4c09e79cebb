"""Memory is bounded: ten million sources, a line of a GiB, a decompression bomb, each as a process of its own."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from teiten.bench import _capture
from teiten.bench._process import teiten

LOGS, CAPTURES, ASKED = 512.0, 1024.0, 2048.0
"""MiB: what is documented for storing (with verdicts), and for a question"""
LINE = (
    b"2026-04-01T%02d:%02d:%02d+00:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=%d.%d.%d.%d DST=198.51.100.1 LEN=40 "
    b"TTL=50 ID=1 PROTO=TCP SPT=4000 DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)

pytestmark = pytest.mark.faults


CLEAN = """
import json, os, subprocess, sys
child = subprocess.Popen(json.loads(sys.argv[1]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
said = child.stderr.read()
_, status, usage = os.wait4(child.pid, 0)
code = child.returncode = os.waitstatus_to_exitcode(status)
print(json.dumps([code, usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10), said.decode(errors="replace")]))
"""


def memory(command: list[str], *, codes: tuple[int, ...] = (0,)) -> float:
    """The most memory that it held, in MiB.

    From a process that is small itself: what is told of a child begins with its parent's, and pytest's is much.
    """
    done = subprocess.run([sys.executable, "-c", CLEAN, json.dumps(command)], capture_output=True, text=True, check=True)
    code, most, said = json.loads(done.stdout)
    assert code in codes, said
    return float(most)


def capture_of(folder: Path, sources: int) -> Path:
    """A capture in which each packet is of another source."""
    made = _capture.made(folder, sources)
    frames = np.memmap(made, np.uint8, "r+", 24).reshape(sources, 16 + _capture.FRAME)
    at = 16 + 14 + 12
    frames[:, at : at + 4] = (
        (np.arange(sources, dtype=np.uint32) + np.uint32(0x0B000000)).astype(">u4").view(np.uint8).reshape(-1, 4)
    )
    frames.flush()
    return made


def log_of(folder: Path, sources: int) -> Path:
    """A log in which each line is of another source."""
    made = folder / "sources.log"
    with made.open("wb") as out:
        for begin in range(0, sources, 100_000):
            out.write(b"".join(
                LINE % (n * 86400 // sources // 3600, n * 86400 // sources // 60 % 60, n * 86400 // sources % 60,
                        11 + (n >> 24), n >> 16 & 255, n >> 8 & 255, n & 255)
                for n in range(begin, min(sources, begin + 100_000))
            ))  # fmt: skip
    return made


def measured(log: Path, lake: Path) -> tuple[float, float]:
    """Stored and judged; then asked."""
    stored = memory(teiten("ingest", "--lake", str(lake), "--tz", "UTC", "--year", "2026", str(log)))
    return stored, memory(teiten("top", "sources", "--lake", str(lake), "--tz", "UTC", "-n", "10"))


@pytest.mark.full
@pytest.mark.parametrize(("kind", "limit"), [("capture", CAPTURES), ("log", LOGS)])
def test_many_sources(kind: str, limit: float, tmp_path: Path) -> None:
    many = capture_of(tmp_path, 100_000) if kind == "capture" else log_of(tmp_path, 50_000)
    stored, asked = measured(many, tmp_path / "lake")
    assert stored < limit and asked < ASKED


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "limit"), [("capture", CAPTURES), ("log", LOGS)])
def test_ten_million_sources(kind: str, limit: float, tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    many = capture_of(tmp_path, 10_000_000) if kind == "capture" else log_of(tmp_path, 10_000_000)
    stored, asked = measured(many, tmp_path / "lake")
    many.unlink()
    figure(
        12,
        f"{kind} of 10,000,000 sources: ingest with verdicts {stored:.0f} MiB (limit {limit:.0f}), "
        f"`top sources` {asked:.0f} MiB (limit {ASKED:.0f})",
    )
    assert stored < limit and asked < ASKED


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_a_line_of_a_gibibyte_and_a_bomb(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    line = tmp_path / "line.log"
    with line.open("wb") as out:
        out.write(LINE % (0, 0, 0, 11, 0, 0, 1))
        for _ in range(1 << 10):
            out.write(b"a" * (1 << 20))
        out.write(b"\n" + LINE % (0, 0, 1, 11, 0, 0, 2))
    long = memory(teiten("ingest", "--lake", str(tmp_path / "lake"), "--tz", "UTC", str(line)))
    bomb = tmp_path / "bomb.log.gz"
    with gzip.open(bomb, "wb", 9) as packed:
        packed.write(LINE % (0, 0, 0, 11, 0, 0, 1))
        for _ in range(1 << 11):
            packed.write(bytes(1 << 20))
    burst = memory(teiten("ingest", "--lake", str(tmp_path / "lake2"), "--tz", "UTC", str(bomb)), codes=(0, 1))
    figure(
        12,
        f"a line of 1 GiB {long:.0f} MiB, a bomb (2 GiB in {bomb.stat().st_size >> 20} MiB) {burst:.0f} MiB (limit 512)",
    )
    assert long < LOGS and burst < LOGS
