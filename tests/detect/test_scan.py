"""Scanning: short histories, several sensors, cells that were put together, what comes every week, one host at many ports."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest
from tests.detect.worlds import quiet, with_rows

from teiten.detect import ground, scan
from teiten.detect.kinds import burst
from teiten.detect.model import OF_TODAY
from teiten.detect.view import CELLS, View


@pytest.fixture(scope="module")
def world() -> View:
    return quiet(a_day=1500, days=29)


@pytest.mark.parametrize("days", [2, 3, 4, 5, 8])
def test_a_short_history_is_no_error(days: int) -> None:
    made = quiet(a_day=500, days=days)
    assert (scan.ground(made) is None) == (days <= 3)
    assert burst.find(made, []) == []


@pytest.mark.parametrize("hour", (0, 9))
def test_the_running_day_is_looked_at_as_far_as_it_is_known(world: View, hour: int) -> None:
    day = world.bounds(world.day)[0]
    assert burst.find(world.until(day.replace(hour=hour, minute=30)), []) == []


def test_what_comes_every_week_is_usual(world: View) -> None:
    rows = [
        {"hour": 9 - 168 * week, "dst_port": 9200, "country": "DE", "asn": 801, "packets": 300, "hosts": 100}
        for week in range(4)
    ]
    assert burst.find(with_rows(world, *rows), []) == []
    (found,) = burst.find(with_rows(world, rows[0]), [])
    assert found.about.country == "DE"


def test_one_host_at_a_hundred_ports_is_one_host(world: View) -> None:
    rows = [{"hour": 4, "dst_port": 20_000 + n, "country": "RU", "asn": 201, "packets": 2, "hosts": 1} for n in range(150)]
    (found,) = burst.find(with_rows(world, *rows), [])
    assert (found.about.country, found.about.asn, found.about.ports) == ("RU", 201, ())
    assert found.sources == "few"


def test_a_sensor_that_joined_is_no_rise_and_one_sensor_alone_is_named(world: View) -> None:
    """Twice the sensors bring twice the packets: no more than was watched."""
    day = world.bounds(world.day)[0]
    late = pl.col("time") >= day - pl.duration(days=5)
    more = [frame.filter(late).with_columns(pl.lit("new").alias("sensor")) for frame in (world.cells, world.watched)]
    both = replace(world, cells=pl.concat([world.cells, more[0]]), watched=pl.concat([world.watched, more[1]]))
    assert burst.find(both, []) == []
    rows = [{"hour": 7, "dst_port": 23, "sensor": "new", "country": "BR", "asn": 301, "packets": 150, "hosts": 90}]
    (found,) = burst.find(with_rows(both, *rows), [])
    assert found.about.sensor == "new"


def test_counts_that_were_put_together_are_part_of_their_series(world: View) -> None:
    """The cells of one port, in the form of a tail: its burst is told all the same."""
    burst_rows = with_rows(
        world, *[{"hour": 7, "dst_port": 8080, "country": land, "packets": 90, "hosts": 60} for land in ("CN", "RU", "TW")]
    )
    rare = pl.col("dst_port") == 8080
    tail = burst_rows.cells.filter(rare).select("time", "protocol", "dst_port", "packets", "hosts")
    summed = tail.group_by("time", "protocol", "dst_port").agg(pl.col("packets", "hosts").sum())
    (found,) = burst.find(replace(burst_rows, cells=burst_rows.cells.filter(~rare), tails=(summed,)), [])
    assert found.about.ports == ((6, 8080),)


def test_announced_scanners_alone_tell_nothing(world: View) -> None:
    assert burst.find(replace(world, cells=world.cells.with_columns(pl.lit(True).alias("scanner"))), []) == []


def test_what_may_have_been_left_out_is_not_none(world: View) -> None:
    """Where cells below 400 packets a day are left out, 300 of a port, country and AS are no news."""
    rows = [{"hour": h, "dst_port": 4444, "packets": 13, "hosts": 10} for h in range(24)]
    made = with_rows(world, *rows)
    assert burst.find(made, [])
    assert burst.find(replace(made, least=400.0, least_alone=400.0), []) == []


def test_a_port_has_its_code_and_none_is_a_port() -> None:
    for protocol, port in ((6, 23), (17, 65535), (1, None), (6, 0)):
        assert ground.port_of(protocol * 70_000 + (0 if port is None else port + 1)) == (protocol, port)


def test_unknown_countries_are_a_country(world: View) -> None:
    rows = [{"hour": 7, "dst_port": 8080, "country": None, "asn": None, "packets": 150, "hosts": 90}]
    made = with_rows(world, *rows)
    assert made.cells.schema == pl.Schema(CELLS)
    (found,) = burst.find(made, [])
    assert found.about.country == ""


def over_midnight(world: View, before: int, after: int) -> View:
    hours = [(h, n) for h, n in ((-2, before), (-1, before), (0, after), (1, after)) if n]
    rows = [
        {"hour": h, "dst_port": 8080, "country": land, "packets": n, "hosts": n * 2 // 3}
        for h, n in hours
        for land in ("CN", "RU")
    ]
    return with_rows(world, *rows)


def test_a_burst_over_midnight_is_one_and_has_all_of_its_packets(world: View) -> None:
    (found,) = burst.find(over_midnight(world, 12, 12), [])
    day = world.bounds(world.day)[0]
    assert (found.start, found.end) == (day - dt.timedelta(hours=2), day + dt.timedelta(hours=2))
    assert found.about.ports == ((6, 8080),) and found.packets >= 96
    whole, of_day = found.packets, found.reason[OF_TODAY][0]
    assert 48 <= of_day < whole
    # what came after midnight would not be told by itself
    assert burst.find(over_midnight(world, 0, 4), []) == []
    (found,) = burst.find(over_midnight(world, 20, 4), [])
    assert found.start == day - dt.timedelta(hours=2) and found.end is not None and found.end > day


def test_what_was_yesterdays_alone_is_not_told_again(world: View) -> None:
    assert burst.find(over_midnight(world, 200, 0), []) == []
