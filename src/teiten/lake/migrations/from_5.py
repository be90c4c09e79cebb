"""Version 6: a table for when a station was taking in what, and what it lost."""

from __future__ import annotations

from pathlib import Path

from teiten.lake import _delta, watching


def apply(path: Path) -> None:
    """Makes it if it is not there yet."""
    _delta.mend(path / "watching")
    if not _delta.Table.exists(path / "watching"):
        _delta.Table.create(path / "watching", _delta.schema_of(watching.SCHEMA, watching.REQUIRED))
