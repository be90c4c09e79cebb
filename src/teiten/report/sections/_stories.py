"""What the parts of a day's overview share: who speaks, which stories belong together, the charts of what they are about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from teiten.detect import model
from teiten.detect.model import About, Detection, Port, State, Story
from teiten.report import figures
from teiten.report.asked import stories as asked
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Column, Table
from teiten.report.sections import _series
from teiten.report.words import HARDLY, Speech

CHARTS: Final = 12
"""things with a chart of their own; what else changed is told in a list"""
WATCHED: Final = 0.5
"""of the day, below which what became of a story cannot be told"""
_OWN_SERVICES: Final = (model.ARRIVALS, model.BACKSCATTER)
_STATES: Final[tuple[State, ...]] = ("new", "growing", "once", "falling", "high", "ended")
"""in the order in which they are told"""
GOING: Final = _STATES.index("high")


@dataclass(frozen=True, slots=True)
class Subject:
    """A port (or a few), a country: what several stories may be about, the most telling first."""

    about: About
    stories: tuple[Story, ...]
    group: int
    """0 ports, 1 countries, 2 other, 3 services of the observer's own"""
    weight: int
    """the less, the more it is news"""

    @property
    def drawn(self) -> bool:
        """Of what has ended, and of what may be chance, a sentence is enough."""
        return self.weight < len(_STATES) - 1

    @property
    def moved(self) -> bool:
        """Is it news, or does it go on as before?"""
        return self.weight < len(_STATES) and self.weight != GOING

    @property
    def id(self) -> str:
        return f"story-{self.stories[0].id}"


def changes(context: Context) -> asked.Changes | None:
    return context.answers.once(asked.changes)


def own(context: Context) -> list[Story]:
    """Stories of the observer's own line; outages that the gaps tell to the minute are left to them."""
    found = changes(context)
    gaps = bool(context.answers.coverage.gaps)
    told = [one for one in found.stories if one.kind in model.OWN] if found else []
    return [one for one in told if not (one.kind == model.OUTAGE and (gaps or not one.detections))]


def world(stories: Sequence[Story]) -> list[Story]:
    return [one for one in stories if one.kind not in model.OWN]


def speech(context: Context, *, day: dt.date | None = None) -> Speech:
    """Who tells the stories of the report's day, or of an earlier one of several."""
    found = changes(context)
    own_day = context.period.first
    return Speech(
        context.words,
        context.settings,
        day or own_day,
        context.period.tz,
        sensors=len(context.answers.coverage.sensors),
        since=day if day is not None and day != own_day else None,
        networks=found.networks if found else {},
        watched=context.answers.coverage.share >= WATCHED,
        rows=_place,
    )


def _place(story: Story, at: dt.datetime | None) -> str:
    """Where the rows of a story are: its row in the table of stories; of the own line, the hours of all ports."""
    return "#figure-ports-time" if story.kind in model.OWN else f"#{row(story)}"


def row(story: Story) -> str:
    return f"row-story-{story.id}"


def subjects(context: Context, stories: Sequence[Story]) -> list[Subject]:
    """Stories put together by the port or country that they are about, those that changed first.

    What only qualifies another (where its sources sit) stands with it or is not told; what is new is told before what goes on.
    """
    since = context.answers.since
    out: dict[_Key, list[Story]] = {}
    for one in stories:
        out.setdefault(_key(one), []).append(one)
    found = []
    for key, own in out.items():
        telling = [one for one in own if one.kind != model.DYNAMIC]
        if telling:
            named = {one.about.country for one in telling} | {None}
            kept = [one for one in own if one.kind == model.DYNAMIC and one.state != "ended" and one.about.country in named]
            found.append(_subject(key, telling, kept[:1], context, since))
    return sorted(found, key=lambda one: one.weight)


_Key = tuple[int, tuple[Port, ...], str | None, int | None]


def _key(one: Story) -> _Key:
    """0 ports, 1 countries, 2 networks of no country and all else, 3 own services; and which one of them."""
    about = one.about
    if one.kind in _OWN_SERVICES:
        return 3, about.ports, None, None
    if about.ports:
        return 0, tuple(sorted(about.ports, key=str)), None, None
    return (1, (), about.country, None) if about.country is not None else (2, (), None, about.asn)


def _subject(
    key: _Key, telling: Sequence[Story], qualifying: Sequence[Story], context: Context, since: dt.date | None
) -> Subject:
    """What has ended is told last; first what changed, by how telling it is (the order in which they came)."""
    _, ports, country, asn = key

    def weight(one: Story) -> int:
        # what began on the days that are told of is their news, though it goes on by now
        begun = since is not None and one.first.astimezone(context.period.tz).date() >= since
        return 0 if begun and one.state == "high" and _weight(one) < len(_STATES) else _weight(one)

    # that a port stands out in some country qualifies what is told of the port itself, where anything is
    told = any(one.kind != model.STANDS_OUT and one.state != "ended" for one in telling)
    own = sorted(telling, key=lambda one: (told and one.kind == model.STANDS_OUT, weight(one)))
    stated = bool(ports) or country is not None or asn is not None
    return Subject(About(ports, country, asn) if stated else own[0].about, (*own, *qualifying), key[0], weight(own[0]))


