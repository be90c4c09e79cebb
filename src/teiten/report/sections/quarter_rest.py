"""What is left without research scanners and forged sources: packets and hosts by day, and against the quarter before."""

from __future__ import annotations

import statistics

from teiten.periods import PeriodKind
from teiten.report import figures
from teiten.report.asked import quarter
from teiten.report.context import SAME, Context
from teiten.report.model import Block, Column, Section, Table
from teiten.report.sections import _quarter

ID = "quarter_rest"
ORDER = 21
KINDS: tuple[PeriodKind, ...] = ("quarterly",)
STEADY = 0.15
"""went steadily: the middle half of the days lies within this share of the median, the count so to that of the one before"""


def build(context: Context) -> Section | None:
    """Nothing where the report's own filters leave either of them out already, or ask for nothing else."""
    answers, say = context.answers, context.say
    if answers.filters.scanners != "in" or answers.filters.spoofed != "in":
        return None
    course, now = answers.once(quarter.days), answers.once(quarter.quarters)[-1]
    if not now.counts["packets"]:
        return None
    findings = [
        say(
            "quarter.rest_finding",
            packets=context.about(now.counts["rest_packets"]),
            share=context.words.percent(now.counts["rest_packets"] / now.counts["packets"]),
            hosts=context.about(now.counts["rest_hosts"], "hosts"),
            hosts_share=context.words.percent(now.counts["rest_hosts"] / max(1, now.counts["hosts"])),
        ),
        *_against(context),
    ]
    notes = [say("quarter.rest_note"), *_quarter.gap_notes(context)]
    return Section(ID, say("quarter.rest_title"), findings, blocks=[_block(context, course)], notes=notes)


def _against(context: Context) -> list[str]:
    """How packets and hosts stand to the quarter before, where the two can be compared."""
    every = context.answers.once(quarter.quarters)
    if len(every) < 2 or not context.answers.comparable:
        return []
    now, before = every[-1], every[-2]
    parts, steady = [], True
    for name in ("packets", "hosts"):
        old, new = before.counts[f"rest_{name}"], now.counts[f"rest_{name}"]
        if not old:
            return []
        ratio = (new - old) / old
        key = "same" if abs(ratio) < SAME else "more" if ratio > 0 else "fewer"
        change = context.words.percent(abs(ratio), 1 if abs(ratio) < 10 else 0)
        parts.append(context.say(f"quarter.rest_{key}", thing=context.say(f"quarter.rest_{name}"), change=change))
        steady = steady and abs(ratio) < STEADY and _steady(context.answers.once(quarter.days).values[f"rest_{name}"])
    said = context.say("quarter.rest_against", list=context.words.listed(parts))
    return [context.words.joined(said, context.say("quarter.rest_steady") if steady else "")]


def _steady(values: list[float | None]) -> bool:
    seen = sorted(v for v in values if v is not None)
    if len(seen) < 4:
        return False
    low, middle, high = statistics.quantiles(seen, n=4)
    return high - low < 2 * STEADY * middle


def _block(context: Context, course: quarter.Days) -> Block:
    say, words = context.say, context.words
    panels = []
    for name in ("packets", "hosts"):
        lines = [
            figures.Series("rest", say("quarter.rest_line"), course.values[f"rest_{name}"], colour=_quarter.REST),
            figures.Series("all", say("quarter.all_line"), course.values[name], kind="other"),
        ]
        panels.append(figures.Panel(unit=say(f"quarter.unit_{name}"), series=lines))
    now = context.answers.once(quarter.quarters)[-1]
    title = say("quarter.rest_figure", share=words.percent(now.counts["rest_packets"] / now.counts["packets"], 0))
    figure = figures.PanelsFigure(
        id="quarter-rest",
        title=title,
        subtitle=say("quarter.rest_subtitle", scope=context.scope),
        times=course.times,
        panels=panels,
        gaps=_quarter.gaps(context),
    )
    columns = (
        Column(say("days.day"), "text"),
        *(Column(say(f"quarter.column_{name}")) for name in ("rest_packets", "rest_hosts", "packets", "hosts")),
    )
    names = ("rest_packets", "rest_hosts", "packets", "hosts")
    rows = [
        (words.day(at.date()), *(_quarter.cell(context, course.values[name][i]) for name in names))
        for i, at in enumerate(course.times)
    ]
    table = Table(say("quarter.rest_caption"), columns, rows, folded=True)
    body = [(at, *(_quarter.whole(course.values[n][i]) for n in names)) for i, at in enumerate(course.times)]
    data = context.data("quarter-rest", title, ("day", *names), body, course.rows.sql)
    return Block(data, figure, table)
