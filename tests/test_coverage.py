"""When sensors watched, and with how many addresses: live, in the lake's table, and in SQL; rates are divided by it."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from teiten import coverage
from teiten.cli import main
from teiten.engine import open_session
from teiten.engine.gaps import gaps
from teiten.lake import Lake
from teiten.settings import Outage, Run, Sensor, Settings

sys.path.insert(0, str(Path(__file__).parent / "lake"))

T0 = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
UTC = Settings("UTC", "flag")
Fill = Callable[..., None]


@pytest.fixture
def store() -> Fill:
    from making import batch, events

    def fill(lake: Lake, sensor: str, hours: Iterable[int], addresses: int = 1, per_hour: int = 20) -> None:
        """So many events in each of those hours since T0, to so many addresses in turn: one batch."""
        rows = [
            {
                "time": T0 + h * HOUR + k * HOUR / per_hour,
                "sensor": sensor,
                "dst_ip": f"198.51.100.{(h * per_hour + k) % addresses + 1}",
                "source_pos": h * 1000 + k,
            }
            for h in hours
            for k in range(per_hour)
        ]
        made = events(rows)
        times = {"t_min": made["time"].min(), "t_max": made["time"].max()}
        with lake.writer() as writer:
            writer.commit(batch(made.height, sensor=sensor, start=0, end=1_000_000, **times), made)

    return fill


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", "UTC")


def told(stretches: Iterable[coverage.Stretch]) -> list[tuple[str, float, float, int, str]]:
    """Sensor, from, to (hours since T0, whole ones), addresses, basis."""
    return [(s.sensor, round((s.start - T0) / HOUR), round((s.end - T0) / HOUR), s.addresses, s.basis) for s in stretches]


def table(lake: Lake, settings: Settings = UTC) -> list[tuple[str, float, float, int, str]]:
    with open_session(lake, settings) as session:
        rows = session.query('SELECT sensor, start, "end", addresses, basis FROM coverage ORDER BY sensor, start')
    return told(coverage.Stretch(**row) for row in rows)


def test_a_gap_is_not_watched_and_addresses_are_those_seen(lake: Lake, store: Fill) -> None:
    store(lake, "dark", [*range(10), *range(15, 48)], addresses=5)
    expected = [("dark", 0, 10, 5, "seen"), ("dark", 15, 24, 5, "seen"), ("dark", 24, 48, 5, "seen")]
    with open_session(lake, UTC) as session:
        assert told(coverage.watched(session, T0 - DAY, T0 + 9 * DAY)) == expected
        assert told(coverage.watched(session, T0 + 9 * HOUR, T0 + 16 * HOUR)) == [
            ("dark", 9, 10, 5, "seen"),
            ("dark", 15, 16, 5, "seen"),
        ]
        assert coverage.watched(session, T0, T0 + DAY, ("other",)) == []
        assert coverage.addresses(session, None, None) == 5
        assert coverage.by_day(session, [T0.date(), (T0 + 5 * DAY).date()]) == {T0.date(): 5, (T0 + 5 * DAY).date(): 0}
    assert coverage.refresh(lake, UTC) == [T0.date(), (T0 + DAY).date()]
    assert table(lake) == expected
    assert coverage.refresh(lake, UTC) == []


def test_run_periods_say_how_many_addresses(lake: Lake, store: Fill) -> None:
    store(lake, "dark", range(96), addresses=3)
    runs = (Run(T0 + 12 * HOUR, T0 + 24 * HOUR, 256), Run(T0 + 48 * HOUR, None, 1024))
    settings = Settings("UTC", "flag", sensors=(Sensor("dark", runs=runs),))
    assert coverage.refresh(lake, settings)
    assert table(lake, settings) == [
        ("dark", 0, 12, 3, "seen"), ("dark", 12, 24, 256, "stated"), ("dark", 24, 48, 3, "seen"),
        ("dark", 48, 72, 1024, "stated"), ("dark", 72, 96, 1024, "stated"),
    ]  # fmt: skip
    with open_session(lake, settings) as session:
        whole = coverage.denominator(coverage.watched(session, T0, T0 + 2 * DAY))
        assert whole.address_days == pytest.approx(0.5 * 3 + 0.5 * 256 + 3, rel=0.001) and whole.bases == ("stated", "seen")
        assert coverage.addresses(session, T0, T0 + 3 * DAY) == 1024


def test_a_later_day_ends_the_gap_of_the_day_before(lake: Lake, store: Fill) -> None:
    """The last events of a day are hours before midnight; only what comes the day after tells that somebody watched."""
    settings = Settings("UTC", "flag", sensors=(Sensor("home", addresses=1),))
    store(lake, "home", range(0, 23, 4), per_hour=1)
    coverage.refresh(lake, settings)
    assert table(lake, settings) == [("home", 0, 20, 1, "stated")]
    store(lake, "home", range(24, 47, 4), per_hour=1)
    assert coverage.refresh(lake, settings, [(T0 + DAY).date()]) == [T0.date(), (T0 + DAY).date()]
    assert table(lake, settings) == [("home", 0, 24, 1, "stated"), ("home", 24, 44, 1, "stated")]


def test_what_went_out_and_what_is_for_everybody_tells_no_addresses(lake: Lake) -> None:
    from making import fill

    told_of = ["192.0.2.7", "198.51.100.9", "224.0.0.251", "255.255.255.255", "ff02::1", "2001:db8::1"]
    ways = [{"interface": ""}, {"action": "accept"}, {}, {}, {}, {}]
    rows = [{"time": T0 + n * HOUR / 4, "dst_ip": told_of[n % 6], **ways[n % 6]} for n in range(96)]
    fill(lake, rows)
    with open_session(lake, UTC) as session:
        assert coverage.addresses(session, None, None) == 1 and coverage.by_day(session, [T0.date()]) == {T0.date(): 1}
        assert {s.addresses for s in coverage.watched(session, T0, T0 + DAY)} == {1}


def test_what_the_configuration_says_otherwise_is_told_otherwise(lake: Lake, store: Fill) -> None:
    store(lake, "home", range(24))
    coverage.refresh(lake, UTC)
    assert [row[3:] for row in table(lake)] == [(1, "seen")]
    changed = Settings("UTC", "flag", sensors=(Sensor("home", addresses=16),))
    assert coverage.refresh(lake, changed) == [T0.date()]
    assert [row[3:] for row in table(lake)] == [(16, "stated")]


def test_nothing_is_not_divided(lake: Lake) -> None:
    with open_session(lake, UTC) as session:
        assert coverage.watched(session, T0, T0 + DAY) == [] and coverage.addresses(session, T0, T0 + DAY) == 1
        assert coverage.denominator([]).rate(7) is None
    assert coverage.refresh(lake, UTC) == [] and table(lake) == []


def test_top_divides_by_addresses_and_days(
    lake: Lake, store: Fill, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 addresses for a day less a gap of six hours, then one for a day: the busier sensor has the lower rate."""
    store(lake, "wide", [*range(6), *range(12, 24)], per_hour=60)
    store(lake, "one", range(24, 48), per_hour=30)
    (tmp_path / "teiten.toml").write_text(
        'zone = "UTC"\nlake = "lake"\n[sensor.wide]\naddresses = 100\n[sensor.one]\naddresses = 1\n'
    )
    monkeypatch.setenv("TEITEN_CONFIG", str(tmp_path / "teiten.toml"))
    assert main(["top", "sensors", "--unit", "per-ip", "--from", "2026-04-01", "--to", "2026-04-03", "--output", "json"]) == 0
    rows = {row["sensor"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["wide"]["per_ip"] == pytest.approx(18 * 60 / (100 * 0.75), rel=0.01)
    assert rows["one"]["per_ip"] == pytest.approx(720, rel=0.05) and rows["one"]["rank"] == 1 and rows["wide"]["rank"] == 2
    assert main(["top", "ports", "--unit", "per-ip", "--from", "2026-04-02", "--to", "2026-04-03"]) == 0
    out, err = capsys.readouterr()
    assert "per ip" in out and "divided by" in err and "as stated" in err and "in the period before" in err
    assert main(["top", "ports", "--unit", "hosts", "--by", "packets"]) == 2


def test_an_outage_that_is_stated_is_a_gap_however_short(lake: Lake, store: Fill) -> None:
    """Off for half an hour while something came, and from the second noon on; a silence of six hours is told beside it."""
    store(lake, "home", [*range(6), *range(12, 30)])
    off = (Outage(T0 + HOUR, T0 + 1.5 * HOUR, "a new cable"), Outage(T0 + 8 * HOUR, T0 + 9 * HOUR), Outage(T0 + 1.5 * DAY))
    chosen = Settings("UTC", "flag", sensors=(Sensor("home", outages=off),))
    with open_session(lake, chosen) as session:
        found = gaps(session, T0, T0 + 2 * DAY)
        assert [(round((g["start"] - T0) / HOUR, 1), round((g["end"] - T0) / HOUR, 1), g["reason"]) for g in found] == [
            (1.0, 1.5, "outage"), (6.0, 8.0, "silent"), (8.0, 9.0, "outage"), (9.0, 12.0, "silent"),
            (29.9, 36.0, "not observed"), (36.0, 48.0, "outage"),
        ]  # fmt: skip
        assert [g.get("because") for g in found if g["reason"] == "outage"] == ["a new cable", "", ""]
        watching = sum((s.end - s.start) / HOUR for s in coverage.watched(session, T0, T0 + DAY))
        assert watching == pytest.approx(24 - 0.5 - 6, abs=0.1)


def test_top_tells_of_sensors_what_is_known_of_them(
    lake: Lake, store: Fill, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store(lake, "tokyo", [*range(6), *range(12, 24)], per_hour=30)
    store(lake, "spare", range(24), per_hour=20)
    (tmp_path / "teiten.toml").write_text(
        'zone = "UTC"\nlake = "lake"\n[sensor.tokyo]\ngroup = "domestic"\ncountry = "JP"\naddresses = 2\n'
    )
    monkeypatch.setenv("TEITEN_CONFIG", str(tmp_path / "teiten.toml"))
    assert main(["top", "sensors", "--from", "2026-04-01", "--to", "2026-04-02", "--output", "json"]) == 0
    tokyo, spare = json.loads(capsys.readouterr().out)
    assert (tokyo["sensor"], tokyo["group"], tokyo["country"], tokyo["addresses"]) == ("tokyo", "domestic", "JP", 2)
    assert tokyo["watched"] == pytest.approx(0.75, abs=0.01) and tokyo["per_ip"] == pytest.approx(540 / 1.5, rel=0.01)
    assert (spare["group"], spare["country"]) == (None, None) and spare["per_ip"] == pytest.approx(480, rel=0.01)
    assert main(["top", "sensors", "--from", "2026-04-01", "--to", "2026-04-02"]) == 0
    assert {"group", "country", "watched", "per"} <= set(capsys.readouterr().out.splitlines()[0].split())
    assert (
        main(["top", "sensors", "--from", "2026-04-01", "--to", "2026-04-02", "--group", "domestic", "--output", "json"]) == 0
    )
    assert [row["sensor"] for row in json.loads(capsys.readouterr().out)] == ["tokyo"]
