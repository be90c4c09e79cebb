"""Stories for others' programs: an Atom feed (RFC 4287), a JSON Feed (1.1), a calendar (RFC 5545); always the same bytes.

What was marked false is left out; in a calendar it is cancelled, since those who have it already keep what is only gone.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import quoteattr

from teiten import lang
from teiten.detect.model import DYNAMIC, MEANINGS, Story
from teiten.publish import atom as xml

if TYPE_CHECKING:
    from teiten.settings import Settings

FORMS: Final = ("atom", "json", "ics")
_SPACE: Final = uuid.UUID("0f9b7d0e-6a57-5c1b-9d0c-7a52b1f4c0de")
_HOUR: Final = dt.timedelta(hours=1)
_QUALIFIES: Final = frozenset({DYNAMIC})
"""kinds that say something of another story, and are none to be followed"""
_WIDTH: Final = 75
"""octets of a line of a calendar, at most (RFC 5545, 3.1)"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One story over the days that were asked for. Times are UTC."""

    id: str
    urn: str
    kind: str
    title: str
    text: str
    """what was told of it, a paragraph a day, the last day first"""
    first: dt.datetime
    last: dt.datetime | None
    """None: it goes on"""
    updated: dt.datetime
    sequence: int
    """how many days were told of it"""
    sure: bool
    false: bool
    data: Mapping[str, Any]
    """its numbers, for programs"""


@dataclass(frozen=True, slots=True)
class Feed:
    """What the whole is called, in which language, by whom, and where it is published."""

    title: str
    language: str
    author: str
    lake: str
    """the lake's id: two lakes' stories are not taken for each other's"""
    url: str = ""


def entries(
    days: Mapping[dt.date, Sequence[Story]], settings: Settings, feed: Feed, networks: Mapping[int, str] | None = None
) -> list[Entry]:
    """The stories of those days (`kept.span`), each once, what was told last first."""
    by_id: dict[str, list[Story]] = {}
    for day in sorted(days):
        for story in days[day]:
            if story.state != "resting" and story.kind not in _QUALIFIES:
                by_id.setdefault(story.id, []).append(story)
    made = [_entry(told, settings, feed, networks or {}) for told in by_id.values()]
    return sorted(made, key=lambda one: (-one.updated.timestamp(), one.id))


def _entry(told: Sequence[Story], settings: Settings, feed: Feed, networks: Mapping[int, str]) -> Entry:
    from teiten.report.words import Speech, plain, tell

    words = lang.words(feed.language)
    last = told[-1]
    paragraphs, title = [], ""
    for story in told:
        speech = Speech(words, settings, story.day, settings.zone, sensors=max(1, len(settings.sensors)), networks=networks)
        made = tell(speech, story)
        title = made.title
        # what it may mean is said once, with the last day
        told_now = (*made.sentences, *(made.doubts if story is last else ()))
        said = words.joined(*(plain(sentence) for sentence in told_now))
        paragraphs.append(f"{words.date(story.day)}{words('feed.colon')}{said}")
    sure = next((one.confidence for story in reversed(told) for one in story.detections), "likely")
    over = last.state in ("ended", "once")
    ends = [one.end or one.start + _HOUR for story in told for one in story.detections]
    midnight = dt.datetime.combine(last.day, dt.time(), settings.zone).astimezone(dt.UTC)
    updated = max([last.first, midnight, *ends])
    return Entry(
        id=last.id,
        urn=uuid.uuid5(_SPACE, f"{feed.lake} {last.id} {feed.language}").urn,
        kind=last.kind,
        title=title,
        text="\n".join(reversed(paragraphs)),
        first=last.first,
        last=(last.last or max(ends, default=midnight)) if over else None,
        updated=updated,
        sequence=max(0, last.days - 1),
        sure=sure != "possible",
        false=last.verdict == "false",
        data=_data(told),
    )


def _data(told: Sequence[Story]) -> dict[str, Any]:
    from teiten.alerts.words import about_table

    last = told[-1]
    return {
        "id": last.id,
        "kind": last.kind,
        "state": last.state,
        "about": about_table(last.about),
        "first": _utc(last.first),
        "last": _utc(last.last) if last.last else None,
        "days": last.days,
        "peak": _round(last.peak),
        "peak_day": last.peak_day.isoformat() if last.peak_day else None,
        "verdict": last.verdict,
        "because": last.because,
        "told": [
            {
                "day": story.day.isoformat(),
                "state": story.state,
                "times": _round(story.times),
                "rank": story.rank,
                "detections": [
                    {
                        "id": one.id, "kind": one.kind, "about": about_table(one.about), "start": _utc(one.start),
                        "end": _utc(one.end) if one.end else None, "packets": round(one.packets), "usual": _round(one.usual),
                        "times": _round(one.times), "measure": one.measure, "confidence": one.confidence,
                    }
                    for one in story.detections
                ],
            }
            for story in told
        ],
    }  # fmt: skip


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# Atom ---------------------------------------------------------------------------------------------------------------


