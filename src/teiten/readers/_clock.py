"""Stamps become moments in UTC: zones with daylight saving, years that the stamps leave out, seconds since boot.

A wall clock's repeated hour is told apart by the file's own order (a step back inside it begins the second pass); a time
in the skipped hour is shifted forward, as Python's zoneinfo does.

A stamp without a year: between two lines the calendar may go back by up to 30 days (reordering); any other difference is
taken to be forward, so that a New Year is counted where the month goes back, and uncounted where Jan 1 is followed by
Dec 31. A stretch of less than two hours by itself that leaves the file's time and returns to it (a router that has not
yet asked for the time) counts no year. The last line is not later than a day after the input's modification time.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
YEAR: Final = 366 * DAY
"""length of the leap year by which year-less stamps count"""
BACK: Final = 30 * DAY
EXCURSION: Final = 2 * 3600 * SECOND
REBOOT: Final = 10 * SECOND
FEB29: Final = 59
_JITTER: Final = 60 * SECOND
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def micros(moment: dt.datetime) -> int:
    """Aware time -> microseconds since 1970, UTC."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _offset(tz: ZoneInfo, second: int) -> int:
    moment = _EPOCH + dt.timedelta(seconds=second)
    offset = moment.astimezone(tz).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


@lru_cache(64)
def _transitions(tz: ZoneInfo, first: int, last: int) -> tuple[Ints, Ints]:
    """When the zone's offset changes in those years (µs, UTC), and the offsets before the first and after each (µs)."""
    begin = int((dt.datetime(first, 1, 1, tzinfo=dt.UTC) - _EPOCH).total_seconds())
    end = int((dt.datetime(last + 1, 1, 1, tzinfo=dt.UTC) - _EPOCH).total_seconds())
    at, offsets = [], [_offset(tz, begin)]
    for day in range(begin, end, 86_400):
        after = _offset(tz, day + 86_400)
        if after == offsets[-1]:
            continue
        low_s, high_s = day, day + 86_400
        while high_s - low_s > 1:
            middle = (low_s + high_s) // 2
            if _offset(tz, middle) == offsets[-1]:
                low_s = middle
            else:
                high_s = middle
        at.append(high_s * SECOND)
        offsets.append(after)
    return np.array(at, np.int64), np.array(offsets, np.int64) * SECOND


class Zone:
    """A zone's offsets as tables, made from zoneinfo for the years that are asked for."""

    def __init__(self, tz: ZoneInfo) -> None:
        self.tz = tz
        self._years: tuple[int, int] | None = None
        self._at: Ints = np.empty(0, np.int64)  # transitions, UTC
        self._offsets: Ints = np.zeros(1, np.int64)  # before the first, after each
        self._passes: dict[int, tuple[int, bool]] = {}  # window -> last clock time in it, second pass begun

    def _cover(self, low: int, high: int) -> None:
        first = max(1902, (_EPOCH + dt.timedelta(microseconds=low)).year - 1)
        last = min(2400, (_EPOCH + dt.timedelta(microseconds=high)).year + 1)
        if self._years is not None:
            if self._years[0] <= first and last <= self._years[1]:
                return
            first, last = min(first, self._years[0]), max(last, self._years[1])
        self._years = first, last
        self._at, self._offsets = _transitions(self.tz, first, last)

    def to_utc(self, clock: Ints) -> Ints:
        """Wall-clock microseconds in the input's order -> UTC. Remembers which pass of a repeated hour it is in."""
        if not len(clock):
            return clock
        low, high = int(clock.min()), int(clock.max())
        self._cover(low, high)
        before, after = self._offsets[:-1], self._offsets[1:]
        until = self._at + np.maximum(before, after)
        first, last = np.searchsorted(until, (low, high), side="right")
        doubtful = (before > after) & (self._at + after <= high) & (until > low)
        if first == last and not doubtful.any():
            same: Ints = clock - self._offsets[first]
            return same
        out: Ints = clock - self._offsets[np.searchsorted(until, clock, side="right")]
        for i in np.flatnonzero(doubtful):
            inside = np.flatnonzero((clock >= self._at[i] + after[i]) & (clock < until[i]))
            if not len(inside):
                continue
            key = int(self._at[i])
            last, second = self._passes.get(key, (-(1 << 62), False))
            times = clock[inside]
            stepped = np.diff(times, prepend=last) < -_JITTER
            passed = np.logical_or.accumulate(stepped) | second
            self._passes[key] = int(times[-1]), bool(passed[-1])
            out[inside[passed]] = times[passed] - after[i]
        return out

    def ambiguous(self, clock: int) -> bool:
        """Does the clock show that time twice?"""
        self._cover(clock, clock)
        before, after = self._offsets[:-1], self._offsets[1:]
        return bool(((before > after) & (self._at + after <= clock) & (clock < self._at + before)).any())


