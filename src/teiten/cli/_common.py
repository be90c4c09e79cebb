"""Flags that several commands share, worded once."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from typing import Any

from teiten.errors import UsageError


def add_settings(parser: argparse.ArgumentParser) -> None:
    """--config."""
    parser.add_argument("--config", metavar="FILE", help="settings (default: $TEITEN_CONFIG, ./teiten.toml)")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """How to read logs: --format --tz --year --boot-time --rejected."""
    group = parser.add_argument_group("reading")
    group.add_argument("--format", default="auto", metavar="NAME", help="the input's format (default: auto)")
    group.add_argument("--tz", metavar="ZONE", help="zone of stamps that state none, such as Asia/Tokyo")
    group.add_argument("--year", type=int, metavar="YEAR", help="year of each file's first line, for stamps without one")
    group.add_argument("--boot-time", metavar="TIME", help="when the machine booted, for dmesg's seconds since boot")
    group.add_argument("--rejected", metavar="FILE", help="write every rejected line there: input, offset, reason, text")


def check_year(year: int | None) -> int | None:
    """UsageError for a year that no log can have."""
    if year is not None and not 1970 <= year <= 2261:
        raise UsageError(f"--year {year} is no year that a log can have.", hint="Give one such as 2019.")
    return year


def boot_time(text: str | None, zone: Any) -> dt.datetime | None:
    """--boot-time as an aware time; without an offset it is the zone's. UsageError."""
    if text is None:
        return None
    from teiten import periods

    return periods.moment(text, zone)


class Progress:
    """One line on a terminal that is overwritten, shown only once the work has taken two seconds."""

    def __init__(self, what: str, total: int | None = None, *, after: float = 2.0) -> None:
        self.what, self.total = what, total
        self._begun = time.monotonic()
        self._next = self._begun + after
        self._shown = False
        self._on = sys.stderr.isatty()

    def show(self, done: int, more: str = "") -> None:
        """`done` of `total` bytes; cheap to call often."""
        now = time.monotonic()
        if not self._on or now < self._next:
            return
        self._next = now + 0.2
        self._shown = True
        share = f"{min(100.0, 100.0 * done / self.total):3.0f} %" if self.total else f"{done / 1e6:,.0f} MB"
        print(f"\r\x1b[K{self.what}: {share} {more}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = False
