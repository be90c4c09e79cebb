"""What checks look at: a lake, logs read into a lake of their own for as long as it takes, the settings, and the time."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from teiten.engine.duckdb import Session
from teiten.errors import TeitenError
from teiten.lake import Lake
from teiten.settings import Settings

State = Literal["ok", "look", "wrong"]
WINDOW = dt.timedelta(days=30)
"""how far back from the last event the checks of what events tell look"""
AHEAD = dt.timedelta(minutes=10)
"""a stamp farther ahead of this machine's clock is in the future"""


@dataclass(frozen=True, slots=True)
class Result:
    """What a check saw. `mend`: what to do, empty where all is well."""

    state: State
    seen: str
    mend: str = ""
    check: str = ""

    def of(self, name: str) -> Result:
        return dataclasses.replace(self, check=name)


@dataclass(slots=True)
class LogRead:
    """A log that was read: its format, what became of its lines, and a rejected line of each reason with its place."""

    name: str
    path: Path | None
    format: str = ""
    lines: int = 0
    made: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    samples: dict[str, tuple[int, str]] = field(default_factory=dict)
    """reason -> byte offset (uncompressed) and text of the first such line"""
    error: TeitenError | None = None


@dataclass
class Patient:
    """Everything that a check may look at."""

    settings: Settings
    now: dt.datetime
    lake: Lake | None = None
    """the configured lake, if it could be opened"""
    trouble: TeitenError | None = None
    """why not"""
    kept: Session | None = None
    """a session over that lake"""
    logs: list[LogRead] = field(default_factory=list)
    read: Session | None = None
    """a session over what was read from the logs, if any were named"""

    @property
    def session(self) -> Session | None:
        """The events to judge by: those of the logs that were named, else the lake's."""
        return self.read or self.kept

    @functools.cached_property
    def extent(self) -> tuple[dt.datetime, dt.datetime] | None:
        """First and last event, stamps from the future left out where there are others; None for no event at all."""
        if self.session is None:
            return None
        row = self.session.query(
            "SELECT min(time) AS first, max(time) FILTER (WHERE time <= $soon) AS last, max(time) AS very_last FROM raw_events",
            {"soon": self.now + AHEAD},
        )[0]
        return None if row["first"] is None else (row["first"], row["last"] or row["very_last"])

    @property
    def since(self) -> dt.datetime:
        """Where the window begins that checks look at."""
        return (self.extent[1] if self.extent else self.now) - WINDOW

    def ask(self, sql: str, **more: Any) -> list[dict[str, Any]]:
        """Rows over `raw_events` of the window: `{window}` in the text stands for its condition. Nothing without events."""
        if self.session is None or self.extent is None:
            return []
        return self.session.query(sql.replace("{window}", "time >= $since"), {"since": self.since, **more})


@contextlib.contextmanager
def open_patient(
    settings: Settings,
    logs: Sequence[str] = (),
    now: dt.datetime | None = None,
    *,
    fmt: str = "auto",
    zone: str | None = None,
    year: int | None = None,
    boot_time: dt.datetime | None = None,
) -> Iterator[Patient]:
    """The lake of the settings and the logs, ready to be looked at. UsageError for an unknown format."""
    from teiten import readers

    if fmt != readers.AUTO:
        readers.module(fmt)
    patient = Patient(settings, now or dt.datetime.now(dt.UTC))
    with contextlib.ExitStack() as stack:
        try:
            patient.lake = Lake.open(settings.lake)
            patient.kept = stack.enter_context(Session(patient.lake, settings))
        except TeitenError as error:
            patient.trouble = error
        if logs:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="teiten-doctor-"))) / "lake"
            patient.logs = _read(logs, folder, settings, fmt, zone, year, boot_time)
            patient.read = stack.enter_context(Session(Lake.open(folder), settings))
        yield patient


def _read(
    logs: Sequence[str],
    folder: Path,
    settings: Settings,
    fmt: str,
    zone: str | None,
    year: int | None,
    boot_time: dt.datetime | None,
) -> list[LogRead]:
    """The logs into a lake of their own; one that cannot be read is told, and the others are."""
    from teiten import intake
    from teiten.readers import _input

    lake = Lake.create(folder, settings.zone_name)
    out: list[LogRead] = []
    for name in logs:
        samples: dict[str, tuple[int, str]] = {}

        def rejected(_: str, lines: Sequence[Any], kept: dict[str, tuple[int, str]] = samples) -> None:
            for line in lines:
                kept.setdefault(line.reason, (line.pos, line.text[:200].decode("utf-8", "backslashreplace")))

        try:
            opened = list(_input.inputs([name], settings.reading))
        except TeitenError as error:
            out.append(LogRead(name, None, error=error))
            continue
        for source in opened:
            samples.clear()
            result = intake.ingest(
                lake, [source], settings, fmt=fmt, zone=zone, year=year, boot_time=boot_time, rejected=rejected, judge=False
            )
            one = result.inputs[0]
            tally = one.tally
            out.append(
                LogRead(
                    one.name,
                    source.path,
                    one.format,
                    tally.lines,
                    tally.made_events,
                    dict(tally.rejected),
                    dict(samples),
                    one.error,
                )
            )
    return out


def ago(length: dt.timedelta) -> str:
    """'3 days', '2 hours', '5 minutes': one unit is enough."""
    seconds = abs(length.total_seconds())
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        n = round(seconds / size)
        if n >= (2 if unit != "minute" else 1) or unit == "minute":
            return f"{n:,} {unit}{'' if n == 1 else 's'}"
    return ""


def many(n: int, noun: str) -> str:
    """'1 record', '1,234 records'."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def clock(moment: dt.datetime, zone: dt.tzinfo) -> str:
    """2026-04-05 14:05 in that zone."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def percent(part: float, whole: float) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{share:.1f} %" if share >= 0.1 or not part else "< 0.1 %"
