"""What charts are made of: series, gaps, marks, thresholds, and what every figure has."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from teiten.report.figures._canvas import Sheet

Kind = Literal["value", "other", "unknown"]
"""What a series or a row stands for: a thing, the rest (grey), or what is not known (hatched)."""

Step = Literal["minute", "hour", "day", "week", "month"]
SHORT: Final = frozenset({"minute", "hour"})
"""steps within a day, whose labels stand at their beginning and not at the middle of a day"""


@dataclass(frozen=True, slots=True)
class Series:
    """One thing through time. `values`: one for each bucket; None where nothing was observed (a gap, not a zero).

    key: what the colour belongs to ('23/tcp', 'CN'); label: what the reader sees; colour: only to override the table.
    """

    key: str
    label: str
    values: Sequence[float | None]
    kind: Kind = "value"
    dashed: bool = False
    colour: str | None = None

    @property
    def total(self) -> float:
        return sum(v for v in self.values if v is not None)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nothing was observed, from `start` to before `end`, and why: 'maintenance'."""

    start: dt.datetime
    end: dt.datetime
    label: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that the reader should see: a detection, with its label."""

    at: dt.datetime
    label: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value that made a choice, in the unit of the axis, with its label."""

    value: float
    label: str


def check_times(times: Sequence[dt.datetime], rows: Iterable[Sequence[float | None]]) -> None:
    """ValueError where a moment has no zone (it would mean another one on another machine) or a row is too short or long."""
    if any(t.tzinfo is None for t in times):
        raise ValueError("the times of a chart need their zone")
    if any(len(values) != len(times) for values in rows):
        raise ValueError("a series needs one value for each bucket of time")


@dataclass(frozen=True, kw_only=True)
class Figure(ABC):
    """What every figure has. A kind of figure is a module of this folder: a dataclass that paints itself on a sheet.

    id: letters, digits, - and _, unique on its page; title: the finding; subtitle: what is drawn, of what, by whom;
    unit: of the values ('packets an hour'); alt: the finding for those who do not see it (the title where empty);
    note: a line under the chart. All text is taken as it is and escaped; it may come from a log.
    """

    id: str
    title: str
    subtitle: str = ""
    unit: str = ""
    alt: str = ""
    note: str = ""

    @abstractmethod
    def paint(self, sheet: Sheet) -> None:
        """Draws everything under the heading; leaves `sheet.y` at the lower edge of what it drew."""

    def is_empty(self) -> bool:
        """Whether there is nothing to draw at all (all None, or no rows)."""
        return False
