"""Version 4: `batches.activity`, which old batches get from their events by input and place in it; and `batches.hashed`.

The events are only read, a file at a time; then the files of `batches` that have no activity are written anew, in parts, each
in one entry of the table's log: an interruption leaves files of both kinds, all whole, and the next run goes on with those that
have none yet. Files keep what their names say of batches.
"""

from __future__ import annotations

import itertools
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from teiten.lake import _delta, activity

_NEW: Final = {"hashed": pl.Int64(), "activity": pl.Binary()}
_AT_ONCE: Final = 64 << 20
"""bytes of the files of `batches` that are replaced in one entry of the log"""
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_WORTH_SAYING: Final = 5_000_000
_BOUNDS: Final = ("batch", "sensor", "t_min", "t_max")


def apply(path: Path) -> None:
    """Adds the column if it is not there yet, then writes the files anew that have none."""
    folder = path / "batches"
    _delta.mend(folder)
    _delta.mend(path / "events")
    table = _delta.Table(folder)
    there = {field.name for field in table.delta.schema().fields}
    for name in ("hashed", "activity"):
        if name not in there:
            table.add_column(name, _NEW[name])
    table.sweep(grace=0)  # what an interrupted run wrote and did not enter
    old = [file for file in table.files() if "activity" not in pl.read_parquet_schema(file)]
    if not old:
        return
    found = _activities(path, old)
    for files in _parts(old):
        written = [_with(file, found) for file in files]
        table.commit(written, [file.name for file in files])
        table.sweep(grace=0)
    _delta.fsync(folder)


def _parts(files: list[Path]) -> Iterator[list[Path]]:
    part: list[Path] = []
    held = 0
    for file in files:
        part.append(file)
        held += file.stat().st_size
        if held >= _AT_ONCE:
            yield part
            part, held = [], 0
    if part:
        yield part


def _activities(path: Path, files: list[Path]) -> dict[int, activity.Activity]:
    """Batch -> the activity of its events, for the batches in those files."""
    batches = pl.concat([pl.read_parquet(file, columns=["batch", "source_id", "start"]) for file in files])
    # every batch bounds those before it, whether or not it has its activity already
    known = pl.concat(
        [pl.read_parquet(f, columns=["batch", "source_id", "start"]) for f in _delta.Table(path / "batches").files()]
    )
    known = known.rename({"start": "source_pos"}).sort("source_pos", "batch")
    wanted = set(batches["batch"])
    events = _delta.Table(path / "events")
    rows = int(events.live()["num_records"].sum() or 0) if events.files() else 0
    if rows >= _WORTH_SAYING:
        print(f"teiten: the lake {path} is brought up to date, once: {rows:,} events are read", file=sys.stderr)
    found: dict[int, activity.Activity] = {}
    for file in events.files():
        for number, one in _of_file(file, known).items():
            if number in wanted:
                found[number] = activity.merged([found.get(number, activity.NOTHING), one])
    return found


def _of_file(file: Path, known: pl.DataFrame) -> dict[int, activity.Activity]:
    """What of a file's events belongs to which batch: the last one of their input that begins at or before them."""
    frame = pl.read_parquet(file, columns=["time", "packets", "source_id", "source_pos"]).sort("source_pos")
    joined = frame.join_asof(known, on="source_pos", by="source_id", strategy="backward", check_sortedness=False)
    parts = joined.drop_nulls("batch").select("batch", pl.col("time").to_physical(), "packets").sort("batch")
    numbers = parts["batch"].to_numpy()
    edges = np.flatnonzero(np.diff(numbers, prepend=-1, append=-1)).tolist()
    times, packets = parts["time"].to_numpy(), parts["packets"].to_numpy()
    return {int(numbers[a]): activity.of(times[a:b], packets[a:b]) for a, b in itertools.pairwise(edges)}


def _with(file: Path, found: dict[int, activity.Activity]) -> _delta.Written:
    frame = pl.read_parquet(file)
    kept = [activity.packed(found.get(number, activity.NOTHING)) for number in frame["batch"]]
    frame = frame.with_columns(pl.Series("activity", kept, _NEW["activity"]))
    bounds = [name for name in _BOUNDS if frame[name].null_count() < frame.height]
    name = f"{_UUID.sub('', file.stem)}{uuid.uuid4()}.parquet"
    return _delta.write_parquet(frame, file.parent, name, bounds)
