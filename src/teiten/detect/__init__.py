"""What changed: detections of a day, and the stories that they make from day to day. Without language, and without causes.

    find(view)      the detections of the view's day, each change once

A view is counts by hour, port, country, AS, sensor (`view.py`). First comes what the observer's own line did (`own.py`), then
every kind of change (`kinds/`), then what is the same thing is told once (`once.py`), and what the analyst said of the like
of it is heeded (`taught.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teiten.detect.model import Detection
    from teiten.detect.view import View

__all__ = ["find"]


def find(view: View) -> list[Detection]:
    """The detections of the view's day, most telling first. Data never raises: little of it gives few of them."""
    from teiten.detect import kinds, once, own, taught

    view, found = own.look(view)
    for finder in kinds.finders():
        found = [*found, *finder.find(view, found)]
    return taught.heeded(view, once.told_once(view, found))
