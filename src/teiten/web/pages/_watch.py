"""For how long sensors watched in a span and in the one before it: whether the two may be compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from teiten.engine import lives

APART: Final = 0.1
"""spans whose sensors watched for lengths that differ by more than that part are not compared"""

Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Watch:
    """sensors: those that watched at all in the span; share: for how much of it, 0 to 1; before: did any watch before it?

    alike: did each sensor watch for about as long in both?"""

    sensors: int
    share: float
    before: bool
    alike: bool


def of(
    names: Iterable[str], span: Span, now: Iterable[Mapping[str, Any]], before: Span, then: Iterable[Mapping[str, Any]]
) -> Watch:
    """Of the sensors: their gaps (rows of `engine.gaps`) in the span, `now`, and in the one before, `then`."""
    own, earlier = _watched(names, span, now), _watched(names, before, then)
    seen = [length for length in own.values() if length > 0]
    most = max(sum(own.values()), sum(earlier.values()))
    apart = sum(abs(own[name] - earlier[name]) for name in own)
    share = sum(seen) / len(seen) if seen else 0.0
    return Watch(len(seen), share, any(earlier.values()), bool(most) and apart <= APART * most)


def _watched(names: Iterable[str], span: Span, missing: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Sensor -> the part of the span in which it watched."""
    each: dict[str, list[Span]] = {name: [] for name in names}
    for gap in missing:
        each.setdefault(gap["sensor"], []).append((max(gap["start"], span[0]), min(gap["end"], span[1])))
    length = span[1] - span[0]
    if length <= dt.timedelta(0):
        return dict.fromkeys(each, 0.0)
    quiet = {
        name: sum((b - a for a, b in lives.joined(own, dt.timedelta(0)) if a < b), dt.timedelta()) for name, own in each.items()
    }
    return {name: max(0.0, 1 - lost / length) for name, lost in quiet.items()}
