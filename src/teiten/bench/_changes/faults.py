"""What the observer's own line does: outages, falls, a clock that is set, a feed that comes twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from teiten.bench._changes.kinds import thinned
from teiten.bench._changes.world import FIRST, HOURS, World, generator, summed
from teiten.detect import model
from teiten.detect.model import Detection


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as it was put in, and what is then seen. `day` is looked at, and the day after it: nothing of the end is told."""

    kind: str
    start: dt.datetime
    end: dt.datetime
    right: frozenset[str]
    sensor: str | None
    share: float
    """what is left of the usual, or how many times it comes"""
    day: int = FIRST
    either: bool = False
    """told as an outage it is right, too, where the other reading is said with it"""

    def told_rightly(self, one: Detection) -> bool:
        """Does that detection say what it is?"""
        both = self.either and one.kind == model.OUTAGE and model.CLOCK_STEP in one.reason.get("readings", ())
        return one.kind in self.right or both


Seen = tuple[pl.DataFrame, pl.DataFrame]
"""cells, and when they were watched"""


def _times(world: World, first: int, last: int) -> tuple[dt.datetime, dt.datetime]:
    return world.time(first), world.time(last)


def outage(world: World, rng: np.random.Generator) -> tuple[Fault, Seen]:
    """Nothing arrives for some hours; whoever counts knows that nobody watched."""
    length = int(rng.integers(2, 12))
    first = FIRST * 24 + int(rng.integers(0, 24 - length))
    start, end = _times(world, first, first + length)
    off = pl.col("time").is_between(start, end, closed="left")
    fault = Fault("outage", start, end, frozenset({model.OUTAGE}), None, 0.0)
    return fault, (world.cells.filter(~off), world.watched.filter(~off))


def outage_silent(world: World, rng: np.random.Generator) -> tuple[Fault, Seen]:
    """Nothing arrives, and nobody says that the line was off."""
    length = int(rng.integers(3, 12))
    first = FIRST * 24 + int(rng.integers(0, 24 - length))
    start, end = _times(world, first, first + length)
    off = pl.col("time").is_between(start, end, closed="left")
    fault = Fault("outage_silent", start, end, frozenset({model.OUTAGE, model.OWN_FALL}), None, 0.0)
    return fault, (world.cells.filter(~off), world.watched)


def fall(world: World, rng: np.random.Generator) -> tuple[Fault, Seen]:
    """Of everything a part arrives, for hours (the fall of 13 October from midnight to 15 o'clock)."""
    length, share = int(rng.integers(4, 16)), float(rng.uniform(0.2, 0.6))
    first = FIRST * 24 + int(rng.integers(0, 24 - length))
    return _fallen(world, rng, "fall", first, length, share, None)


def fall_sensor(world: World, rng: np.random.Generator) -> tuple[Fault, Seen]:
    """The same at one sensor; where there is one alone, a deeper and shorter fall."""
    length = int(rng.integers(6, 16))
    first = FIRST * 24 + int(rng.integers(0, 24 - length))
    if world.scale.sensors == 1:
        return _fallen(world, rng, "fall_sensor", first, min(length, 8), 0.15, None)
    fine = np.flatnonzero(world.watching[:, -240:].all(axis=1))
    return _fallen(world, rng, "fall_sensor", first, length, 0.2, world.sensor(int(rng.choice(fine))))


def _fallen(
    world: World, rng: np.random.Generator, kind: str, first: int, length: int, share: float, sensor: str | None
) -> tuple[Fault, Seen]:
    stays = np.ones(HOURS)
    stays[first : first + length] = share
    which = pl.col("packets") > 0 if sensor is None else pl.col("sensor") == sensor
    start, end = _times(world, first, first + length)
    fault = Fault(kind, start, end, frozenset({model.OWN_FALL}), sensor, share)
    return fault, (thinned(world.cells, which, stays, world, rng), world.watched)


def clock_step(world: World, rng: np.random.Generator) -> tuple[Fault, Seen]:
    """A clock runs some hours ahead for part of the day: hours without anything, then hours that come twice."""
    ahead = int(rng.integers(2, 5))
    first = FIRST * 24 + int(rng.integers(1, 8))
    last = first + int(rng.integers(ahead + 2, 12))
    start, back = _times(world, first, last)
    wrong = pl.col("time").is_between(start, back, closed="left")
    step = pl.duration(hours=ahead)
    moved = world.cells.filter(wrong).with_columns((pl.col("time") + step).cast(pl.Datetime("us", "UTC")))
    fault = Fault("clock_step", start, back + dt.timedelta(hours=ahead), frozenset({model.CLOCK_STEP}), None, float(ahead))
    hole = pl.col("time").is_between(start, start + dt.timedelta(hours=ahead), closed="left")
    return fault, (summed([world.cells.filter(~wrong), moved]), world.watched.filter(~hole))


def clock_ahead(world: World, rng: np.random.Generator) -> tuple[Fault, Seen]:
    """A clock is set some hours ahead and never back: hours without anything, then all as before, but later by the clock."""
    ahead = int(rng.integers(2, 6))
    first = FIRST * 24 + int(rng.integers(1, 14))
    start, end = _times(world, first, first + ahead)
    later = pl.col("time") >= start
    moved = world.cells.filter(later).with_columns((pl.col("time") + pl.duration(hours=ahead)).cast(pl.Datetime("us", "UTC")))
    moved = moved.filter(pl.col("time") < world.time(HOURS))
    fault = Fault("clock_ahead", start, end, frozenset({model.CLOCK_STEP}), None, float(ahead), either=True)
    hole = later & (pl.col("time") < end)
    return fault, (pl.concat([world.cells.filter(~later), moved]), world.watched.filter(~hole))


def clock_behind(world: World, rng: np.random.Generator) -> tuple[Fault, Seen]:
    """A clock is set some hours back, and stays so: hours that come twice, then all as before, but earlier by the clock."""
    behind = int(rng.integers(2, 6))
    first = FIRST * 24 + int(rng.integers(8, 18))
    start, end = _times(world, first - behind, first)
    later = pl.col("time") >= end
    back = pl.duration(hours=behind)
    moved = world.cells.filter(later).with_columns((pl.col("time") - back).cast(pl.Datetime("us", "UTC")))
    fault = Fault("clock_behind", start, end, frozenset({model.CLOCK_STEP}), None, -float(behind))
    return fault, (summed([world.cells.filter(~later), moved]), world.watched)


def duplicate(world: World, rng: np.random.Generator) -> tuple[Fault, Seen]:
    """What arrived in some hours was put in twice."""
    length = int(rng.integers(3, 20))
    first = FIRST * 24 + int(rng.integers(0, 24 - length))
    start, end = _times(world, first, first + length)
    twice = pl.col("time").is_between(start, end, closed="left")
    cells = world.cells.with_columns(pl.when(twice).then(pl.col("packets") * 2).otherwise(pl.col("packets")))
    return Fault("duplicate", start, end, frozenset({model.DUPLICATE_FEED}), None, 2.0), (cells, world.watched)


FAULTS: Final[dict[str, Callable[[World, np.random.Generator], tuple[Fault, Seen]]]] = {
    maker.__name__: maker
    for maker in (outage, outage_silent, fall, fall_sensor, clock_step, clock_ahead, clock_behind, duplicate)
}


def made(world: World, kind: str) -> tuple[Fault, Seen]:
    return FAULTS[kind](world, generator("fault", kind, world.scale.name, world.seed))
