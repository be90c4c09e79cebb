"""The lake's writer: a batch becomes visible in one log entry of the events table, or not at all.

The order of a commit, each step on disk before the next: the batch's Parquet file; its row in `batches`; then the
entry in the events table's log that adds the file and says "intake has done batch n". Only that last entry counts.
What a killed writer left beyond it (files, a row of `batches`) is void, and taken away before the next batch.
"""

from __future__ import annotations

import math
import re
import time
import uuid
from pathlib import Path
from typing import Final

import polars as pl

from teiten import __version__
from teiten.lake import _delta, _mirror, activity, staging
from teiten.lake._delta import Made
from teiten.lake._gather import BOUNDS, Encode, plainly
from teiten.lake.batch import Batch

COMPACT_EVERY: Final = 100
"""batches after which a writer looks whether files of events are to be put together"""
TIER: Final = 20
"""rows of `batches` that may lie in files of their own, and files of like size, before they are put into one: a year of one
batch a minute lies in some fifty files, and each row is written five times"""
COMPACT_BELOW: Final = 1 << 20
"""bytes: a larger file is left as it is (hashes of lines hardly compress, and memory would grow with what is put together)"""
_PART: Final = re.compile(r"part-(\d+)-.*\.parquet")


class Writer:
    """Made by `Lake.writer()`, under its lock. `encode` makes the files that are put together; who can give a better one."""

    def __init__(self, path: Path) -> None:
        for name in ("events", "batches"):
            _delta.mend(path / name)
        self.path = path
        self.events = _delta.Table(path / "events")
        self.batches = _delta.Table(path / "batches")
        self.last = self.events.transaction()
        self.encode: Encode = plainly
        self._added: list[tuple[pl.DataFrame, _delta.Written | None]] = []
        self._rested = time.monotonic()
        self._recover()

    def _recover(self) -> None:
        staging.clear(self.path)
        alive = {name: set(table.live()["path"]) for name, table in self._tables()}
        void = sorted(p for p in alive["batches"] if _number(p) > self.last)
        if void:
            self.batches.commit(remove=void)
            alive["batches"] -= set(void)
        for name, _ in self._tables():
            for file in (self.path / name).glob("part-*.parquet"):
                if _number(file.name) > self.last and file.name not in alive[name]:
                    file.unlink()
        if (mirror := _mirror.of(self.path)) is not None and mirror.took_over:
            # whoever held the lease may be alive and slow: the entry that it meant to write is taken by this one
            self.events.commit(number=self.last)
            for name, _ in self._tables():
                left = [one.name for one in mirror.strangers(name, alive[name])]
                mirror.objects.delete(one for one in left if _number(one.rpartition("/")[2]) > self.last)

    def _tables(self) -> tuple[tuple[str, _delta.Table], ...]:
        return (("events", self.events), ("batches", self.batches))

    def write(self, number: int, events: pl.DataFrame | Made) -> _delta.Written | None:
        """Step one: the events of batch `number` to disk."""
        if isinstance(events, pl.DataFrame):
            events = _delta.make_parquet(_ordered(events), BOUNDS)
        if not events.rows:
            return None
        return _delta.store(events, self.path / "events", f"part-{number:08d}-{uuid.uuid4()}.parquet")

    def commit(self, batch: Batch, events: pl.DataFrame | Made | None = None) -> int:
        """Stores a batch, whole, with those that were added before; returns its number.

        `events`: a frame, or a Parquet file with the columns of `frame.SCHEMA`, made while they were read.
        """
        number = self.add(batch, events)
        self.settle()
        return number

    def add(self, batch: Batch, events: pl.DataFrame | Made | None = None) -> int:
        """Puts a batch's events on the disk; it is stored when `settle` returns, or the next `commit`. Its number then."""
        number = self.last + len(self._added) + 1
        if batch.activity is None:
            batch.activity = _activity(batch, events)
        written = None if events is None else self.write(number, events)
        self._added.append((batch.row(number, __version__), written))
        return number

    def adopt(self, staged: staging.Staged) -> int:
        """As `add`, of a batch whose events are on the disk already (`staging`). Its number, when it is stored."""
        number = self.last + len(self._added) + 1
        written = None
        if staged.file is not None:
            name = f"part-{number:08d}-{uuid.uuid4()}.parquet"
            written = _delta.take(staged.made, staged.file, self.path / "events", name)
        self._added.append((staged.batch.row(number, __version__), written))
        return number

    @property
    def added(self) -> int:
        """Bytes of lines' hashes that are held for batches that are added and not stored yet."""
        return sum(int(row["line_hashes"].bin.size().sum() or 0) for row, _ in self._added)

    def settle(self) -> None:
        """Stores the batches that were added, all of them in one log entry, or none."""
        if not self._added:
            return
        first, last = self.last + 1, self.last + len(self._added)
        name = f"part-{first:08d}-{uuid.uuid4()}.parquet"
        rows = pl.concat([row for row, _ in self._added])
        kept = _delta.write_parquet(rows, self.path / "batches", name, ("batch", "sensor", "t_min", "t_max"))
        self.batches.commit([kept])
        self.events.commit([written for _, written in self._added if written], number=last)
        self._added = []
        self.last = last
        if last // TIER > (first - 1) // TIER:
            self._compact_batches()
        if last // COMPACT_EVERY > (first - 1) // COMPACT_EVERY:
            self.tidy()

    def tidy(self) -> None:
        """Files of events are put together where there is enough of them, for a short while (`compact.tidy`)."""
        from teiten.lake import compact

        compact.tidy(self, time.monotonic() - self._rested)
        self._rested = time.monotonic()

    def _compact_batches(self) -> None:
        """Many small files into one, and these again when there are many of like size: opening a lake of years stays quick."""
        replaced: list[str] = []
        while names := self._alike():
            frame = pl.concat([pl.read_parquet(self.batches.path / name) for name in names], how="diagonal").sort("batch")
            whole = _delta.write_parquet(
                frame, self.batches.path, f"kept-{self.last:08d}-{uuid.uuid4()}.parquet", ("batch", "t_min", "t_max")
            )
            self.batches.commit([whole], names)
            replaced += names
        if replaced:
            self.batches.sweep(replaced)

    def _alike(self) -> list[str]:
        """`TIER` files of `batches` or more that hold about as many rows, fewest first; none where there are fewer files."""
        live = self.batches.live().filter(pl.col("size_bytes") < COMPACT_BELOW)
        sizes: dict[int, list[str]] = {}
        for name, rows in live.select("path", "num_records").iter_rows():
            sizes.setdefault(round(math.log(max(rows or 1, 1), TIER)), []).append(name)
        return next((sorted(names) for _, names in sorted(sizes.items()) if len(names) >= TIER), [])


def _activity(batch: Batch, events: pl.DataFrame | Made | None) -> bytes | None:
    """The activity of events that are there as a frame; None where it cannot be told: another sensor's are among them."""
    if isinstance(events, Made):
        return None
    if events is None or not events.height:
        return b""
    if (events["sensor"] != batch.sensor).any():
        return None
    return activity.packed(activity.of(events["time"].to_physical().to_numpy(), events["packets"].to_numpy()))


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    # a log is in order nearly always, and sorting would cost a copy of the batch
    return frame if frame["time"].is_sorted() else frame.sort("time", maintain_order=True)


def batch_number(name: str) -> int | None:
    """The batch whose file that is; None for a file that holds several."""
    match = _PART.fullmatch(name)
    return int(match.group(1)) if match else None


def _number(name: str) -> int:
    return batch_number(name) or 0
