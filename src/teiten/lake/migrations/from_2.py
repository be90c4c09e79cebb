"""Version 3: columns for the first bytes of a payload and for the marks of a packet, which old events get from their columns.

The events' files are written anew, some million rows at a time, each time in one entry of the table's log: so an
interruption leaves files of both kinds, all whole, and the next run goes on with those that have no marks yet. Files keep
the batch's number in their names, by which `report --again` finds what there was.
"""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from teiten import marks
from teiten.lake import _delta

_NEW: Final = {
    "payload": pl.Binary(),
    "mark_mirai": pl.Boolean(),
    "mark_masscan": pl.Boolean(),
    "mark_zmap": pl.Boolean(),
    "kind": pl.String(),
}
_AT_ONCE: Final = 2_000_000
"""rows whose files are replaced in one entry of the log: their room on disk is needed twice until then"""
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_WORTH_SAYING: Final = 5_000_000


def apply(path: Path) -> None:
    """Adds the columns that are not there yet, then writes the files anew that have none of them."""
    folder = path / "events"
    _delta.mend(folder)
    table = _delta.Table(folder)
    there = {field.name for field in table.delta.schema().fields}
    for name, dtype in _NEW.items():
        if name not in there:
            table.add_column(name, dtype)
    table.sweep(grace=0)  # what an interrupted run wrote and did not enter
    old = [file for file in table.files() if "kind" not in pl.read_parquet_schema(file)]
    rows = dict(table.live().select("path", "num_records").iter_rows()) if old else {}
    if sum(rows[file.name] or 0 for file in old) >= _WORTH_SAYING:
        print(f"teiten: the lake {path} is brought up to date, once: {len(old):,} files of events", file=sys.stderr)
    for files in _parts(old, rows):
        written = [_marked(file) for file in files]
        table.commit(written, [file.name for file in files])
        table.sweep(grace=0)
    _delta.fsync(folder)


def _parts(files: list[Path], rows: dict[str, int]) -> Iterator[list[Path]]:
    part: list[Path] = []
    held = 0
    for file in files:
        part.append(file)
        held += rows[file.name] or 0
        if held >= _AT_ONCE:
            yield part
            part, held = [], 0
    if part:
        yield part


def _marked(file: Path) -> _delta.Written:
    frame = pl.read_parquet(file)
    frame = frame.with_columns(pl.lit(None, dtype=_NEW["payload"]).alias("payload"), *marks.columns())
    name = f"{_UUID.sub('', file.stem)}{uuid.uuid4()}.parquet"
    return _delta.write_parquet(frame, file.parent, name, ("time", "sensor"))
