"""What is usual: the expected count of each series and hour, how far counts stray from it, and the chance of one so large.

A count of an hour is expected to be   level x profile x exposure:

    level     by day, of the days before it: recent days weigh most (0.85 a day), and where counts are few, all of the days held
    profile   the series' hours of the day, and those of workdays and weekends, shrunk towards evenness where counts are few
    exposure  what was watched of it (`View.exposure`); an hour in which nobody watched says nothing

Hours far above that (earlier bursts) are cut down to what chance allows before they count. What a sum of hours strays by is its
dispersion: variance / mean of sums of that width in the days before (1: Poisson, sources that come one by one), drawn towards
that of all series where counts are few. The chance of a sum is that of a negative binomial with that variance and what is not
known of the level: few days make it wider (`detect/tails.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

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
_PASSES: Final = 2
_FIRM: Final = 20.0
"""counts (in units of dispersion) from which on a series' own days say more than all days held"""
_BIN: Final = 12.0
"""counts (in units of dispersion) that a bin of the profile must have to be half believed"""


@dataclass(frozen=True, slots=True)
class Clock:
    """The hours of a view as baselines use them: whole days of 24 hours before today, and today's."""

    exposure: Floats
    """of each hour; 0: not watched"""
    weekend: npt.NDArray[np.bool_]
    """of each hour: is it of a Saturday or Sunday?"""
    today: slice
    """begins after a multiple of 24 hours"""

    @property
    def before(self) -> float:
        """Hours watched before today."""
        return float((self.exposure[: self.today.start] > 0).sum())

    @property
    def days(self) -> int:
        """Whole days before today."""
        return int(self.today.start // 24)


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

    exposure: of these series (rows), where it is not the clock's (of sensors). `back`: hours before today in the answer.
    """
    exposure = clock.exposure[None, :] if exposure is None else exposure
    rows, days, first = len(counts), clock.days, int(clock.today.start)
    seen = exposure[:, :first].reshape(len(exposure), days, 24)
    x = counts[:, :first].reshape(rows, days, 24)
    x = np.where(seen > 0, x, 0.0) if (seen == 0).any() else x
    off = clock.weekend[:first:24]
    cut, profile, phi = x, np.ones((rows, 2, 24)), np.full((rows, 1, 1), prior)
    for _ in range(_PASSES):
        shape = _shaped(profile, off, seen)
        mean = (cut.sum(axis=(1, 2)) + 0.5) / np.maximum(shape.sum(axis=(1, 2)), 1e-9)
        usual = mean[:, None, None] * shape
        cut = np.minimum(x, usual + 4 * np.sqrt(usual * phi) + 4 * phi)
        even = _around(cut.sum(axis=2), seen.sum(axis=2), mean)
        profile = _profile(cut, even, seen, off, _BIN * prior)
    shape = _shaped(profile, off, seen)
    hours = shape.sum(axis=2)
    mean = (cut.sum(axis=(1, 2)) + 0.5) / np.maximum(hours.sum(axis=1), 1e-9)
    level, weight = _levels(cut.sum(axis=2), hours, mean, prior)
    usual = (level[:, :-1, None] * shape).reshape(rows, first)
    phis = _dispersion(cut.reshape(rows, first), usual, seen.reshape(len(seen), first) > 0, prior)
    today = np.maximum(level[:, -1], _recent(x[:, -1], shape[:, -1]) if days else 0.0)
    ahead = np.arange(max(0, first - back), len(clock.exposure))
    mu = today[:, None] * profile[:, clock.weekend[ahead].astype(int), ahead % 24] * exposure[:, ahead]
    unsure = phis[:, 0] / np.maximum(weight, 0.5) + _DRIFT**2
    return Baseline(mu, phis, unsure, today, (x.reshape(rows, first), usual))


def _shaped(profile: Floats, off: npt.NDArray[np.bool_], seen: Floats) -> Floats:
    """By series, day and hour what a level of 1 would give."""
    out: Floats = profile[:, off.astype(int)] * seen
    return out


def _around(counts: Floats, seen: Floats, mean: Floats) -> Floats:
    """By series and day the counts of an hour in the week around it: a level that rises has no part in the profile."""
    sums = np.cumsum(np.pad(counts, ((0, 0), (4, 3))), axis=1)
    hours = np.cumsum(np.pad(seen, ((0, 0), (4, 3))), axis=1)
    held = 24.0
    out: Floats = (sums[:, 7:] - sums[:, :-7] + held * mean[:, None]) / (hours[:, 7:] - hours[:, :-7] + held)
    return out


def _profile(cut: Floats, even: Floats, seen: Floats, off: npt.NDArray[np.bool_], held: float) -> Floats:
    """Of 24 hours of workdays and of weekends how many times the level (`even`: of each day): first all days, then each."""
    usual = even[:, :, None] * seen
    parts = [(cut[:, which].sum(axis=1), usual[:, which].sum(axis=1)) for which in (~off, off)]
    hour = (parts[0][0] + parts[1][0] + held) / (parts[0][1] + parts[1][1] + held)
    return np.stack([hour * (x + held) / (mu * hour + held) for x, mu in parts], axis=1)


def _levels(counts: Floats, seen: Floats, mean: Floats, prior: float) -> tuple[Floats, Floats]:
    """By series and day, the day after the last too: counts of a usual hour by the days before; and on how many counts the
    last of them rests."""
    held = np.minimum(_FIRM * prior / np.maximum(mean, 1e-12), 24.0 * 28)
    level = np.empty((len(counts), counts.shape[1] + 1))
    sums, hours = np.zeros(len(counts)), np.zeros(len(counts))
    for day in range(counts.shape[1]):
        level[:, day] = (sums + held * mean) / (hours + held)
        sums, hours = _FADE * sums + counts[:, day], _FADE * hours + seen[:, day]
    level[:, -1] = (sums + held * mean) / (hours + held)
    return level, sums + held * mean


def _dispersion(cut: Floats, usual: Floats, watched: npt.NDArray[np.bool_], prior: float) -> Floats:
    """Variance / mean of sums of each of WIDTHS hours, drawn towards `prior` where counts are few; never below 1."""
    out = np.full((len(cut), len(WIDTHS)), prior)
    skip = 24 * min(3, cut.shape[1] // 48)
    away, unwatched = sums_of(np.where(watched, cut - usual, 0.0)[:, skip:]), sums_of(1.0 - watched[:, skip:])
    held = 10.0 * prior
    for at, mu in enumerate(sums_of(usual[:, skip:])):
        fine = (unwatched[at] == 0).astype(np.float64)
        squares = np.einsum("ij,ij->i", away[at] * fine, away[at])
        out[:, at] = (squares + held * prior) / ((mu * fine).sum(axis=1) + held)
    return np.maximum(np.maximum.accumulate(out, axis=1), 1.0)


def _recent(x: Floats, shape: Floats) -> Floats:
    """The level of yesterday without its highest quarter: a burst there does not raise it."""
    rates = np.where(shape > 0, x / np.maximum(shape, 1e-9), np.inf)
    order = np.argsort(rates, axis=1)[:, :18]
    kept = np.take_along_axis(x, order, axis=1).sum(axis=1)
    over = np.take_along_axis(np.broadcast_to(shape, x.shape), order, axis=1).sum(axis=1)
    return np.where(over > 0, kept / np.maximum(over, 1e-9), 0.0)


def sums_of(x: Any) -> list[Any]:
    """Sums of each of WIDTHS hours beside each other; x is of whole days."""
    two, three = x[:, ::2] + x[:, 1::2], x[:, ::3] + x[:, 1::3] + x[:, 2::3]
    six = three[:, ::2] + three[:, 1::2]
    twelve = six[:, ::2] + six[:, 1::2]
    return [x, two, three, six, twelve, twelve[:, ::2] + twelve[:, 1::2]]
