"""The times of one input's lines: which stamps it has, and what they need to become moments in UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from teiten.readers import _clock
from teiten.readers._arrived import Arrived, Look
from teiten.readers._base import ReadOptions
from teiten.readers._clock import Bools, Boots, Ints, Survey, Unwrapped, Zone
from teiten.readers._stamp import ABSOLUTE, BAD, BOOT, LOCAL, NONE, YEARLESS

_YEARS_AS_THEY_CAME = "its stamps have no year: inferred from when its lines came in"
_BOOTED_AS_IT_CAME = "its stamps count from the boot: inferred from when its lines came in"
STATED, YEAR, BOOTED, RECEIVED = range(4)
"""indices into event.TIME_BASES"""


class Times:
    """Turns stamps into UTC, line after line. `survey` is called at most once, when a year or a boot must be inferred.

    --year is the year of the input's first line, and --boot-time the boot that it counts from: times are then 'stated'.
    """

    def __init__(
        self,
        options: ReadOptions,
        mtime: dt.datetime | None,
        begin: int,
        survey: Callable[[], Survey],
        stamped: bool,
        look: Look | None = None,
    ) -> None:
        self._options = options
        self._begin = begin
        self._zone = Zone(options.zone)
        self._ask = survey
        self._survey: Survey | None = None
        self._now = mtime is None
        self._bound = _clock.micros(mtime or dt.datetime.now(dt.UTC))
        self._years: Unwrapped | None = None
        self._first_year = 0
        self._boots: Boots | None = None
        self._booted = 0
        self.stamped = stamped
        self.notes: list[str] = []
        self._said: set[str] = set()
        self._at: tuple[Ints | None, int] = (None, 0)
        self._arrived = None
        if options.received is not None and look is not None:
            self._arrived = Arrived(options.received, self._zone, options.start, look)

    @property
    def survey(self) -> Survey:
        if self._survey is None:
            self._survey = self._ask()
        return self._survey

    def _start_years(self, values: Ints) -> Unwrapped:
        seen = self.survey.of(YEARLESS) or [(np.full(len(values), self._begin), values)]
        given = self._options.year
        if given is not None:
            self._first_year = given
        else:
            self._first_year = _clock.first_year(seen, self._bound, self._zone)
            by = "today's date" if self._now else "the file's modification time"
            self.notes.append(
                f"its stamps have no year: inferred from {by} ({self._first_year} for the first line; --year sets it)"
            )
        state: Unwrapped = _clock.state_at(seen, self._begin, Unwrapped())
        if state.last is None:  # the year counts from the first line, whatever is read first
            state.last = int(seen[0][1][0])
        return state

    def _start_boots(self, values: Ints) -> Boots:
        seen = self.survey.of(BOOT) or [(np.full(len(values), self._begin), values)]
        given = self._options.boot_time
        if given is not None:
            self._booted = _clock.micros(given)
        else:
            whole = Boots()
            last = 0
            for _, part in seen:
                last = int(whole.feed(part)[-1])
            self._booted = self._bound - last
            by = "now" if self._now else "the file's modification time"
            self.notes.append(f"its stamps count from the boot: {by} is taken for its last line's (--boot-time sets it)")
        state: Boots = _clock.state_at(seen, self._begin, Boots())
        return state

    def resolve(
        self, kinds: npt.NDArray[np.uint8], values: Ints, positions: Ints | None = None, end: int = 0
    ) -> tuple[Ints, Bools]:
        """Stamps in the input's order -> microseconds UTC, and which of them are a time at all. positions: where their lines
        begin; end: where the bytes end of which these are the stamps."""
        self._at = (positions, end)
        good = (kinds != BAD) & (kinds != NONE)
        if (kinds == ABSOLUTE).all():
            return values, good
        if len(kinds) and (kinds == YEARLESS).all():
            local, good = self._dated(values, np.ones(len(values), np.bool_))
            return self._zone.to_utc(local), good
        out = np.where(kinds == ABSOLUTE, values, self._bound)
        clock = kinds == LOCAL
        local = values
        yearless = kinds == YEARLESS
        if yearless.any():
            local = values.copy()
            local[yearless], there = self._dated(values[yearless], yearless)
            good[np.flatnonzero(yearless)[~there]] = False
            clock = clock | yearless
        if clock.any():
            out[clock] = self._zone.to_utc(local[clock])
        boot = kinds == BOOT
        if boot.any():
            since = values[boot]
            if self._arrived is not None and positions is not None and self._options.boot_time is None:
                self._say(_BOOTED_AS_IT_CAME)
                out[boot] = self._arrived.booted(since, positions[boot], (int(positions[0]), end))
            else:
                if self._boots is None:
                    self._boots = self._start_boots(since)
                out[boot] = self._booted + self._boots.feed(since)
        return out, good

    def _dated(self, stamps: Ints, which: Bools) -> tuple[Ints, Bools]:
        """Stamps without a year -> wall-clock microseconds, and whether there is such a day. which: of all to be resolved."""
        positions, end = self._at
        if self._arrived is not None and positions is not None and self._options.year is None:
            self._say(_YEARS_AS_THEY_CAME)
            return self._arrived.dated(stamps, positions[which], (int(positions[0]), end))
        if self._years is None:
            self._years = self._start_years(stamps)
        years = self._first_year + self._years.feed(stamps)
        local, there = _clock.dated(stamps, years)
        if self._options.year is None:
            late = local > self._bound + 3 * _clock.DAY  # a clock that was not set yet
            if late.any():
                local[late], there[late] = _clock.dated(stamps[late], years[late] - 1)
        return local, there

    def _say(self, note: str) -> None:
        """Once."""
        if note not in self._said:
            self._said.add(note)
            self.notes.append(note)

    def bases(self, kinds: Ints) -> Any:
        """Index into event.TIME_BASES for each kind of stamp; one number where they are all of a kind."""
        table = np.zeros(6, np.uint32)
        table[YEARLESS] = STATED if self._options.year is not None else YEAR
        table[BOOT] = STATED if self._options.boot_time is not None else BOOTED
        table[NONE] = RECEIVED
        out = table[kinds]
        return int(out[0]) if len(out) and (out == out[0]).all() else out

    def settle(self, clock_probe: tuple[int, int] | None) -> bool:
        """Is a read that begins at this stamp (kind, value) sure of its pass of a repeated hour?"""
        if clock_probe is None:
            return True
        kind, value = clock_probe
        if kind == LOCAL:
            return not self._zone.ambiguous(value)
        return True
