"""Days, weeks, months, quarters, spans of any days and running years of a zone: parsing, bounds, and the one before."""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from teiten.errors import UsageError

PeriodKind = Literal["daily", "weekly", "monthly", "quarterly", "span", "running"]
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly", "quarterly")
"""those of the calendar; a 'span' has a last day of its own, a 'running' one a last day and the 52 weeks up to it"""
RUNNING = 364
"""days of a 'running' period: 52 weeks"""


def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name; UsageError where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"'{name}' is no time zone that I know.", hint="Give an IANA name, such as Asia/Tokyo or UTC."
        ) from None


def machine_zone() -> str:
    """The IANA name of this machine's zone: $TZ, /etc/localtime, /etc/timezone; UTC where none tells."""
    candidates = [os.environ.get("TZ", "").lstrip(":")]
    localtime = Path("/etc/localtime")
    if localtime.is_symlink():
        candidates.append(str(localtime.resolve()).partition("zoneinfo/")[2])
    timezone = Path("/etc/timezone")
    if timezone.is_file():
        candidates.append(timezone.read_text(encoding="utf-8", errors="replace").strip())
    for name in candidates:
        try:
            if name and ZoneInfo(name):
                return name
        except (KeyError, ValueError, OSError):
            continue
    return "UTC"


@dataclass(frozen=True, slots=True)
class Period:
    """A named span of a zone's calendar. `start` is inclusive, `end` exclusive, both aware, in that zone."""

    kind: PeriodKind
    first: dt.date
    tz: ZoneInfo
    last: dt.date | None = None
    """the last day (included) of a 'span' or 'running' period; None for the others, which the calendar ends"""

    @property
    def after(self) -> dt.date:
        """The first day after the period."""
        if self.last is not None:
            return self.last + dt.timedelta(days=1)
        if self.kind == "daily":
            return self.first + dt.timedelta(days=1)
        if self.kind == "weekly":
            return self.first + dt.timedelta(days=7)
        months = 1 if self.kind == "monthly" else 3
        month = self.first.month - 1 + months
        return dt.date(self.first.year + month // 12, month % 12 + 1, 1)

    @property
    def start(self) -> dt.datetime:
        return dt.datetime.combine(self.first, dt.time(), self.tz)

    @property
    def end(self) -> dt.datetime:
        return dt.datetime.combine(self.after, dt.time(), self.tz)

    @property
    def days(self) -> list[dt.date]:
        return [self.first + dt.timedelta(days=n) for n in range((self.after - self.first).days)]

    @property
    def name(self) -> str:
        """As in commands: 2019-10-22, 2019-W43, 2019-10, 2021-Q2; 2021-05-25--2021-06-30; a running one's last day."""
        if self.kind == "running":
            return self.days[-1].isoformat()
        if self.last is not None:
            return f"{self.first.isoformat()}--{self.last.isoformat()}"
        if self.kind == "daily":
            return self.first.isoformat()
        if self.kind == "weekly":
            year, week, _ = self.first.isocalendar()
            return f"{year:04d}-W{week:02d}"
        if self.kind == "monthly":
            return f"{self.first.year:04d}-{self.first.month:02d}"
        return f"{self.first.year:04d}-Q{(self.first.month + 2) // 3}"

    def before(self) -> Period:
        """The period of the same kind that ends where this one starts; of a span, one of as many days."""
        if self.last is not None:
            length = self.after - self.first
            return Period(self.kind, self.first - length, self.tz, self.first - dt.timedelta(days=1))
        return containing(self.kind, self.first - dt.timedelta(days=1), self.tz)

    def __str__(self) -> str:
        return self.name


def span(first: dt.date, last: dt.date, tz: ZoneInfo) -> Period:
    """The days from one to the other, both included. UsageError where they are the wrong way round."""
    if last < first:
        raise UsageError(f"--from {first} is after --to {last}.", hint="Both days are included; name the earlier one first.")
    return Period("span", first, tz, last)


def containing(kind: PeriodKind, day: dt.date, tz: ZoneInfo) -> Period:
    """The period of that kind in which the day lies; of spans, the day by itself; of running ones, that which ends with it."""
    if kind == "running":
        return Period(kind, day - dt.timedelta(days=RUNNING - 1), tz, day)
    if kind == "span":
        return Period(kind, day, tz, day)
    if kind == "weekly":
        day -= dt.timedelta(days=day.weekday())
    elif kind == "monthly":
        day = day.replace(day=1)
    elif kind == "quarterly":
        day = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return Period(kind, day, tz)


def last_whole_day(first: dt.datetime, last: dt.datetime) -> dt.date:
    """Of events from `first` to `last`, the last whole day: that of the last event where it lies in the day's last hour, else
    the day before (never before the first)."""
    day = last.date() if last.hour == 23 else last.date() - dt.timedelta(days=1)
    return max(day, first.date())


_FORMS: dict[PeriodKind, str] = {
    "daily": r"(\d{4})-(\d{2})-(\d{2})",
    "weekly": r"(\d{4})-W(\d{2})",
    "monthly": r"(\d{4})-(\d{2})",
    "quarterly": r"(\d{4})-Q([1-4])",
    "span": r"(\d{4}-\d{2}-\d{2})--(\d{4}-\d{2}-\d{2})",
    "running": r"(\d{4})-(\d{2})-(\d{2})",
}
_EXAMPLES: dict[PeriodKind, str] = {
    "daily": "2019-10-22", "weekly": "2019-W43", "monthly": "2019-10", "quarterly": "2021-Q2",
    "span": "2021-05-25--2021-06-30", "running": "2021-06-30",
}  # fmt: skip


def parse(kind: PeriodKind, text: str, tz: ZoneInfo) -> Period:
    """'2019-10' and the like -> Period. UsageError, with the form expected, for anything else."""
    match = re.fullmatch(_FORMS[kind], text.strip(), re.ASCII)
    try:
        if match is None:
            raise ValueError(text)
        if kind == "span":
            first, last = (dt.date.fromisoformat(g) for g in match.groups())
            if not 1970 <= first.year <= last.year <= 9000:
                raise ValueError(text)
            return span(first, last, tz)
        numbers = [int(g) for g in match.groups()]
        if kind == "weekly":
            day = dt.date.fromisocalendar(numbers[0], numbers[1], 1)
        elif kind == "quarterly":
            day = dt.date(numbers[0], numbers[1] * 3 - 2, 1)
        else:
            day = dt.date(numbers[0], numbers[1], numbers[2] if kind in ("daily", "running") else 1)
        if not 1970 <= day.year <= 9000:
            raise ValueError(text)
    except ValueError:
        raise UsageError(f"'{text}' names no {kind} period.", hint=f"Write it like {_EXAMPLES[kind]}.") from None
    return containing(kind, day, tz)


def moment(text: str, tz: ZoneInfo) -> dt.datetime:
    """A day or an ISO 8601 time, for --from and --to; without an offset it is the zone's. Aware. UsageError."""
    try:
        value = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"'{text}' is no time that I can read.", hint="Write 2019-10-22 or 2019-10-22T05:00.") from None
    return value if value.tzinfo else value.replace(tzinfo=tz)
