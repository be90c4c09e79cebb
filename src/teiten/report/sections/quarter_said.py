"""What was said to the sensors that answer in a quarter; nothing where none does."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report.context import Context
from teiten.report.model import Section
from teiten.report.sections import _said

ID = "quarter_said"
ORDER = 28
KINDS: tuple[PeriodKind, ...] = ("quarterly",)


def build(context: Context) -> Section | None:
    return _said.section(context, ID, context.say("said.quarter"))
