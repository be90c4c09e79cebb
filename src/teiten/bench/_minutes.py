"""A lake that gets a commit a minute for days, in one process with a simulated clock: what it costs, day by day."""

from __future__ import annotations

import datetime as dt
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from teiten import frame, intake, marks
from teiten.engine import open_session, questions
from teiten.lake import Batch, Lake, _delta
from teiten.settings import Settings

EVENTS: Final = 5
"""of each commit: a household of 7,200 a day"""
MINUTES: Final = 1440
HOUR: Final = 60
_LINE: Final = (
    "{when} router kernel: DROP IN=ppp0 OUT= MAC= SRC=203.0.113.{n} DST=198.51.100.1 LEN=40 TTL=50 ID=1 PROTO=TCP "
    "SPT=4000 DPT=23 SEQ={seq} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


@dataclass(slots=True)
class Day:
    """What one day came to: processor milliseconds, and files."""

    commit: float = 0.0
    ingest: float = 0.0
    day_query: float = 0.0
    all_query: float = 0.0
    live: int = 0
    disk: int = 0
    events: int = 0


@dataclass(slots=True)
class World:
    """The lake, and the clock that it goes by."""

    lake: Lake
    begin: dt.datetime
    minute: int = 0
    days: list[Day] = field(default_factory=list)
    settings: Settings = field(default_factory=lambda: Settings("UTC", "flag"))

    def now(self) -> dt.datetime:
        return self.begin + dt.timedelta(minutes=self.minute)


def events(begin: dt.datetime, day: int) -> pl.DataFrame:
    """A day's events in order of time, `EVENTS` a minute; the same every time."""
    count = MINUTES * EVENTS
    chance = np.random.default_rng(day)
    n = np.arange(count)
    source = (chance.zipf(1.3, count) % 60_000 + 0x0B000000).astype(">u4").tobytes()
    port = np.array([23, 22, 445, 80, 8080, 3389, 5555, 2323, 81, 1433])[chance.zipf(1.5, count) % 10]
    given = {
        "time": pl.Series((n * (60_000_000 // EVENTS)) + int(begin.timestamp()) * 1_000_000).cast(pl.Datetime("us", "UTC")),
        "sensor": pl.repeat("home", count, eager=True),
        "src_ip": pl.Series([source[i * 4 : i * 4 + 4] for i in range(count)], dtype=pl.Binary),
        "dst_ip": pl.Series([b"\xc6\x33\x64\x01"] * count, dtype=pl.Binary),
        "protocol": pl.repeat(6, count, eager=True),
        "src_port": pl.Series(chance.integers(1024, 65536, count)),
        "dst_port": pl.Series(port),
        "tcp_flags": pl.repeat(2, count, eager=True),
        "tcp_seq": pl.Series(chance.integers(0, 1 << 32, count)),
        "packets": pl.repeat(1, count, eager=True),
        "source_id": pl.repeat(day + 1, count, eager=True),
        "source_pos": pl.Series(n * 200),
        "time_basis": pl.repeat("stated", count, eager=True),
        "action": pl.repeat("drop", count, eager=True),
    }
    columns = [
        given.get(name, pl.repeat(None, count, eager=True)).cast(kind).alias(name) for name, kind in frame.SCHEMA.items()
    ]
    return marks.add(pl.DataFrame(columns))


def batch(rows: pl.DataFrame, source: int, n: int) -> Batch:
    """The accounting of the n-th stretch of the log of its day."""
    keys = (np.arange(rows.height, dtype=np.uint64) + np.uint64((source * MINUTES + n) * EVENTS)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    return Batch(
        source_id=source, source="messages", path="/var/log/messages", sensor="home", format="netfilter",
        start=n * EVENTS * 200, end=(n + 1) * EVENTS * 200, sha256=f"{source:032x}{n:032x}", first_line=f"{source:032x}",
        lines=rows.height, made_events=rows.height, events=rows.height, line_hashes=keys.astype("<u8").tobytes(),
        t_min=rows["time"][0], t_max=rows["time"][-1],
    )  # fmt: skip


def least(action: Callable[[], Any], times: int = 3) -> float:
    """Processor milliseconds of an action, the least of some times."""
    took = []
    for _ in range(times):
        begun = time.process_time()
        action()
        took.append(time.process_time() - begun)
    return 1000 * min(took)


def on_disk(lake: Path) -> int:
    """Files in the lake's folder."""
    return sum(path.is_file() for path in lake.rglob("*"))


def a_day(world: World, day: int) -> Day:
    """1440 commits: the writer is opened anew each hour; then a log is stored as a person would, and questions are asked."""
    told, source, made = Day(), 2 * day + 1, events(world.now(), day)
    spent = 0.0
    for hour in range(0, MINUTES, HOUR):
        begun = time.process_time()
        with world.lake.writer() as writer:
            for n in range(hour, hour + HOUR):
                rows = made.slice(n * EVENTS, EVENTS)
                writer.commit(batch(rows, source, n), rows)
                world.minute += 1
                if writer.last % 100 == 99:
                    spent += time.process_time() - begun
                    told.live = max(told.live, len(writer.events.files()) + len(writer.batches.files()))
                    told.disk = max(told.disk, on_disk(world.lake.path))
                    begun = time.process_time()
            # a short day has no moment just before files are put together
            told.live = max(told.live, 1, len(writer.events.files()) + len(writer.batches.files()))
        spent += time.process_time() - begun
    told.commit = 1000 * spent / MINUTES
    told.ingest = _one_log(world, day)
    told.events = MINUTES * EVENTS * (day + 1) + EVENTS * (day + 1)
    end = world.now()
    start = end - dt.timedelta(days=1)

    def ask(since: dt.datetime) -> None:
        with open_session(Lake.open(world.lake.path), world.settings, start=since, end=end) as session:
            rows = questions.rank(session, "ports", since, end)
            if not rows:
                raise AssertionError("no answer")

    told.day_query, told.all_query = least(lambda: ask(start), 5), least(lambda: ask(world.begin), 5)
    with open_session(world.lake, world.settings) as session:
        held = session.query("SELECT count(*) AS n FROM events")[0]["n"]
    if held != told.events:
        raise AssertionError(f"{held} events after day {day + 1}, not {told.events}")
    return told


def _one_log(world: World, day: int) -> float:
    """Processor milliseconds of `ingest` with one small log: opening the lake, its history, comparing, storing."""
    log = world.lake.path.parent / "one.log"
    when = world.now().isoformat()
    log.write_text("".join(_LINE.format(when=when, n=n, seq=day * 1000 + n) for n in range(EVENTS)), encoding="ascii")
    return least(lambda: intake.ingest(Lake.open(world.lake.path), [str(log)], world.settings, judge=False), 1)


def figures(days: list[Day]) -> Iterator[tuple[str, float]]:
    """Medians (of files: the most) of the first and last week, and the last over the first."""
    span = max(1, min(7, len(days) // 3))
    first, last = days[:span], days[-span:]
    for name in ("commit", "ingest", "day_query", "all_query"):
        before, after = (statistics.median(getattr(day, name) for day in week) for week in (first, last))
        yield f"{name}_ms_first_week", before
        yield f"{name}_ms_last_week", after
        yield f"{name}_growth", after / before
    before, after = (float(max(day.live for day in week)) for week in (first, last))
    yield "live_files_first_week", before
    yield "live_files_last_week", after
    yield "files_growth", after / before
    yield "live_files_most", float(max(day.live for day in days))
    yield "files_on_disk_most", float(max(day.disk for day in days))
    yield "commits", float(len(days) * (MINUTES + 1))


def main(folder: str, count: str, out: str) -> None:
    """Runs it, with a line a day on the standard error."""
    began = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=int(count))
    world = World(Lake.create(folder, "UTC"), began)
    _delta.now = lambda: world.now().timestamp()
    for day in range(int(count)):
        world.days.append(a_day(world, day))
        print(f"day {day + 1}: {world.days[-1]}", file=sys.stderr, flush=True)
    Path(out).write_text(json.dumps(dict(figures(world.days))), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
