"""Gaps are the same from the batches' activity, where no event is read, and from the events themselves."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest
from making import batch, events

from teiten import intake
from teiten.engine import gaps as asking
from teiten.engine import open_session, recorded
from teiten.engine.duckdb import Session
from teiten.engine.gaps import gaps
from teiten.lake import Lake
from teiten.settings import Settings

T0 = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def both(session: Session, start: dt.datetime, end: dt.datetime, sensors: tuple[str, ...] = ()) -> list[asking.Watch]:
    """What either way tells of the span, once it was seen that they tell the same."""
    low, high = asking._whole_hours(start - asking._SLACK, end + asking._SLACK)
    quick = asking.by_activity(session, low, high, sensors)
    assert quick is not None and quick == asking.by_events(session, low, high, sensors)
    assert gaps(session, start, end, sensors=sensors) == asking.found(quick, start, end, session.zone)
    return quick


def scattered(seed: int) -> list[tuple[str, list[dt.datetime]]]:
    """Batches of two sensors, not in order of time and not apart in it; some hours are empty, some edges have an event."""
    rng = random.Random(seed)
    out = []
    for n in range(12):
        begin = T0 + dt.timedelta(hours=rng.randrange(0, 200))
        times = [begin + dt.timedelta(microseconds=rng.randrange(0, 3 * 3_600_000_000)) for _ in range(rng.randrange(1, 40))]
        out.append((("dark", "home")[n % 2], [*times, begin, begin + rng.randrange(1, 4) * HOUR]))
    return out


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.full
def test_any_batches(tmp_path: Path, zone: str, seed: int) -> None:
    lake = Lake.create(tmp_path / "lake", zone)
    with lake.writer() as writer:
        for sensor, times in scattered(seed):
            made = events([{"time": t, "sensor": sensor, "action": ("drop", "accept")[n % 2]} for n, t in enumerate(times)])
            writer.commit(batch(made.height, sensor=sensor), made)
    for upto in (None, 5):
        with open_session(lake, Settings(zone, "flag"), upto=upto) as session:
            # a file of several batches would be needed for the oracle to see less; here each batch has its own
            assert [one.sensor for one in both(session, T0, T0 + 200 * HOUR)] == ["dark", "home"]
            assert both(session, T0 + 3.3 * HOUR, T0 + 90.5 * HOUR)
            assert [one.sensor for one in both(session, T0, T0 + 5 * HOUR, ("home",))] == ["home"]
            assert both(session, T0 - 4000 * HOUR, T0 - 3000 * HOUR)


@pytest.mark.parametrize("suffix", [".log", ".pcap"])
def test_real_inputs(tmp_path: Path, suffix: str, shared_data: Path) -> None:
    chosen = [p for p in sorted(shared_data.rglob(f"*{suffix}")) if 0 < p.stat().st_size < 1_000_000][:4]
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    intake.ingest(lake, [str(p) for p in chosen], Settings("Asia/Tokyo", "flag"), judge=False)
    with open_session(lake, Settings("Asia/Tokyo", "flag")) as session:
        row = session.query("SELECT min(t_min) AS first, max(t_max) AS last FROM batches")[0]
        assert both(session, row["first"] - 48 * HOUR, row["last"] + 48 * HOUR)


def test_no_event_is_read(tmp_path: Path) -> None:
    """Where the files of events are gone, gaps are still told."""
    lake = Lake.create(tmp_path / "lake", "UTC")
    with lake.writer() as writer:
        made = events([{"time": T0 + dt.timedelta(minutes=n)} for n in range(600) if not 200 <= n < 300])
        writer.commit(batch(made.height), made)
    with open_session(lake, Settings("UTC", "flag")) as session:
        for file in (tmp_path / "lake" / "events").glob("*.parquet"):
            file.unlink()
        rows = gaps(session, T0, T0 + 10 * HOUR)
    assert [(g["start"] - T0, g["end"] - T0) for g in rows] == [(dt.timedelta(minutes=199), dt.timedelta(minutes=300))]


@pytest.mark.parametrize("seed", range(3))
def test_sensors_of_a_span(tmp_path: Path, seed: int) -> None:
    """Those with an event in it; not told where a span lies within an hour, between its first event and its last."""
    lake, rng = Lake.create(tmp_path / "lake", "UTC"), random.Random(seed)
    every = scattered(seed)
    with lake.writer() as writer:
        for sensor, times in every:
            made = events([{"time": t, "sensor": sensor} for t in times])
            writer.commit(batch(made.height, sensor=sensor), made)
    with open_session(lake, Settings("UTC", "flag")) as session:
        told = 0
        for _ in range(200):
            start = T0 + rng.uniform(-5, 210) * HOUR
            end = start + rng.choice([0.1, 1, 3, 50]) * HOUR
            found = recorded.sensors(session, start, end)
            told += found is not None
            if found is not None:
                assert found == sorted({s for s, times in every if any(start <= t < end for t in times)})
        assert told > 150 and recorded.sensors(session, None, None, ("home",)) == ["home"]
        assert recorded.extent(session) == (min(min(t) for _, t in every), max(max(t) for _, t in every))


@pytest.mark.parametrize("first", [0, 40, 70])
def test_months_without_a_record_are_no_observation(tmp_path: Path, first: int) -> None:
    """The silence is longer than what is looked at beside the span: at its beginning, in its middle, at its end."""
    lake = Lake.create(tmp_path / "lake", "UTC")
    times = [
        T0 + dt.timedelta(days=d, hours=h, minutes=m * 5) for d in (-3, -2, -1, 100, 101) for h in range(24) for m in range(9)
    ]
    with lake.writer() as writer:
        made = events([{"time": t, "sensor": "home"} for t in times])
        writer.commit(batch(made.height, sensor="home"), made)
    start = T0 + dt.timedelta(days=first)
    with open_session(lake, Settings("UTC", "flag")) as session:
        rows = gaps(session, start, start + dt.timedelta(days=2))
        assert [(row["reason"], row["end"] - row["start"] > dt.timedelta(hours=47)) for row in rows] == [("silent", True)]
        after = gaps(session, T0 + dt.timedelta(days=99), T0 + dt.timedelta(days=101))
        assert [row["end"] for row in after] == [T0 + dt.timedelta(days=100)]
