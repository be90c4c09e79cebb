"""What changed: detections of a day, and the stories that they make from day to day. Without language, and without causes.

    find(view)              the detections of the view's day, each change once
    follow(view, before)    the same, and the stories that they make with those of the day before

A view is counts by hour, port, country, AS, sensor (`view.py`). First comes what the observer's own line did (`own.py`), then
every kind of change (`kinds/`), then what is the same thing is told once (`once.py`), and what the analyst said of the like
of it is heeded (`taught.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from teiten.detect._fault import Fault
    from teiten.detect.model import Detection, Story
    from teiten.detect.stories import Said
    from teiten.detect.view import View

__all__ = ["find", "follow"]


def find(view: View) -> list[Detection]:
    """The detections of the view's day, most telling first. Data never raises: little of it gives few of them."""
    return look(view).found


def follow(view: View, before: Sequence[Story], said: Mapping[str, Said] | None = None) -> tuple[list[Detection], list[Story]]:
    """The detections of the view's day, and its stories: `before` are those of the last day made, with the resting ones.

    said: what the analyst says of a story, by its id; without it what the view's marks say (`view.taught`).
    """
    seen = look(view)
    return seen.found, told(seen.view, seen.found, before, said)


class Look(NamedTuple):
    """A view with its hours set right, the faults of the own line by which they were, and what was found."""

    view: View
    line: Sequence[Fault]
    found: list[Detection]


def look(view: View) -> Look:
    """What a day shows, without what the day before was told of."""
    from teiten.detect import kinds, once, own, taught

    line, found = own.faults(view)
    view = own.righted(view, line)
    for finder in kinds.finders():
        found = [*found, *finder.find(view, found)]
    return Look(view, line, taught.heeded(view, once.told_once(view, found)))


def told(
    view: View, found: Sequence[Detection], before: Sequence[Story], said: Mapping[str, Said] | None = None
) -> list[Story]:
    """The stories of what was found on the day of a view that was set right (`own.righted`)."""
    from teiten.detect import taught
    from teiten.detect.stories import fold

    made = fold(before, found, view.day, view=view, said=said or taught.said(view.taught))
    return taught.marked(made, view.taught)
