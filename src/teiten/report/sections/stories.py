"""For a day: what changed, a part for each port, country or network with its chart; then what else, and all as a table."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from teiten.detect import model
from teiten.detect.model import Story
from teiten.periods import PeriodKind
from teiten.report.asked import stories as asked
from teiten.report.context import Context
from teiten.report.model import Block, Column, Link, Paragraph, Section, Table
from teiten.report.sections import _beside, _stories
from teiten.report.sections._stories import Subject
from teiten.report.words import Speech, Told, advice, background, ranked, ranks, tell, together
from teiten.report.words.text import joined

ID = "stories"
ORDER = 6
KINDS: tuple[PeriodKind, ...] = ("daily",)
TOGETHER: Final = 4
"""stories of one port or country that are told one by one"""
NBSP: Final = "\N{NO-BREAK SPACE}"
LISTED: Final = 12
"""lines of a list of small things, beyond which the table tells them"""


def build(context: Context) -> list[Section]:
    """Nothing where nobody looked for changes."""
    found = _stories.changes(context)
    if found is None:
        return []
    speech = _stories.speech(context)
    drawn, rest = parts(context)
    # the reader meets ports first, then countries, then the services of the house
    out = [_section(context, speech, one) for one in sorted(drawn, key=lambda one: one.group)]
    points = [_line(context, speech, one) for one in rest[:LISTED]]
    if len(rest) > LISTED:
        points.append(context.say("stories.more_lines", n=len(rest) - LISTED))
    every = [*found.stories, *found.false, *(one for _, one in _best(found))]
    if found.earlier:
        out.append(_earlier(context, found, speech))
    if points or every:
        out.append(_list(context, points, every, found, alone=not drawn))
    return out


def parts(context: Context) -> tuple[list[Subject], list[Subject]]:
    """What has a part of its own with a chart, and what is told in a line."""
    found = _stories.changes(context)
    subjects = _stories.subjects(context, _stories.world(found.stories if found else ()))
    drawn = [one for one in subjects if one.drawn][: _stories.CHARTS]
    return drawn, [one for one in subjects if one not in drawn]


def _section(context: Context, speech: Speech, subject: Subject) -> Section:
    """The stories of one subject: what was seen, then what it may mean, then what can be done."""
    seen: list[Paragraph] = []
    doubts: list[Paragraph] = []
    title = sure = ""
    for _, told in _told(speech, subject):
        title, sure = title or told.title, sure or told.sure
        seen.append(joined(context.words, told.sentences))
        doubts += told.doubts
    more = len(subject.stories) - len(_few(subject))
    if more:
        seen.append(context.rich("stories.more", n=[Link(context.words.number(more), f"#figure-{ID}", "report.md")]))
    places = [*ranks(speech, subject.stories), *_beside.told(context, speech, subject)]
    seen += [joined(context.words, places)] if places else []
    doubts += background(speech, subject.stories)
    findings = [
        *seen,
        *([joined(context.words, doubts)] if doubts else []),
        *advice(speech, subject.stories, long=context.answers.since is not None),
    ]
    ids = context.words.listed(story.id for story in subject.stories)
    note = context.words.joined(sure + context.say("stories.stop") if sure else "", context.say("stories.explain", id=ids))
    chart = _stories.block(context, subject, title)
    return Section(subject.id, _stories.heading(context, speech, subject), findings, blocks=[chart], notes=[note])


def _line(context: Context, speech: Speech, subject: Subject) -> Paragraph:
    """What has no chart of its own."""
    said = [sentence for _, one in _told(speech, subject) for sentence in (*one.sentences, *one.doubts)]
    return joined(context.words, [*said, *ranks(speech, subject.stories)])


def _told(speech: Speech, subject: Subject) -> list[tuple[Story, Told]]:
    """Each of its stories in words; after the first, what it is about is known."""
    one = replace(speech, ranks=speech.ranks and not ranked(subject.stories))
    few = _few(subject)
    told: list[tuple[Story, Told]] = []
    standing = [story for story in few if story.kind == model.STANDS_OUT and story.state != "ended" and story.detections]
    for story in few:
        speaker = one.knowing(subject.about) if told else one
        if len(standing) > 1 and story in standing:
            # the same of several countries is one sentence
            if story is standing[0]:
                told.append((story, together(speaker, standing)))
            continue
        told.append((story, tell(speaker, story)))
    return told


def _few(subject: Subject) -> list[Story]:
    """Those of its stories that are told one by one, and what qualifies them."""
    few = [story for story in subject.stories if story.kind != model.DYNAMIC][:TOGETHER]
    return few + [story for story in subject.stories if story.kind == model.DYNAMIC]


def _best(found: asked.Changes) -> list[tuple[dt.date, Story]]:
    """What happened on days without a report of their own: each story once, as of the day that tells most of it."""
    today = {one.id for one in (*found.stories, *found.false)}
    best: dict[str, tuple[float, dt.date, Story]] = {}
    for day, stories in found.earlier:
        for one in _stories.world(stories):
            if one.id in today or not one.detections or one.kind == model.DYNAMIC:
                continue
            score = max(d.score for d in one.detections)
            if one.detections[0].confidence == "possible":
                continue
            if one.id not in best or score > best[one.id][0]:
                best[one.id] = score, day, one
    return [(day, one) for _, day, one in sorted(best.values(), key=lambda item: (item[1], -item[0]))]


def _earlier(context: Context, found: asked.Changes, speech: Speech) -> Section:
    """Days without a report of their own, by who has told the day's."""
    points: list[Paragraph] = []
    every = _best(found)
    telling = sorted(every, key=lambda item: -max(d.score for d in item[1].detections))[:LISTED]
    for day, one in (item for item in every if item in telling):
        told = tell(replace(_stories.speech(context, day=day), turns=speech.turns), one)
        points.append(joined(context.words, [*told.sentences, *told.doubts]))
    days = {"first": context.words.day(found.earlier[0][0]), "last": context.words.day(found.earlier[-1][0])}
    key = "overview.days_title" if len(found.earlier) > 1 else "overview.day_title"
    if len(every) > LISTED:
        points.append(context.say("stories.more_lines", n=len(every) - LISTED))
    findings = [] if points else [context.say("overview.days_none")]
    return Section("stories-earlier", context.say(key, **days), findings, points=points)


