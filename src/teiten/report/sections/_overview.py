"""The beginning of a day's overview: what was not observed and what the own line did, then how much, then what changed."""

from __future__ import annotations

import datetime as dt
from typing import Final

from teiten.detect import model
from teiten.detect.view import HISTORY
from teiten.report.answers import ranked
from teiten.report.asked import stories as asked
from teiten.report.context import Context
from teiten.report.model import Link, Paragraph, Point, Section
from teiten.report.sections import _movement, _stories, stories
from teiten.report.words import tell
from teiten.report.words.text import joined

ID: Final = "summary"
YOUNG: Final = 7
"""days of observation, below which the usual is hardly known"""
HEADLINES: Final = 8
"""lines on what moved; the others are counted"""
QUIET: Final = 5
"""places of the ranking in which what is as usual is named"""


def summary(context: Context, total: str, leaders: str) -> Section:
    """The section in place of a comparison with the day before, which stories make."""
    found = _stories.changes(context)
    assert found is not None
    own = _stories.own(context)
    findings: list[Paragraph] = [_begin(context)]
    findings += _own(context)
    # beside a day on which the own line fell, a comparison would tell of the line
    back, doubled = _back(context), _told_yesterday(context, model.DUPLICATE_FEED)
    against = "" if own or back or doubled or context.answers.coverage.gaps else _movement.against(context)
    findings.append(context.words.joined(total, back or against))
    findings.append(leaders)
    young = _young(context)
    if young:
        findings.append(young)
    lines, going, low = stories.headlines(context)
    if going:
        findings.append(context.rich("overview.going", list=context.row(going)))
    if low:
        findings.append(context.rich("overview.going_low", list=context.row(low)))
    more = len(lines) - HEADLINES
    if lines:
        findings.append(context.say("overview.changed", n=len(lines)))
    elif not young:
        findings.append(context.say("overview.nothing_new" if going or low else "overview.nothing"))
    if more > 0:
        lines = [*lines[:HEADLINES], [Link(context.say("overview.more", n=more), f"#{stories.ID}", "report.md")]]
    points: list[Paragraph | Point] = [*lines]
    quiet = _quiet(context)
    notes: list[Paragraph] = [quiet] if quiet else []
    return Section(ID, context.say("summary.title"), [f for f in findings if f], points=points, notes=notes)


def _begin(context: Context) -> str:
    since = context.answers.since
    return (
        context.say("overview.begin") if since is None else context.say("overview.begin_days", start=context.words.day(since))
    )


def _own(context: Context) -> list[Paragraph]:
    """Gaps with the operator's words, then what the own line did."""
    out: list[Paragraph] = []
    answers = context.answers
    gaps = answers.coverage.gaps
    if gaps:
        length = sum((g.length for g in gaps[1:]), gaps[0].length)
        told = context.words.duration(length)
        if len(gaps) == 1:
            clock, one = context.words.clock, gaps[0]
            end = (
                clock(one.end) if one.end.date() == context.period.first else context.words("date.hour", hour="24", hour2="24")
            )
            fields = {"start": clock(one.start), "end": end, "because": context.gap_words(one)}
            out.append(context.say("overview.gap", length=told, **fields))
        else:
            out.append(context.say("overview.gaps", length=told, spans=context.spans(answers.coverage)))
    speech = _stories.speech(context)
    for story in _stories.own(context):
        said = tell(speech, story)
        out.append(joined(context.words, [*said.sentences, *said.doubts]))
    return out


def _back(context: Context) -> str:
    """After a day on which the own line fell: it is as before, and the world has not doubled since."""
    fell = _told_yesterday(context, model.OWN_FALL)
    going = any(one.kind == model.OWN_FALL and one.detections for one in _stories.own(context))
    return context.say("overview.back") if fell and not going else ""


def _told_yesterday(context: Context, kind: str) -> bool:
    """Was that found of the day before? Then its counts are no measure."""
    of = context.answers.stories_of
    before = of(context.period.first - dt.timedelta(days=1)) if of is not None else None
    return any(one.kind == kind and one.detections for one in before or ())


def _young(context: Context) -> str:
    """Of a lake that has seen a few days only: too little to say what is usual."""
    extent = context.answers.extent
    if extent is None:
        return ""
    seen = context.period.first - extent[0].date()
    if seen >= dt.timedelta(days=YOUNG):
        known = context.answers.once(asked.known_days)
        return "" if known >= YOUNG else context.say("overview.young_gap", n=known, days=HISTORY, least=YOUNG)
    return context.say("overview.young", n=max(1, seen.days + 1), least=YOUNG)


def _quiet(context: Context) -> str:
    """In one line: what is large and as usual. Only where something else changed, and the usual is known."""
    found = _stories.changes(context)
    if found is None or _young(context):
        return ""
    named = {port for one in found.stories if one.kind not in model.OWN for port in one.about.ports}
    rows = [ranked(row, "ports") for row in context.answers.three_days[1]][: QUIET * 2]
    quiet = [row.key for row in rows if row.rank is not None and row.rank <= QUIET and row.key not in named]
    if not quiet or not named:
        return ""
    return context.say("overview.quiet", n=QUIET, list=context.words.listed(context.ports(quiet)))
