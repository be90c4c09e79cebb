"""Ports through time: stacked by hour or day, the largest seven, the rest and the unknown."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report.context import Context
from teiten.report.model import Section
from teiten.report.sections import _series

ID = "ports-time"
ORDER = 40
ORDERS: dict[PeriodKind, int] = {"daily": 5}
"""of a day it comes after the ranking, before what is told of it (seeds' P1)"""
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly")


def build(context: Context) -> Section | None:
    return _series.section(context, "ports", ID)
