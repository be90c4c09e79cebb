"""Kills whatever changes a lake, at random moments: ingest, compact, forget, take-out, vacuum, and migration."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from teiten.lake import Lake, check

HERE = Path(__file__).parent
OLD = HERE / "cases" / "v3"
LINE = (
    "2026-04-{d:02d}T{h:02d}:{m:02d}:{s:02d}+00:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=100.64.9.{x} DST=198.51.100.1 "
    "LEN=40 TTL=50 ID=1 PROTO=TCP SPT=4000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)
HOSTS, FIRST = 20, 1_000_000


class Server:
    """The process that forks."""

    def __init__(self) -> None:
        env = {**os.environ, "RUST_BACKTRACE": "0", "TEITEN_ROLLUP": "always"}
        self.errors: list[str] = []
        self.run = subprocess.Popen(
            [sys.executable, str(HERE / "_forks.py")],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.reader = threading.Thread(target=self._drain)
        self.reader.start()

    def _drain(self) -> None:
        assert self.run.stderr is not None
        for line in self.run.stderr:
            self.errors.append(line)

    def begin(self, words: list[str]) -> int:
        assert self.run.stdin is not None and self.run.stdout is not None
        self.errors.clear()
        self.run.stdin.write(json.dumps(words) + "\n")
        self.run.stdin.flush()
        return int(self.run.stdout.readline())

    def ended(self) -> int:
        assert self.run.stdout is not None
        return int(self.run.stdout.readline())

    def close(self) -> None:
        assert self.run.stdin is not None and self.run.stdout is not None and self.run.stderr is not None
        self.run.stdin.close()
        self.run.wait()
        self.reader.join()
        self.run.stdout.close()
        self.run.stderr.close()


@dataclass
class Life:
    """One lake, and what was asked of it."""

    lake: Path
    logs: list[Path]
    numbers: dict[Path, range]
    old: int = 0
    forgotten: set[int] = field(default_factory=set)
    killed: Counter[str] = field(default_factory=Counter)

    def wish(self, chance: random.Random) -> list[str]:
        """Something to be done."""
        some = chance.sample(self.logs, chance.randint(1, 4))
        host = chance.randrange(HOSTS)
        name = str(chance.choice(self.logs))
        held = {str(row) for row in Lake.open(self.lake).batches(["path"])["path"]}
        choices = [["ingest", "--tz", "UTC", *map(str, some)]] * 4 + [["lake", "compact", "--rows", "1000"]] * 2
        choices += [["forget", f"100.64.9.{host}", "--yes"], ["lake", "vacuum", "--hours", "0"]]
        choices += [["lake", "take-out", name]] if name in held else []
        words = chance.choice(choices)
        if words[0] == "forget":
            self.forgotten.add(host)
        return [*words, "--lake", str(self.lake)]


def begun(folder: Path, number: int, logs: int, lines: int) -> Life:
    """A new lake, or one of an older version with events of its own; and daily logs, whose lines are numbered."""
    folder.mkdir()
    made, numbers = [], {}
    for day in range(logs):
        path = folder / f"messages-202604{day + 1:02d}"
        of = range(FIRST + day * lines, FIRST + (day + 1) * lines)
        path.write_text(
            "".join(LINE.format(d=day + 1, h=i // 3600, m=i // 60 % 60, s=i % 60, x=n % HOSTS, n=n) for i, n in enumerate(of))
        )
        made.append(path)
        numbers[path] = of
    life = Life(folder / "lake", made, numbers)
    if number % 2:
        shutil.copytree(OLD, life.lake)
        life.old = sum(rows_of(life.lake, old=True).values())
    else:
        Lake.create(life.lake, "UTC")
    return life


def rows_of(lake: Path, *, old: bool = False) -> Counter[int]:
    """How often each number is stored; of the old lake's own events, by where they came from."""
    files, _ = Lake(lake, Lake.open(lake).meta).live_files() if not old else Lake.open(lake).live_files()
    frames = [pl.read_parquet(f.path, columns=["tcp_seq", "source_pos", "source_id"]) for f in files]
    rows = pl.concat(frames) if frames else pl.DataFrame({"tcp_seq": [], "source_pos": [], "source_id": []})
    found: Counter[int] = Counter()
    for seq, pos, source in rows.iter_rows():
        ours = seq is not None and seq >= FIRST
        if ours or old:
            found[seq if ours else -(source * 10**9 + pos) - 1] += 1
    return found


