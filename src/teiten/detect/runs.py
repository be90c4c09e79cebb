"""Runs of days above (or below) the usual: when each series left its level, and whether it is still away on the last day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from teiten.detect import levels
from teiten.detect.levels import Bools, Ints
from teiten.detect.view import Floats

WINDOWS: Final = (1, 3, 7)
"""days that are held against the usual together: a day, and what rises slowly"""
STAYS: Final = 2.0
"""normal deviates above the usual from which a day of a run is still away"""
BACK: Final = 1.0
"""below this one day is enough to be back; between both it takes two"""
CLOSE: Final = 1.25
"""times the usual: so near to it is back as well"""


@dataclass(frozen=True)
class Bars:
    """What a day, three, or a week must exceed: normal deviates, times the usual, packets beyond it (a day)."""

    z: Floats
    """of each series"""
    times: tuple[float, ...]
    least: float
    inflation: tuple[float, ...]
    like: levels.Like
    settled: int
    """observed days after which what was away is the usual"""


@dataclass(frozen=True)
class Runs:
    """Of each series on the last day. `start` -1: it is not away and did not come back today."""

    start: Ints
    over: Bools
    """back today"""
    settled: Bools
    """since today it is the usual"""
    usual: Floats
    """rate before the run"""
    peak: Ints
    """the day of the run (before the last) that was farthest away; -1: the last is the first"""
    z: Floats
    """the farthest of the last day's windows, in normal deviates"""
    window: Ints
    """days of that window"""
    days: Ints
    """days of the run that were observed, the last among them where it is away"""
    base: Ints
    """days that the usual rests on"""


def runs(rates: Floats, weekdays: Ints, bars: Bars, sign: Floats, broad: Bools | None = None) -> Runs:
    """The runs of all series (rows) up to the last day (column). sign, of each series: 1 above the usual, -1 below it.

    broad: (series, days) that may begin a run by themselves; False: what one source did in an hour is no level.
    """
    return _Walk(rates, weekdays, bars, sign, np.ones(rates.shape, bool) if broad is None else broad).made()


