"""Bursts in small worlds: told once, of the right thing, in the right hours; nothing where nothing happens."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest
from tests.detect.worlds import DAY, quiet, with_rows

from teiten.detect.kinds import burst
from teiten.detect.view import View


@pytest.fixture(scope="module")
def world() -> View:
    return quiet()


def hour(n: int) -> dt.datetime:
    return DAY + dt.timedelta(hours=n)


def test_a_quiet_day_has_nothing_to_tell(world: View) -> None:
    assert burst.find(world, []) == []


def test_the_smtp_burst_is_told_once_with_its_ports_and_country(world: View) -> None:
    """seeds/003: at 5 o'clock many scans of the SMTP ports (25, 465, 587/tcp) from the US."""
    rows = [
        {"hour": 5, "dst_port": port, "asn": 100 + n, "packets": 30, "hosts": 6} for port in (25, 465, 587) for n in range(5)
    ]
    (found,) = burst.find(with_rows(world, *rows), [])
    assert found.about.text() == "25/6,465/6,587/6|US|||"
    assert (found.start, found.end, found.peak) == (hour(5), hour(6), hour(5))
    assert found.packets == pytest.approx(450, abs=5)
    assert {part.what for part in found.parts} >= {"asn", "port"}
    assert found.reason["spans"] == [[hour(5).isoformat(), 1]]


def test_a_port_from_everywhere_is_told_of_the_port(world: View) -> None:
    rows = [
        {"hour": h, "dst_port": 8080, "country": land, "asn": 77, "packets": 40, "hosts": 30}
        for h in range(9, 15)
        for land in ("CN", "US", "RU", "BR", "TW")
    ]
    (found,) = burst.find(with_rows(world, *rows), [])
    assert found.about.text() == "8080/6||||" or found.about.asn == 77
    assert (found.start, found.end) == (hour(9), hour(15))
    assert found.sources == "many"


def test_what_begins_before_midnight_keeps_its_beginning_and_goes_on(world: View) -> None:
    rows = [{"hour": h, "dst_port": 23, "country": "EE", "asn": 1100, "packets": 60, "hosts": 40} for h in range(-3, 24)]
    (found,) = burst.find(with_rows(world, *rows), [])
    assert found.about.country == "EE"
    assert found.start == hour(-3)
    assert found.end is None


def test_two_bursts_of_the_same_are_one_detection(world: View) -> None:
    rows = [{"hour": h, "dst_port": 23, "country": "EE", "asn": 1100, "packets": 90, "hosts": 60} for h in (2, 3, 17, 18)]
    (found,) = burst.find(with_rows(world, *rows), [])
    assert (found.start, found.end) == (hour(2), hour(19))
    assert len(found.reason["spans"]) == 2


def test_another_country_in_some_of_its_hours_is_another_burst(world: View) -> None:
    """Estonia for most of a day, Hong Kong before dawn (seeds/003, 21 October)."""
    rows = [{"hour": h, "dst_port": 23, "country": "EE", "asn": 1100, "packets": 60, "hosts": 40} for h in range(1, 22)]
    rows += [{"hour": h, "dst_port": 23, "country": "HK", "asn": 2100, "packets": 120, "hosts": 60} for h in (3, 4)]
    found = burst.find(with_rows(world, *rows), [])
    assert {one.about.country for one in found} == {"EE", "HK"}


def test_announced_scanners_are_no_news(world: View) -> None:
    rows = [{"hour": 5, "dst_port": 161, "packets": 500, "hosts": 20, "scanner": True}]
    assert burst.find(with_rows(world, *rows), []) == []


def test_too_little_is_said_of_too_little(world: View) -> None:
    """A day or two of data, an hour of it, one event, none at all: nothing, and no error."""
    last = world.watched.filter(pl.col("time") >= DAY)
    for cells in (world.cells, world.cells.head(1), world.cells.clear()):
        assert burst.find(replace(world, cells=cells, watched=last), []) == []
        assert burst.find(replace(world, cells=cells, watched=last.clear()), []) == []


def test_making_it_again_makes_the_same(world: View) -> None:
    rows = [{"hour": 5, "dst_port": 25, "packets": 200, "hosts": 50}]
    made = with_rows(world, *rows)
    shuffled = replace(made, cells=made.cells.sample(fraction=1.0, shuffle=True, seed=3))
    assert burst.find(made, []) == burst.find(shuffled, [])
