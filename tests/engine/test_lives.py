"""What a station says of itself beside what its events tell: outages are gaps, quiet is watched, losses have a number."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from teiten import coverage
from teiten.engine import open_session
from teiten.engine.gaps import DOWN, gaps
from teiten.engine.lives import joined, without
from teiten.engine.losses import losses
from teiten.lake import Lake, watching
from teiten.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "lake"))
from making import batch, events

T0 = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
UTC = Settings("UTC", "flag")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", "UTC")


def store(lake: Lake, sensor: str, times: Iterable[dt.datetime]) -> None:
    made = events([{"time": t, "sensor": sensor, "source_pos": n} for n, t in enumerate(times)])
    with lake.writer() as writer:
        writer.commit(batch(made.height, sensor=sensor, t_min=made["time"].min(), t_max=made["time"].max()), made)


def there(lake: Lake, sensor: str | None, *spans: tuple[float, float], keeps: bool = False, **counts: int) -> None:
    """Rows of those spans, in hours since T0; the counts stand in each."""
    rows: list[dict[str, Any]] = []
    for a, b in spans:
        at = a
        while at < b:
            edge = min(b, at // 1 + 1)
            rows.append({
                "stream": f"udp.{sensor}", "input": "udp", "sensor": sensor, "start": T0 + at * HOUR, "end": T0 + edge * HOUR,
                "keeps": keeps, "segment": 1, "record": len(rows) + 1, "goes_on": at > a, **counts,
            })  # fmt: skip
            at = edge
    schema = {name: kind for name, kind in watching.SCHEMA.items() if name != "last_batch"}
    lake.put_watching(pl.DataFrame(rows, schema=schema))


def told(lake: Lake, start: float, end: float, **more: Any) -> list[tuple[str, float, float, str]]:
    with open_session(lake, UTC) as session:
        rows = gaps(session, T0 + start * HOUR, T0 + end * HOUR, **more)
    return [(r["sensor"], (r["start"] - T0) / HOUR, (r["end"] - T0) / HOUR, r["reason"]) for r in rows]


def test_an_outage_is_a_gap_however_quiet_the_sensor(lake: Lake) -> None:
    store(lake, "home", [T0 + n * HOUR for n in (1, 40)])
    there(lake, "home", (0, 10), (10.5, 30), (33, 48))
    assert told(lake, 0, 48) == [("home", 10, 10.5, DOWN), ("home", 30, 33, DOWN)]
    with open_session(lake, UTC) as session:
        stretches = coverage.watched(session, T0, T0 + 48 * HOUR)
    assert sum((s.end - s.start) / HOUR for s in stretches) == pytest.approx(44.5)


def test_a_station_without_any_packet_watched(lake: Lake) -> None:
    store(lake, "other", [T0])
    there(lake, "home", (0, 24))
    with open_session(lake, UTC) as session:
        stretches = [s for s in coverage.watched(session, T0, T0 + 24 * HOUR) if s.sensor == "home"]
    assert [(s.start, s.end, s.basis) for s in stretches] == [(T0, T0 + 24 * HOUR, coverage.ASSUMED)]


def test_before_and_after_the_station_nothing_is_known(lake: Lake) -> None:
    store(lake, "home", [T0 + n * HOUR for n in (6, 12)])
    there(lake, "home", (5, 20))
    assert told(lake, 0, 24) == [("home", 0, 5, "not observed"), ("home", 20, 24, "not observed")]


def test_a_busy_sensor_that_falls_silent_is_a_gap_though_the_station_ran(lake: Lake) -> None:
    store(lake, "home", [T0 + n * MINUTE for n in range(600)])
    there(lake, "home", (0, 24))
    assert told(lake, 0, 24) == [("home", 599 / 60, 24, "silent")]


@pytest.mark.parametrize("keeps", [False, True])
def test_a_log_that_is_read_on_afterwards_has_no_gap(lake: Lake, keeps: bool) -> None:
    store(lake, "home", [T0 + HOUR])
    there(lake, "home", (0, 5), (9, 24), keeps=keeps)
    assert told(lake, 0, 24) == ([] if keeps else [("home", 5, 9, DOWN)])


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([], (5, 9)),
        ([301], (5 + 1 / 60, 9)),  # the router's clock is ahead
        ([539], (5, 9 - 1 / 60)),
        (list(range(300, 540, 7)), None),  # somebody kept it all the while
        ([400, 440], None),
    ],
)
def test_events_of_the_time_show_that_it_was_recorded_after_all(
    lake: Lake, minutes: list[int], expected: tuple[float, float] | None
) -> None:
    store(lake, "home", sorted([T0 + HOUR, T0 + 20 * HOUR, *(T0 + n * MINUTE for n in minutes)]))
    there(lake, "home", (0, 5), (9, 24))
    found = [(round(a, 4), round(b, 4)) for _, a, b, reason in told(lake, 0, 24) if reason == DOWN]
    assert found == ([tuple(round(x, 4) for x in expected)] if expected else [])


def test_a_short_outage_is_held_against_the_events_themselves(lake: Lake) -> None:
    """Both times lie in hours that have events."""
    store(lake, "home", [T0 + n * MINUTE for n in range(720) if not 200 <= n < 215])
    there(lake, "home", (0, 200 / 60), (215 / 60, 5), (5.25, 12))
    found = [(round(a * 60), round(b * 60)) for _, a, b, reason in told(lake, 0, 12) if reason == DOWN]
    assert found == [(200, 215)]


def test_an_input_beside_another_keeps_the_sensor_watched(lake: Lake) -> None:
    store(lake, "home", [T0])
    there(lake, "home", (0, 5), (9, 24))
    rows = lake.watching().with_columns(pl.lit("pcap").alias("stream"), start=T0 + 4 * HOUR, end=T0 + 10 * HOUR)
    lake.put_watching(rows.head(1).drop("last_batch"))
    assert told(lake, 0, 24) == []


def test_spans() -> None:
    def at(*pairs: tuple[float, float]) -> list[tuple[dt.datetime, dt.datetime]]:
        return [(T0 + a * HOUR, T0 + b * HOUR) for a, b in pairs]

    assert joined(at((3, 4), (0, 1), (1.01, 2))) == at((0, 2), (3, 4))
    assert without(at((0, 10))[0], at((-1, 1), (2, 3), (9, 12))) == at((1, 2), (3, 9))
    assert without(at((0, 10))[0], at((0, 10))) == []


def test_losses_have_a_number_zero_is_zero_and_unknown_is_unknown(lake: Lake) -> None:
    store(lake, "home", [T0])
    with open_session(lake, UTC) as session:
        assert losses(session, T0, T0 + 24 * HOUR, ["home"]).known == 0
    there(lake, "home", (0, 12), received=100, dropped_queue=2, refused=1)
    there(lake, None, (0, 12), dropped_kernel=3)
    with open_session(lake, UTC) as session:
        found = losses(session, T0, T0 + 24 * HOUR, ["home"])
        assert (found.known, found.received, found.lost, found.refused, found.sent) == (0.5, 1200, 60, 12, 1236)
        assert found.share == pytest.approx(60 / 1236)
        assert losses(session, T0, T0 + 6 * HOUR, ["home"], every=False).lost == 12
        assert losses(session, T0, T0 + 12 * HOUR, ["home", "hand"]).known == 0.5
        assert session.query("SELECT sum(received) AS n, count(*) AS rows FROM watching WHERE sensor = 'home'") == [
            {"n": 1200, "rows": 12}
        ]


def test_rows_take_the_place_of_later_ones_of_their_stream(lake: Lake) -> None:
    there(lake, "home", (0, 3), received=1)
    there(lake, "attic", (0, 3), received=1)
    before = lake.watching()
    lake.put_watching(before.filter((pl.col("sensor") == "home") & (pl.col("record") >= 2)).with_columns(received=7))
    after = lake.watching()
    assert after.filter(pl.col("sensor") == "attic").equals(before.filter(pl.col("sensor") == "attic"))
    assert after.filter(pl.col("sensor") == "home")["received"].to_list() == [1, 7, 7]
    lake.put_watching(before.filter((pl.col("sensor") == "home") & (pl.col("record") == 1)))
    assert lake.watching().filter(pl.col("sensor") == "home")["received"].to_list() == [1]


def test_a_long_silence_of_a_station_that_ran_is_told_once(lake: Lake) -> None:
    """Events months apart, with nothing between: the silence reaches beyond the month around what is asked for."""
    busy = [T0 + n * MINUTE for n in range(600)]
    store(lake, "home", [*busy, *(T0 + 120 * 24 * HOUR + n * MINUTE for n in range(600))])
    there(lake, "home", *((24.0 * day, 24.0 * day + 24) for day in range(122)))
    assert told(lake, 24 * 100, 24 * 101) == [("home", 2400, 2424, "silent")]
    assert told(lake, 0, 24) == [("home", 599 / 60, 24, "silent")]


def test_a_sensor_that_fell_silent_long_ago_is_not_watched_and_empty(lake: Lake) -> None:
    store(lake, "home", [T0 + n * MINUTE for n in range(600)])
    there(lake, "home", *((24.0 * day, 24.0 * day + 24) for day in range(122)))
    assert told(lake, 24 * 100, 24 * 101) == [("home", 2400, 2424, "silent")]
