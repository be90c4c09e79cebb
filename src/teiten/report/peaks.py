"""Which days stand out of a course: a robust rule, said in numbers; and what a peak is made of, against the days before it."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

AROUND: Final = 14
"""days before and after the day, of which the median is its usual level: 29 with itself"""
FEWEST: Final = 10
"""observed days, below which nothing is called usual"""
CHANCE: Final = 6.0
"""a peak lies above the usual by more than this many times what chance does to two counts (Poisson)"""
MAD: Final = 1.4826
"""makes of a median absolute deviation what a standard deviation is, where values are spread normally"""
BEFORE: Final = 7
"""days before a peak against which it is held to tell what it is made of"""
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Span:
    """A peak: days (as places in the course) from `first` to `last` without a break, its highest at `top`."""

    first: int
    last: int
    top: int
    value: float
    usual: float
    """median of the days around the top"""


def find(values: Sequence[float | None], deviations: float, times: float, whole: Sequence[bool] | None = None) -> list[Span]:
    """The peaks of a course of days, in order of time; None is a day that was not observed.

    A day stands out where it exceeds the median of the 29 days around it by more than `deviations` robust standard deviations
    (1.4826 x the median absolute deviation of all days from their own medians: Rousseeuw and Croux 1993; chocolatine has the
    same scale), and by more than chance does, and is at least `times` as high. Days in a row are one peak. `whole`: which days
    were observed as a whole; the others count for no median. Without 10 such days nothing is told.
    """
    sure = [v if v is not None and (whole is None or whole[i]) else None for i, v in enumerate(values)]
    if sum(v is not None for v in sure) < FEWEST:
        return []
    usual = [_around(sure, i) for i in range(len(values))]
    spread = MAD * statistics.median(abs(v - usual[i]) for i, v in enumerate(sure) if v is not None)
    out: list[Span] = []
    for i, value in enumerate(values):
        if value is None or not _stands_out(value, usual[i], deviations * spread, times):
            continue
        if out and out[-1].last == i - 1:
            last = out.pop()
            top = last.top if last.value >= value else i
            out.append(Span(last.first, i, top, max(last.value, value), usual[top]))
        else:
            out.append(Span(i, i, i, value, usual[i]))
    return out


def _around(values: Sequence[float | None], i: int) -> float:
    """The median of the observed days around a day: as many more as it takes to have enough."""
    reach = AROUND
    while True:
        near = [v for v in values[max(0, i - reach) : i + reach + 1] if v is not None]
        if len(near) >= FEWEST:
            return statistics.median(near)
        reach += 1


def _stands_out(value: float, usual: float, spread: float, times: float) -> bool:
    beyond = value - usual
    return beyond > spread and value >= times * usual and beyond > CHANCE * (value + usual) ** 0.5


def base(span: Span, values: Sequence[float | None], peaks: Collection[Span]) -> list[int]:
    """The days that a peak is held against: the last seven observed before it outside peaks; where these are few, after it."""
    taken = {i for one in peaks for i in range(one.first, one.last + 1)}
    free = [i for i, v in enumerate(values) if v is not None and i not in taken]
    earlier = [i for i in free if i < span.first][-BEFORE:]
    later = [i for i in free if i > span.last][: BEFORE - len(earlier)]
    return earlier + later


def excess(top: Mapping[Key, float], before: Mapping[Key, float], days: int) -> dict[Key, float]:
    """What of each thing came on the top day beyond its mean of the days before, most first; nothing negative."""
    beyond = {key: value - before.get(key, 0.0) / max(1, days) for key, value in top.items()}
    return dict(sorted(((k, v) for k, v in beyond.items() if v > 0), key=lambda item: (-item[1], str(item[0]))))
