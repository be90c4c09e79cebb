"""Stories of days: the same in whatever order logs came, after a kill, made again; made anew where something changed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.lake.dying import dying
from tests.lake.making import batch, events

from teiten.detect import kept, taught
from teiten.detect.model import Story
from teiten.engine import open_session
from teiten.errors import UsageError
from teiten.lake import Lake
from teiten.settings import Settings, load

DAY = dt.timedelta(days=1)
FIRST = dt.date(2026, 4, 1)
BURST = FIRST + 6 * DAY
PORTS = (23, 445, 22, 80, 3389)


def rows(day: dt.date, seed: int = 1) -> list[dict[str, Any]]:
    """A day of a quiet line; on BURST 60 packets come to 9530/tcp at 5 o'clock."""
    chance = random.Random(f"{day}{seed}")
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    out: list[dict[str, Any]] = []
    for hour in range(24):
        for _ in range(8):
            n = chance.randrange(200)
            country = ("US", "CN", "NL")[n % 3]
            time = start + dt.timedelta(hours=hour, seconds=chance.randrange(3600))
            out.append(_row(time, f"198.18.{n // 100}.{n % 100}", chance.choice(PORTS), country))
    if day == BURST:
        start += dt.timedelta(hours=5)
        out += [_row(start + dt.timedelta(seconds=50 * n), f"203.0.113.{n % 20}", 9530, "TW") for n in range(60)]
    return out


def _row(time: dt.datetime, src: str, port: int, country: str) -> dict[str, Any]:
    return {"time": time, "src_ip": src, "dst_port": port, "country": country, "asn": ord(country[0]), "geo_db": "geo"}


def store(lake: Lake, made: Iterable[Mapping[str, Any]], source: int) -> None:
    with lake.writer() as writer:
        own = events({**row, "source_id": source, "source_pos": n} for n, row in enumerate(made))
        low, high = own["time"].min(), own["time"].max()
        writer.commit(batch(own.height, source_id=source, t_min=low, t_max=high), own)


def filled(path: Path, days: Iterable[dt.date]) -> Lake:
    lake = Lake.create(path, "UTC")
    for day in days:
        store(lake, rows(day), (day - FIRST).days + 1)
    return lake


def settings(lake: Lake, **thresholds: float) -> Settings:
    found = load(zone="UTC", lake=str(lake.path))
    return replace(found, thresholds={**found.thresholds, **thresholds})


