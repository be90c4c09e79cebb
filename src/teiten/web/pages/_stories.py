"""Stories in words, as the daily report says them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from teiten.report.words import Speech as Telling
from teiten.report.words import plain, tell
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Row, Table
from teiten.web.pool import Pool
from teiten.web.speech import Speech

if TYPE_CHECKING:
    from teiten.detect.model import Story

MOST_DAYS = 31


async def told(asked: Asked, pool: Pool, *, marked: bool = False) -> dict[dt.date, list[Story]]:
    """The stories of the span's days (its last 31), those that go on and those that came; unless `marked`, without those that
    the analyst says are false."""
    from teiten.detect import kept

    zone = asked.settings.zone
    first, last = asked.start.astimezone(zone).date(), (asked.end - dt.timedelta(microseconds=1)).astimezone(zone).date()
    wanted = [last - dt.timedelta(days=n) for n in range(min(MOST_DAYS, (last - first).days + 1))]

    def ask(session: Any) -> dict[dt.date, list[Story]]:
        return kept.span(session.lake, asked.settings, wanted)

    found = await pool.ask(("stories", tuple(wanted)), ask)
    return {
        day: [one for one in found[day] if one.state != "resting" and (marked or one.verdict != "false")]
        for day in sorted(found, reverse=True)
    }


def latest(found: Mapping[dt.date, Sequence[Story]]) -> list[Story]:
    """Each story once, as it stands on the last of those days on which it is told; the latest first."""
    out: dict[str, Story] = {}
    for day in sorted(found, reverse=True):
        for story in found[day]:
            out.setdefault(story.id, story)
    return list(out.values())


def kind(code: str, kind: str) -> str:
    """What that kind of change is, in words; the kind itself where nobody has said it."""
    from teiten.detect.model import MEANINGS

    en, ja = MEANINGS.get(kind, (kind, kind))
    return ja if code == "ja" else en


def words(asked: Asked, story: Story) -> tuple[str, list[str], list[str], str]:
    """Title, sentences, what it may mean, how sure."""
    speech = Speech.of(asked)
    said = tell(
        Telling(speech.words, asked.settings, story.day, asked.settings.zone, sensors=max(1, len(asked.settings.sensors))),
        story,
    )
    return said.title, [plain(one) for one in said.sentences], [plain(one) for one in said.doubts], said.sure


def table(asked: Asked, found: Sequence[Story]) -> Table:
    """A line a story, with the way to its page."""
    speech = Speech.of(asked)
    say = speech.say
    columns = [
        Column(say("web.day"), "text"),
        Column(say("web.story"), "text"),
        Column(say("web.times")),
        Column(say("web.days"), spare=True),
    ]
    rows: list[Row] = [
        (
            speech.day(one.day),
            Cell(words(asked, one)[0], asked.url(place("story", one.id))),
            "–" if one.times is None else f"{one.times:,.1f}",
            speech.words.number(one.days),
        )
        for one in found
    ]
    return Table(say("web.stories"), columns, rows, note=say("web.times_note"))
