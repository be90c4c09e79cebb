"""Kills `teiten ingest` at random moments, again and again, and counts what the lake holds when it was let to end."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

TEITEN = [sys.executable, "-m", "teiten"]
LINE = (
    "2026-04-{day:02d}T{h:02d}:{m:02d}:{s:02d}+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=203.0.113.{src} "
    "DST=198.51.100.1 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID={id} PROTO=TCP SPT={spt} "
    "DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


def line(n: int) -> str:
    """Line number n, which is its TCP sequence number; twenty lines a second."""
    t = n // 20
    when = {"day": 1 + t // 86400, "h": t // 3600 % 24, "m": t // 60 % 60, "s": t % 60}
    return LINE.format(n=n, src=n % 250, id=n % 65536, spt=1024 + n % 60000, **when)


def many_files(folder: Path, files: int, lines: int) -> tuple[Path, int, int]:
    """A folder of daily logs; (path, first number, count)."""
    logs = folder / "many"
    logs.mkdir()
    for f in range(files):
        name = logs / f"messages-2026{f // 28 + 1:02d}{f % 28 + 1:02d}"
        name.write_text("".join(map(line, range(f * lines, (f + 1) * lines))), encoding="ascii")
    return logs, 0, files * lines


def one_file(folder: Path, lines: int) -> tuple[Path, int, int]:
    """One long log, stored in many batches."""
    log = folder / "long.log"
    log.write_text("".join(map(line, range(1_000_000, 1_000_000 + lines))), encoding="ascii")
    return log, 1_000_000, lines


def kill_until(lake: Path, logs: Path, kills: int, chance: random.Random) -> int:
    """Runs `ingest` on the logs and kills it, at most `kills` times, until a run comes to its end; how many were killed."""
    command = [*TEITEN, "ingest", "--lake", str(lake), "--tz", "Asia/Tokyo", str(logs)]
    env = {**os.environ, "TEITEN_BATCH_EVENTS": "15000", "RUST_BACKTRACE": "0"}
    killed = 0
    while True:
        run = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert run.stderr is not None
        try:
            if killed < kills and _wait_for_work(run, lake, chance):
                run.kill()
                run.wait()
                killed += 1
                continue
            said = run.stderr.read().decode()
            assert run.wait() == 0, said
            return killed
        finally:
            run.stderr.close()


def _wait_for_work(run: subprocess.Popen[bytes], lake: Path, chance: random.Random) -> bool:
    """Waits until the run has added some files, and a little longer; False if it ended before."""
    begun = _files(lake)
    wanted = chance.choice([0, 0, 1, 2, 3, 5, 8])
    patience = time.monotonic() + (chance.uniform(0, 1.5) if wanted == 0 else 60)
    while run.poll() is None and time.monotonic() < patience and _files(lake) < begun + wanted + (wanted == 0) * 10**6:
        time.sleep(0.001)
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.wait(chance.uniform(0, 0.03))
    return run.poll() is None


def _files(lake: Path) -> int:
    """Files that a run has made: every step of a commit makes one, so that waiting for the nth strikes between steps."""
    places = ("events", "events/_delta_log", "batches", "batches/_delta_log")
    total = 0
    for place in places:
        with contextlib.suppress(OSError):
            total += len(os.listdir(lake / place))  # noqa: PTH208 (quicker)
    return total


def counted(lake: Path) -> dict[str, int]:
    """What the lake holds: events, distinct numbers, least and greatest, and the sum over its batches."""
    import polars as pl

    from teiten.lake import Lake

    opened = Lake.open(lake)
    files, _ = opened.live_files()
    seq = pl.concat([pl.read_parquet(f.path, columns=["tcp_seq"]) for f in files])["tcp_seq"]
    return {
        "events": len(seq),
        "distinct": seq.n_unique(),
        "first": int(seq.min() or 0),
        "last": int(seq.max() or 0),
        "accounted": int(opened.batches(["events"])["events"].sum()),
    }


def _warm(folder: Path) -> None:
    """One run to its end, so that no kill falls into the one-time compilation of the reader."""
    log = folder / "warm.log"
    log.write_text("".join(map(line, range(10))), encoding="ascii")
    for _ in range(2):  # the second time lines are compared, so that this is compiled too
        kill_until(folder / "warm", log, 0, random.Random(0))
        log.write_text("".join(map(line, range(5, 20))), encoding="ascii")
    shutil.rmtree(folder / "warm")


def campaign(folder: Path, kills: int, seed: int = 1, files: int = 60) -> list[int]:
    """At least `kills` kills over several lakes, each counted at its end; the kills of each."""
    chance = random.Random(seed)
    kinds = [many_files(folder, files, 400), one_file(folder, 2000 * files)]
    if kills > 10:
        _warm(folder)
    done: list[int] = []
    while sum(done) < kills:
        logs, first, count = kinds[len(done) % 2]
        lake = folder / f"lake{len(done)}"
        done.append(kill_until(lake, logs, min(25, kills - sum(done)), chance))
        found = counted(lake)
        wanted = {"events": count, "distinct": count, "first": first, "last": first + count - 1, "accounted": count}
        assert found == wanted, f"after {done[-1]} kills in {lake}: {found}"
        shutil.rmtree(lake)
    return done
