"""Every write may fail: EIO, ENOSPC and EINTR at each write, fsync, link, rename in turn; the same count after a retry.

strace makes the n-th call of a kind fail, in every thread of the real program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from _logs import daily, numbers

from teiten.lake import Lake

DAYS, LINES = 2, 50
CALLS = ("write", "fsync", "link", "linkat", "rename", "renameat2", "mkdir", "ftruncate", "unlink")
ERRORS = ("EIO", "ENOSPC", "EINTR")

pytestmark = [pytest.mark.faults, pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")]


@pytest.fixture(autouse=True)
def _may_trace() -> None:
    if subprocess.run(["strace", "-o", "/dev/null", "true"], check=False, capture_output=True).returncode:
        pytest.skip("strace may not trace here")


KILLED = (137, -9)
WAKE_UP = "failed to wake I/O driver"
HANGS = 120.0
"""seconds after which a run is killed: a write that fails may be one by which one thread wakes another, and no disk's"""


def run(lake: Path, logs: list[Path], *strace: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "teiten", "ingest", "--lake", str(lake), "--tz", "UTC", *map(str, logs)]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    watch = ["timeout", "--signal=KILL", str(HANGS)] if "inject=" in " ".join(strace) else []
    return subprocess.run([*strace, *watch, *command], capture_output=True, text=True, env=env, check=False)


def calls(lake: Path, logs: list[Path], folder: Path) -> dict[str, set[int]]:
    """The numbers of the calls of each kind, counted in their thread, that touch the lake."""
    log = folder / "calls"
    done = run(lake, logs, "strace", "-ff", "-y", "-o", str(log), "-e", f"trace={','.join(CALLS)}", "-e", "signal=none")
    assert done.returncode == 0, done.stderr
    found: dict[str, set[int]] = {}
    for file in folder.glob("calls.*"):
        counts: Counter[str] = Counter()
        for line in file.read_text(errors="replace").splitlines():
            call = line.partition("(")[0]
            counts[call] += 1
            if f"{lake}/" in line:
                found.setdefault(call, set()).add(counts[call])
    return found


def fails(lake: Path, logs: list[Path], call: str, error: str, number: int) -> bool:
    """Stores with that call failing, then without: whether the first run was stopped by it."""
    where = f"{call} number {number} fails with {error}"
    inject = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}"]
    first = run(lake, logs, *inject)
    assert first.returncode in (0, 1, *KILLED), f"{where}: {first.stderr}"
    # strace counts by thread: the same number may be the write by which a library's thread wakes another, which is no disk's
    if WAKE_UP not in first.stderr:
        assert "Traceback" not in first.stderr and "panicked" not in first.stderr, f"{where}: {first.stderr}"
    again = run(lake, logs)
    assert again.returncode == 0, f"{where}, then: {again.stderr}"
    assert numbers(Lake.open(lake)) == Counter(range(DAYS * LINES)), where
    return first.returncode == 1


@pytest.mark.full
def test_a_failed_fsync_and_a_full_disk(tmp_path: Path) -> None:
    logs = daily(tmp_path, DAYS, LINES)
    assert fails(tmp_path / "a", logs, "fsync", "EIO", 5)
    assert fails(tmp_path / "b", logs, "fsync", "ENOSPC", 9)


@pytest.mark.full
@pytest.mark.timeout(3000)
def test_every_call_in_turn(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    logs = daily(tmp_path, DAYS, LINES)
    (tmp_path / "traced").mkdir()
    assert run(tmp_path / "warm", logs).returncode == 0  # so that nothing is compiled in what follows
    counts = calls(tmp_path / "first", logs, tmp_path / "traced")
    assert len(counts["fsync"]) > 15 and len(counts["write"]) > 5, counts
    tried = stopped = 0
    for call, numbered in sorted(counts.items()):
        for number in sorted(numbered):
            error = ERRORS[(tried + number) % len(ERRORS)]
            lake = tmp_path / f"{call}{number}"
            stopped += fails(lake, logs, call, error, number)
            tried += 1
            print(tried, call, number, error, flush=True)
            shutil.rmtree(lake, ignore_errors=True)
    kinds = ", ".join(f"{call} {len(n)}" for call, n in sorted(counts.items()))
    figure(4, f"{tried} calls failed in turn ({kinds}), {stopped} of them stopped the run: the same count after a retry")
    assert stopped > 20
