"""Version 5: tables for detections and stories, and `notes.story`, by which a note is about a story."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from teiten.lake import _delta, changes


def apply(path: Path) -> None:
    """Makes what is not there yet. Old files of `notes` answer null."""
    for name in changes.SHOWN:
        _delta.mend(path / name)
        if not _delta.Table.exists(path / name):
            _delta.Table.create(path / name, _delta.schema_of(changes.schema(name), changes.REQUIRED))
    _delta.mend(path / "notes")
    notes = _delta.Table(path / "notes")
    if "story" not in [field.name for field in notes.delta.schema().fields]:
        notes.add_column("story", pl.String())