@dataclass(slots=True)
class Unwrapped:
    """Year-less stamps counted on from line to line: the state after some line."""

    last: int | None = None
    years: int = 0
    _left: tuple[int, int] | None = None
    """where the file's time was left by the last jump: stamp and years"""
    _jumped: int = 0
    """the stamp that the jump went to"""

    def copy(self) -> Unwrapped:
        return Unwrapped(self.last, self.years, self._left, self._jumped)

    def feed(self, values: Ints) -> Ints:
        """Years since the first line ever fed, for each stamp."""
        if not len(values):
            return np.empty(0, np.int64)
        if self.last is None:
            self.last = int(values[0])
        steps = np.diff(values, prepend=self.last)
        out = np.empty(len(values), np.int64)
        begin = 0
        for i in np.flatnonzero((steps < -BACK) | (steps > BACK)).tolist():
            out[begin:i] = self.years
            begin = i
            self._jump(int(values[i - 1]) if i else self.last, int(values[i]))
        out[begin:] = self.years
        self.last = int(values[-1])
        return out

    def _jump(self, old: int, new: int) -> None:
        left, jumped = self._left, self._jumped
        step = new - old
        if step < -BACK:
            forward = step + YEAR
            years = self.years + 1
        elif step > YEAR - BACK:  # Jan 1, then Dec 31: a line that comes late
            forward = step - YEAR
            years = self.years - 1
        else:
            forward = step
            years = self.years
        if left is not None and 0 <= old - jumped < EXCURSION:
            since = (new - left[0]) % YEAR
            if since <= BACK or since >= YEAR - DAY:
                # back where we were: the clock had not been set in between
                self.years = left[1] + (1 if new < left[0] - BACK else 0)
                self._left = None
                return
        if abs(forward) > BACK:
            self._left, self._jumped = (old, self.years), new
        self.years = years


def _leap(years: Ints) -> Bools:
    out: Bools = (years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0))
    return out


def dated(values: Ints, years: Ints) -> tuple[Ints, Bools]:
    """Year-less stamps in the years given -> wall-clock microseconds, and whether there is such a day."""
    if len(values) and (years == years[0]).all():
        low, high = int(values.min()) // DAY, int(values.max()) // DAY
        if high < FEB29 or low > FEB29:  # all on one side of a leap day
            first_day = (dt.date(int(years[0]), 1, 1) - _EPOCH.date()).days
            moved = 1 if low > FEB29 and not _leap(years[:1])[0] else 0
            return values + (first_day - moved) * DAY, np.ones(len(values), np.bool_)
    first = (years - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    day, rest = values // DAY, values % DAY
    common = ~_leap(years)
    return (first + day - (common & (day > FEB29))) * DAY + rest, ~(common & (day == FEB29))


def last_year(value: int, bound: int, zone: Zone) -> int:
    """The latest year in which a stamp is not later than a day after the bound (microseconds, UTC)."""
    year = (_EPOCH + dt.timedelta(microseconds=bound)).year + 1
    while True:
        clock, good = dated(np.array([value], np.int64), np.array([year], np.int64))
        if good[0] and int(Zone(zone.tz).to_utc(clock)[0]) <= bound + DAY:
            return year
        year -= 1


@dataclass(slots=True)
class Boots:
    """Seconds since boot counted on over reboots: the state after some line."""

    last: int = 0
    before: int = 0

    def feed(self, values: Ints) -> Ints:
        """Microseconds since the first boot; a reboot is taken to last no time."""
        if not len(values):
            return np.empty(0, np.int64)
        steps = np.diff(values, prepend=self.last)
        again = steps < -REBOOT
        previous = np.concatenate(([self.last], values[:-1]))
        out: Ints = values + self.before + np.cumsum(np.where(again, previous, 0))
        self.before += int(previous[again].sum())
        self.last = int(values[-1])
        return out


@dataclass(slots=True)
class Survey:
    """What a first look over an input tells: where each looked-at stretch begins, and the stamps in it, in order."""

    stretches: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)
    """of each stamp in a stretch: byte offset of its line, kind, value (see `_stamp`)"""
    whole: bool = False

    def stamped(self, none: int, bad: int) -> bool:
        return any(bool(((kinds != none) & (kinds != bad)).any()) for _, kinds, _ in self.stretches)

    def of(self, kind: int) -> list[tuple[Ints, Ints]]:
        """Offsets and values of one kind of stamp, by stretch."""
        return [(pos[kinds == kind], values[kinds == kind]) for pos, kinds, values in self.stretches if (kinds == kind).any()]


def first_year(survey: list[tuple[Ints, Ints]], bound: int, zone: Zone) -> int:
    """The year of an input's first year-less stamp, by the modification time of the whole and by its leap days."""
    state = Unwrapped()
    leap_days: set[int] = set()
    for _, values in survey:
        years = state.feed(values)
        leap_days |= set(years[values // DAY == FEB29].tolist())
    assert state.last is not None
    year = last_year(state.last, bound, zone) - state.years
    for back in range(9):
        if all(bool(_leap(np.array([year - back + n]))[0]) for n in leap_days):
            return year - back
    return year


def state_at(survey: list[tuple[Ints, Ints]], start: int, state: Any) -> Any:
    """The state (Unwrapped, Boots) as it is where a read begins at byte `start`: fed with what lies before it."""
    for pos, values in survey:
        before = int(np.searchsorted(pos, start))
        state.feed(values[:before])
        if before < len(pos):
            break
    return state
