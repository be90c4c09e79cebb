"""Zones, years that stamps leave out, boots: against Python's zoneinfo, and by cases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.reading import chunks, events

from teiten.readers import _clock

ZONES = ("UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata")
MOMENTS = st.datetimes(dt.datetime(1975, 1, 1), dt.datetime(2037, 1, 1))
BODY = "router kernel: DROP IN=ppp0 OUT= MAC= SRC=192.0.2.1 DST=198.51.100.7 LEN=40 TOS=0x00 PREC=0x00 TTL=9 ID=1 PROTO=2 \n"


def naive(moment: dt.datetime) -> int:
    return _clock.micros(moment.replace(tzinfo=dt.UTC))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(ZONES), st.lists(MOMENTS, min_size=1, max_size=20))
def test_zones_agree_with_zoneinfo(name: str, moments: list[dt.datetime]) -> None:
    """In ascending order nothing is a second pass: zoneinfo's fold=0."""
    zone = ZoneInfo(name)
    moments.sort()
    found = _clock.Zone(zone).to_utc(np.array([naive(m) for m in moments], np.int64))
    assert found.tolist() == [_clock.micros(m.replace(tzinfo=zone)) for m in moments]


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_every_minute_around_the_steps(name: str) -> None:
    """Two years of real minutes shown by a wall clock come back, the repeated hour too."""
    zone = ZoneInfo(name)
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    utc = [start + dt.timedelta(minutes=7 * n) for n in range(150_000)]
    clock = np.array([naive(m.astimezone(zone).replace(tzinfo=None)) for m in utc], np.int64)
    want = np.array([_clock.micros(m) for m in utc], np.int64)
    table = _clock.Zone(zone)
    pieces = [table.to_utc(part) for part in np.array_split(clock, 997)]  # as blocks come
    assert (np.concatenate(pieces) == want).all()


def log(path: Path, stamps: list[str]) -> Path:
    path.write_text("".join(f"{stamp} {BODY}" for stamp in stamps))
    return path


def days(path: Path, mtime: str, **how: object) -> list[str]:
    table = events(path, mtime=mtime, zone="UTC", **how)
    return [str(t)[:10] for t in table["time"]]


@pytest.mark.parametrize(
    ("stamps", "mtime", "years"),
    [
        (["Mar  1", "Mar  2"], "2026-03-02T09:00:00Z", [2026, 2026]),
        (["Mar  1", "Mar  2"], "2026-03-01T11:00:00Z", [2026, 2026]),  # a clock that runs ahead by less than a day
        (["Mar  1", "Mar  2"], "2026-02-20T09:00:00Z", [2025, 2025]),
        (["Dec 30", "Dec 31", "Jan  1"], "2026-01-01T09:00:00Z", [2025, 2025, 2026]),
        (["Dec 31", "Jan  1", "Dec 31", "Jan  1"], "2026-01-01T09:00:00Z", [2025, 2026, 2025, 2026]),
        (["Jan  1", "Dec 31"], "2026-01-01T09:00:00Z", [2026, 2025]),
        (["Dec 31", "Dec 31"], "2026-01-01T09:00:00Z", [2025, 2025]),
        (["Jun  1", "Jan  5", "Aug  1", "Feb 20"], "2026-03-01T00:00:00Z", [2024, 2025, 2025, 2026]),
        (["Feb 28", "Feb 29", "Mar  1"], "2026-03-02T09:00:00Z", [2024, 2024, 2024]),
        (["Mar 11", "Jan  1", "Jan  1", "Mar 12"], "2026-03-12T20:00:00Z", [2026, 2026, 2026, 2026]),  # a router that woke
        (["Mar 11", "May  5", "May  5", "Mar 12"], "2026-03-12T20:00:00Z", [2026, 2025, 2025, 2026]),
        (["Mar 20", "Mar 11", "Apr  2"], "2026-04-02T20:00:00Z", [2026, 2026, 2026]),  # reordering
    ],
)
def test_years(tmp_path: Path, stamps: list[str], mtime: str, years: list[int]) -> None:
    path = log(tmp_path / "x.log", [f"{s} 10:00:00" for s in stamps])
    assert [int(d[:4]) for d in days(path, mtime)] == years


def test_the_year_given_is_the_first_lines(tmp_path: Path) -> None:
    path = log(tmp_path / "x.log", ["Dec 31 10:00:00", "Jan  1 10:00:00", "Feb 29 10:00:00"])
    table = events(path, year=2019, zone="UTC")
    assert [str(t)[:10] for t in table["time"]] == ["2019-12-31", "2020-01-01", "2020-02-29"]
    assert set(table["time_basis"]) == {"stated"}
    path = log(tmp_path / "y.log", ["Feb 28 10:00:00", "Feb 29 10:00:00"])
    found = chunks(path, year=2019)
    assert [r.reason for c in found for r in c.rejected] == ["bad time stamp"]


def test_a_repeated_hour(tmp_path: Path) -> None:
    """Berlin, 2025-10-26: 02:00-03:00 twice."""
    path = log(
        tmp_path / "x.log",
        [f"2025-10-26T{t}" for t in ("01:59:00", "02:10:00", "02:50:00", "02:05:00", "02:04:50", "03:00:00")],
    )
    found = [str(t)[11:16] for t in events(path, zone="Europe/Berlin")["time"]]
    assert found == ["23:59", "00:10", "00:50", "01:05", "01:04", "02:00"]


def test_a_skipped_hour(tmp_path: Path) -> None:
    path = log(tmp_path / "x.log", ["2025-03-30T02:30:00"])
    assert str(events(path, zone="Europe/Berlin")["time"][0])[11:16] == "01:30"


def test_boots_follow_one_another(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("".join(f"[{s:5d}.000000] {BODY}" for s in (100, 200, 5, 50)))
    found = [str(t)[11:19] for t in events(path, mtime="2026-04-10T00:00:00Z")["time"]]
    assert found == ["23:57:30", "23:59:10", "23:59:15", "00:00:00"]


@pytest.mark.parametrize("year", [None, 2024])
def test_a_resumed_read_is_the_same_read(tmp_path: Path, year: int | None) -> None:
    """From any line on: times, outcomes, hashes, offsets as in the whole read, over two New Years and repeats."""
    moment = dt.datetime(2024, 11, 1)
    path = tmp_path / "x.log"
    with path.open("w") as out:
        for n in range(6000):
            moment += dt.timedelta(hours=2 + n % 3)
            stamp = f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S}"
            out.write(f"{stamp} router last message repeated 2 times\n" if n % 50 == 7 else f"{stamp} {BODY}")
    how = {"mtime": (moment + dt.timedelta(days=1)).isoformat() + "Z", "zone": "Europe/Berlin", "year": year, "hash_key": 7}
    whole = chunks(path, **how)
    table = events(path, **how)
    positions = np.concatenate([c.line_pos for c in whole])
    hashes = np.concatenate([c.line_hash for c in whole])
    assert table["time"][-1].year == 2026
    for line in (1, 8, 3000, 5257, 5999):
        start = int(positions[line])
        part = chunks(path, start=start, **how)
        assert np.concatenate([c.line_pos for c in part]).tolist() == positions[line:].tolist()
        assert np.concatenate([c.line_hash for c in part]).tolist() == hashes[line:].tolist()
        rest = events(path, start=start, **how)
        assert rest.equals(table.tail(rest.height)), line
