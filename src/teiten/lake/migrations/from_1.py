"""Version 2: tables for verdicts and notes, and how many events of a batch were forgotten."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from teiten.lake import _delta, note, verdict


def apply(path: Path) -> None:
    """Makes what is not there yet."""
    for name, schema, required in (("verdicts", verdict.SCHEMA, verdict.REQUIRED), ("notes", note.SCHEMA, note.REQUIRED)):
        _delta.mend(path / name)
        if not _delta.Table.exists(path / name):
            _delta.Table.create(path / name, _delta.schema_of(schema, required))
    _delta.mend(path / "batches")
    batches = _delta.Table(path / "batches")
    if "forgotten" not in [field.name for field in batches.delta.schema().fields]:
        batches.add_column("forgotten", pl.Int64())
