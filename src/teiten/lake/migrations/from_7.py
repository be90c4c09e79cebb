"""Version 8: a table of evidence on devices."""

from __future__ import annotations

from pathlib import Path

from teiten.lake import _delta, device


def apply(path: Path) -> None:
    """Makes it, unless an interrupted run did already."""
    _delta.mend(path / "devices")
    if not _delta.Table.exists(path / "devices"):
        _delta.Table.create(path / "devices", _delta.schema_of(device.SCHEMA, device.REQUIRED))