class _Walk:
    """Day by day through all series at once."""

    def __init__(self, rates: Floats, weekdays: Ints, bars: Bars, sign: Floats, broad: Bools) -> None:
        self.rates, self.weekdays, self.bars, self.sign, self.broad = rates, weekdays, bars, sign, broad
        n = len(rates)
        self.away = np.zeros(rates.shape, bool)
        self.weekly = levels.weekly(rates, sign)
        self.floor = np.zeros(n, np.int64)
        self.start = np.full(n, -1, np.int64)
        self._began = self.start.copy()
        self.frozen = levels.usual(rates, weekdays, np.zeros(rates.shape, bool), bars.like) if n else None
        self.doubt = np.zeros(n, bool)
        self.z = np.zeros(n)
        self.window = np.ones(n, np.int64)

    def made(self) -> Runs:
        n, days = self.rates.shape
        over, settled = np.zeros(n, bool), np.zeros(n, bool)
        if n:
            for day in range(levels.FEWEST, days):
                over, settled = self._step(day)
        start = np.where(self.start >= 0, self.start, np.where(over | settled, self._began, -1))
        counted = np.array([int(self._days(row, int(start[row]))) for row in range(n)], np.int64)
        peak = np.array([self._peak(row, int(start[row])) for row in range(n)], np.int64)
        usual = self.frozen.rate if self.frozen is not None else np.zeros(0)
        base = self.frozen.days.astype(np.int64) if self.frozen is not None else np.zeros(0, np.int64)
        return Runs(start, over, settled, usual, peak, self.z, self.window, counted, base)

    def _step(self, day: int) -> tuple[Bools, Bools]:
        """One day further; which series are back on it, and which are so for so long that it is their usual."""
        seen = ~np.isnan(self.rates[:, day])
        going = self.start >= 0
        self._began = self.start.copy()
        over = self._back(day, going & seen)
        observed = (~np.isnan(self.rates[:, : day + 1]) & (np.arange(day + 1) >= self.start[:, None])).sum(axis=1)
        settled = going & ~over & seen & (observed > self.bars.settled)
        for row in np.flatnonzero(settled):
            self.floor[row] = self.start[row]
            self.away[row, :] = False
        self.start[over | settled] = -1
        self._leave(day, ~going & seen)
        self.away[:, day] = (self.start >= 0) & seen
        return over, settled

    def _back(self, day: int, going: Bools) -> Bools:
        assert self.frozen is not None
        z = self.sign * levels.z(self.rates[:, day : day + 1], self.weekdays[day : day + 1], self.frozen)
        self.z = np.where(going, np.nan_to_num(z), self.z)
        self.window = np.where(going, 1, self.window)
        near = going & (z < STAYS)
        rate, usual = self.rates[:, day], self.frozen.rate
        close = np.where(self.sign > 0, rate <= CLOSE * usual, rate * CLOSE >= usual)
        over = near & ((z < BACK) | close | self.doubt)
        self.doubt = np.where(going, near & ~over, False)
        return over

    def _leave(self, day: int, free: Bools) -> None:
        """Those that are not away and leave their usual on that day, by one window or another."""
        place = np.arange(self.rates.shape[1])
        told = np.full(len(self.rates), -np.inf)
        bar = self.bars.z
        for width, times, inflation in zip(WINDOWS, self.bars.times, self.bars.inflation, strict=True):
            first = day - width + 1
            if first < levels.FEWEST or not free.any():
                continue
            base = ~self.away & (place < first) & (place >= np.maximum(first - levels.BASE, self.floor)[:, None])
            usual = levels.usual(self.rates, self.weekdays, base, self.bars.like)
            window = slice(first, day + 1)
            z = self.sign * levels.z(self.rates[:, window], self.weekdays[window], usual, inflation)
            mean = _mean(self.rates[:, window])
            common = self._common(usual.rate, first, day + 1)
            high, low = np.where(self.sign > 0, mean, common), np.where(self.sign > 0, common, mean)
            large = (high >= times * low) & (high - low >= self.bars.least)
            # a longer window tells only what goes on: its last day is away, too
            last = self.sign * (self.rates[:, day] - usual.rate) > 0.5 * np.abs(mean - usual.rate)
            if width == 1:
                # a single day that another of the usual ones came near to is none: that needs no distribution
                highest = np.where(base & ~np.isnan(self.rates), self.sign[:, None] * self.rates, -np.inf).max(axis=1)
                large &= self.sign * self.rates[:, day] > highest
            found = free & large & last & (z > bar) & (z > told + 1e-9) & self.broad[:, window].any(axis=1)
            told = np.where(found, z, told)
            self._begin(found, first, usual, z, width)

    def _common(self, rate: Floats, first: int, after: int) -> Floats:
        """The usual rate of those days, with what every week brings on them."""
        every = self.weekly[:, first:after]
        plain = rate[:, None]
        habit = np.where(self.sign[:, None] > 0, np.fmax(plain, every), np.fmin(plain, every))
        return _mean(np.where(np.isnan(self.rates[:, first:after]), np.nan, habit))

    def _begin(self, found: Bools, first: int, usual: levels.Usual, z: Floats, width: int) -> None:
        assert self.frozen is not None
        old, rows = self.frozen, found
        self.frozen = levels.Usual(
            np.where(rows, usual.rate, old.rate),
            np.where(rows, usual.mean, old.mean),
            np.where(rows, usual.deviation, old.deviation),
            np.where(rows, usual.days, old.days),
            np.where(rows, usual.variance, old.variance),
            np.where(rows[:, None], usual.weekday, old.weekday),
        )
        # of a window the run begins with the first day that is half as far away as they are on average
        window = self.sign[:, None] * (self.rates[:, first : first + width] - usual.rate[:, None])
        near = window >= 0.5 * self.sign[:, None] * (_mean(self.rates[:, first : first + width]) - usual.rate)[:, None]
        begun = first + np.argmax(near, axis=1)
        self.start = np.where(rows, begun, self.start)
        self.z = np.where(rows, z, self.z)
        self.window = np.where(rows, width, self.window)
        self.doubt = np.where(rows, False, self.doubt)
        for row in np.flatnonzero(rows):
            self.away[row, first:] |= ~np.isnan(self.rates[row, first:]) & (
                np.arange(first, self.rates.shape[1]) < first + width
            )

    def _days(self, row: int, start: int) -> int:
        last = self.rates.shape[1] - (0 if self.start[row] >= 0 else 1)
        return int((~np.isnan(self.rates[row, start:last])).sum()) if start >= 0 else 0

    def _peak(self, row: int, start: int) -> int:
        before = self.rates[row, start:-1] if start >= 0 else np.zeros(0)
        if not before.size or np.isnan(before).all():
            return -1
        return start + int(np.nanargmax(self.sign[row] * before))


def _mean(rates: Floats) -> Floats:
    seen = ~np.isnan(rates)
    total: Floats = np.where(seen, rates, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return total
