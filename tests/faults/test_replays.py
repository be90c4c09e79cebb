"""Replays are free, and the lake can be made again from its inputs: no row more, and row for row the same.

Each batch is delivered three times, in any order: as the file it was, grown, as another window, rotated under other names,
compressed, through a pipe; by two intakes at once where there are processes to spare.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from _logs import LINE, numbers

from teiten.bench import _capture
from teiten.intake import ingest
from teiten.lake import Lake, compact
from teiten.settings import Settings

UTC = Settings("UTC", "flag")
PACKERS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    (".gz", gzip.compress),
    (".bz2", bz2.compress),
    (".xz", lzma.compress),
)

pytestmark = pytest.mark.faults


def line(n: int) -> str:
    return LINE.format(d=1 + n // 3600, m=n // 60 % 60, s=n % 60, x=n % 250, n=n)


def deliveries(folder: Path, lines: int, chance: random.Random) -> list[Path]:
    """A log of that many lines as windows that overlap, each three times: plain, compressed, under another name; shuffled."""
    folder.mkdir()
    size = lines // 8
    windows = [range(max(0, begin - chance.randint(0, size // 2)), min(lines, begin + size)) for begin in range(0, lines, size)]
    windows += [range(end) for end in (size, 3 * size, lines)]  # one that grew
    out = []
    for number, window in enumerate(windows):
        data = "".join(map(line, window)).encode()
        suffix, pack = chance.choice(PACKERS)
        for name, given in ((f"w{number}.log", data), (f"messages.{number}{suffix}", pack(data)), (f"again-{number}", data)):
            (folder / name).write_bytes(given)
            out.append(folder / name)
    chance.shuffle(out)
    return out


def replayed(folder: Path, rounds: int, lines: int, seed: int) -> int:
    """How many deliveries there were; after all of them each line is there once."""
    chance, count = random.Random(seed), 0
    for number in range(rounds):
        given = deliveries(folder / f"in{number}", lines, chance)
        lake = Lake.create(folder / f"lake{number}", "UTC")
        while given:
            several = chance.randint(1, 4)
            count += len(given[:several])
            result = ingest(lake, [str(path) for path in given[:several]], UTC, judge=False)
            assert not result.failed
            del given[:several]
            found = numbers(lake)
            assert max(found.values()) == 1, "a line twice"
            if chance.random() < 0.3:
                with lake.writer() as writer:
                    compact.run(writer, rows=1000, grace=0)
        assert numbers(lake) == Counter(range(lines))
        shutil.rmtree(folder / f"in{number}")
        shutil.rmtree(folder / f"lake{number}")
    return count


def rows(lake: Lake) -> pl.DataFrame:
    """Every row with every column, in an order of its own."""
    files, _ = lake.live_files()
    whole = pl.concat([pl.read_parquet(f.path) for f in files])
    return whole.sort("source_id", "source_pos", "tcp_seq", nulls_last=True, maintain_order=True)


def made(folder: Path, name: str, inputs: list[Path], batch: int) -> Lake:
    lake = Lake.create(folder / name, "UTC")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEITEN_BATCH_EVENTS", str(batch))
        result = ingest(lake, [str(path) for path in inputs], UTC, judge=False)
    assert not result.failed
    return lake


def rebuilt(folder: Path, lines: int, packets: int) -> int:
    """The lake made anew from its inputs in other batches, and once put together: how many rows were compared."""
    log = folder / "all.log"
    log.write_text("".join(map(line, range(lines))))
    window = folder / "window.log"
    window.write_text("".join(map(line, range(lines // 2, lines + lines // 4))))
    inputs = [log, window, _capture.made(folder, packets)]
    first, again = made(folder, "first", inputs, 10**6), made(folder, "again", inputs, max(100, lines // 7))
    before = rows(first)
    assert before.equals(rows(again)), "other rows in other batches"
    with again.writer() as writer:
        compact.run(writer, rows=5000, grace=0)
    assert before.equals(rows(again)), "other rows after they were put together"
    return before.height


def test_deliveries_in_any_order(tmp_path: Path) -> None:
    assert replayed(tmp_path, 1, 400, 1) == 33


def test_made_again_from_its_inputs(tmp_path: Path) -> None:
    assert rebuilt(tmp_path, 800, 1_000) == 2_000


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_every_batch_three_times_shuffled(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    count = replayed(tmp_path, 30, 4_000, 2)
    figure(
        5, f"{count:,} deliveries (windows, grown, rotated, compressed; each three times, shuffled) to 30 lakes: no row more"
    )


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_lake_of_millions_made_again(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    count = rebuilt(tmp_path, 400_000, 1_000_000)
    figure(13, f"{count:,} rows of two logs and a capture made again in other batches, and put together: the same, row for row")


def test_two_of_one_name_are_none_of_another(tmp_path: Path) -> None:
    """Another log under a name that was there before is new, every line of it."""
    log: Any = tmp_path / "messages"
    lake = Lake.create(tmp_path / "lake", "UTC")
    for begin in (0, 1000, 0):
        log.write_text("".join(map(line, range(begin, begin + 50))))
        ingest(lake, [str(log)], UTC, judge=False)
    assert numbers(lake) == Counter([*range(50), *range(1000, 1050)])