def struck(server: Server, life: Life, words: list[str], chance: random.Random) -> bool:
    """Runs it and kills it at some moment; False where it ended before."""
    pid = server.begin(words)
    before = _names(life.lake)
    changes, patience = chance.choice([0, 0, 1, 2, 3, 5, 8, 13]), time.monotonic() + chance.uniform(0.01, 0.6)
    while time.monotonic() < patience and (changes == 0 or len(_names(life.lake) ^ before) < changes):
        time.sleep(0.0005)
    time.sleep(chance.choice([0, 0, chance.uniform(0, 0.01)]))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    code = server.ended()
    said = "".join(server.errors)
    assert code in (0, -signal.SIGKILL), f"{words}: {code}: {said}"
    return code == -signal.SIGKILL


def _names(lake: Path) -> set[str]:
    """Names of the lake's files."""
    found: set[str] = set()
    for folder in (lake, *(lake / name for name in ("events", "batches", "verdicts"))):
        with contextlib.suppress(OSError):
            found |= {f"{folder.name}/{name}" for name in os.listdir(folder)}  # noqa: PTH208
        with contextlib.suppress(OSError):
            found |= {f"{folder.name}//{name}" for name in os.listdir(folder / "_delta_log")}  # noqa: PTH208
    return found


def campaign(folder: Path, kills: int, seed: int, each: int = 100, logs: int = 6, lines: int = 60) -> Counter[str]:
    """So many kills over several lakes; each is let to end and counted then. How many of each command were killed."""
    chance, total = random.Random(seed), Counter[str]()
    server = Server()
    try:
        number = 0
        while sum(total.values()) < kills:
            life = begun(folder / str(number), number, logs, lines)
            wanted = min(each, kills - sum(total.values()))
            if number % 2 and struck(
                server, life, ["ingest", "--tz", "UTC", "--lake", str(life.lake), str(life.logs[0])], chance
            ):
                life.killed["migration"] += 1
            while sum(life.killed.values()) < wanted:
                words = life.wish(chance)
                if struck(server, life, words, chance):
                    life.killed[words[1] if words[0] == "lake" else words[0]] += 1
                held = rows_of(life.lake)
                assert max(held.values(), default=1) == 1, f"rows twice after {words}"
            _to_the_end(server, life)
            total += life.killed
            shutil.rmtree(folder / str(number))
            number += 1
    finally:
        server.close()
    return total


def _to_the_end(server: Server, life: Life) -> None:
    """Everything once more, undisturbed: every line there once but for those forgotten, and nothing of nobody's."""
    lake = str(life.lake)
    ends = [
        ["ingest", "--tz", "UTC", *map(str, life.logs)],
        *(["forget", f"100.64.9.{h}", "--yes"] for h in sorted(life.forgotten)),
    ]
    for words in (
        *ends,
        ["ingest", "--tz", "UTC", *map(str, life.logs)],
        ["lake", "compact", "--hours", "0"],
        ["lake", "vacuum", "--hours", "0"],
    ):
        server.begin([*words, "--lake", lake])
        code = server.ended()
        assert code == 0, f"{words}: {''.join(server.errors)}"
    every = {n for of in life.numbers.values() for n in of}
    assert rows_of(life.lake) == Counter(n for n in every if n % HOSTS not in life.forgotten)
    assert sum(n < 0 for n in rows_of(life.lake, old=True).elements()) == life.old
    assert check.look(life.lake) == []
    for name in check.tables(life.lake):
        live = {Path(row).name for row in Lake.open(life.lake)._table(name).live()["path"]}
        assert {file.name for file in (life.lake / name).glob("*.parquet")} <= live | {""}, f"files of nobody in {name}"
