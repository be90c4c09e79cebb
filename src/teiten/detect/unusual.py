"""How unusual a day's count of single sources is beside the days before it, where there are few of them and no hours.

Each day's count is held against those of the days before: a negative binomial whose mean is theirs, as wide as they differ, and
wider the fewer they are (a gamma prior of half a count: after n days without any, one has the chance 1 - (n / (n + 1)) ** .5).
The days right before that had at least half as many belong to the same and are no measure of the usual. Days not watched are
no zeros: the caller leaves them out.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LEAST_DAYS: Final = 7
"""days before, of the usual, below which nothing can be said"""
_TERMS: Final = 200_000
"""terms of a tail that are added; where it has more of any size, it is no tail"""


@dataclass(frozen=True, slots=True)
class Usual:
    """chance: of so many or more on a day like those before; mean: of their counts; days: how many they are."""

    chance: float
    mean: float
    days: int


def beside(today: int, before: Sequence[int]) -> Usual | None:
    """The day's count beside those before it, in order of time; None where they are too few to say, or the count is 0."""
    kept = list(before)
    while kept and 2 * kept[-1] >= max(today, 1):
        kept.pop()
    if today <= 0 or len(kept) < LEAST_DAYS:
        return None
    n = len(kept)
    total = sum(kept)
    mean = (total + 0.5) / n
    spread = sum((x - total / n) ** 2 for x in kept) / (n - 1)
    # what is not known of the mean, and what days differ by beyond chance
    wide = 1.0 / (total + 0.5) + max(0.0, spread - mean) / mean**2
    return Usual(_tail(today, mean, 1.0 / wide), total / n, n)


def _tail(count: int, mean: float, size: float) -> float:
    """P(X >= count) of a negative binomial with that mean, and that number of failures `size`, its terms added upwards.

    1 where it is no more than the mean.
    """
    if count <= mean:
        return 1.0
    p = size / (size + mean)
    first = math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
    term = math.exp(first + size * math.log(p) + count * math.log1p(-p))
    total, k = 0.0, count
    while term > total * 1e-13 and k < count + _TERMS:
        total += term
        term *= (k + size) / (k + 1) * (1.0 - p)
        k += 1
    return min(1.0, max(total, sys.float_info.min))
