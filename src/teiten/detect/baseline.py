"""What is usual: the expected count of each series and hour, how far counts stray from it, and the chance of one so large.

A count of an hour is expected to be   level x profile x exposure:

    level     by day, of the days before it: recent days weigh most (0.85 a day), and where counts are few, all of the days held
    profile   the series' hours of the day, and those of workdays and weekends, shrunk towards evenness where counts are few
    exposure  what was watched of it (`View.exposure`); an hour in which nobody watched says nothing

Hours far above that (earlier bursts) are cut down to what chance allows before they count. What a sum of hours strays by is its
dispersion: variance / mean of sums of that width in the days before (1: Poisson, sources that come one by one), drawn towards
that of all series where counts are few. The chance of a sum is that of a negative binomial with that variance and what is not
known of the level: few days make it wider. Its tail is the saddle-point approximation of Lugannani and Rice (1980).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WIDTHS: Final = (1, 2, 3, 6, 12, 24)
"""hours that are summed"""
_FADE: Final = 0.85
"""weight of a day beside that of the next one: half after four days"""
_DRIFT: Final = 0.15
"""what a level may move from day to day without a reason, as a share of it"""
_PASSES: Final = 3
_FIRM: Final = 20.0
"""counts (in units of dispersion) from which on a series' own days say more than all days held"""
_BIN: Final = 12.0
"""counts (in units of dispersion) that a bin of the profile must have to be half believed"""


