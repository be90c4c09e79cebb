"""Years and boots that stamps leave out, told by when the lines came in (`Received`): the same answer however much is read.

What came in together is a group: its last line is not later than a day after the group's bound (when it came, or when the file
that it came from was written last), and the lines before it follow each other as in a file. A group that a block of lines cuts
is looked at whole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from teiten.readers import _clock
from teiten.readers._base import Received
from teiten.readers._clock import BACK, DAY, REBOOT, Bools, Boots, Ints, Survey, Unwrapped, Zone
from teiten.readers._stamp import BOOT, YEARLESS

Look = Callable[[int, int], Survey]
"""the stamps of the bytes [from, to) of the input"""


class Arrived:
    """Of one input, asked in its order. `start`: what lies before was read earlier, and nobody asks what it means."""

    def __init__(self, received: Received, zone: Zone, start: int, look: Look) -> None:
        self._received, self._tz, self._start, self._look = received, zone.tz, start, look
        self._seen: tuple[int, Survey] | None = None

    def dated(self, stamps: Ints, positions: Ints, span: tuple[int, int]) -> tuple[Ints, Bools]:
        """Year-less stamps of the lines at those places -> wall-clock microseconds, and whether there is such a day.

        span: the bytes that were read of which these are the stamps."""
        group = self._received.group(positions)
        bounds = self._received.until[group]
        years = _latest(stamps, bounds, Zone(self._tz))
        steps = np.abs(np.diff(stamps, prepend=stamps[:1])) > BACK
        steps[1:] &= group[1:] == group[:-1]
        for one in np.unique(np.concatenate([group[steps], self._cut(group, span)])).tolist():
            own = np.flatnonzero(group == one)
            whole = self._whole(one, YEARLESS, stamps[own], positions[own], span)
            state = Unwrapped()
            relative = state.feed(whole[1])
            last = int(_latest(whole[1][-1:], self._received.until[one : one + 1], Zone(self._tz))[0])
            place = np.minimum(np.searchsorted(whole[0], positions[own]), len(relative) - 1)
            years[own] = last - int(relative[-1]) + relative[place]
            local, good = _clock.dated(stamps[own], years[own])
            late = good & (local > int(self._received.until[one]) + 3 * DAY)  # a clock that was not set yet
            years[own[late]] -= 1
        return _clock.dated(stamps, years)

    def booted(self, stamps: Ints, positions: Ints, span: tuple[int, int]) -> Ints:
        """Time since boot (µs) of the lines at those places -> microseconds UTC: a group's last line came at its bound."""
        group = self._received.group(positions)
        last = np.append(np.flatnonzero(group[1:] != group[:-1]), len(group) - 1)
        base = np.zeros(int(group.max()) + 1, np.int64)
        base[group[last]] = self._received.until[group[last]] - stamps[last]
        out: Ints = base[group] + stamps
        steps = np.diff(stamps, prepend=stamps[:1]) < -REBOOT
        steps[1:] &= group[1:] == group[:-1]
        for one in np.unique(np.concatenate([group[steps], self._cut(group, span)])).tolist():
            own = np.flatnonzero(group == one)
            whole = self._whole(one, BOOT, stamps[own], positions[own], span)
            passed = Boots().feed(whole[1])
            place = np.minimum(np.searchsorted(whole[0], positions[own]), len(passed) - 1)
            out[own] = self._received.until[one] - passed[-1] + passed[place]
        return out

    def _cut(self, group: Ints, span: tuple[int, int]) -> Ints:
        """Groups that begin before those bytes, or end after them."""
        ends = self._received.ends
        first, last = int(group[0]), int(group[-1])
        begin, end = self._received.bytes_of(first)[0], self._received.bytes_of(last)[1]
        out = ([first] if begin < span[0] else []) + ([last] if end > span[1] and last < len(ends) else [])
        return np.array(out, np.int64)

    def _whole(self, one: int, kind: int, stamps: Ints, positions: Ints, span: tuple[int, int]) -> tuple[Ints, Ints]:
        """Places and values of all stamps of that kind in the group."""
        begin, end = self._received.bytes_of(one)
        if end <= self._start or (begin >= span[0] and end <= span[1]):
            return positions, stamps
        if self._seen is None or self._seen[0] != one:
            self._seen = (one, self._look(max(begin, self._start), end))
        found = self._seen[1].of(kind)
        if not found:
            return positions, stamps
        return np.concatenate([p for p, _ in found]), np.concatenate([v for _, v in found])


def _latest(stamps: Ints, bounds: Ints, zone: Zone) -> Ints:
    """For each year-less stamp the latest year in which it is not later than a day after its bound (µs, UTC)."""
    years: Ints = (bounds + 2 * DAY).astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    left = np.arange(len(stamps))
    for _ in range(10):
        clock, good = _clock.dated(stamps[left], years[left])
        good &= zone.to_utc(clock) <= bounds[left] + DAY
        left = left[~good]
        if not len(left):
            break
        years[left] -= 1
    return years
