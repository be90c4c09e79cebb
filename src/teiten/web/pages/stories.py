"""Stories: each that is told of in the span, as it stands; by kind, whether it goes on, port, country."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from teiten.errors import UsageError
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table, View
from teiten.web.pages import _notes, _stories
from teiten.web.pool import Pool
from teiten.web.speech import Speech

if TYPE_CHECKING:
    from teiten.detect.model import Story

PATH = "/stories"
SEES = "viewer"
NAV = (15, "web.stories")

OVER = ("ended", "once")
"""states of a story that is over"""
STANDS = ("any", "open", "over", "false")
"""of the word `state`"""


async def build(asked: Asked, pool: Pool) -> View:
    from teiten.detect.model import MEANINGS

    speech = Speech.of(asked)
    say = speech.say
    change, stands = asked.words.get("change", ""), asked.words.get("state", "any")
    if change and change not in MEANINGS:
        raise UsageError(f"There is no kind '{change[:40]}'.", hint=f"There are: {', '.join(sorted(MEANINGS))}.")
    if stands not in STANDS:
        raise UsageError(f"state '{stands[:40]}' is unknown.", hint=f"Choose one of: {', '.join(STANDS)}.")
    every = _stories.latest(await _stories.told(asked, pool, marked=True))
    about = [one for one in every if _about(asked, one)]
    standing = [one for one in about if _stands(one, stands)]
    shown = [one for one in standing if not change or one.kind == change]
    parts = [
        Part("filter", say("web_story.choose"), links=_choices(asked, about, standing, change, stands)),
        Part("stories", say("web.stories"), table=_table(asked, shown), empty=say("web_story.none")),
        *_notes.part(asked, [note for note in await _notes.every(pool) if note["kind"] == "story"]),
        Part("feeds", say("web_story.feeds"), sentences=[say("web_story.feeds_say")], links=_feeds(asked)),
    ]
    return View(say("web.stories"), parts, lead=[speech.span()], bar="filters")


def _about(asked: Asked, story: Story) -> bool:
    """Is it about what the filters on port, country, AS and sensor let through? One that states none of it is."""
    wanted, about = asked.filters, story.about
    if wanted.port and not any(
        port.first <= (number if number is not None else -1) <= port.last and port.protocol in (None, protocol)
        for port in wanted.port
        for protocol, number in about.ports
    ):
        return False
    if wanted.country and (about.country is None or (about.country or None) not in wanted.country):
        return False
    if wanted.asn and (about.asn is None or (about.asn or None) not in wanted.asn):
        return False
    return not wanted.sensor or about.sensor is None or about.sensor in wanted.sensor


def _stands(story: Story, wanted: str) -> bool:
    if wanted == "false":
        return story.verdict == "false"
    if story.verdict == "false":
        return False
    return wanted == "any" or (story.state in OVER) == (wanted == "over")


def _choices(asked: Asked, about: Sequence[Story], standing: Sequence[Story], change: str, stands: str) -> list[Cell]:
    """Ways to fewer of them, each with how many there are."""
    say = Speech.of(asked).say
    out = []
    for name in STANDS:
        many = sum(_stands(one, name) for one in about)
        text = say("web_story.choice", what=say(f"web_story.stands_{name}"), n=many)
        out.append(Cell(text, "" if name == stands else asked.url(state=None if name == "any" else name)))
    kinds = Counter(one.kind for one in standing)
    if change:
        out.append(Cell(say("web_story.every_kind"), asked.url(change=None)))
    for name, many in kinds.most_common():
        text = say("web_story.choice", what=_stories.kind(asked.lang, name), n=many)
        out.append(Cell(text, "" if name == change else asked.url(change=name)))
    return out


def _table(asked: Asked, shown: Sequence[Story]) -> Table:
    speech = Speech.of(asked)
    say, words, zone = speech.say, speech.words, asked.settings.zone
    columns = [Column(say("web.story"), "text"), Column(say("web_story.kind"), "text", spare=True),
               Column(say("web.state"), "text"), Column(say("web_story.since"), "text"),
               Column(say("web_story.last_told"), "text", spare=True), Column(say("web.times")),
               Column(say("web.days"), spare=True)]  # fmt: skip
    rows: list[Row] = [
        (
            Cell(_stories.words(asked, one)[0], asked.url(place("story", one.id), state=None, change=None)),
            _stories.kind(asked.lang, one.kind),
            state(speech, one),
            speech.day(one.first.astimezone(zone).date()),
            speech.day(one.day),
            "–" if one.times is None else f"{one.times:,.1f}",
            words.number(one.days),
        )
        for one in shown
    ]
    return Table(say("web.stories"), columns, rows, note=say("web.times_note"), rows_url=asked.url("/api/v1/stories"))


def state(speech: Speech, story: Story) -> str:
    """How it stands, and what the analyst says of it."""
    said = speech.say(f"web_story.state_{story.state}")
    if story.verdict is None:
        return said
    return speech.say("web_story.state_marked", state=said, verdict=speech.say(f"web_story.is_{story.verdict}"))


def _feeds(asked: Asked) -> list[Cell]:
    say = Speech.of(asked).say
    forms = (("atom", "Atom"), ("json", "JSON Feed"), ("ics", "iCalendar"))
    return [Cell(say("web_story.feed", form=name), f"/feed/stories.{form}?lang={asked.lang}") for form, name in forms]
