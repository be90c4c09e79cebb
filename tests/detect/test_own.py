"""The own line: faults are told as such and set right in the view, and what the world does is left to the world."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl
import pytest

from teiten.detect import model, own
from teiten.detect.model import Detection
from teiten.detect.view import CELLS, WATCHED, View

from . import making

if TYPE_CHECKING:
    from teiten.detect.asking import Asked

DAYS = 21
TODAY = (DAYS - 1) * 24


@cache
def usual(a_day: float = 7000, sensors: int = 1) -> pl.DataFrame:
    return making.cells(DAYS, a_day, sensors, seed=3)


def hour(number: float) -> dt.datetime:
    return making.START + dt.timedelta(hours=number)


def within(first: int, after: int) -> pl.Expr:
    return pl.col("time").is_between(hour(first), hour(after), closed="left")


def looked(cells: pl.DataFrame, watched: pl.DataFrame | None = None) -> tuple[View, list[Detection]]:
    return own.look(making.view(cells, making.watched(DAYS) if watched is None else watched, DAYS))


def told(found: list[Detection]) -> list[tuple[str, dt.datetime, dt.datetime | None]]:
    return [(one.kind, one.start, one.end) for one in found]


def test_a_usual_day_has_nothing_to_tell_of_the_line() -> None:
    view, found = looked(usual())
    assert found == []
    assert view.line is None


@pytest.mark.parametrize("part", [0.45, 0.3, 0.1])
def test_a_fall_over_all_ports_and_countries_is_the_line_s_and_its_hours_are_set_right(part: float) -> None:
    view, found = looked(making.thinned(usual(), TODAY + 2, TODAY + 14, part))
    assert told(found) == [(model.OWN_FALL, hour(TODAY + 2), hour(TODAY + 14))]
    assert found[0].times == pytest.approx(part, rel=0.25)
    assert found[0].about.sensor == "s0"
    fell = np.median((view.series().packets[0] / np.maximum(view.exposure, 1e-9))[TODAY + 2 : TODAY + 14])
    before = np.median((view.series().packets[0] / np.maximum(view.exposure, 1e-9))[: TODAY - 24])
    assert fell == pytest.approx(before, rel=0.3)


def test_a_fall_of_an_earlier_day_is_set_right_and_not_told_again() -> None:
    view, found = looked(making.thinned(usual(), TODAY - 60, TODAY - 20, 0.3))
    assert found == []
    assert view.exposure[TODAY - 40] < 0.5 < 0.9 < view.exposure[TODAY + 3]


def test_what_fell_and_did_not_rise_again_goes_on() -> None:
    _, found = looked(making.thinned(usual(), TODAY - 30, TODAY + 24, 0.3))
    assert told(found) == [(model.OWN_FALL, hour(TODAY - 30), None)]


@pytest.mark.parametrize(
    "gone",
    [pl.col("dst_port").is_in([23, 445, 22, 1433]), pl.col("country").is_in(["CN", "US", "RU"]), pl.col("dst_port") < 1024],
    ids=["four ports", "three countries", "well-known ports"],
)
def test_where_most_packets_are_gone_but_not_from_everything_it_is_the_world(gone: pl.Expr) -> None:
    cells = usual()
    rest = cells.filter(~(gone.fill_null(False) & (pl.col("time") >= hour(TODAY + 3))))
    assert rest.height < cells.height
    view, found = looked(rest)
    assert found == []
    assert view.line is None


def test_hours_not_watched_are_an_outage() -> None:
    cells, watched = usual(), making.watched(DAYS)
    off = within(TODAY + 5, TODAY + 9)
    _, found = looked(cells.filter(~off), watched.filter(~off))
    assert told(found) == [(model.OUTAGE, hour(TODAY + 5), hour(TODAY + 9))]
    assert found[0].confidence == "sure"


class Sayings:
    """A lake that knows of outages."""

    def hole(self, sensors: Sequence[str], start: dt.datetime, end: dt.datetime) -> str | None:
        return "operator"

    def gaps(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        rows = [
            {"sensor": "s0", "start": hour(TODAY + 5.2), "end": hour(TODAY + 7), "because": "patch day"},
            {"sensor": "s0", "start": hour(TODAY + 7), "end": hour(TODAY + 9), "because": None},
            {"sensor": "other", "start": start, "end": end, "because": "away"},
        ]
        return pl.DataFrame(rows)


def test_the_operator_s_words_stand_with_the_outage() -> None:
    off = within(TODAY + 5, TODAY + 9)
    view = making.view(usual().filter(~off), making.watched(DAYS).filter(~off), DAYS)
    found = own.look(replace(view, asked=cast("Asked", Sayings())))[1]
    assert found[0].reason["because"] == "patch day"
    assert found[0].reason["from"] == hour(TODAY + 5.2).isoformat()
    assert found[0].reason["to"] == hour(TODAY + 9).isoformat()


def test_hours_watched_without_a_packet_are_an_outage_too_and_of_no_use() -> None:
    view, found = looked(usual().filter(~within(TODAY + 5, TODAY + 9)))
    assert told(found) == [(model.OUTAGE, hour(TODAY + 5), hour(TODAY + 9))]
    assert not view.exposure[TODAY + 5 : TODAY + 9].any()


def test_a_sensor_that_begins_within_an_hour_has_no_gap_before() -> None:
    first = hour(TODAY)
    watched = making.watched(DAYS).filter(pl.col("time") >= first)
    part = pl.when(pl.col("time") == first).then(0.1).otherwise("share")
    _, found = looked(usual().filter(pl.col("time") >= first), watched.with_columns(part.alias("share")))
    assert found == []


def test_what_was_put_in_twice_is_no_rise() -> None:
    twice = pl.when(within(TODAY + 4, TODAY + 12)).then(pl.col("packets") * 2).otherwise("packets")
    view, found = looked(usual().with_columns(twice.alias("packets")))
    assert told(found) == [(model.DUPLICATE_FEED, hour(TODAY + 4), hour(TODAY + 12))]
    assert found[0].confidence == "sure"
    # counted once, hosts as they are: an exposure of two would halve them
    assert view.exposure[TODAY + 8] == pytest.approx(1, rel=0.2)
    assert view.series().packets.sum() == pytest.approx(usual()["packets"].sum(), rel=0.02)
    assert view.series().hosts.sum() == usual()["hosts"].sum()


@pytest.mark.parametrize("ahead", [2, 5])
def test_a_clock_that_ran_ahead_and_was_set_back_is_a_step(ahead: int) -> None:
    cells, watched = usual(), making.watched(DAYS)
    wrong = within(TODAY + 4, TODAY + 12)
    late = pl.when(wrong).then(pl.col("time") + pl.duration(hours=ahead)).otherwise("time")
    hole = within(TODAY + 4, TODAY + 4 + ahead)
    names = [name for name in CELLS if name not in ("packets", "hosts")]
    moved = cells.with_columns(late.alias("time")).group_by(names).agg(pl.col("packets", "hosts").sum())
    view, found = looked(moved, watched.filter(~hole))
    assert told(found) == [(model.CLOCK_STEP, hour(TODAY + 4), hour(TODAY + 12 + ahead))]
    assert found[0].reason["missing"] == [hour(TODAY + 4).isoformat(), ahead]
    assert found[0].reason["doubled"] == [hour(TODAY + 12).isoformat(), ahead]
    assert view.exposure[TODAY + 12] > 1.2


def test_where_rare_cells_are_put_together_their_hours_are_left_out_too() -> None:
    cells = usual().filter(~within(TODAY + 5, TODAY + 9))
    rare = pl.DataFrame({"time": [hour(TODAY + 3), hour(TODAY + 6)], "dst_port": [1, 2], "packets": [1, 1]})
    bare = making.view(cells, making.watched(DAYS), DAYS)
    view = own.look(replace(bare, tails=(rare.with_columns(pl.col("time").cast(CELLS["time"])),)))[0]
    assert view.tails[0]["dst_port"].to_list() == [1]


def test_one_sensor_s_fall_is_its_own_and_that_of_all_is_one() -> None:
    cells, watched = usual(3000, 5), making.watched(DAYS, 5)
    _, one = looked(making.thinned(cells, TODAY + 2, TODAY + 14, 0.3, "s3"), watched)
    assert [(found.kind, found.about.sensor) for found in one] == [(model.OWN_FALL, "s3")]
    _, every = looked(making.thinned(cells, TODAY + 2, TODAY + 14, 0.3), watched)
    assert [(found.kind, found.about.sensor) for found in every] == [(model.OWN_FALL, None)]
    assert every[0].reason["sensors"] == every[0].reason["of"] == 5


@pytest.mark.parametrize("rows", [0, 1])
def test_next_to_nothing_is_too_little_to_say(rows: int) -> None:
    cells = usual().head(rows)
    for watched in (making.watched(DAYS), pl.DataFrame(schema=WATCHED)):
        _, found = looked(cells, watched)
        assert found == []
    assert own.look(View(pl.DataFrame(schema=CELLS), making.watched(1).head(3), making.START.date()))[1] == []


def test_what_most_of_a_group_shows_is_the_group_s() -> None:
    cells, watched = usual(3000, 5), making.watched(DAYS, 5)
    off = within(TODAY + 5, TODAY + 9) & pl.col("sensor").is_in(["s1", "s2"])
    view = making.view(cells.filter(~off), watched.filter(~off), DAYS)
    groups = {"s0": "home", "s1": "abroad", "s2": "abroad", "s3": "home", "s4": "home"}
    found = own.look(replace(view, groups=groups))[1]
    assert [(one.kind, one.about.group, one.about.sensor) for one in found] == [(model.OUTAGE, "abroad", None)]
    assert found[0].reason["names"] == ["s1", "s2"]
    alone = own.look(view)[1]
    assert sorted(str(one.about.sensor) for one in alone) == ["s1", "s2"]


# a clock that is set ahead and stays so ------------------------------------------------------------------------------


@dataclass
class Known(Sayings):
    """A lake that knows of a hole."""

    says: str | None

    def gaps(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        return super().gaps(start, end).clear()

    def hole(self, sensors: Sequence[str], start: dt.datetime, end: dt.datetime) -> str | None:
        assert (start, end) == (hour(TODAY + 5), hour(TODAY + 8)) and tuple(sensors) == ("s0",)
        return self.says


@cache
def set_ahead() -> View:
    """Three hours that never were; all that came after lies three hours later than it was."""
    made = usual()
    later = pl.col("time") >= hour(TODAY + 5)
    moved = pl.when(later).then(pl.col("time") + pl.duration(hours=3)).otherwise("time")
    cells = made.with_columns(moved.cast(CELLS["time"]).alias("time")).filter(pl.col("time") < hour(TODAY + 24))
    return making.view(cells, making.watched(DAYS).filter(~within(TODAY + 5, TODAY + 8)), DAYS)


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        ("kernel ahead", model.CLOCK_STEP), ("received ahead", model.CLOCK_STEP), ("kernel", model.OUTAGE),
        ("received", model.OUTAGE), ("boot", model.OUTAGE), ("station", model.OUTAGE), ("operator", model.OUTAGE),
    ],
)  # fmt: skip
def test_what_the_lake_knows_of_a_hole_decides_what_it_was(says: str, kind: str) -> None:
    (found,) = own.look(replace(set_ahead(), asked=cast("Asked", Known(says))))[1]
    assert (found.kind, found.start) == (kind, hour(TODAY + 5)) and "readings" not in found.reason
    if kind == model.CLOCK_STEP:
        assert found.end is None and found.reason["seconds"] == 3 * 3600 and found.confidence == "sure"


def test_what_nobody_knows_the_counts_tell_or_both_readings_are_said() -> None:
    (found,) = own.look(replace(set_ahead(), asked=cast("Asked", Known(None))))[1]
    assert found.kind == model.CLOCK_STEP or set(found.reason["readings"]) == {model.OUTAGE, model.CLOCK_STEP}
    early = set_ahead().until(hour(TODAY + 10))  # two hours tell nothing
    (found,) = own.look(early)[1]
    assert found.kind == model.OUTAGE and found.reason["readings"] == [model.OUTAGE, model.CLOCK_STEP]
    assert found.reason["hours_ahead"] == 3 and found.confidence == "likely"


@pytest.mark.full
@pytest.mark.parametrize("seed", (1, 4, 6))
def test_a_clock_that_is_never_set_back_is_told_as_one_and_an_outage_is_not(seed: int) -> None:
    from teiten.bench._changes import faults
    from teiten.bench._changes.shown import shown
    from teiten.bench._changes.world import SCALES, World

    world = World(SCALES["home7000"], seed)
    for kind, wanted in (("clock_ahead", model.CLOCK_STEP), ("outage", model.OUTAGE)):
        fault, seen = faults.made(world, kind)
        _, (found,) = own.look(shown(world, *seen).view(28))
        assert found.kind == wanted and found.start == fault.start
        if kind == "clock_ahead":
            assert found.end is None and found.reason["seconds"] == 3600 * fault.share and not found.reason["set_back"]
