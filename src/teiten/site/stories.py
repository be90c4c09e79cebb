"""Stories that strangers may read: those which the published figures show by themselves, in these figures' words.

A story knows more than is published: hours, exact counts, what a single sensor saw. So none of its words are taken over.
What is told is its thing (a port, a country, an AS that has a cell of its own), its days, and how many times the usual the
rounded figures of these days are. A story whose rise they do not show is not told.
"""

from __future__ import annotations

import datetime as dt
import statistics
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from teiten.alerts import feeds
from teiten.detect import model
from teiten.detect.model import MEANINGS, OWN, WATCH, Story
from teiten.publish.release import rounded
from teiten.site.book import ALL, Book
from teiten.site.parts import Say

LEAST_TIMES: Final = 1.3
"""how many times the days before a day's figure is, at least, for a rise to be told"""
BEFORE: Final = 14
"""days before a story that are its usual"""
LEAST_BEFORE: Final = 5
"""of them, without which nothing is said"""
_AMOUNT: Final = frozenset(
    {
        model.BURST,
        model.NEW_PORT,
        model.RISING,
        model.HIGH,
        model.SPREADING,
        model.PORT_GROUP,
        model.CAMPAIGN,
        model.FALLING,
        model.ENDED,
    }
)
"""kinds that are a rise of a thing, now or before"""
_SPACE: Final = uuid.UUID("7c1f3a52-5d0e-5b8e-8a6d-21d7a0a4e6b3")


@dataclass(frozen=True, slots=True)
class Public:
    """A story as it may be told. packets, usual: of a sensor and day, rounded; `ended` None: it goes on."""

    what: str
    key: str
    kind: str
    first: dt.date
    peak: dt.date
    last: dt.date
    ended: bool
    packets: float
    usual: float
    times: float
    sequence: int
    sure: bool


def public(told: Mapping[dt.date, Sequence[Story]], book: Book, since: dt.date) -> list[Public]:
    """The stories of those days (`kept.span`) that the book shows, the newest first; one for each thing and beginning."""
    days: dict[str, list[Story]] = {}
    for day in sorted(told):
        for story in told[day]:
            days.setdefault(story.id, []).append(story)
    out: dict[tuple[str, str, dt.date], Public] = {}
    for own in days.values():
        last = own[-1]
        if last.kind in OWN or last.kind == WATCH or last.kind not in _AMOUNT or last.verdict == "false":
            continue
        for what, key in _things(last):
            found = _shown(own, what, key, book)
            if found is not None and found.last >= since:
                known = out.get((what, key, found.first))
                if known is None or found.times > known.times:
                    out[what, key, found.first] = found
    return sorted(out.values(), key=lambda one: (-one.last.toordinal(), -one.times, one.what, one.key))


def _things(story: Story) -> list[tuple[str, str]]:
    """What it is about, as the counts name it: ports, else the country, else the AS. A pair of them is not published."""
    about = story.about
    if about.ports:
        return [("port", f"{'' if port is None else port}/{protocol}") for protocol, port in about.ports]
    if about.country:
        return [("country", about.country)]
    return [("asn", str(about.asn))] if about.asn else []


def _shown(own: Sequence[Story], what: str, key: str, book: Book) -> Public | None:
    first = own[0].first.astimezone(book.settings.zone).date()
    last_told = book.last()
    if last_told is None or first > last_told:
        return None
    days = sorted({story.day for story in own if story.day <= last_told} | {first})
    here = {day: value for day in days if (value := _value(book, what, key, day)) is not None}
    before = [first - dt.timedelta(days=n) for n in range(1, BEFORE + 1)]
    told = [day for day in before if _told(book, day)]
    if not here or len(told) < LEAST_BEFORE:
        return None
    # what was too rare to be told counts as the most that it can have been
    least = book.rules.least_packets / max(1, len(book.groups[ALL]))
    usual = statistics.median(v if (v := _value(book, what, key, day)) is not None else least for day in told)
    peak = max(here, key=lambda day: (here[day], day))
    times = here[peak] / usual if usual else 0.0
    if times < LEAST_TIMES:
        return None
    last = own[-1]
    sure = next((one.confidence for story in reversed(own) for one in story.detections), "likely") != "possible"
    return Public(
        what,
        key,
        last.kind,
        first,
        peak,
        max(days),
        last.state in ("ended", "once", "resting"),
        here[peak],
        rounded(usual, book.rules),
        rounded(times, book.rules),
        len(days) - 1,
        sure,
    )


def _value(book: Book, what: str, key: str, day: dt.date) -> float | None:
    return book.cell(what, key, ALL, book.span(day, day)).packets


def _told(book: Book, day: dt.date) -> bool:
    return book.enough(ALL, book.span(day, day), 1)


def title(say: Say, one: Public) -> str:
    """23/tcp: many more within hours than is usual."""
    meaning = MEANINGS[one.kind][1 if say.words.lang == "ja" else 0]
    return say.words("site.story_title", thing=say.thing(one.what, one.key), meaning=meaning)


def text(say: Say, one: Public) -> str:
    """How much, against the days before, since when, and whether it came to an end."""
    words = say.words
    said = [words("site.story_since", day=words.date(one.first))]
    said.append(
        words(
            "site.story_text",
            day=words.date(one.peak),
            packets=say.rate(one.packets),
            usual=say.rate(one.usual),
            times=words.number(one.times, 0 if one.times >= 10 else 1),
        )
    )
    if one.ended:
        said.append(words("site.story_ended", day=words.date(one.last)))
    return words.joined(*said)


def entries(say: Say, found: Sequence[Public], site: str) -> list[feeds.Entry]:
    """The stories for feeds; times are midnights of their days."""
    zone = say.settings.zone

    def midnight(day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)

    out = []
    for one in found:
        name = uuid.uuid5(_SPACE, f"{site} {one.what} {one.key} {one.first} {say.words.lang}")
        after = midnight(one.last + dt.timedelta(days=1))
        out.append(
            feeds.Entry(
                id=name.hex[:8],
                urn=name.urn,
                kind=one.kind,
                title=title(say, one),
                text=text(say, one),
                first=midnight(one.first),
                last=after if one.ended else None,
                updated=after,
                sequence=one.sequence,
                sure=one.sure,
                false=False,
                data={"what": one.what, "key": one.key, "packets": one.packets, "usual": one.usual, "times": one.times},
            )
        )
    return out
