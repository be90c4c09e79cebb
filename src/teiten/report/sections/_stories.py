"""What the parts of a day's overview share: who speaks, which stories belong together, the charts of what they are about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from teiten.detect import model
from teiten.detect.model import About, Detection, Port, Story
from teiten.report import figures
from teiten.report.asked import stories as asked
from teiten.report.context import Context, with_error
from teiten.report.model import Block, Column, Table
from teiten.report.sections import _series
from teiten.report.words import Speech

CHARTS: Final = 8
"""things with a chart of their own; what else changed is told in a list"""
_OWN_SERVICES: Final = (model.ARRIVALS, model.BACKSCATTER)
_DRAWN: Final = ("new", "growing", "high", "falling", "once")
"""states with a chart; of what has ended a sentence is enough"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A port (or a few), a country, a network: what several stories may be about, the most telling first."""

    about: About
    stories: tuple[Story, ...]

    @property
    def drawn(self) -> bool:
        return any(story.state in _DRAWN for story in self.stories)

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
        rows=_place,
    )


def _place(story: Story, at: dt.datetime | None) -> str:
    """Where the rows of a story are: its row in the table of stories; of the own line, the hours of all ports."""
    return "#figure-ports-time" if story.kind in model.OWN else f"#{row(story)}"


def row(story: Story) -> str:
    return f"row-story-{story.id}"


def subjects(stories: Sequence[Story]) -> list[Subject]:
    """Stories put together by the port, country or network that they are about: ports first, own services last."""
    out: dict[tuple[int, tuple[Port, ...], str | None, int | None], list[Story]] = {}
    key: tuple[int, tuple[Port, ...], str | None, int | None]
    for one in stories:
        about = one.about
        if one.kind in _OWN_SERVICES:
            key = (3, about.ports, None, None)
        elif about.ports:
            key = (0, tuple(sorted(about.ports, key=str)), None, None)
        elif about.asn is not None:
            key = (2, (), None, about.asn)
        else:
            key = (1, (), about.country, None)
        out.setdefault(key, []).append(one)
    found = [_subject(key, own) for key, own in out.items()]
    order = {id(one): n for n, one in enumerate(found)}
    kinds = {id(one): key[0] for one, key in zip(found, out, strict=True)}
    return sorted(found, key=lambda one: (kinds[id(one)] == 3, not one.drawn, kinds[id(one)], order[id(one)]))


def _subject(key: tuple[int, tuple[Port, ...], str | None, int | None], own: Sequence[Story]) -> Subject:
    """What has ended is told before what goes on, as one reads it: the burst is over, the rest is as active as before."""
    _, ports, country, asn = key
    first = own[0]
    rest = sorted(own[1:], key=lambda one: one.state == "ended")
    about = About(ports, country, asn, first.about.sensor if not ports and country is None and asn is None else None)
    return Subject(about if ports or country is not None or asn is not None else first.about, (first, *rest))


# charts


def block(context: Context, subject: Subject, title: str) -> Block:
    """The hours of a subject, with what was found marked in them, and the rows."""
    found = context.answers.once_of(asked.hours, subject.about)
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
            thing=speech(context).name(subject.about),
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
    table = _table(context, found, say("stories.caption", thing=speech(context).name(subject.about)))
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
    if one.times is not None:
        return context.words("stories.mark_times", times=speech(context).times(one.times))
    return context.words("stories.mark")


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
