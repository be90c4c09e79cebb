"""The rhythm of day and night, by the country's own clock: found, lost, and there as it always was."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from teiten.detect.kinds import rhythm
from teiten.detect.model import BURST, RHYTHM, RHYTHM_LOST, About, Detection
from teiten.detect.view import CELLS, WATCHED, View

_LAST = dt.date(2026, 4, 10)


def view(country: str, asleep: list[bool], rate: float = 8.0, seed: int = 1) -> View:
    """A country whose sources sleep from 0 to 6 o'clock (a tenth of them does not) on the days told, the last the view's."""
    zone = zoneinfo.ZoneInfo(rhythm.zone_of(country) or "UTC")
    random = np.random.default_rng(seed)
    first = dt.datetime.combine(_LAST - dt.timedelta(days=len(asleep) - 1), dt.time(), dt.UTC)
    hours = [first + dt.timedelta(hours=h) for h in range(24 * len(asleep))]
    sleeps = [asleep[n // 24] and hour.astimezone(zone).hour < 6 for n, hour in enumerate(hours)]
    counts = random.poisson(np.where(sleeps, rate / 10, rate))
    rows = [(h, "home", 6, 23, country, 64496, False, int(n), int(n)) for h, n in zip(hours, counts, strict=True) if n]
    watched = pl.DataFrame([(h, "home", 1.0, 1) for h in hours], schema=WATCHED, orient="row")
    return View(pl.DataFrame(rows, schema=CELLS, orient="row"), watched, _LAST)


@pytest.mark.parametrize("country", ["JP", "DE", "BR"])
def test_sources_that_begin_to_sleep_at_their_own_night(country: str) -> None:
    (one,) = rhythm.find(view(country, [False] * 28 + [True] * 4), [])
    assert (one.kind, one.about.country) == (RHYTHM, country)
    assert one.reason["local"] == rhythm.zone_of(country)
    assert one.reason["depth"] > 0.6 > 0.3 > one.reason["depth_before"]


def test_sources_that_sleep_no_longer() -> None:
    (one,) = rhythm.find(view("JP", [True] * 28 + [False] * 4), [])
    assert one.kind == RHYTHM_LOST


def test_what_always_was_is_no_change_but_is_known() -> None:
    for asleep in ([True] * 32, [False] * 32):
        assert rhythm.find(view("JP", asleep), []) == []
    known = rhythm.standing(view("JP", [True] * 32), "JP")
    assert known is not None
    assert (known.reason["low_from"], known.reason["low_to"]) == (0, 6)
    assert rhythm.standing(view("JP", [False] * 32), "JP") is None
    assert rhythm.standing(view("JP", [True] * 32), "DE") is None


def test_too_few_sources_or_days_tell_nothing() -> None:
    assert rhythm.find(view("JP", [False] * 28 + [True] * 4, rate=0.3), []) == []
    assert rhythm.find(view("JP", [False] * 4 + [True] * 4), []) == []
    running = view("JP", [False] * 28 + [True] * 4)
    assert rhythm.find(running.until(running.hours[-12]), []) == []


def test_every_known_country_has_a_clock() -> None:
    assert rhythm.zone_of("JP") == "Asia/Tokyo"
    assert rhythm.zone_of("CN") == "Asia/Shanghai" or rhythm.zone_of("CN") == "Asia/Urumqi"
    assert rhythm.zone_of("") is None


@pytest.mark.parametrize("country,hours", [("RU", 3), ("JP", 9), ("BR", -3), ("US", -6), ("AU", 11), ("DE", 1)], ids=str)
def test_a_country_of_several_zones_has_the_clock_of_most_of_its_people(country: str, hours: int) -> None:
    zone = rhythm.zone_of(country)
    assert zone is not None
    offset = dt.datetime(2026, 1, 15, tzinfo=zoneinfo.ZoneInfo(zone)).utcoffset()
    assert offset == dt.timedelta(hours=hours)


def test_what_comes_at_all_hours_to_one_port_leaves_a_country_asleep() -> None:
    """A flood to one port, told of already, is no end of the rhythm of all others."""
    asleep = view("JP", [True] * 36)
    hours = asleep.hours[asleep.today]
    flood = asleep.cells.head(1).select(pl.exclude("time")).join(pl.DataFrame({"time": hours}), how="cross")
    flood = flood.with_columns(pl.lit(9001, pl.Int32).alias("dst_port"), pl.lit(400, pl.Int64).alias("packets"))
    flood = flood.with_columns(pl.lit(300, pl.Int64).alias("hosts")).select(asleep.cells.columns)
    flooded = replace(asleep, cells=pl.concat([asleep.cells, flood]))
    told = Detection(BURST, About(ports=((6, 9001),)), asleep.day, hours[0], packets=9600.0)
    assert rhythm.find(flooded, [told]) == []
    of_land = replace(told, about=About(ports=((6, 9001),), country="JP"))
    assert rhythm.find(flooded, [of_land]) == []