def _weight(one: Story) -> int:
    """What is new before what goes on, what goes on before what ends; last what may be chance."""
    if any(found.confidence == "possible" and found.day == one.day for found in one.detections[:1]):
        return len(_STATES)
    if one.kind == model.FALLING and one.state == "new":
        return _STATES.index("falling")
    if one.kind == model.FALLING and one.state != "ended":
        return _STATES.index("high")
    return _STATES.index(one.state) if one.state in _STATES else len(_STATES)


def name(speech: Speech, subject: Subject) -> str:
    """1433/tcp(…); ロシア発, the Netherlands; Webサーバ(80・443/tcp)への着信: as within a sentence."""
    return speech.label(subject.stories[0]) if subject.group == 3 else speech.name(subject.about)


def named(speech: Speech, subject: Subject) -> str:
    """As `name`, in a list of what goes on: ロシア発のスキャン, scans from Russia."""
    return name(speech, subject) if subject.group in (0, 3) else speech.short(subject.about)


def heading(context: Context, speech: Speech, subject: Subject) -> str:
    """The same at the beginning of a line."""
    text = name(speech, subject)
    return text[:1].upper() + text[1:]


# charts


def block(context: Context, subject: Subject, title: str) -> Block:
    """The hours of a subject, with what was found marked in them, and the rows."""
    # what arrives at the house's own services is accepted: it is in no ranking, and in this chart alone
    lands = tuple(sorted({one.about.country for one in subject.stories if one.about.country}))[: asked.COLOURED]
    found = context.answers.once_of(asked.hours if subject.group != 3 else asked.hours_of_all, (subject.about, lands))
    say, stack = context.say, found.stack
    kinds = {"other": "other", "unknown": "unknown"}
    series = [
        figures.Series(
            _series.colour(found.what, key),
            _series.label(context, found.what, key),
            values,
            kind=kinds.get(key, "value"),  # type: ignore[arg-type]
        )
        for key, values in stack.values.items()
    ]
    cover = context.answers.once(asked.drawn_coverage)
    note = say("stories.least", n=found.least) if found.least > 1 and "other" in stack.values else ""
    figure = figures.StackFigure(
        id=subject.id,
        title=title,
        subtitle=say(
            f"stories.subtitle_{found.what}",
            thing=heading(context, speech(context), subject),
            n=len(stack.keys),
            start=context.words.day(stack.times[0].date()),
            end=context.words.day(context.period.first),
            scope=context.scope,
        ),
        unit=say("series.unit_hour"),
        times=stack.times,
        series=series,
        step="hour",
        things=_series.THINGS[found.what],
        gaps=[figures.Gap(g.start, g.end, say(f"series.gap_{g.reason}")) for g in cover.gaps],
        marks=_marks(context, subject, stack.times),
        note=note,
    )
    table = _table(context, found, say("stories.caption", thing=heading(context, speech(context), subject)))
    names = ("start", "part", *(("dst_port", "protocol") if found.what == "ports" else ("country",)), "packets", "hosts")
    columns = with_error(names, stack.rows)
    body = [tuple(line[c] for c in columns) for line in stack.rows]
    return Block(context.data(subject.id, title, columns, body, stack.rows.sql), figure, table)


def _marks(context: Context, subject: Subject, times: Sequence[dt.datetime]) -> list[figures.Mark]:
    """Where changes of hours began: one mark an hour."""
    tell = speech(context)
    out: dict[dt.datetime, figures.Mark] = {}
    for story in subject.stories:
        for one in story.detections:
            if one.kind in (model.BURST, model.NEW_PORT, model.PORT_GROUP) and times[0] <= one.start <= times[-1]:
                out.setdefault(one.start, figures.Mark(tell.local(one.start), _mark(context, one)))
    return list(out.values())[:3]


def _mark(context: Context, one: Detection) -> str:
    if one.usual is not None and one.usual >= HARDLY:
        return context.words("stories.mark_times", times=speech(context).times(one.packets / one.usual))
    return context.words("stories.mark_new" if one.kind == model.NEW_PORT else "stories.mark")


def _table(context: Context, found: asked.Hours, caption: str) -> Table:
    """The hours of the chart, those without a packet left out."""
    say, stack = context.say, found.stack
    columns = (
        Column(say("column.time"), "text"),
        *(Column(_series.label(context, found.what, key)) for key in stack.values),
        Column(say("column.total")),
    )
    number = context.words.number
    rows = [
        (
            context.words.moment(at),
            *("–" if column[i] is None else number(column[i] or 0) for column in stack.values.values()),
            "–" if whole is None else number(whole),
        )
        for i, (at, whole) in enumerate(zip(stack.times, stack.totals, strict=True))
        if whole is None or whole
    ]
    return Table(caption, columns, rows, folded=True)
