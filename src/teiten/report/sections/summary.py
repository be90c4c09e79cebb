"""In short: how much came, against the period before, and the three things that moved most."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report.answers import Ranked, What
from teiten.report.context import SAME, Context
from teiten.report.model import Section
from teiten.report.sections import _ranking

ID = "summary"
ORDER = 0
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly", "quarterly")
MOVED = 3


def build(context: Context) -> Section:
    say, answers = context.say, context.answers
    findings = [context.words.joined(_total(context), against(context)), _leaders(context)]
    gaps = answers.coverage.gaps
    if gaps:
        length = sum((g.length for g in gaps[1:]), gaps[0].length)
        findings.append(say("summary.gaps", length=context.words.duration(length), spans=context.spans(answers.coverage)))
    moved = movements(context)
    if answers.comparable:
        findings.append(say("summary.moved", n=len(moved)) if moved else say("summary.nothing_moved"))
    return Section(ID, say("summary.title"), findings, points=[movement(context, *m) for m in moved])


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


def _total(context: Context) -> str:
    totals = context.answers.totals
    days = len(context.period.days) * context.answers.coverage.share
    fields = {"packets": context.about(totals.packets), "hosts": context.about(totals.hosts, "hosts")}
    if context.kind == "daily":
        return context.say("summary.total", **fields)
    return context.say("summary.total_per_day", **fields, per_day=context.words.large(round(totals.packets / days)))


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


def _leaders(context: Context) -> str:
    answers, words = context.answers, context.words
    ports = [r for r in answers.ranking("ports") if r.rank is not None]
    lands = [r for r in answers.ranking("countries") if r.rank is not None]
    if not ports:
        return ""
    port, share = _ranking.leader(context, "ports", ports)
    if not lands:
        return context.say("summary.leader_port", port=port, share=share)
    country, country_share = _ranking.leader(context, "countries", lands)
    unknown = sum(r.share for r in answers.ranking("countries") if r.rank is None)
    return context.say(
        "summary.leaders_known" if unknown > lands[0].share else "summary.leaders",
        port=port,
        share=share,
        unknown=words.percent(unknown),
        country=country,
        country_share=country_share,
    )


def movements(context: Context) -> list[tuple[What, Ranked]]:
    """The largest movements; a country whose change is one port's that is told already (or the reverse) is not told twice."""
    answers = context.answers
    both: list[tuple[What, Ranked]] = [("ports", r) for r in answers.moved("ports")]
    both += [("countries", r) for r in answers.moved("countries")]
    told: list[tuple[What, Ranked]] = []
    for what, row in sorted(both, key=lambda item: -abs(item[1].difference)):
        if len(told) == MOVED:
            break
        cause = answers.main_cause(what, row.key)
        twin = cause is not None and cause[1] >= 0.8 and any(w != what and r.key == cause[0] for w, r in told)
        if not twin:
            told.append((what, row))
    return told


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
