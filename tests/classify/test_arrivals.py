"""DoS-like arrivals at a sensor's services: their stretches, what goes together, what is no arrival."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.classify.examples import NOON, TOKYO, event, lake_of

from teiten.classify import arrivals
from teiten.classify.attacks import Rule
from teiten.engine import filters, open_session
from teiten.settings import Sensor, Settings

SERVER = replace(TOKYO, sensors=(Sensor("dark", services=((6, 80), (6, 443), (17, 53))),))


def told(folder: Path, rows: list[dict[str, Any]], chosen: Settings = SERVER, **texts: str) -> list[dict[str, Any]]:
    with open_session(lake_of(folder, rows), chosen) as session:
        asked = filters.parse(chosen, **texts)
        return arrivals.arrivals(session, chosen, asked, Rule.of(chosen)).to_dicts()


def stream(port: int, begin: float, seconds: float, rate: float, src: str = "192.0.2.{}", **more: Any) -> list[dict[str, Any]]:
    count = round(seconds * rate)
    return [event(n, src.format(n % 50), seconds=begin + n / rate, dst_port=port, **more) for n in range(count)]


def test_starts_stops_goes_on(tmp_path: Path) -> None:
    """A packet and a half a second at the web server, twice; 80 and 443 together; visitors before and after."""
    rows = [event(n, "198.51.100.9", seconds=n * 40.0, dst_port=80) for n in range(400)]
    rows += stream(80, 2000, 600, 1.5) + stream(443, 2000, 600, 1.6) + stream(80, 9000, 7000, 1.5)
    first, second, third = told(tmp_path, rows)
    assert {(row["port"], row["together"]) for row in (first, second)} == {(80, "443/tcp"), (443, "80/tcp")}
    for row in (first, second):
        assert abs(row["start"] - NOON - dt.timedelta(seconds=2000)) <= dt.timedelta(seconds=60)
        assert abs(row["end"] - NOON - dt.timedelta(seconds=2600)) <= dt.timedelta(seconds=60)
        assert not row["goes_on"]
    assert (third["port"], third["together"], third["goes_on"]) == (80, None, True)
    assert 1.4 < third["packets"] / (third["end"] - third["start"]).total_seconds() < 1.6
    assert 90 <= third["per_minute"] <= 95
    assert third["sources"] == 51


def test_what_is_let_in_counts(tmp_path: Path) -> None:
    (row,) = told(tmp_path, stream(80, 0, 300, 2, action="accept", country="IT"))
    assert (row["packets"], row["country"], row["sensor"]) == (600, "IT", "dark")


def test_no_arrival(tmp_path: Path) -> None:
    """A port that is not served, too slow, too short, answers, going out; and where nobody says what is served."""
    rows = stream(22, 0, 300, 2) + stream(443, 0, 3000, 0.4) + stream(53, 5000, 50, 2, protocol=17, tcp_flags=None)
    rows += stream(80, 0, 300, 2, tcp_flags=18) + stream(80, 9000, 300, 2, interface="")
    assert told(tmp_path, rows) == []
    (tmp_path / "b").mkdir()
    assert told(tmp_path / "b", stream(80, 0, 300, 2), TOKYO) == []


def test_filters(tmp_path: Path) -> None:
    rows = stream(80, 0, 300, 2, country="IT") + stream(443, 0, 300, 2, country="US")
    for n, (texts, ports) in enumerate(
        [({"port": "80"}, [80]), ({"country": "US"}, [443]), ({"sensor": "other"}, []), ({"protocol": "udp"}, [])]
    ):
        (tmp_path / str(n)).mkdir()
        assert [row["port"] for row in told(tmp_path / str(n), rows, **texts)] == ports
