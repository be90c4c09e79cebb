"""teiten (定点, "fixed point"): an Internet observation system that starts with one log file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teiten.engine.opened import Opened

__version__ = "0.1.0"


def open(path: str | Path, zone: str | None = None) -> Opened:
    """The lake in that folder, to be asked from Python (`teiten.engine.opened`). LakeError where there is none."""
    from teiten.engine.opened import Opened

    return Opened(path, zone)


__all__ = ["__version__", "open"]
