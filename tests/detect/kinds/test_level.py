"""Levels of days: told of what carries them, once, from the day on which they leave the usual until they are back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from teiten.detect.kinds import level
from teiten.detect.model import BURST, ENDED, FALLING, HIGH, RISING, About, Detection
from teiten.detect.view import View

Made = Callable[..., View]
QUIET = {(23, "CN"): 200, (23, "US"): 150, (445, "CN"): 90, (445, "VN"): 80, (22, "US"): 60, (1433, "CN"): 30, (80, "US"): 25}


def steps(*levels: tuple[int, float]) -> list[float]:
    """(days, rate), ... in a row."""
    return [rate for days, rate in levels for _ in range(days)]


def told(view: View) -> list[tuple[str, str]]:
    return [(one.kind, one.about.text()) for one in level.find(view, [])]


def test_a_quiet_day_has_no_levels(days_of: Made) -> None:
    assert told(days_of(QUIET)) == []


@pytest.mark.parametrize(
    "course,expected",
    [
        (steps((35, 30), (1, 150)), [(RISING, "1433/6|CN|||")]),
        (steps((32, 30), (4, 150)), [(HIGH, "1433/6|CN|||")]),
        (steps((32, 30), (3, 150), (1, 400)), [(RISING, "1433/6|CN|||")]),
        (steps((30, 30), (5, 300), (1, 110)), [(FALLING, "1433/6|CN|||")]),
        (steps((32, 30), (3, 150), (1, 30)), [(ENDED, "1433/6|CN|||")]),
        (steps((32, 30), (2, 150), (2, 30)), []),
        (steps((10, 30), (26, 150)), []),
        (steps((22, 30)) + [30 * 1.07**n for n in range(14)], [(HIGH, "1433/6|CN|||")]),
    ],
    ids=["first day", "stays", "rises again", "falls", "back", "was back before", "is the usual by now", "slowly"],
)
def test_what_one_country_does_is_told_of_it(days_of: Made, course: list[float], expected: Any) -> None:
    assert told(days_of({**QUIET, (1433, "CN"): course})) == expected


def test_what_lies_below_the_usual(days_of: Made) -> None:
    (one,) = level.find(days_of({**QUIET, (445, "VN"): steps((34, 80), (2, 15))}), [])
    assert (one.kind, one.about.text(), one.reason["below"]) == (FALLING, "445/6|VN|||", True)
    assert one.times is not None and one.times < 0.5


def test_a_port_that_rises_everywhere_is_told_as_a_port_with_its_countries(days_of: Made) -> None:
    rise = {(1433, c): steps((33, 20), (3, 80)) for c in ("CN", "KR", "US")}
    (one,) = level.find(days_of({**QUIET, **rise}), [])
    assert (one.kind, one.about) == (HIGH, About(ports=((6, 1433),)))
    assert {part.key for part in one.parts} == {"CN", "KR", "US"}
    assert sum(part.share for part in one.parts) == pytest.approx(1, abs=0.05)


def test_a_country_that_rises_over_many_ports_is_told_as_a_country(days_of: Made) -> None:
    rise = {(port, "EE"): steps((35, 3), (1, 40)) for port in (21, 25, 110, 143, 8080, 8443)}
    (one,) = level.find(days_of({**QUIET, **rise}), [])
    assert (one.kind, one.about) == (RISING, About(country="EE"))
    assert len(one.parts) == 6 and {part.what for part in one.parts} == {"port"}


def test_weekdays_have_their_own_usual(days_of: Made) -> None:
    # the last day is a Friday; weekends have a quarter
    course = [120.0 if (day - 35 + 4) % 7 < 5 else 30.0 for day in range(36)]
    assert told(days_of({**QUIET, (1433, "CN"): course})) == []


def test_a_scanner_that_comes_every_week_is_no_rise(days_of: Made) -> None:
    weekly = [400 if day % 7 == 0 else 30 for day in range(36)]
    assert told(days_of({**QUIET, (1433, "CN"): weekly})) == []
    first = [30] * 35 + [400]
    assert told(days_of({**QUIET, (1433, "CN"): first})) == [(RISING, "1433/6|CN|||")]


def test_an_as_among_the_rare_ones_is_no_fall(days_of: Made) -> None:
    """Of days with very many cells an AS that is below `least` is not in the cells: it is not gone."""
    view = days_of({**QUIET, (445, "CN"): 2000, (23, "VN"): 900, (445, "VN"): 80})
    near = view.cells.filter((pl.col("dst_port") == 445) & (pl.col("country") == "VN"))
    parts = [near.with_columns(pl.lit(asn).cast(pl.Int64).alias("asn")) for asn in (64500, 64501, 64502)]
    parts[1:] = [part.filter(pl.col("time") < view.hours[-24]) for part in parts[1:]]
    cells = pl.concat([view.cells.filter((pl.col("dst_port") != 445) | (pl.col("country") != "VN")), *parts])
    assert told(replace(view, cells=cells)) == [(FALLING, "445/6|VN|||")]
    assert told(replace(view, cells=cells, least=90.0)) == []


def test_days_that_nobody_watched_are_no_days(days_of: Made) -> None:
    course = steps((30, 30), (6, 150))
    view = days_of({**QUIET, (1433, "CN"): course}, unwatched=(1, 2, 9, 10, 11))
    assert told(view) == [(HIGH, "1433/6|CN|||")]
    assert told(days_of({**QUIET, (1433, "CN"): course}, unwatched=(0,))) == []


@pytest.mark.parametrize("days", [1, 2, 7, 8])
def test_few_days_are_too_little_to_say(days_of: Made, days: int) -> None:
    assert told(days_of(QUIET, days)) == []


def test_nothing_and_one_event(days_of: Made) -> None:
    assert told(days_of({})) == []
    assert told(days_of({(23, "CN"): steps((35, 0), (1, 1))}, seed=None)) == []


def test_a_day_that_a_burst_tells_is_not_told_twice(days_of: Made) -> None:
    view = days_of({**QUIET, (1433, "CN"): steps((35, 30), (1, 150))})
    burst = Detection(BURST, About(ports=((6, 1433),), country="CN"), view.day, view.hours[-5], packets=110, usual=3)
    assert level.find(view, [burst]) == []


def test_the_numbers_that_decided_are_kept(days_of: Made) -> None:
    (one,) = level.find(days_of({**QUIET, (1433, "CN"): steps((32, 30), (4, 150))}), [])
    assert one.reason["days"] == 4 and one.reason["usual_a_day"] == pytest.approx(30, rel=0.2)
    assert len(one.reason["course"]) == 36
    assert one.times == pytest.approx(5, rel=0.3)


# one sensor, a group, everywhere ---------------------------------------------------------------------------------------------


def at(days_of: Made, risen: dict[str, list[float]], groups: dict[str, str] | None = None, port: int = 1433) -> View:
    """Six sensors, each with its own usual; what those named have of a port besides, by day."""
    views = [
        days_of({**QUIET, (port, "CN"): risen.get(f"s{n}", [30.0] * 36), (port, "KR"): risen.get(f"s{n}", [30.0] * 36)}, seed=n)
        for n in range(6)
    ]
    cells, watched = (
        pl.concat([getattr(one, what).with_columns(pl.lit(f"s{n}").alias("sensor")) for n, one in enumerate(views)])
        for what in ("cells", "watched")
    )
    return replace(views[0], cells=cells, watched=watched, groups=groups or {})


@pytest.mark.parametrize(
    ("course", "kind"),
    [
        (steps((35, 30), (1, 200)), RISING),
        (steps((32, 30), (4, 200)), HIGH),
        (steps((30, 30), (5, 400), (1, 100)), FALLING),
        (steps((32, 30), (3, 200), (1, 30)), ENDED),
    ],
    ids=["rising", "high", "falling", "ended"],
)
def test_a_level_at_one_sensor_is_told_of_it(days_of: Made, course: list[float], kind: str) -> None:
    (one,) = level.find(at(days_of, {"s2": course}), [])
    assert (one.kind, one.about.ports, one.about.sensor) == (kind, ((6, 1433),), "s2")


def test_a_level_at_the_sensors_of_a_group_is_told_of_the_group(days_of: Made) -> None:
    groups = {"s1": "abroad", "s2": "abroad", "s0": "domestic", "s3": "domestic", "s4": "domestic", "s5": "domestic"}
    course = steps((33, 30), (3, 120))
    (one,) = level.find(at(days_of, {"s1": course, "s2": course}, groups), [])
    assert (one.kind, one.about.sensor, one.about.group) == (HIGH, None, "abroad")


def test_a_level_at_all_sensors_is_no_sensors_own(days_of: Made) -> None:
    course = steps((33, 30), (3, 120))
    (one,) = level.find(at(days_of, {f"s{n}": course for n in range(6)}), [])
    assert (one.kind, one.about.sensor, one.about.group) == (HIGH, None, None)
    assert {part.what for part in one.parts} == {"country", "sensor"}


def test_a_rise_that_the_whole_does_not_show_is_told_of_its_sensor(days_of: Made) -> None:
    """2222/tcp, hardly tried at one sensor, very much so at the others: its rise there is nothing in the whole."""
    loud = {f"s{n}": [4000.0] * 36 for n in range(5)}
    quiet_one = steps((33, 4), (3, 60))
    (one,) = level.find(at(days_of, {**loud, "s5": quiet_one}, port=2222), [])
    assert one.kind in (RISING, HIGH) and (one.about.ports, one.about.sensor) == (((6, 2222),), "s5")


def test_a_sensor_that_is_new_raises_nothing(days_of: Made) -> None:
    view = at(days_of, {})
    late = (pl.col("sensor") != "s5") | (pl.col("time") >= view.bounds(view.day)[0] - pl.duration(days=12))
    assert told(replace(view, cells=view.cells.filter(late), watched=view.watched.filter(late))) == []
