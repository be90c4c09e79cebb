"""What devices are behind the sources of a port, by evidence; unique devices against addresses."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report import devices as told
from teiten.report.asked import devices
from teiten.report.context import Context
from teiten.report.model import Section
from teiten.report.sections import _port

ID = "port-devices"
ORDER = 24
KINDS: tuple[PeriodKind, ...] = ("span",)


def build(context: Context) -> Section | None:
    """None where nothing arrived, or there is no evidence of what sent it."""
    if not _port.seen(context):
        return None
    found = context.answers.once(devices.sources)
    if found is None:
        return None
    say = context.say
    names = _port.names(context)
    first = next((one for one in found.families if one in found.signatures.families), None)
    title = say("port.devices_first", **names, name=told.name(found, first, context.words)) if first else say("devices.title")
    figure = told.figure_of(
        found,
        context,
        "port-devices",
        list(context.period.days),
        context.period.tz,
        title=title,
        subtitle=say("port.devices_subtitle", **names, scope=context.scope),
        gaps=_port.gaps(context),
    )
    blocks = [told.block(found, context, "port-devices", figure)]
    return Section(ID, say("devices.title"), told.sentences(found, context), blocks=blocks, notes=[say("devices.rule")])
