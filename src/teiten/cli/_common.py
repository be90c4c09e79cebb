"""Flags that several commands share, worded once."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from teiten.errors import TeitenError, UsageError


def add_settings(parser: argparse.ArgumentParser) -> None:
    """--config."""
    parser.add_argument("--config", metavar="FILE", help="settings (default: $TEITEN_CONFIG, ./teiten.toml)")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """--engine."""
    parser.add_argument(
        "--engine",
        choices=("duckdb", "spark"),
        help="what answers: duckdb here, or spark on a cluster (default: as configured)",
    )


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


def accounts(tally: Any) -> str:
    """'10 lines = 8 with events + 1 rejected (bad number 1) + 1 ignored (other 1); 9 events'."""

    def part(name: str, counted: Any) -> str:
        if not counted:
            return f"0 {name}"
        return f"{counted.total():,} {name} ({', '.join(f'{why} {n:,}' for why, n in counted.most_common())})"

    parts = [f"{tally.made_events:,} with events", part("rejected", tally.rejected), part("ignored", tally.ignored)]
    if tally.had_already:
        parts.append(f"{tally.had_already:,} had already")
    return f"{tally.lines:,} {tally.unit} = {' + '.join(parts)}; {tally.events:,} events"


def show_accounts(tallies: Sequence[tuple[str, Any]]) -> None:
    """The accounting of every input and of them all, to stderr."""
    from teiten.readers._base import Tally

    for name, tally in tallies:
        print(f"{name}: {accounts(tally)}", file=sys.stderr)
    if len(tallies) > 1:
        whole = Tally()
        for _, tally in tallies:
            whole.add(tally)
        whole.check()
        print(f"total: {accounts(whole)}", file=sys.stderr)


class RejectedFile:
    """--rejected: every rejected line as JSONL (input, offset, reason, text); nothing is written where it is not asked for."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._sink: IO[str] | None = None

    def __enter__(self) -> RejectedFile:
        if self._path is not None:
            try:
                self._sink = Path(self._path).open("w", encoding="utf-8")
            except OSError as error:
                raise TeitenError(f"{self._path} cannot be written: {error.strerror}.") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._sink is not None:
            self._sink.close()

    def write(self, name: str, rejected: Sequence[Any]) -> None:
        """Lines as they came; bytes that are no UTF-8 as backslash escapes."""
        if self._sink is None:
            return
        try:
            for one in rejected:
                row = {
                    "input": name,
                    "offset": one.pos,
                    "reason": one.reason,
                    "text": one.text.decode("utf-8", "backslashreplace"),
                }
                self._sink.write(json.dumps(row, ensure_ascii=False) + "\n")
        except OSError as error:
            raise TeitenError(f"{self._path} cannot be written: {error.strerror}.") from None


def show_verdicts(judged: Any) -> None:
    """What became of the verdicts (classify.Result), to stderr; nothing where there was nothing to do."""
    if judged is None:
        return
    for note in judged.notes:
        print(f"teiten: {note}", file=sys.stderr)
    if judged.trouble is not None:
        when = "The next ingest or report makes them."
        print(f"teiten: the verdicts of {len(judged.stale):,} days wait: {judged.trouble} {when}", file=sys.stderr)
    if judged.days:
        named = ((label.replace("_", " ").removesuffix("s"), n) for label, n in sorted(judged.labels.items()))
        found = [f"{n:,} of {label}s" for label, n in named] or ["none"]
        print(f"verdicts on {judged.sources:,} sources of {len(judged.days):,} days: {', '.join(found)}", file=sys.stderr)
