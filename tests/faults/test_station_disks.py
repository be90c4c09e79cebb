"""A station's spool on bad disks: the power is cut, each call fails in turn, the disk is full. What was acknowledged is there,
once, in the spool and in the lake that is made of it."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import _disk as disk
import _spooled as spooled
import _trace as trace
import pytest
from _logs import daily, numbers

from teiten.lake import Lake
from teiten.station import feeds
from teiten.station.feeds import Desk
from teiten.station.spool import Spool
from teiten.station.verifying import DAMAGE, Verified, verify
from teiten.stationing import Station

HERE = Path(__file__).parent
LINES = 600
pytestmark = pytest.mark.faults
traced = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return daily(tmp_path_factory.mktemp("logs"), 1, LINES)[0]


def content(folder: Path) -> bytes:
    """All bytes of the spool; no byte of it may be another than was written down."""
    spool = Spool.open(folder / "spool")
    damage = [one for one in verify(spool, Verified()) if one.kind == DAMAGE]
    assert not damage, damage
    return b"".join(one.read(0, one.end) for about in spool.streams() for one in spool.segments(about.id))


# the power is cut -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory, log: Path) -> list[Any]:
    folder = tmp_path_factory.mktemp("power") / "disk"
    folder.mkdir()
    if subprocess.run(["strace", "-o", "/dev/null", "true"], check=False, capture_output=True).returncode:
        pytest.skip("strace may not trace here")
    command = [sys.executable, str(HERE / "_spooled.py"), str(folder), str(log), "lake"]
    found: list[Any] = trace.record(command, folder)
    return found


def cut(calls: Sequence[Any], log: Path, at: int, kind: str, seed: int, folder: Path) -> None:
    where = f"cut before call {at} of {len(calls)} ({calls[at - 1]!r:.120}), a disk of kind {kind}, seed {seed}"
    state, acked = disk.Disk(kind), 0
    for op in calls[:at]:
        state.apply(op)
        if isinstance(op, trace.Said) and (found := re.fullmatch(r"acked (\d+)", op.text)):
            acked = int(found.group(1))
    state.after_a_cut(folder, random.Random(seed))
    lines = log.read_bytes().splitlines(keepends=True)
    if acked:
        spool = Spool.there(folder / "spool")
        streams = [spool.stream(one.input, one.sensor) for one in spool.streams()]  # recovered
        assert len(streams) == 1, where
        assert content(folder) == b"".join(lines[: streams[0].mark]) and streams[0].mark >= acked, f"lost: {where}"
    spooled.take(folder, log, lake=True, pack=False)
    assert content(folder) == b"".join(lines), f"not whole after the next run: {where}"
    assert numbers(Lake.open(folder / "lake")) == Counter(range(LINES)), f"the lake: {where}"


def cuts(calls: Sequence[Any], log: Path, count: int, seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    for n in range(count):
        cut(calls, log, chance.randint(1, len(calls)), ("journal", "any")[n % 2], chance.randrange(1 << 30), folder / f"cut{n}")
        shutil.rmtree(folder / f"cut{n}")


@traced
@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_hundred_power_cuts(calls: list[Any], log: Path, tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    assert sum(isinstance(op, trace.Said) for op in calls) > 20
    cuts(calls, log, 100, 2, tmp_path)
    figure(
        2,
        "a station: 100 power cuts, 50 on each kind of disk: every acknowledged line in the spool, no byte of it another, and "
        "after the next run each line once in the lake",
    )


# each call fails --------------------------------------------------------------------------------------------------------

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "mkdir", "ftruncate", "unlink", "openat", "sendto")
ERRORS = ("EIO", "ENOSPC", "EINTR")


def run(folder: Path, log: Path, *strace: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / "_spooled.py"), str(folder), str(log), "pack"]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([*strace, *command], capture_output=True, text=True, env=env, check=False, timeout=120)


def touching(folder: Path, log: Path, where: Path) -> dict[str, list[int]]:
    """The numbers of the calls of each kind that touch the spool, in the order of the calls."""
    done = run(folder, log, "strace", "-f", "-y", "-o", str(where), "-e", f"trace={','.join(CALLS)}", "-e", "signal=none")
    assert done.returncode == 0, done.stderr
    counts: Counter[str] = Counter()
    found: dict[str, list[int]] = {}
    for line in where.read_text(errors="replace").splitlines():
        call = line.partition(" ")[2].strip().partition("(")[0]
        counts[call] += 1
        if f"{folder}/" in line:
            found.setdefault(call, []).append(counts[call])
    return found


def fails(folder: Path, log: Path, call: str, number: int, error: str) -> bool:
    """Runs with that call failing, again where that ended the run: is all of it there, once? Whether the run was ended."""
    where = f"{call} number {number} fails with {error}"
    inject = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}"]
    first = run(folder, log, *inject)
    if first.returncode:
        again = run(folder, log)
        assert again.returncode == 0, f"{where}, then: {again.stderr}"
    assert content(folder) == log.read_bytes(), where
    spool = Spool.open(folder / "spool")
    counts = [r.counts.get("received", 0) for about in spool.streams() for one in spool.segments(about.id) for r in one.records]
    assert sum(counts) == log.read_bytes().count(b"\n"), where
    return first.returncode != 0


@traced
@pytest.mark.full
@pytest.mark.timeout(3000)
def test_every_call_in_turn(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    log = daily(tmp_path, 1, 80)[0]
    run(tmp_path / "warm", log)
    counts = touching(tmp_path / "first", log, tmp_path / "calls")
    assert len(counts["fdatasync"]) > 20 and len(counts["pwrite64"]) > 20, counts
    tried = ended = 0
    for call, found in sorted(counts.items()):
        for number in found:
            ended += fails(tmp_path / "disk", log, call, number, ERRORS[(tried + number) % len(ERRORS)])
            shutil.rmtree(tmp_path / "disk")
            tried += 1
    kinds = ", ".join(f"{call} {len(found)}" for call, found in sorted(counts.items()))
    figure(
        4,
        f"a station's spool: {tried} calls failed in turn ({kinds}), writing, sealing and packing went on by themselves in "
        f"{tried - ended}, after a start in {ended}: each line once, no byte another",
    )


@traced
def test_some_calls_fail(tmp_path: Path) -> None:
    log = daily(tmp_path, 1, 30)[0]
    for call, number, error in (("fdatasync", 9, "EIO"), ("pwrite64", 6, "ENOSPC")):
        assert not fails(tmp_path / f"{call}", log, call, number, error)


# the disk is full ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    path = tmp_path / "small"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "teiten", str(path)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def full(small: Path, log: Path, points: int, seed: int) -> tuple[int, float]:
    """Takes the log, the disk filled up at a random point, room made later: how often it was full, the longest wait then."""
    chance, times, longest = random.Random(seed), 0, 0.0
    lines = log.read_bytes().splitlines(keepends=True)
    for _ in range(points):
        desk = Desk(Spool.open(small / "spool"), Station(sync=0.005))
        feed = desk.feed("log", "home")
        feed.stream.limit = 20_000
        free = os.statvfs(small)
        with (small / "other").open("wb") as other:
            other.write(bytes(max(0, free.f_bavail * free.f_bsize - chance.randrange(0, 40) * 4096)))
        desk.start()
        # killed at some point, as if by SIGKILL: what it had not put down is asked for again, from the last durable mark
        put(feed, lines, chance, chance.randrange(len(lines)))
        time.sleep(0.02)
        desk._stop.set()
        desk._pressed.set()
        desk._thread.join()  # type: ignore[union-attr]
        feed.stream.close()
        desk = Desk(Spool.open(small / "spool"), Station(sync=0.005))
        took: list[Feed] = []
        starting = threading.Thread(target=lambda: took.append(started(desk, lines, chance)))  # noqa: B023
        starting.start()
        starting.join(0.1)
        was_full = starting.is_alive()
        times += was_full
        (small / "other").unlink()
        begun = time.monotonic()
        starting.join(20)
        assert took and took[0].wait(took[0]._taken, 20) and desk.stop()
        longest = max(longest, time.monotonic() - begun) if was_full else longest
        assert content(small) == b"".join(lines)
        shutil.rmtree(small / "spool")
    return times, longest


def put(feed: feeds.Feed, lines: list[bytes], chance: random.Random, end: int) -> None:
    at = feed.mark or 0
    while at < end:
        many = min(chance.randint(1, 50), end - at)
        feed.put(b"".join(lines[at : at + many]), mark=at + many, received=many)
        at += many


Feed = feeds.Feed


def started(desk: Desk, lines: list[bytes], chance: random.Random) -> Feed:
    """A station that has begun again: as long as the disk is full, it tries; once all is durable, it is done."""
    feed = spooled.retried(lambda: desk.feed("log", "home"), 20)
    desk.start()
    put(feed, lines, chance, len(lines))
    feed.wait(feed._taken, 20)
    return feed  # type: ignore[no-any-return]


@pytest.mark.root
def test_a_few_fill_points(small: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "RETRY", 0.05)
    assert full(small, log, 4, 1)[0] >= 1


@pytest.mark.full
@pytest.mark.root
@pytest.mark.timeout(3000)
def test_five_hundred_fill_points(
    small: Path, log: Path, monkeypatch: pytest.MonkeyPatch, figure: Callable[[int, str], None]
) -> None:
    times, longest = full(small, log, 20, 3)
    monkeypatch.setattr(feeds, "RETRY", 0.05)
    more, _ = full(small, log, 480, 2)
    figure(
        3,
        f"a station's spool: 500 fill points, and a kill at each, the disk full at {times + more}: nothing lost or twice; "
        f"all put down within {longest:.1f} s of room being made",
    )
    assert times + more >= 100 and longest < 10
