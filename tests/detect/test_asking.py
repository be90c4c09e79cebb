"""The lake as detection asks it: single sources of what a detection is about, hours watched, gaps with the operator's words."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.lake.making import T0, fill

from teiten.detect import asking, material
from teiten.detect.model import About
from teiten.engine import open_session
from teiten.engine.duckdb import Session
from teiten.lake import Lake
from teiten.settings import Outage, Sensor, load

HOUR = dt.timedelta(hours=1)
END = T0 + 24 * HOUR
OFF = (T0 + 10 * HOUR, T0 + 12 * HOUR)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    lake = Lake.create(tmp_path_factory.mktemp("asking") / "lake", "UTC")
    rows = [
        {"time": T0 + n * HOUR / 10, "src_ip": f"203.0.113.{n % 3}", "country": "US", "asn": 1, "as_name": "One"}
        for n in range(240)
    ]
    rows = [row for row in rows if not OFF[0] <= row["time"] < OFF[1]]  # type: ignore[operator]
    rows += [
        {"time": T0 + HOUR, "src_ip": "198.18.0.1", "dst_port": 25, "packets": 4, "sensor": "far"},
        {"time": T0 + 2 * HOUR, "src_ip": "198.18.0.1", "protocol": 1, "dst_port": None, "src_port": None, "sensor": "far"},
        {"time": T0 + 2 * HOUR, "src_ip": "198.18.0.2", "dst_port": 25, "action": "accept"},
    ]
    fill(lake, rows)
    home = Sensor("home", group="domestic", outages=(Outage(*OFF, "maintenance"),))
    settings = replace(load(zone="UTC", lake=str(lake.path)), sensors=(home, Sensor("far", group="overseas")))
    with open_session(lake, settings) as opened:
        yield opened


@pytest.mark.parametrize(
    ("about", "hosts"),
    [
        (About(), 4),
        (About(ports=((6, 25),)), 1),
        (About(ports=((6, 25), (1, None))), 1),
        (About(ports=((6, 23),), country="US", asn=1), 3),
        (About(country=""), 1),
        (About(asn=0), 1),
        (About(sensor="far"), 1),
        (About(group="domestic"), 3),
        (About(sensor="far", group="domestic"), 0),
        (About(country="JP"), 0),
    ],
)
def test_hosts_of_what_a_detection_is_about(session: Session, about: About, hosts: int) -> None:
    asked = asking.Sources(session)
    assert asked.hosts(about, T0, END) == hosts
    assert asked.sources(about, T0, END, 10).height == hosts
    assert asked.hosts(about, END, END + HOUR) == 0


def test_the_busiest_sources(session: Session) -> None:
    found = asking.Sources(session).sources(About(), T0, T0 + 3 * HOUR, 2)
    assert found["packets"].to_list() == [10, 10]
    assert found["src_ip"].to_list() == [ipaddress.ip_address(f"203.0.113.{n}").packed for n in range(2)]
    assert found["as_name"][0] == "One" and found["ports"][0] == 1
    far = asking.Sources(session).sources(About(sensor="far"), T0, END, 5).row(0, named=True)
    assert (far["packets"], far["ports"], far["first"], far["last"]) == (5, 2, T0 + HOUR, T0 + 2 * HOUR)


def test_what_sources_tried_together(session: Session) -> None:
    pairs = asking.Sources(session).pairs(T0, END, 2)
    assert pairs["dst_port"].unique().to_list() == [23] and pairs["packets"].sum() == 220
    assert pairs.height == 3 and asking.Sources(session).pairs(T0, END, 1).height == 5


def test_gaps_have_the_operators_words(session: Session) -> None:
    found = asking.Sources(session).gaps(T0, END).filter(sensor="home").rows()
    assert ("home", *OFF, "maintenance") in found


def test_hours_watched(session: Session) -> None:
    day = asking.watched(session, T0, END)[T0.date()].filter(sensor="home")
    shares = dict(day.select("time", "share").iter_rows())
    assert [shares.get(T0 + n * HOUR) for n in (0, 9, 10, 11, 12)] == [1.0, pytest.approx(0.9), None, None, 1.0]
    assert asking.known_until(session) == T0 + 23 * HOUR + dt.timedelta(minutes=54, microseconds=1)


def test_the_running_hour_has_its_share(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", "UTC")
    fill(lake, [{"time": T0 + n * HOUR / 4} for n in range(4 * 30 + 3)])
    settings = load(zone="UTC", lake=str(lake.path))
    day = T0.date() + dt.timedelta(days=1)
    with material.Material(lake, settings, [day]) as made:
        view = made.view(day)
        assert view.upto == T0 + 30.5 * HOUR + dt.timedelta(microseconds=1)
        assert len(view.hours[view.today]) == 7 and view.exposure[-1] == pytest.approx(0.5)
        assert view.cells["packets"].sum() == 123 and view.asked is not None
        before, digest = made.view(day, T0 + 26 * HOUR), made.digest(day)
        assert len(before.hours[before.today]) == 2 and before.cells["packets"].sum() == 104
    with material.Material(lake, settings, [day]) as again:
        assert again.digest(day) == digest
    fill(lake, [{"time": T0 + 31 * HOUR, "source_id": 2}])
    with material.Material(lake, settings, [day]) as later:
        assert later.digest(day) != digest
