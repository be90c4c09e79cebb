"""The lake's writer: a batch becomes visible in one log entry of the events table, or not at all.

The order of a commit, each step on disk before the next: the batch's Parquet file; its row in `batches`; then the
entry in the events table's log that adds the file and says "intake has done batch n". Only that last entry counts.
What a killed writer left beyond it (files, a row of `batches`) is void, and taken away before the next batch.
"""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import polars as pl

from teiten import __version__
from teiten.lake import _delta
from teiten.lake._delta import Made
from teiten.lake._gather import BOUNDS, Encode, plainly
from teiten.lake.batch import Batch

COMPACT_EVERY: Final = 100
"""rows of `batches` that may lie in files of their own before they are put into one"""
COMPACT_BELOW: Final = 1 << 16
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
        self._rested = time.monotonic()
        self._recover()

    def _recover(self) -> None:
        alive = {name: set(table.live()["path"]) for name, table in self._tables()}
        void = sorted(p for p in alive["batches"] if _number(p) > self.last)
        if void:
            self.batches.commit(remove=void)
            alive["batches"] -= set(void)
        for name, _ in self._tables():
            for file in (self.path / name).glob("part-*.parquet"):
                if _number(file.name) > self.last and file.name not in alive[name]:
                    file.unlink()

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
        """Stores a batch, whole; returns its number.

        `events`: a frame, or a Parquet file with the columns of `frame.SCHEMA`, made while they were read.
        """
        number = self.last + 1
        written = None if events is None else self.write(number, events)
        row = batch.row(number, __version__)
        name = f"part-{number:08d}-{uuid.uuid4()}.parquet"
        kept = _delta.write_parquet(row, self.path / "batches", name, ("batch", "sensor", "t_min", "t_max"))
        self.batches.commit([kept])
        self.events.commit([written] if written else [], number=number)
        self.last = number
        if number % COMPACT_EVERY == 0:
            self._compact_batches()
            self.tidy()
        return number

    def tidy(self) -> None:
        """Files of events are put together where there is enough of them, for a short while (`compact.tidy`)."""
        from teiten.lake import compact

        compact.tidy(self, time.monotonic() - self._rested)
        self._rested = time.monotonic()

    def _compact_batches(self) -> None:
        """Many one-row files into one: names are kept small so that opening a lake of years stays quick."""
        live = self.batches.live().filter(pl.col("size_bytes") < COMPACT_BELOW)
        small = sorted(p for p in live["path"] if p.startswith("part-"))
        if len(small) < COMPACT_EVERY // 2:
            return
        frame = pl.concat([pl.read_parquet(self.batches.path / p) for p in small], how="diagonal").sort("batch")
        whole = _delta.write_parquet(
            frame, self.batches.path, f"kept-{self.last:08d}-{uuid.uuid4()}.parquet", ("batch", "t_min", "t_max")
        )
        self.batches.commit([whole], small)
        # the small files stay for readers that opened the table before; they go a hundred batches later
        self._sweep(self.batches, {*small, *self.batches.live()["path"]})

    def _sweep(self, table: _delta.Table, keep: Iterable[str]) -> None:
        kept = set(keep)
        for file in table.path.glob("*.parquet"):
            if file.name not in kept:
                with contextlib.suppress(OSError):
                    file.unlink()


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    # a log is in order nearly always, and sorting would cost a copy of the batch
    return frame if frame["time"].is_sorted() else frame.sort("time", maintain_order=True)


def batch_number(name: str) -> int | None:
    """The batch whose file that is; None for a file that holds several."""
    match = _PART.fullmatch(name)
    return int(match.group(1)) if match else None


def _number(name: str) -> int:
    return batch_number(name) or 0