@dataclass(frozen=True, slots=True)
class Clock:
    """The hours of a view as baselines use them; all arrays have one entry an hour."""

    days: Ints
    """which day of the view, from 0"""
    bins: Ints
    """hour of the day; 24 more at weekends"""
    exposure: Floats
    """0: not watched"""
    today: slice

    @property
    def before(self) -> float:
        """Hours watched before today."""
        return float((self.exposure[: self.today.start] > 0).sum())


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is expected of series (rows) in the hours of today and of up to a day before it (columns)."""

    mu: Floats
    """counts expected"""
    phi: Floats
    """dispersion: a row for each series, a column for each of WIDTHS"""
    unsure: Floats
    """of each series: squared relative error of its level"""
    level: Floats
    """counts of a usual hour, wholly watched"""
    past: tuple[Floats, Floats]
    """counts and what was expected of them in the hours before today, of whole days: a row for each series"""


def expect(counts: Floats, clock: Clock, prior: float, exposure: Floats | None = None, back: int = 24) -> Baseline:
    """The baseline of series (`counts`: a row each, a column an hour). prior: dispersion to expect where counts are few.

    exposure: of these series, where it is not the clock's (one sensor's). `back`: hours before today in the answer.
    """
    exposure = clock.exposure if exposure is None else exposure
    first = clock.today.start
    past = slice(0, first)
    seen = exposure[past]
    x = np.where(seen > 0, counts[:, past], 0.0)
    days, bins = _sums(clock.days[past], int(clock.days.max()) + 1), _sums(clock.bins[past], 48)
    profile = np.ones((len(counts), 48))
    phi = np.full(len(counts), prior)
    cut = x
    for _ in range(_PASSES):
        shape = profile[:, clock.bins[past]] * seen
        mean = (cut.sum(axis=1) + 0.5) / np.maximum(shape.sum(axis=1), 1e-9)
        usual = mean[:, None] * shape
        cut = np.minimum(x, usual + 4 * np.sqrt(usual * phi[:, None]) + 4 * phi[:, None])
        profile = _profile(cut @ bins, (_around(cut @ days, seen @ days, mean)[:, clock.days[past]] * seen) @ bins, phi)
    shape = profile[:, clock.bins[past]] * seen
    mean = (cut.sum(axis=1) + 0.5) / np.maximum(shape.sum(axis=1), 1e-9)
    level, weight = _levels(cut @ days, shape @ days, mean, phi)
    usual = level[:, clock.days[past]] * shape
    phis = _dispersion(cut, usual, clock.days[past], seen, prior)
    now = int(clock.days[first]) if first < len(clock.days) else -1
    ahead = slice(max(0, first - back), len(exposure))
    recent = _recent(x, shape, max(0, first - 24))
    today = np.maximum(level[:, now], recent)
    mu = today[:, None] * profile[:, clock.bins[ahead]] * exposure[ahead]
    unsure = phis[:, 0] / np.maximum(weight[:, now], 0.5) + _DRIFT**2
    return Baseline(mu, phis, unsure, today, (x[:, first % 24 :], usual[:, first % 24 :]))


def _sums(places: Ints, n: int) -> Floats:
    """A matrix that sums hours by their place: hours x n."""
    out = np.zeros((len(places), n))
    out[np.arange(len(places)), places] = 1.0
    return out


def _around(counts: Floats, seen: Floats, mean: Floats) -> Floats:
    """By series and day the counts of an hour in the week around it: a level that rises has no part in the profile."""
    pad = np.zeros((len(counts), 4))
    sums = np.cumsum(np.concatenate([pad, counts, pad[:, :3]], axis=1), axis=1)
    hours = np.cumsum(np.concatenate([np.zeros(4), seen, np.zeros(3)]))
    held = 24.0
    out: Floats = (sums[:, 7:] - sums[:, :-7] + held * mean[:, None]) / (hours[7:] - hours[:-7] + held)
    return out


def _profile(by_bin: Floats, usual: Floats, phi: Floats) -> Floats:
    """Of 48 bins how many times the level (`usual`: what an even level would give): the hour of the day, then weekends."""
    held = (_BIN * phi)[:, None]
    hour = (by_bin[:, :24] + by_bin[:, 24:] + held) / (usual[:, :24] + usual[:, 24:] + held)
    both = np.concatenate([hour, hour], axis=1)
    out: Floats = both * (by_bin + held) / (usual * both + held)
    return out


def _levels(counts: Floats, seen: Floats, mean: Floats, phi: Floats) -> tuple[Floats, Floats]:
    """By series and day: counts of a usual hour, told from the days before that day; and on how many counts that rests."""
    held = np.minimum(_FIRM * phi / np.maximum(mean, 1e-12), 24.0 * 28)
    level, weight = np.empty_like(counts), np.empty_like(counts)
    sums, hours = np.zeros(len(counts)), np.zeros(len(counts))
    for day in range(counts.shape[1]):
        level[:, day] = (sums + held * mean) / (hours + held)
        weight[:, day] = sums + held * mean
        sums, hours = _FADE * sums + counts[:, day], _FADE * hours + seen[:, day]
    return level, weight


def _dispersion(cut: Floats, usual: Floats, days: Ints, seen: Floats, prior: float) -> Floats:
    """Variance / mean of sums of each of WIDTHS hours, drawn towards `prior` where counts are few; never below 1."""
    out = np.empty((len(cut), len(WIDTHS)))
    whole = days >= min(3, int(days.max()) if days.size else 0)
    for at, width in enumerate(WIDTHS):
        end = len(seen) - len(seen) % width
        places = np.arange(len(seen) - end, len(seen)).reshape(-1, width)
        fine = (seen[places] > 0).all(axis=1) & whole[places].all(axis=1)
        places = places[fine]
        if not places.size:
            out[:, at] = prior
            continue
        x, mu = cut[:, places].sum(axis=2), np.maximum(usual[:, places].sum(axis=2), 1e-9)
        squares = (x - mu) ** 2
        counts = x.sum(axis=1)
        held = 10.0 * prior
        out[:, at] = (squares.sum(axis=1) + held * prior) / (mu.sum(axis=1) + held)
        few = counts < 1
        out[few, at] = prior
    return np.maximum(np.maximum.accumulate(out, axis=1), 1.0)


def _recent(cut: Floats, shape: Floats, first: int) -> Floats:
    """The level of the hours from `first` on, without the highest quarter of them: a burst there does not raise it."""
    x, seen = cut[:, first:], shape[:, first:]
    if x.shape[1] < 12:
        return np.zeros(len(cut))
    rates = np.where(seen > 0, x / np.maximum(seen, 1e-9), np.inf)
    order = np.argsort(rates, axis=1)[:, : max(1, int(0.75 * x.shape[1]))]
    kept = np.take_along_axis(x, order, axis=1).sum(axis=1)
    over = np.take_along_axis(seen, order, axis=1).sum(axis=1)
    return np.where(over > 0, kept / np.maximum(over, 1e-9), 0.0)


def tail(x: Floats, mu: Floats, phi: Floats, unsure: Floats) -> Floats:
    """-log10 of the chance of `x` or more where `mu` are expected: a negative binomial with variance phi mu + unsure mu^2.

    0 where x lies at mu or below. Shapes broadcast; mu is above 0.
    """
    x, mu, phi, unsure = np.broadcast_arrays(x, mu, phi, unsure)
    out = np.zeros(x.shape)
    above = (x > mu) & (x >= 1)
    x, mu, phi, unsure = x[above], np.maximum(mu[above], 1e-9), phi[above], unsure[above]
    r = 1.0 / np.clip((phi - 1.0) / mu + unsure, 1e-7, None)
    more = np.log1p((x - mu) / (mu + r))
    turned = np.log(x / mu) - more
    w = np.sqrt(np.maximum(2 * (x * np.log(x / mu) - (x + r) * more), 1e-12))
    u = -np.expm1(-turned) * np.sqrt(x + x * x / r)
    mills = 4.0 / (3.0 * w + np.sqrt(w * w + 8.0))
    rest = np.clip(mills + 1.0 / np.maximum(u, 1e-9) - 1.0 / w, 1e-12, None)
    chance = (-0.5 * w * w - 0.5 * np.log(2 * np.pi) + np.log(rest)) / np.log(10.0)
    out[above] = np.maximum(-chance, 0.0)
    return out
