"""What is in no count of a report, in words: packets that are no attempts, days that are gone, lines that were not read."""

from __future__ import annotations

from teiten.report.context import Context


def left_out(context: Context) -> list[str]:
    """What is in no count of the report: accepted and outgoing packets, days of which events are no longer kept."""
    apart = [context.say(f"totals.apart_{kind}", n=n) for kind, n in context.answers.apart.items() if n]
    said = [context.say("totals.apart", list=context.words.listed(apart))] if apart else []
    return [*said, context.dropped] if context.answers.dropped else said


def unread(context: Context) -> list[str]:
    """How many lines of the inputs became no events."""
    inputs = context.answers.inputs
    counts = {"rejected": inputs.rejected.total(), "ignored": inputs.ignored.total()}
    if not any(counts.values()):
        return []
    return [context.say("totals.lines", lines=context.words("count.lines", n=inputs.lines), **counts)]
