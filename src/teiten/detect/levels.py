"""The level of a course of days, and runs of days above or below it: the statistics of `kinds/level.py`, on matrices.

A row is a series, a column a day; counts by what of the day was watched are rates. On the scale of y = log(rate + 1/2):

    usual      of up to 28 observed days before (those of a run left out): the mean of y, each day's distance clipped at 2.5
               robust deviations, with the weekday's own habit as far as the weeks tell it
    deviation  the robust one of the same days, drawn towards what series of like size have (an empirical Bayes estimate, as of
               limma: Smyth 2004), so that a week of days does not pass for certainty; at least what chance does to a count
    z          how far days lie from it, as a normal deviate: Student's t by Wallace's formula, for few days are no many
    bar        what z must exceed so that nothing happens with the stated chance in all that is looked at. The tail is not taken
               from the normal distribution but from this view's own past days: scanners have heavier ones
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from teiten.detect.view import Floats

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BASE: Final = 28
"""observed days of which the usual is taken, at most"""
FEWEST: Final = 7
"""and at least: a week"""
CLIP: Final = 2.5
MAD: Final = 1.4826
PRIOR: Final = 8.0
"""days that the deviation of like series weighs as much as"""
WEEKDAY: Final = 2.0
"""weeks as much as which 'weekdays make no difference' weighs"""
WEEKS: Final = 4
OF_WEEKS: Final = 3
"""of so many weeks before, on the same weekday: then it comes every week"""
_HALF: Final = 0.5
_NINETY: Final = 1.2816
"""standard deviations at which a tenth of a normal distribution lies beyond"""


@dataclass(frozen=True)
class Usual:
    """Of each series: usual rate, mean and deviation of y, how many days they rest on; habit of each weekday."""

    rate: Floats
    mean: Floats
    deviation: Floats
    days: Floats
    variance: Floats
    """of y on those days alone"""
    weekday: Floats
    """(series, 7): what is added to the mean on that weekday"""


def scale(rates: Floats) -> Floats:
    """y: log(rate + 1/2)."""
    return np.asarray(np.log(rates + _HALF))


def chance_deviation(rates: Floats) -> Floats:
    """The deviation of log(count + 1/2) of a Poisson count with that mean: what no day can vary less than."""
    return np.asarray(np.interp(np.log(np.maximum(rates, 1e-3)), _GRID, _POISSON))


def _poisson_table() -> tuple[Floats, Floats]:
    grid = np.linspace(math.log(1e-3), math.log(1e3), 60)
    out = []
    for mean in np.exp(grid):
        counts = np.arange(0, int(mean + 12 * math.sqrt(mean) + 12))
        logs = counts * math.log(mean) - mean - np.concatenate([[0.0], np.cumsum(np.log(counts[1:]))])
        chance = np.exp(logs)
        y = np.log(counts + _HALF)
        first = (chance * y).sum() / chance.sum()
        out.append(math.sqrt((chance * (y - first) ** 2).sum() / chance.sum()))
    return grid, np.array(out)


_GRID, _POISSON = _poisson_table()


@dataclass(frozen=True)
class Like:
    """The variance of y that series of like level have: of eighths of all series, by level."""

    edges: Floats
    variance: Floats

    def of(self, level: Floats) -> Floats:
        return np.asarray(self.variance[np.searchsorted(self.edges, level)])


def usual(rates: Floats, weekdays: Ints, base: Bools, like: Like | None = None) -> Usual:
    """What is usual by those days: rates and base (series, days); days that are nan or not in base count for nothing.

    like: what deviations are drawn towards; None: what these series have themselves. A series without a day has nan for
    everything.
    """
    use = base & ~np.isnan(rates)
    n = use.sum(axis=1).astype(float)
    seen = np.maximum(n, 1.0)
    y = np.where(use, scale(np.where(use, rates, 0.0)), 0.0)
    middle = _median(y, use, n)
    spread = np.maximum(MAD * _median(np.abs(y - middle[:, None]), use, n), _wings(y, use, n, middle))
    floor = chance_deviation(np.maximum(np.exp(middle) - _HALF, 0.0))
    reach = CLIP * np.maximum(spread, floor)[:, None]
    y = np.clip(y, middle[:, None] - reach, middle[:, None] + reach)
    habit = _habit(y, weekdays, use, np.where(use, y, 0.0).sum(axis=1) / seen)
    y = np.where(use, y - habit[:, weekdays], 0.0)
    mean = y.sum(axis=1) / seen
    level = np.where(use, np.exp(y) - _HALF, 0.0).sum(axis=1) / seen
    variance = np.where(use, (y - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(n - 1, 1)
    freedom = np.maximum(n - 1, 0)
    drawn = (like or likeness(variance, freedom, level)).of(level)
    deviation = np.sqrt((freedom * variance + PRIOR * drawn) / (freedom + PRIOR))
    deviation = np.maximum(np.maximum(deviation, chance_deviation(level)), _wings(y, use, n, mean))
    nothing = np.where(n > 0, 1.0, np.nan)
    return Usual(np.maximum(level, 0.0) * nothing, mean * nothing, deviation * nothing, n, variance, habit)


def _habit(y: Floats, weekdays: Ints, use: Bools, mean: Floats) -> Floats:
    """What each weekday adds, shrunk towards nothing: two weeks of it weigh as much as 'no difference'."""
    out = np.zeros((len(y), 7))
    off = np.where(use, y - mean[:, None], 0.0)
    for day in range(7):
        mine = weekdays == day
        weeks = use[:, mine].sum(axis=1)
        # a single week is no habit
        out[:, day] = np.where(weeks >= 2, off[:, mine].sum(axis=1) / (weeks + WEEKDAY), 0.0)
    return out


def _wings(y: Floats, use: Bools, n: Floats, middle: Floats) -> Floats:
    """The deviation as the day that a tenth of days exceed (or are below) tells it: of a series that comes on some days and on
    others not at all, the middle half says nothing."""
    row = np.arange(len(y))
    count = n.astype(np.int64)
    ordered = np.sort(np.where(use, y, np.inf), axis=1)
    high = ordered[row, np.clip(np.ceil(0.9 * count).astype(np.int64) - 1, 0, y.shape[1] - 1)]
    low = ordered[row, np.clip(count - np.ceil(0.9 * count).astype(np.int64), 0, y.shape[1] - 1)]
    return np.where(count > 0, np.maximum(high - middle, middle - low) / _NINETY, 0.0)


def _median(values: Floats, use: Bools, n: Floats) -> Floats:
    """The median of each row's used values; 0 where there is none."""
    ordered = np.sort(np.where(use, values, np.inf), axis=1)
    count = n.astype(np.int64)
    row = np.arange(len(values))
    middle = (ordered[row, np.maximum(count - 1, 0) // 2] + ordered[row, np.minimum(count // 2, values.shape[1] - 1)]) / 2
    return np.where(count > 0, middle, 0.0)


def likeness(variance: Floats, freedom: Floats, level: Floats) -> Like:
    """The median variance of series of like level: eighths of those that a week or more tells of; few series are alike all."""
    known = freedom >= FEWEST - 1
    if not known.any():
        return Like(np.zeros(0), np.array([float(np.median(variance)) if variance.size else 0.0]))
    every = float(np.median(variance[known]))
    if known.sum() < 40:
        return Like(np.zeros(0), np.array([every]))
    edges = np.unique(np.quantile(level[known], np.linspace(0, 1, 9)[1:-1]))
    which = np.searchsorted(edges, level)
    mine = [variance[(which == one) & known] for one in range(len(edges) + 1)]
    return Like(edges, np.array([float(np.median(some)) if some.size >= 5 else every for some in mine]))


def weekly(rates: Floats, sign: Floats) -> Floats:
    """Of each day what three of its weekday's four before it reached (sign 1), or did not exceed (-1), at least.

    What comes every week, or every week does not, is usual, however far it lies from the other days. rates: (series, days in a
    row). nan: fewer than three of them were observed."""
    days = rates.shape[1]
    weeks = np.full((WEEKS, *rates.shape), np.nan)
    for back in range(1, WEEKS + 1):
        weeks[back - 1, :, 7 * back :] = rates[:, : max(0, days - 7 * back)]
    seen = (~np.isnan(weeks)).sum(axis=0)
    ordered = np.sort(weeks, axis=0)
    high = np.where(seen == WEEKS, ordered[WEEKS - OF_WEEKS], ordered[0])
    return np.where(seen >= OF_WEEKS, np.where(sign[:, None] > 0, high, ordered[OF_WEEKS - 1]), np.nan)


def deviate(t: Floats, freedom: Floats) -> Floats:
    """Student's t as a normal deviate (Wallace 1959: off by less than .01 where it matters)."""
    v = np.maximum(freedom, 1.0)
    return np.asarray(np.sign(t) * (8 * v + 1) / (8 * v + 3) * np.sqrt(v * np.log1p(t * t / v)))


def z(rates: Floats, weekdays: Ints, of: Usual, inflation: float = 1.0) -> Floats:
    """How far the mean of those days lies from the usual: rates (series, days of the window), nan left out; nan: none observed.

    inflation: how many times more the mean of such a window varies than that of independent days.
    """
    seen = ~np.isnan(rates)
    n = seen.sum(axis=1)
    y = np.where(seen, scale(np.where(seen, rates, 0.0)) - of.weekday[:, weekdays], 0.0)
    mean = y.sum(axis=1) / np.maximum(n, 1)
    wide = of.deviation * np.sqrt(inflation / np.maximum(n, 1) + 1 / np.maximum(of.days, 1))
    t = (mean - of.mean) / np.where(wide > 0, wide, 1.0)
    return np.where((n > 0) & (of.days >= FEWEST), deviate(t, of.days - 1 + PRIOR), np.nan)


def inflation(rates: Floats, weekdays: Ints, base: Bools, of: Usual, width: int) -> float:
    """How many times more means of `width` days in a row vary than those of independent ones (1 or more), by the base itself.

    Series that drift make it large: then a week is no seven proofs.
    """
    y = scale(np.nan_to_num(rates)) - of.weekday[:, weekdays] - of.mean[:, None]
    use = base & ~np.isnan(rates)
    means = []
    for first in range(0, rates.shape[1] - width + 1, width):
        whole = use[:, first : first + width].all(axis=1) & (of.days >= 2 * width)
        block = np.clip(y[:, first : first + width], -CLIP * of.deviation[:, None], CLIP * of.deviation[:, None])
        means.append((block.mean(axis=1)[whole] / of.deviation[whole]) ** 2 * width)
    every = np.concatenate(means) if means else np.zeros(0)
    return max(1.0, float(np.mean(every))) if every.size >= 20 else 1.0 + 0.25 * (width - 1)


@dataclass(frozen=True)
class Tail:
    """How often z is large on days of the past, for what is larger than any of them."""

    start: float
    """from here on (in nats of a normal tail) days are rarer than `share`"""
    share: float
    mean: float
    """nats above `start` that such a day has on average; 1 for a normal distribution"""

    def chance(self, z: float) -> float:
        """Of a day of one series to lie this far above its usual."""
        nats = _nats(z)
        if nats < self.start:
            return max(self.share, math.exp(-nats))
        return self.share * math.exp(-(nats - self.start) / self.mean)

    def bar(self, chance: float) -> float:
        """The z that is exceeded with that chance (normal tail below `start`)."""
        chance = min(max(chance, 1e-300), 0.5)
        nats = self.start + self.mean * math.log(self.share / chance) if chance < self.share else -math.log(chance)
        return NormalDist().inv_cdf(1 - math.exp(-nats)) if nats < 30 else _root(nats)


def _nats(z: float) -> float:
    """-ln of the normal tail beyond z."""
    if z < 30:
        return -math.log(max(0.5 * math.erfc(z / math.sqrt(2)), 1e-300))
    return z * z / 2 + math.log(z * math.sqrt(2 * math.pi))


def _root(nats: float) -> float:
    """z of a normal tail of e^-nats."""
    z = math.sqrt(2 * nats)
    for _ in range(4):
        z = math.sqrt(max(2 * (nats - math.log(z * math.sqrt(2 * math.pi))), 1.0))
    return z


def tail(of_days: Floats) -> Tail:
    """The tail of the z of all series on all days of the base: the last hundredth of them.

    The mean excess is told by its median (median = mean x ln 2 where tails are exponential), so that the few days on which
    something really happened do not make the rest seem wilder. Never lighter than the normal tail.
    """
    some = of_days[~np.isnan(of_days)]
    if some.size < 200:
        return Tail(-math.log(0.05), 0.05, 1.5)  # too little to tell: a tail half as heavy again
    share = max(0.005, 20 / some.size)
    top = np.sort(some)[-max(10, int(share * some.size)) :]
    nats = np.array([_nats(float(one)) for one in top])
    start = max(float(nats[0]), -math.log(share))
    mean = float(np.median(nats - nats[0])) / math.log(2)
    return Tail(start, share, max(1.0, mean))
