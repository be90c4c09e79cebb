"""The suite of detection: its worlds, its changes, and the score of a detector that knows the truth."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from teiten.bench._changes import faults, kinds, packets, peers, score, shown, tally, trials
from teiten.bench._changes.world import FIRST, SCALES, World
from teiten.detect.model import About, Detection, Part
from teiten.detect.view import CELLS, View


@pytest.fixture(scope="module")
def world() -> World:
    return World(SCALES["home7000"], 3)


def test_a_world_is_the_same_every_time_and_as_large_as_it_says(world: World) -> None:
    again = World(SCALES["home7000"], 3)
    order = list(CELLS)
    assert world.cells.sort(order).equals(again.cells.sort(order))
    assert world.cells.schema == pl.Schema(CELLS)
    a_day = world.cells["packets"].sum() / 35
    assert 5_500 < a_day < 8_500
    assert world.cells.select(
        pl.struct("time", "sensor", "protocol", "dst_port", "country", "asn", "scanner").is_unique().all()
    )[0, 0]
    assert (world.cells["hosts"] <= world.cells["packets"]).all()


def test_what_is_usual_is_what_comes(world: World) -> None:
    telnet = world.cells.filter((pl.col("protocol") == 6) & (pl.col("dst_port") == 23))["packets"].sum()
    assert world.expected(0).sum() == pytest.approx(telnet, rel=0.2)


@pytest.mark.parametrize("kind", sorted(kinds.KINDS))
def test_a_change_comes_to_its_size(world: World, kind: str) -> None:
    if kind.endswith("_sensor"):
        pytest.skip("one sensor")
    (change,) = trials.made(world, [kind], 5.0)
    truth = change.truth
    assert truth.start >= world.time(0) and truth.end > truth.start and truth.right
    if change.more is not None and truth.usual:
        within = change.more.filter(pl.col("time").is_between(truth.start, truth.start + dt.timedelta(hours=24), closed="left"))
        if kind not in ("rise_slow", "spreading", "ended", "campaign"):
            assert within["packets"].sum() == pytest.approx(4 * truth.usual, rel=0.7)
    cells = kinds.put_in(world.cells, [change], world, np.random.default_rng(1))
    came = cells["packets"].sum() - world.cells["packets"].sum()
    if change.more is not None:
        assert came == change.more["packets"].sum() > 0
    else:
        assert came < 0


def _knowing(truths: list[kinds.Truth]) -> list[Detection]:
    return [
        Detection(
            sorted(t.right)[0], About(t.ports[:1], None if t.ports else t.countries[0]), t.start.date(), t.start, t.end, score=9
        )
        for t in truths
    ]


def test_who_knows_the_truth_is_right_and_who_tells_something_else_is_not(world: World) -> None:
    changes = trials.made(world, ["burst", "country", "rise"], 3.0)
    truths = [c.truth for c in changes]
    other = Detection("burst", About(((6, 4),), "JP"), world.day(FIRST), world.time(FIRST * 24))
    told = trials.change_trial(world, changes, trials.folded(lambda view: [*_knowing(truths), other]))
    assert all(row["told"] == 0 and row["right"] for row in told["changes"])
    assert told["days"]["false"] == told["days"]["days"] == 3
    assert told["stories"] == {"told": 4, "false": 1, "own": 0}
    nothing = trials.change_trial(world, changes, trials.folded(lambda view: []))
    assert not any(row["told"] is not None for row in nothing["changes"]) and nothing["days"]["detections"] == 0


def test_a_detection_that_states_something_else_is_not_explained(world: World) -> None:
    (change,) = trials.made(world, ["burst_country"], 3.0)
    truth = change.truth
    (one,) = _knowing([truth])
    right = replace(one, about=About(truth.ports, truth.countries[0]))
    assert score.tells(right, truth)
    assert not score.explained(replace(right, about=About(truth.ports, "ZZ")), truth)
    assert not score.explained(replace(right, end=truth.start), truth)
    of_country = replace(right, about=About((), truth.countries[0]))
    assert score.explained(of_country, truth) and not score.tells(of_country, truth)
    protocol, number = truth.ports[0]
    named = replace(of_country, parts=(Part("port", f"{number or ''}/{protocol}", 9, 0.9),))
    assert score.tells(named, truth)


@pytest.mark.parametrize("kind", sorted(faults.FAULTS))
def test_a_fault_is_seen_and_only_an_own_kind_tells_it(world: World, kind: str) -> None:
    fault, (cells, watched) = faults.made(world, kind)
    within = pl.col("time").is_between(fault.start, fault.end, closed="left")
    before, after = (c.filter(within).group_by("time").agg(pl.col("packets").sum()) for c in (world.cells, cells))
    assert not before.sort("time").equals(after.sort("time"))
    assert watched.height <= world.watched.height
    own = Detection(sorted(fault.right)[0], About(), world.day(FIRST), fault.start, fault.end)
    assert score.own([own, replace(own, kind="burst")], fault) == [own]


def test_the_other_methods_see_a_large_burst(world: World) -> None:
    (change,) = trials.made(world, ["burst"], 10.0)
    cells = kinds.put_in(world.cells, [change], world, np.random.default_rng(1))
    view = shown.shown(world, cells).view(FIRST)
    assert isinstance(view, View)
    for name, method in peers.methods().items():
        assert any(score.tells(one, change.truth) for one in method(view)), name


def test_of_many_cells_the_rarest_are_put_together_and_none_is_lost(world: World) -> None:
    look = shown.shown(world, world.cells, most=1500)
    whole, part = shown.shown(world, world.cells).view(FIRST), look.view(FIRST)
    assert look.least > 1 and part.cells.height < 0.7 * whole.cells.height
    for by in (("protocol", "dst_port"), ("country",), ("asn",), ("sensor",)):
        one, other = whole.series(*by), part.series(*by)
        known = {key: row.sum() for key, row in zip(one.keys, one.packets, strict=True)}
        kept = {key: row.sum() for key, row in zip(other.keys, other.packets, strict=True)}
        assert all(kept[key] <= known[key] for key in kept)
        # what is too rare for a row of its own even put together is of "others" there
        assert sum(kept.values()) > 0.5 * sum(known.values())
    assert part.series("country").packets.sum() == whole.series("country").packets.sum()


def test_a_running_hour_has_its_part(world: World) -> None:
    look = shown.shown(world, world.cells)
    upto = world.time(FIRST * 24 + 12) + dt.timedelta(minutes=15)
    view = look.view(FIRST, upto)
    assert view.hours[-1] == world.time(FIRST * 24 + 12) and view.exposure[-1] == pytest.approx(0.25)
    now, whole = (v.series().packets[0, len(view.hours) - 1] for v in (view, look.view(FIRST)))
    assert 0 < now < 0.5 * whole


def test_figures_say_what_was_told_and_what_was_missed(world: World) -> None:
    groups = [trials.made(world, ["burst", "rise"], size) for size in (2.0, 5.0)]
    changes = [[c.truth for c in group] for group in groups]
    bursts = [t for group in changes for t in group if t.kind == "burst"]
    method = trials.folded(lambda view: _knowing(bursts))
    result = {
        "scale": "home7000", "seed": 3, "peers": {}, "streaming": [{"kind": "burst", "minutes": 30, "size": 3.0, "about": ""}],
        "trials": [trials.change_trial(world, group, method) for group in groups],
        "quiet": {"days": 2, "false": 1, "own": 1, "words": []}, "streaming_quiet": {"days": 1, "false": 0},
        "faults": [trials.fault_trial(world, "fall", trials.folded(lambda view: []))],
    }  # fmt: skip
    told = tally.figures([result])
    assert told["home7000.size.2.recall"] == 0.5 and told["home7000.kind.rise.recall"] == 0
    assert told["home7000.quiet.false_a_day"] == 0 and told["home7000.faults.told"] == 0
    assert told["home7000.told_within_15_min"] == 0 and told["home7000.told_within_2_hours"] == 1
    text = tally.words(told, ["home7000", "p16"], {"home7000.recall_from_3": (">=", 0.95)})
    assert "NOT REACHED" in text and "p16" not in text
    lines = tally.findings([result])
    assert any(line.startswith("MISSED") and " rise 5: " in line for line in lines) and any("FAULT" in line for line in lines)


@pytest.mark.full
def test_every_kind_is_the_same_as_packets_in_a_log(world: World, tmp_path: Path) -> None:
    """A log of the suite's packets, ingested: equal cells by hour, port, country and AS, and what the counts tell is told."""
    for number, changes in enumerate(trials.groups(world, 10.0)):
        result = packets.held(world, changes, tmp_path / str(number))
        assert result["cells"] > 2000 and result["unlike"] == 0
        for kind, days in result["counted"].items():
            assert [bool(day) for day in result["told"][kind]] == [bool(day) for day in days], (
                kind,
                result["told"][kind],
                days,
            )
