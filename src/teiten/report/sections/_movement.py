"""Movements in words, for every section that tells them: against the period before, of a port or country, and why."""

from __future__ import annotations

from teiten.report.answers import Ranked, What
from teiten.report.context import SAME, Context


def against(context: Context) -> str:
    """How the packets stand against the period before, or why that cannot be said."""
    answers, say = context.answers, context.say
    if answers.totals_before is None:
        return say("summary.no_before")
    if set(answers.coverage.sensors) != set(answers.coverage_before.sensors):
        return say("summary.other_sensors", sensors=context.words("count.sensors", n=len(answers.coverage_before.sensors)))
    if answers.coverage_before.share < answers.comparable_share:
        return say("summary.part_before", share=context.words.percent(answers.coverage_before.share))
    if answers.coverage.share < answers.comparable_share:
        return say("summary.part_now", share=context.words.percent(answers.coverage.share))
    now, before = answers.totals.packets, answers.totals_before.packets
    if not before:
        return say("summary.no_before")
    ratio = (now - before) / before
    key = "summary.same" if abs(ratio) < SAME else "summary.more" if ratio > 0 else "summary.fewer"
    return say(key, change=context.words.percent(abs(ratio)), count=context.about(before))


def movement(context: Context, what: What, row: Ranked) -> str:
    """A movement in a sentence or two: how many packets and which rank then and now, and the main cause where there is one."""
    say = context.say
    thing = context.port_long(row.key) if what == "ports" else say("summary.from_country", country=context.land(row.key))
    rose = row.difference > 0
    fields = {
        "thing": thing,
        "packets": context.packets(row.packets),
        "packets_before": context.packets(row.packets_before or 0),
        "count_before": row.packets_before or 0,
        "rank": row.rank or 0,
        "rank_before": row.rank_before or 0,
    }
    if row.rank is None:
        return say("summary.gone", **fields)
    if row.rank_before is None:
        said = say("summary.came", **fields)
    else:
        fields["places"] = say("summary.places", **fields) if row.rank != row.rank_before else ""
        said = say("summary.rose" if rose else "summary.fell", **fields)
    return context.words.joined(said, cause_told(context, what, row))


def cause_told(context: Context, what: What, row: Ranked) -> str:
    """Which country (of a port's movement) or port (of a country's) has the largest part of it; '' where none has a third."""
    cause = context.answers.main_cause(what, row.key)
    if cause is None:
        return ""
    rose, share = row.difference > 0, context.words.percent(cause[1], 0)
    if what == "ports":
        key = "summary.rise_from" if rose else "summary.fall_from"
        return context.say(key, share=share, country=context.land(cause[0]))
    return context.say("summary.rise_to" if rose else "summary.fall_to", share=share, port=context.port_long(cause[0]))
