"""In short: how much came, against the period before, and the three things that moved most."""

from __future__ import annotations

from teiten.periods import PeriodKind
from teiten.report.answers import Ranked, What
from teiten.report.context import Context
from teiten.report.model import Section
from teiten.report.sections import _movement, _overview, _ranking, _stories

ID = "summary"
ORDER = 0
KINDS: tuple[PeriodKind, ...] = ("daily", "weekly", "monthly", "quarterly")
MOVED = 3


def build(context: Context) -> Section:
    say, answers = context.say, context.answers
    if _stories.changes(context) is not None:
        return _overview.summary(context, _total(context), _leaders(context))
    findings = [context.words.joined(_total(context), _movement.against(context)), _leaders(context)]
    gaps = answers.coverage.gaps
    if gaps:
        length = sum((g.length for g in gaps[1:]), gaps[0].length)
        findings.append(say("summary.gaps", length=context.words.duration(length), spans=context.spans(answers.coverage)))
    moved = movements(context)
    if answers.comparable:
        findings.append(say("summary.moved", n=len(moved)) if moved else say("summary.nothing_moved"))
    return Section(ID, say("summary.title"), findings, points=[_movement.movement(context, *m) for m in moved])


def _total(context: Context) -> str:
    totals = context.answers.totals
    days = len(context.period.days) * context.answers.coverage.share
    fields = {"packets": context.about(totals.packets), "hosts": context.about(totals.hosts, "hosts")}
    if context.kind == "daily":
        return context.say("summary.total", **fields)
    return context.say("summary.total_per_day", **fields, per_day=context.words.large(round(totals.packets / days)))


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
