"""Version 5: tables for detections and stories."""

from __future__ import annotations

from pathlib import Path

from teiten.lake import _delta, changes


def apply(path: Path) -> None:
    """Makes what is not there yet."""
    for name in changes.SHOWN:
        _delta.mend(path / name)
        if not _delta.Table.exists(path / name):
            _delta.Table.create(path / name, _delta.schema_of(changes.schema(name), changes.REQUIRED))