DAYS = [FIRST + n * DAY for n in range(9)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return filled(tmp_path_factory.mktemp("kept") / "lake", DAYS)


@pytest.fixture(scope="module")
def told(lake: Lake) -> dict[dt.date, list[Story]]:
    done = kept.refresh(lake, settings(lake))
    assert done.days == DAYS and done.trouble is None
    return kept.span(lake, settings(lake))


def test_a_burst_is_told_on_its_day_and_not_before(lake: Lake, told: dict[dt.date, list[Story]]) -> None:
    mine = [one for one in told[BURST] if (6, 9530) in one.about.ports]
    assert len(mine) == 1 and mine[0].about.country == "TW"
    detection = next(one for one in mine[0].detections if one.start.hour == 5)
    assert detection.packets == 60 and detection.hosts == 20
    assert not any((6, 9530) in one.about.ports for day in DAYS if day < BURST for one in told.get(day, []))
    assert kept.find(lake, settings(lake), mine[0].id[:6]) == kept.story(lake, settings(lake), mine[0].id)
    with pytest.raises(UsageError, match="no story or detection zzzz"):
        kept.find(lake, settings(lake), "zzzz")


def test_nothing_is_made_where_nothing_changed(lake: Lake, told: dict[dt.date, list[Story]]) -> None:
    assert kept.refresh(lake, settings(lake)).days == []
    again = kept.refresh(lake, settings(lake), [BURST], again=True)
    assert again.days == [BURST]
    assert kept.span(lake, settings(lake)) == told


@pytest.mark.full
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_in_which_logs_came_makes_no_difference(told: dict[dt.date, list[Story]], tmp_path: Path, seed: int) -> None:
    order = random.Random(seed).sample(DAYS, len(DAYS))
    lake = Lake.create(tmp_path / "lake", "UTC")
    for n, day in enumerate(order):
        store(lake, rows(day), (day - FIRST).days + 1)
        if n in (4, 7):
            kept.refresh(lake, settings(lake))
    kept.refresh(lake, settings(lake))
    assert kept.span(lake, settings(lake)) == told


@pytest.mark.full
def test_late_events_change_their_day_and_what_follows(lake: Lake, told: dict[dt.date, list[Story]], tmp_path: Path) -> None:
    late = filled(tmp_path / "lake", DAYS)
    kept.refresh(late, settings(late))
    time = dt.datetime.combine(DAYS[7], dt.time(3), dt.UTC)
    store(late, [_row(time + dt.timedelta(seconds=n), f"203.0.113.{n}", 5555, "KR") for n in range(50)], 99)
    assert kept.refresh(late, settings(late)).days == DAYS[7:]
    assert kept.stories(late, settings(late), DAYS[6]) == told[DAYS[6]]
    assert any((6, 5555) in one.about.ports for one in kept.stories(late, settings(late), DAYS[7]))


@pytest.mark.full
@pytest.mark.parametrize("step", [3, 25, 40, 60, 80, 120])
def test_after_a_kill_it_goes_on(
    told: dict[dt.date, list[Story]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(kept, "STORE_DAYS", 2)
    lake = filled(tmp_path / "lake", DAYS)
    with dying(step):
        kept.refresh(lake, settings(lake))
    lake = Lake.open(lake.path)
    kept.refresh(lake, settings(lake))
    assert kept.span(lake, settings(lake)) == told


def test_a_threshold_makes_days_anew(lake: Lake, told: dict[dt.date, list[Story]]) -> None:
    strict = settings(lake, detect_packets=1000, detect_hosts=1000)
    assert kept.refresh(lake, strict).days == DAYS
    assert not any(d.kind == "burst" for one in kept.stories(lake, strict, BURST) for d in one.detections)
    kept.refresh(lake, settings(lake))
    assert kept.span(lake, settings(lake)) == told


def test_what_an_analyst_says_is_with_the_story(lake: Lake, told: dict[dt.date, list[Story]]) -> None:
    mine = next(one for one in told[BURST] if (6, 9530) in one.about.ports)
    note = lake.add_note("story", label="explained", value=taught.content(mine), day_to=BURST, text="ours")
    found = kept.story(lake, settings(lake), mine.id)
    assert found is not None and (found.verdict, found.because) == ("explained", "ours")
    lake.withdraw_note(note)
    found = kept.story(lake, settings(lake), mine.id)
    assert found is not None and found.verdict is None


def test_stories_are_views_of_sql(lake: Lake, told: dict[dt.date, list[Story]]) -> None:
    with open_session(lake, settings(lake)) as session:
        found = session.frame("SELECT id FROM stories WHERE day = ? ORDER BY place", [BURST])
        assert found["id"].to_list() == [one.id for one in told[BURST]]
        found = session.frame("SELECT s.id FROM detections d JOIN stories s USING (day) WHERE d.ports = '9530/6'")
        assert found.height


@pytest.mark.full
def test_a_report_needs_not_all_years(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "BEFORE", 2)
    lake = filled(tmp_path / "lake", DAYS)
    assert kept.refresh(lake, settings(lake), [DAYS[5]]).days == DAYS[3:6]
    assert kept.refresh(lake, settings(lake), [DAYS[7]]).days == DAYS[6:8]
    assert kept.refresh(lake, settings(lake), [DAYS[8]], whole=True).days[:3] == DAYS[:3]


def test_a_lake_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    lake = filled(tmp_path / "lake", DAYS[:2])
    with lake.writer():
        done = kept.refresh(lake, settings(lake), wait=0.0)
    assert done.trouble is not None and done.stale == DAYS[:2]
    assert kept.stories(lake, settings(lake), DAYS[0]) == []


# little, late, nothing ------------------------------------------------------------------------------------------------


def found_in(tmp_path: Path, made: list[dict[str, Any]]) -> tuple[Lake, kept.Result]:
    lake = Lake.create(tmp_path / "lake", "UTC")
    if made:
        store(lake, made, 1)
    return lake, kept.refresh(lake, settings(lake))


def test_an_empty_lake_has_no_days(tmp_path: Path) -> None:
    lake, done = found_in(tmp_path, [])
    assert done.days == [] and kept.days(lake, settings(lake)) == [] and kept.span(lake, settings(lake)) == {}


@pytest.mark.parametrize("count", [1, 24])
def test_of_little_nothing_is_said(tmp_path: Path, count: int) -> None:
    lake, done = found_in(tmp_path, rows(FIRST)[:count])
    assert done.trouble is None and done.days == [FIRST]
    assert kept.stories(lake, settings(lake), FIRST) == []


@pytest.mark.full
def test_a_gap_of_a_month_is_bridged_and_a_longer_one_is_not(tmp_path: Path) -> None:
    days = [FIRST, FIRST + 30 * DAY, FIRST + 80 * DAY]
    lake = filled(tmp_path / "lake", days)
    done = kept.refresh(lake, settings(lake))
    assert done.trouble is None
    assert done.days == [*(FIRST + n * DAY for n in range(31)), days[2]]
    assert {one.kind for found in kept.span(lake, settings(lake)).values() for one in found} <= {"outage"}


@pytest.mark.full
def test_days_without_events_any_more_keep_their_stories(tmp_path: Path) -> None:
    lake = filled(tmp_path / "lake", DAYS)
    chosen = settings(lake)
    kept.refresh(lake, chosen)
    before = kept.span(lake, chosen)
    from teiten.rollup import cells

    cells.ensure(lake, chosen, DAYS)
    lake.drop_before(dt.datetime.combine(DAYS[8], dt.time(), dt.UTC), lambda: True, grace=0)
    assert kept.refresh(lake, settings(lake, detect_packets=1000), whole=True).days == DAYS[8:]
    assert kept.span(lake, chosen, DAYS[:8]) == {day: before[day] for day in DAYS[:8] if day in before}
    lake_rows = lake.changes("cells", "UTC", DAYS[:8])
    assert lake_rows["packets"].sum() == 8 * 24 * 8 + 60 and lake_rows["part"].eq(0).all()
