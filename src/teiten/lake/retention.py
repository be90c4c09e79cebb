"""Events of old days taken out of a lake: `lake.toml` says from when on events are kept, then their files follow.

`kept_since` is written first (on the disk before anything else) and never goes back. From then on files that end before it are
not shown any more; one entry in the log of `events` takes them out, and puts files that the moment cuts in two back without the
rows before it. That is carried through by the lake's next writer if need be. What was read of these days stays in `batches`
(accounting, activity), and whatever else was made of them: coverage, verdicts, aggregates, notes.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from teiten.lake import _delta
from teiten.lake._gather import BOUNDS

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_SLACK: Final = dt.timedelta(milliseconds=1)
"""Delta's statistics may be cut to milliseconds"""


@dataclass(frozen=True, slots=True)
class Weight:
    """What goes with the events before a moment. Of files that the moment cuts, rows and bytes are counted in proportion to
    the time that lies before it: events and bytes are estimates where `cut` is not 0."""

    files: int = 0
    cut: int = 0
    events: int = 0
    bytes: int = 0


def weigh(path: Path, moment: dt.datetime) -> Weight:
    """What dropping the events before that moment takes out of the lake in that folder."""
    whole = cut = events = size = 0
    for _, rows, held, low, high in _before(_delta.Table(path / "events"), moment):
        if high + _SLACK < moment:
            whole, events, size = whole + 1, events + rows, size + held
        else:
            share = (moment - low) / (high + _SLACK - low)
            cut, events, size = cut + 1, events + round(share * rows), size + round(share * held)
    return Weight(whole, cut, events, size)


def finish(path: Path, moment: dt.datetime, grace: float = _delta.GRACE) -> int:
    """Takes out what lies before the moment; all of it may be done again. How many events went. Under the lake's lock."""
    table = _delta.Table(path / "events")
    found = _before(table, moment)
    if not found:
        return 0
    written, gone, events = [], [], 0
    for name, rows, _, _, high in found:
        if high + _SLACK < moment:
            gone.append(name)
            events += rows
            continue
        left = pl.read_parquet(table.fetched([table.path / name])[0]).filter(pl.col("time") >= moment)
        if left.height < rows:
            gone.append(name)
            events += rows - left.height
        if 0 < left.height < rows:
            new = f"{_UUID.sub('', name.removesuffix('.parquet'))}{uuid.uuid4()}.parquet"
            written.append(_delta.write_parquet(left, table.path, new, BOUNDS))
    if gone:
        table.commit(written, gone)
        table.sweep(gone, grace)
    return events


File = tuple[str, int, int, dt.datetime, dt.datetime]
"""name, rows, bytes, first and last time"""


def _before(table: _delta.Table, moment: dt.datetime) -> Sequence[File]:
    """The live files that have something before the moment, by their statistics."""
    live = table.live()
    if not live.height or "min.time" not in live.columns:
        return []
    rows = live.drop_nulls(["min.time", "max.time"]).filter(pl.col("min.time") < moment)
    return list(rows.select("path", "num_records", "size_bytes", "min.time", "max.time").sort("path").iter_rows())
