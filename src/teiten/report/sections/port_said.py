"""What was said at a port: payloads that many hosts sent, what they would fetch, where the same hosts went besides."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report.context import Context
from teiten.report.model import Section
from teiten.report.sections import _port, _said

ID = "port-said"
ORDER = 27
KINDS: tuple[PeriodKind, ...] = ("span",)


def build(context: Context) -> Section | None:
    if not _port.seen(context):
        return None
    return _said.section(context, ID, context.say("said.port", **_port.names(context)))
