"""What came and is not in the lake: counted by the station, summed up for a span of time. Unknown is unknown, never none.

    sent = written down + refused + dropped by the queue + dropped by the kernel + lost at a rotation (estimated)

`received` of the table `watching` holds the first three; what the kernel dropped, and what a rotation took, comes on top. What
was written down and went before the lake had it (`dropped_spool`) is part of the first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from teiten.engine import lives
from teiten.lake.watching import LOSSES

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session


@dataclass(frozen=True, slots=True)
class Losses:
    """Lines, messages and packets of a span. known: 0..1, the share of the sensors' time of which the station gives account."""

    known: float = 0.0
    received: int = 0
    refused: int = 0
    dropped_kernel: int = 0
    dropped_queue: int = 0
    dropped_spool: int = 0
    lost_estimated: int = 0

    @property
    def lost(self) -> int:
        """What came, or must have come, and could not be written down. What was refused is no loss: it was no record."""
        return self.dropped_kernel + self.dropped_queue + self.dropped_spool + self.lost_estimated

    @property
    def sent(self) -> int:
        """What came or must have come, refused or not."""
        return self.received + self.dropped_kernel + self.lost_estimated

    @property
    def share(self) -> float | None:
        """0..1, lost of sent; None where nothing was sent, or nothing is known."""
        return self.lost / self.sent if self.sent else None


def losses(session: Session, start: dt.datetime, end: dt.datetime, sensors: Collection[str], *, every: bool = True) -> Losses:
    """The losses of [start, end) for those sensors; with `every`, also those that belong to no one sensor.

    A row of the table counts where it begins in the span: it is an hour long at most."""
    found = lives.rows(session)
    low, high = (pl.lit(moment.astimezone(dt.UTC)) for moment in (start, end))
    own = found.filter((pl.col("end") >= low) & (pl.col("start") < high))
    own = own.filter(pl.col("sensor").is_in(list(sensors)) | (pl.col("sensor").is_null() & every))
    if not own.height:
        return Losses()
    hull = own.drop_nulls("sensor").group_by("sensor").agg(
        pl.max_horizontal(pl.col("start").min(), low).alias("a"), pl.min_horizontal(pl.col("end").max(), high).alias("b")
    )  # fmt: skip
    told = sum(((b - a).total_seconds() for a, b in hull.select("a", "b").iter_rows()), 0.0)
    whole = (end - start).total_seconds() * max(1, len(sensors))
    counted = own.filter(pl.col("start") >= low) if own.height else own
    sums = {name: int(counted[name].sum() or 0) for name in ("received", "refused", *LOSSES)}
    return Losses(min(1.0, told / whole) if whole > 0 else 0.0, **sums)
