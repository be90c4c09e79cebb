"""For a day: what changed, a part for each port, country or network with its chart; then what else, and all as a table."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from teiten.detect import model
from teiten.detect.model import Story
from teiten.periods import PeriodKind
from teiten.report.asked import stories as asked
from teiten.report.context import Context
from teiten.report.model import Block, Column, Link, Paragraph, Section, Table
from teiten.report.sections import _stories
from teiten.report.sections._stories import Subject
from teiten.report.words import Speech, advice, background, plain, tell
from teiten.report.words.text import joined

ID = "stories"
ORDER = 6
KINDS: tuple[PeriodKind, ...] = ("daily",)


def build(context: Context) -> list[Section]:
    """Nothing where nobody looked for changes."""
    found = _stories.changes(context)
    if found is None:
        return []
    speech = _stories.speech(context)
    subjects = _stories.subjects(_stories.world(found.stories))
    drawn = [one for one in subjects if one.drawn][: _stories.CHARTS]
    out = [_section(context, speech, one) for one in drawn]
    rest = [one for one in subjects if one not in drawn]
    points = [point for one in rest for point in _points(context, speech, one)]
    every = [*found.stories, *found.false]
    if points or every:
        out.append(_list(context, points, every, found, alone=not drawn))
    return out


def _section(context: Context, speech: Speech, subject: Subject) -> Section:
    """The stories of one subject: what was seen, then what it may mean, then what can be done."""
    findings: list[Paragraph] = []
    doubts: list[Paragraph] = []
    notes: list[Paragraph] = []
    title = ""
    for n, story in enumerate(subject.stories):
        told = tell(speech.knowing(subject.about) if n else speech, story)
        title = title or told.title
        findings.append(joined(context.words, told.sentences))
        doubts += told.doubts
        notes.append(_evidence(context, story, told.sure))
    doubts += background(speech, subject.stories)
    if doubts:
        findings.append(joined(context.words, doubts))
    findings += advice(speech, subject.stories)
    return Section(
        subject.id, speech.name(subject.about), findings, blocks=[_stories.block(context, subject, title)], notes=notes
    )


def _evidence(context: Context, story: Story, sure: str) -> Paragraph:
    """How sure, and the command that shows the rest."""
    return context.words.joined(sure + context.say("stories.stop") if sure else "", context.say("stories.explain", id=story.id))


def _points(context: Context, speech: Speech, subject: Subject) -> list[Paragraph]:
    """What has no chart of its own, in a line each."""
    return [joined(context.words, [*(told := tell(speech, story)).sentences, *told.doubts]) for story in subject.stories]


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
        say("stories.title" if alone else "stories.title_rest"),
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
        Column(say("stories.column_since"), "text"),
        Column(say("stories.column_times")),
        Column(say("stories.column_peak"), spare=True),
        Column(say("column.rank"), spare=True),
        Column("ID", "text", spare=True),
    )
    rows = [
        (
            speech.short(one.about) if one.kind not in model.OWN else say("stories.own"),
            say(f"stories.kind_{one.kind}"),
            say("stories.state_false") if one.verdict == "false" else say(f"stories.state_{one.state}"),
            words.day(speech.local(one.first).date()),
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
    body = [_line(one) for one in every]
    sql = f"SELECT * FROM stories WHERE day = DATE '{context.period.first.isoformat()}' AND state <> 'resting'"
    return Block(context.data(ID, say("stories.table"), names, body, sql), table=table)


def _times(context: Context, times: float | None) -> str:
    return "–" if times is None else context.words.number(times, 1 if times < 10 else 0)


def _line(one: Story) -> tuple[object, ...]:
    main = one.detections[0] if one.detections else None
    ports, country, asn, sensor, group = one.about.text().split("|")
    return (
        one.id, one.kind, ports, country, asn, sensor, group, one.state, _stamp(one.first), _stamp(one.last), one.times,
        one.peak, one.peak_day, one.rank, one.rank_before, one.days,
        *((main.packets, main.hosts, main.usual, main.score, main.confidence) if main else (None,) * 5),
        one.verdict, json.dumps(dict(main.reason), ensure_ascii=False, sort_keys=True, default=str) if main else None,
    )  # fmt: skip


def _stamp(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat() if moment is not None else None


def headlines(context: Context) -> list[Paragraph]:
    """For the summary: what changed, a line each, leading to its part of the page."""
    found = _stories.changes(context)
    speech = _stories.speech(context)
    subjects = _stories.subjects(_stories.world(found.stories if found else ()))
    drawn = [one for one in subjects if one.drawn]
    out: list[Paragraph] = []
    for n, one in enumerate(drawn):
        told = tell(speech, one.stories[0])
        out.append([Link(plain(told.title), f"#{one.id}" if n < _stories.CHARTS else f"#{ID}", "report.md")])
    return out
