"""One change is told once, with its parts, in however many series it shows."""

from __future__ import annotations

from collections.abc import Sequence

from teiten.detect.model import Detection
from teiten.detect.view import View


def told_once(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Those that say something of their own, most telling first."""
    return sorted(found, key=lambda one: (-one.score, one.start, one.kind, one.about.text()))