def atom(found: Iterable[Entry], feed: Feed) -> bytes:
    """The feed. Its `updated` is that of its newest entry; of none, the beginning of 1970."""
    shown = [one for one in found if not one.false]
    newest = max((one.updated for one in shown), default=dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    own = [f'<link rel="self" type="application/atom+xml" href={quoteattr(feed.url)}/>'] if feed.url else []
    name = uuid.uuid5(_SPACE, f"{feed.lake} {feed.language}").urn
    lines = [_atom_entry(one, feed) for one in shown]
    return xml.feed(name, feed.title, feed.author, _utc(newest), own, lines, feed.language)


def _atom_entry(one: Entry, feed: Feed) -> tuple[str, ...]:
    label = MEANINGS[one.kind][1 if feed.language == "ja" else 0]
    return (
        "<entry>",
        f"  <id>{one.urn}</id>",
        f"  <title>{xml.text(one.title)}</title>",
        f"  <published>{_utc(one.first)}</published>",
        f"  <updated>{_utc(one.updated)}</updated>",
        f"  <category term={quoteattr(one.kind)} label={quoteattr(label)}/>",
        f'  <content type="text">{xml.text(one.text)}</content>',
        "</entry>",
    )


# JSON Feed ----------------------------------------------------------------------------------------------------------


def as_json(found: Iterable[Entry], feed: Feed) -> bytes:
    """JSON Feed 1.1; the numbers of each story are in its `_teiten`."""
    table: dict[str, Any] = {"version": "https://jsonfeed.org/version/1.1", "title": feed.title, "language": feed.language}
    if feed.url:
        table["feed_url"] = feed.url
    table["authors"] = [{"name": feed.author}]
    table["items"] = [
        {
            "id": one.urn, "title": one.title, "content_text": one.text, "date_published": _utc(one.first),
            "date_modified": _utc(one.updated), "tags": [one.kind], "_teiten": dict(one.data),
        }
        for one in found if not one.false
    ]  # fmt: skip
    return (json.dumps(table, ensure_ascii=False, indent=1) + "\n").encode()


# iCalendar ----------------------------------------------------------------------------------------------------------


def calendar(found: Iterable[Entry], feed: Feed) -> bytes:
    """A calendar with an event a story, from its beginning to its end, or to what is known of it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//teiten//stories//EN", "CALSCALE:GREGORIAN"]
    lines += [f"NAME;LANGUAGE={feed.language}:{_text(feed.title)}", f"X-WR-CALNAME:{_text(feed.title)}"]
    for one in found:
        end = max(one.last or one.updated, one.first + _HOUR)
        lines += [
            "BEGIN:VEVENT",
            f"UID:{one.urn.removeprefix('urn:uuid:')}",
            f"DTSTAMP:{_stamp(one.updated)}",
            f"LAST-MODIFIED:{_stamp(one.updated)}",
            f"SEQUENCE:{one.sequence + (1 if one.false else 0)}",
            f"DTSTART:{_stamp(one.first)}",
            f"DTEND:{_stamp(end)}",
            f"SUMMARY;LANGUAGE={feed.language}:{_text(one.title)}",
            f"DESCRIPTION;LANGUAGE={feed.language}:{_text(one.text)}",
            f"CATEGORIES:{_text(one.kind)}",
            f"STATUS:{'CANCELLED' if one.false else 'CONFIRMED' if one.sure else 'TENTATIVE'}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line)).encode()


def _stamp(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    """A TEXT value (RFC 5545, 3.3.11)."""
    plain = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\r\n", "\n").replace("\n", "\\n")
    return "".join(c for c in plain if c >= " " and c != "\x7f")


def _folded(line: str) -> list[str]:
    """The line in parts of at most 75 octets, never within a character; those after the first begin with a space."""
    parts, part, size = [], "", 0
    for character in line:
        width = len(character.encode())
        if size + width > _WIDTH:
            parts.append(part)
            part, size = " ", 1
        part += character
        size += width
    return [*parts, part]