def _list(
    context: Context, points: Sequence[Paragraph], every: Sequence[Story], found: asked.Changes, *, alone: bool
) -> Section:
    """What else changed, and the table of everything."""
    say = context.say
    notes: list[Paragraph] = [say("stories.rule"), say("stories.cause")] if every else []
    if found.false:
        notes.append(say("stories.false", n=len(found.false)))
    return Section(
        ID,
        say("stories.title" if alone or not points else "stories.title_rest"),
        points=points,
        blocks=[_table(context, every)] if every else [],
        notes=notes,
    )


def _table(context: Context, every: Sequence[Story]) -> Block:
    say, words = context.say, context.words
    speech = _stories.speech(context)
    columns = (
        Column(say("stories.column_thing"), "text"),
        Column(say("stories.column_kind"), "text"),
        Column(say("stories.column_state"), "text"),
        Column(say("stories.column_since"), "text", spare=True),
        Column(say("stories.column_times")),
        Column(say("stories.column_peak"), spare=True),
        Column(say("column.rank"), spare=True),
        Column("ID", "text", spare=True),
    )
    rows = [
        (
            say("stories.own") if one.kind in model.OWN else speech.label(one),
            say(f"stories.kind_{one.kind}"),
            say("stories.state_false") if one.verdict == "false" else say(f"stories.state_{one.state}"),
            words.day(speech.local(one.first).date()).replace(" ", NBSP),
            _times(context, one.times),
            _times(context, one.peak),
            words.number(one.rank) if one.rank else "–",
            one.id,
        )
        for one in every
    ]
    table = Table(say("stories.table"), columns, rows, places=[_stories.row(one) for one in every])
    names = (
        "id", "kind", "ports", "country", "asn", "sensor", "group", "state", "first", "last", "times", "peak", "peak_day",
        "rank", "rank_before", "days", "packets", "hosts", "usual", "score", "confidence", "verdict", "reason",
    )  # fmt: skip
    body = [_row(one) for one in every]
    sql = f"SELECT * FROM stories WHERE day = DATE '{context.period.first.isoformat()}' AND state <> 'resting'"
    return Block(context.data(ID, say("stories.table"), names, body, sql), table=table)


def _times(context: Context, times: float | None) -> str:
    return "–" if times is None else context.words.number(times, 0 if times >= 10 else 1 if times >= 1 else 2)


def _row(one: Story) -> tuple[object, ...]:
    main = next((found for found in one.detections if found.day == one.day), None)
    ports, country, asn, sensor, group = one.about.text().split("|")
    return (
        one.id, one.kind, ports, country, asn, sensor, group, one.state, _stamp(one.first), _stamp(one.last), one.times,
        one.peak, one.peak_day, one.rank, one.rank_before, one.days,
        *((main.packets, main.hosts, main.usual, main.score, main.confidence) if main else (None,) * 5),
        one.verdict, json.dumps(dict(main.reason), ensure_ascii=False, sort_keys=True, default=str) if main else None,
    )  # fmt: skip


def _stamp(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat() if moment is not None else None


def headlines(context: Context) -> tuple[list[Paragraph], list[Paragraph], list[Paragraph]]:
    """For the summary: what moved, a line each, leading to its part of the page; by name what stays high, and what low."""
    speech = _stories.speech(context)
    drawn, rest = parts(context)
    moved: list[Paragraph] = []
    going: list[Paragraph] = []
    low: list[Paragraph] = []
    for one in [*drawn, *rest]:
        place = f"#{one.id}" if one in drawn else f"#{ID}"
        first = one.stories[0]
        if one.moved:
            moved.append([Link(tell(speech, first).title, place, "report.md")])
        elif one.weight == _stories.GOING:
            some = low if first.kind == model.FALLING else going
            some.append([Link(_stories.named(speech, one), place, "report.md")])
    return moved, going, low
