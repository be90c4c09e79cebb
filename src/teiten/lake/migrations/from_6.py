"""Version 7: a note may be about an AS."""

from __future__ import annotations

from pathlib import Path

from teiten.lake import _delta, note


def apply(path: Path) -> None:
    """Adds the column if it is not there yet."""
    _delta.mend(path / "notes")
    table = _delta.Table(path / "notes")
    if "asn" not in {field.name for field in table.delta.schema().fields}:
        table.add_column("asn", note.SCHEMA["asn"])
