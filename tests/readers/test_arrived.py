"""Years and boots from when lines came in: whatever part of the input is read, and however its blocks lie, the same times."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import numpy as np
import pytest

from teiten.periods import zone
from teiten.readers import _blocks, _input, netfilter
from teiten.readers._base import ReadOptions, Received

BODY = "IN=ppp0 OUT= SRC=203.0.113.7 DST=198.51.100.1 LEN=40 TTL=50 ID=1 PROTO=TCP SPT=40000 DPT=23 WINDOW=1024 SYN\n"


def micros(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 10**6)


def read(path: Path, received: Received, tz: str, start: int = 0) -> list[int]:
    source = _input.of(path)
    options = ReadOptions(zone=zone(tz), received=received, start=start)
    return [t for chunk in netfilter.read(source, options) for t in chunk.events["time"].to_physical().to_list()]


@pytest.mark.parametrize("tz", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("seed", range(3))
def test_any_part_of_any_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tz: str, seed: int) -> None:
    """Lines of years in pieces and groups; read from any place, in blocks of any size."""
    chance, own = random.Random(seed), zone(tz)
    at = dt.datetime(2019, 11, 20, tzinfo=dt.UTC)
    text, times, ends, ats, groups, begins = b"", [], [], [], [], []
    boot = at
    while len(ends) < 60:
        # a group: a long piece of the past, or a few lines as they come
        old = chance.random() < 0.3
        for _ in range(chance.randint(1, 4) if old else 1):
            for _ in range(chance.randint(1, 30)):
                at += dt.timedelta(seconds=chance.randrange(1, 86400 * 25 if old else 600))
                begins.append(len(text))
                local = at.astimezone(own)
                text += f"{local:%b} {local.day:2d} {local:%H:%M:%S} gw kernel: {BODY}".encode()
                times.append(micros(at.replace(microsecond=0)))
            ends.append(len(text))
            ats.append(micros(at))
            groups.append(-1)
        groups = [n if n >= 0 else len(ends) - 1 for n in groups]
        ats = [ats[groups[n]] for n in range(len(ats))]
    assert boot < at
    path = tmp_path / "log"
    path.write_bytes(text)
    until = np.array(ats, np.int64)
    received = Received(np.array(ends, np.int64), until, until, np.array(groups, np.int64))
    assert read(path, received, tz) == times
    monkeypatch.setattr(_blocks, "BLOCK", 4096)
    monkeypatch.setattr(_blocks.blocks, "__defaults__", (4096,))
    assert read(path, received, tz) == times
    for _ in range(5):
        # what was taken in before ended with a group
        last = groups[chance.randrange(len(groups) - 1)]
        start = ends[last]
        rest = Received(
            *(column[last:] for column in (received.ends, received.at, received.until)), received.groups[last:] - last
        )
        assert read(path, rest, tz, start) == times[begins.index(start) if start in begins else len(times) :]


def test_a_new_year_in_a_group_and_leap_days(tmp_path: Path) -> None:
    path = tmp_path / "log"
    stamps = ["Feb 29 12:00:00", "Dec 31 23:59:59", "Jan  1 00:00:01", "Feb 28 10:00:00"]
    path.write_text("".join(f"{stamp} gw kernel: {BODY}" for stamp in stamps))
    whole = np.array([path.stat().st_size], np.int64)
    until = np.array([micros(dt.datetime(2025, 3, 1, tzinfo=dt.UTC))], np.int64)
    found = [dt.datetime.fromtimestamp(t / 10**6, dt.UTC) for t in read(path, Received(whole, until, until), "UTC")]
    assert [(t.year, t.month) for t in found] == [(2024, 2), (2024, 12), (2025, 1), (2025, 2)]


def test_a_clock_that_was_not_set_yet(tmp_path: Path) -> None:
    """A router that booted says Jan 1 until it has asked for the time."""
    path = tmp_path / "log"
    stamps = ["Nov  3 11:00:00", "Jan  1 00:00:10", "Jan  1 00:00:20", "Nov  3 11:01:00"]
    path.write_text("".join(f"{stamp} gw kernel: {BODY}" for stamp in stamps))
    whole = np.array([path.stat().st_size], np.int64)
    until = np.array([micros(dt.datetime(2026, 11, 3, 11, 2, tzinfo=dt.UTC))], np.int64)
    found = [dt.datetime.fromtimestamp(t / 10**6, dt.UTC) for t in read(path, Received(whole, until, until), "UTC")]
    assert [t.year for t in found] == [2026] * 4
