"""A world's counts as detection gets them from a lake: days with very many cells have their rarest put together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from teiten.bench._changes.world import ZONE, World, generator
from teiten.detect.days import Sums, summed
from teiten.detect.view import CELLS, OTHERS, View
from teiten.settings import THRESHOLDS

MOST: Final = round(THRESHOLDS["detect_cells"].default)
"""cells of a day that stand for themselves: the default of `detect_cells`"""
_TAILS: Final = (("protocol", "dst_port"), ("country",), ("asn",), ("sensor",))
_KEY: Final = ["protocol", "dst_port", "country", "asn", "scanner"]


@dataclass(frozen=True)
class Shown:
    """What is seen of a world in five weeks."""

    world: World
    cells: pl.DataFrame
    watched: pl.DataFrame
    tails: tuple[pl.DataFrame, ...] = ()
    least: float = 0.0
    least_alone: float = 0.0

    def view(self, day: int, upto: dt.datetime | None = None) -> View:
        """A day as it is looked at when it is over, or at `upto`: nothing later is known, and of a running hour its part."""
        after = self.world.time((day + 1) * 24) if upto is None else upto
        known = pl.col("time") < after
        cells, watched, tails = (
            self.cells.filter(known), self.watched.filter(known), tuple(tail.filter(known) for tail in self.tails)
        )  # fmt: skip
        hour = after.replace(minute=0, second=0, microsecond=0)
        if upto is not None and hour < upto:
            part = (upto - hour) / dt.timedelta(hours=1)
            rng = generator("running", self.world.scale.name, self.world.seed, upto.isoformat())
            cells, *rest = (_running(frame, hour, part, rng) for frame in (cells, *tails))
            tails = tuple(rest)
            share = pl.when(pl.col("time") == hour).then(pl.col("share") * part).otherwise(pl.col("share"))
            watched = watched.with_columns(share)
        sums = {self.world.day(n): one for n, one in self.sums.items() if self.world.time((n + 1) * 24) <= after}
        return View(
            cells, watched, self.world.day(day), ZONE, upto=upto, tails=tails, least=self.least, least_alone=self.least_alone,
            sums=sums,
        )  # fmt: skip

    @cached_property
    def sums(self) -> dict[int, Sums]:
        """Days (counted from 0) as views have them summed, which a lake's are once, too."""
        frames = (self.cells, *self.tails)
        day = (((pl.col("time") - self.world.start).dt.total_hours()) // 24).cast(pl.Int32).alias("_day")
        parts = [frame.with_columns(day).partition_by("_day", as_dict=True, include_key=False) for frame in frames]
        names = sorted({key[0] for part in parts for key in part})
        own = {n: [part.get((n,), frame.head(0)) for part, frame in zip(parts, frames, strict=True)] for n in names}
        return {int(n): summed(cells, tuple(tails)) for n, (cells, *tails) in own.items()}

    def views(self, days: Sequence[int]) -> Iterator[tuple[int, View]]:
        """Finished days in order."""
        for day in days:
            yield day, self.view(day)


def _running(cells: pl.DataFrame, hour: dt.datetime, part: float, rng: np.random.Generator) -> pl.DataFrame:
    """Of the hour's packets so many as have come in its first `part`."""
    now = cells.filter(pl.col("time") == hour)
    packets = rng.binomial(now["packets"].to_numpy(), part)
    hosts = np.minimum(np.maximum(rng.binomial(now["hosts"].to_numpy(), part), packets > 0), packets)
    come = now.with_columns(pl.Series("packets", packets), pl.Series("hosts", hosts)).filter(pl.col("packets") > 0)
    return pl.concat([cells.filter(pl.col("time") < hour), come])


def shown(world: World, cells: pl.DataFrame, watched: pl.DataFrame | None = None, most: int = MOST) -> Shown:
    """The cells, of days with more than `most` the commonest combinations of port, country and AS alone, and the others'
    counts by one of them each."""
    watched = world.watched if watched is None else watched
    cells = cells.with_columns((pl.col("time") + pl.duration(hours=9)).dt.date().alias("_day"))
    rare, least = _rare(cells, _KEY, most)
    if not rare.height:
        return Shown(world, cells.drop("_day"), watched)
    same = ["_day", *_KEY]
    tail = cells.join(rare, on=same, how="semi", nulls_equal=True)
    tails, alone = [], 0.0
    for columns in _TAILS:
        by = ["_day", "time", *columns, "scanner"]
        frame = tail.group_by(by).agg(pl.col("packets", "hosts").sum())
        if one := {"dst_port", "asn"} & set(columns):
            told = [*columns, "scanner"]
            few, one_s = _rare(frame, told, most // 2)
            alone = max(alone, one_s)
            frame = frame.join(few.with_columns(pl.lit(True).alias("_few")), on=["_day", *told], how="left", nulls_equal=True)
            name = one.pop()
            others = pl.when(pl.col("_few") & pl.col(name).is_not_null()).then(OTHERS).otherwise(pl.col(name))
            frame = frame.with_columns(others.cast(CELLS[name]).alias(name)).group_by(by).agg(pl.col("packets", "hosts").sum())
        tails.append(frame.drop("_day"))
    whole = cells.join(rare, on=same, how="anti", nulls_equal=True).drop("_day")
    return Shown(world, whole, watched, tuple(tails), least, alone)


def _rare(cells: pl.DataFrame, by: list[str], most: int) -> tuple[pl.DataFrame, float]:
    """The combinations (with their day) that are too rare for a row of their own on days with more than `most` rows, and the
    count of a day from which all have one; 0: on all days."""
    counts = cells.group_by("_day", *by).agg(pl.col("packets").sum().alias("_n"), pl.len().alias("_rows"))
    by_count = counts.group_by("_day", "_n").agg(pl.col("_rows").sum()).sort("_day", "_n", descending=[False, True])
    held = pl.col("_rows").cum_sum().over("_day")
    least = by_count.filter(held > most).group_by("_day").agg(pl.col("_n").max().alias("_least"))
    rare = counts.join(least, on="_day").filter(pl.col("_n") <= pl.col("_least")).select("_day", *by)
    highest = least["_least"].max()
    return rare, float(highest) + 1 if isinstance(highest, int) else 0.0
