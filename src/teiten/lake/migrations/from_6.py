"""Version 6 to 7: the table of evidence on devices, empty, since nobody had asked yet."""

from __future__ import annotations

from pathlib import Path

from teiten.lake import _delta, device


def apply(path: Path) -> None:
    """Makes it, unless an interrupted run did already."""
    _delta.mend(path / "devices")
    if not _delta.Table.exists(path / "devices"):
        _delta.Table.create(path / "devices", _delta.schema_of(device.SCHEMA, device.REQUIRED))
