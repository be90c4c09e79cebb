"""When a course of counts by day rose, and when it came back: a robust rule without tuning, whose numbers a report prints.

The usual of a day is the median of the observed days before it on the same level: up to `BASE` of them, at least `FEWEST`.
A rise begins on the first of `RUN` observed days in a row that all lie above the usual by more than

    3 x 1.4826 x MAD    what the days themselves vary by (the robust threshold that CAIDA's chocolatine uses)
    3 x sqrt(usual)     what chance does to a count (Poisson)
    usual x 1/2         what is worth a sentence
    `LEAST`             hosts, where the usual is next to nothing

From that day on the usual is that of the new level, once `SETTLED` days of it were observed, so that a further rise is told
too. It is over on the first of `RUN`
observed days in a row that lie at or below the height that the first rise had to cross.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

BASE: Final = 28
"""observed days that the usual is taken of, at most: four weeks, so that every weekday counts alike"""
FEWEST: Final = 7
"""and at least: a week"""
SETTLED: Final = 14
"""of a level that was risen to, at least: two weeks, so that a slow rise is one"""
RUN: Final = 3
"""observed days in a row that make a rise, or end it"""
SPREAD: Final = 3 * 1.4826
"""times the median absolute deviation: three standard deviations of a normal distribution"""
CHANCE: Final = 3.0
HALF: Final = 0.5
LEAST: Final = 3.0
"""hosts above the usual, at least"""


@dataclass(frozen=True, slots=True)
class Rise:
    """A rise, by places in the course. `end` is the first place after it: of the next rise, of its end, or of the course's.

    usual: the median before; height: what it had to cross; over: did it come back (and not merely go on into the next rise, or
    out of the course)? further: did it begin before an earlier one was over?
    """

    start: int
    end: int
    peak: int
    usual: float
    height: float
    base: tuple[int, ...]
    """the places of the days that the usual was taken of"""
    over: bool = False
    further: bool = False


def height(values: Sequence[float]) -> tuple[float, float]:
    """The usual of those days, and what a day must lie above to be no usual one. ValueError for none."""
    usual = statistics.median(values)
    spread = statistics.median(abs(v - usual) for v in values)
    return usual, usual + max(SPREAD * spread, CHANCE * usual**0.5, HALF * usual, LEAST)


def rises(values: Sequence[float | None], first: int = 0) -> list[Rise]:
    """The rises of a course of counts, one a day, None where nothing was observed; only those that begin at place `first` or
    later (what lies before tells the usual). None of them where fewer than `FEWEST` days were observed before."""
    seen = [i for i, v in enumerate(values) if v is not None]
    count = {i: v for i, v in enumerate(values) if v is not None}
    found: list[Rise] = []
    going: list[int] = []
    level = 0
    for at, place in enumerate(seen):
        run = seen[at : at + RUN]
        if len(run) < RUN:
            break
        if going and all(count[i] <= found[going[0]].height for i in run):
            found[-1] = replace(found[-1], end=place, over=True)
            going, level = [], at
            continue
        base = seen[max(level, at - BASE) : at]
        if len(base) < (SETTLED if going else FEWEST):
            continue
        usual, high = height([count[i] for i in base])
        if all(count[i] > high for i in run):
            if going:
                found[-1] = replace(found[-1], end=place)
            found.append(Rise(place, len(values), place, usual, high, tuple(base), further=bool(going)))
            going.append(len(found) - 1)
            level = at
    peaked = [replace(r, peak=max((i for i in seen if r.start <= i < r.end), key=lambda i: (count[i], -i))) for r in found]
    return [r for r in peaked if r.start >= first]
