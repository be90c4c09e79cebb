"""Feeds of stories: by the letter of RFC 4287, JSON Feed 1.1 and RFC 5545, and the same bytes from the same stories."""

from __future__ import annotations

import datetime as dt
import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.alerts import feeds
from teiten.detect.model import DYNAMIC, About, Story

from . import making
from .making import DAY, NOW, SETTINGS

FEED = feeds.Feed(
    "観測された変化 <&>", "ja", "CERT & Co", "11111111-2222-3333-4444-555555555555", "https://example.org/s.xml?a=1&b=2"
)
ATOM = "{http://www.w3.org/2005/Atom}"
DAYS = {
    DAY: [making.story(), making.story(making.detection(kind=DYNAMIC, about=About(((6, 9),))))],
    DAY + dt.timedelta(days=1): [
        making.later(
            making.story(day=DAY + dt.timedelta(days=1), state="ended", last=NOW + dt.timedelta(hours=20), days=2), 2.0
        ),
        making.story(making.detection(about=About(((6, 23),), "EE"), confidence="possible")),
        making.story(making.detection(about=About(((17, 53),))), verdict="false", because="自分の試験"),
        making.story(making.detection(about=About(((6, 80),))), state="resting"),
    ],
}


def entries(days: dict[dt.date, Sequence[Story]] | None = None, feed: feeds.Feed = FEED) -> list[feeds.Entry]:
    return feeds.entries(DAYS if days is None else days, SETTINGS, feed)


def test_each_story_is_one_entry_with_its_days() -> None:
    found = entries()
    assert len(found) == 3
    first = next(one for one in found if one.id == making.story().id)
    days = [line.partition("　")[0] for line in first.text.splitlines()]
    assert days == ["2026年3月11日(水)", "2026年3月10日(火)"]
    assert (first.first, first.last, first.sequence) == (NOW - dt.timedelta(hours=2), NOW + dt.timedelta(hours=20), 1)
    assert first.data["about"]["ports"] == ["25/tcp", "465/tcp"] and len(first.data["told"]) == 2


def test_atom_by_rfc_4287() -> None:
    root = ET.fromstring(feeds.atom(entries(), FEED))
    assert root.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated"):
        assert len(root.findall(f"{ATOM}{name}")) == 1
    assert root.findtext(f"{ATOM}title") == FEED.title and root.findtext(f"{ATOM}author/{ATOM}name") == FEED.author
    link = root.find(f"{ATOM}link")
    assert link is not None and link.get("href") == FEED.url and link.get("rel") == "self"
    shown = root.findall(f"{ATOM}entry")
    assert len(shown) == 2, "without what was marked false"
    ids = [one.findtext(f"{ATOM}id") or "" for one in shown]
    assert len(set(ids)) == 2 and all(one.startswith("urn:uuid:") for one in ids)
    for one in shown:
        for name in ("id", "title", "updated", "published", "content"):
            assert len(one.findall(f"{ATOM}{name}")) == 1, name
        for name in ("updated", "published"):
            moment = dt.datetime.fromisoformat((one.findtext(f"{ATOM}{name}") or "").replace("Z", "+00:00"))
            assert moment.tzinfo is not None
    newest = max(one.findtext(f"{ATOM}updated") or "" for one in shown)
    assert root.findtext(f"{ATOM}updated") == newest
    assert ET.fromstring(feeds.atom([], FEED)).findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"


def test_json_feed() -> None:
    table = json.loads(feeds.as_json(entries(), FEED))
    assert table["version"] == "https://jsonfeed.org/version/1.1" and table["title"] == FEED.title
    assert len(table["items"]) == 2
    for item in table["items"]:
        assert {"id", "title", "content_text", "date_published", "date_modified"} <= set(item)
        assert item["_teiten"]["id"] and item["_teiten"]["told"]


def unfolded(data: bytes) -> list[str]:
    """The lines of a calendar, held against RFC 5545, 3.1."""
    assert data.endswith(b"\r\n") and b"\n" not in data.replace(b"\r\n", b"")
    for line in data.split(b"\r\n"):
        assert len(line) <= 75
        line.decode("utf-8")
    return data.decode().replace("\r\n ", "").split("\r\n")[:-1]


def test_a_calendar_by_rfc_5545() -> None:
    data = feeds.calendar(entries(), FEED)
    lines = unfolded(data)
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-1] == "END:VCALENDAR"
    assert "VERSION:2.0" in lines and any(line.startswith("PRODID:") for line in lines)
    library = pytest.importorskip("icalendar")
    (calendar,) = [library.Calendar.from_ical(data)]
    events = calendar.walk("VEVENT")
    assert len(events) == 3
    by_status = {str(one["STATUS"]): one for one in events}
    assert set(by_status) == {"CONFIRMED", "TENTATIVE", "CANCELLED"}
    one = by_status["CONFIRMED"]
    assert one["DTSTART"].dt == NOW - dt.timedelta(hours=2) and one["DTEND"].dt == NOW + dt.timedelta(hours=20)
    texts = {str(event["UID"]): event for event in events}
    for entry in entries():
        event = texts[entry.urn.removeprefix("urn:uuid:")]
        assert str(event["SUMMARY"]) == entry.title and str(event["DESCRIPTION"]) == entry.text
        assert event["DTEND"].dt > event["DTSTART"].dt
    assert not calendar.errors and not any(event.errors for event in events)


def test_the_same_stories_the_same_bytes_in_whatever_order_of_days() -> None:
    backwards = dict(reversed(DAYS.items()))
    for form in (feeds.atom, feeds.as_json, feeds.calendar):
        assert form(entries(), FEED) == form(entries(backwards), FEED)
    other = replace(FEED, lake="another")
    assert {one.urn for one in entries()}.isdisjoint(one.urn for one in entries(feed=other))


ENTRY = entries()[0]


@given(st.text(max_size=200))
def test_whatever_a_text_holds_a_calendar_and_xml_hold_it(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    entry = replace(ENTRY, title=text, text=text)
    ET.fromstring(feeds.atom([entry], FEED))
    lines: list[Any] = unfolded(feeds.calendar([entry], FEED))
    (line,) = [one for one in lines if one.startswith("DESCRIPTION")]
    told = line.partition(":")[2].replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\")
    if "\\" not in text and "\r" not in text:
        assert told == "".join(c for c in text if c == "\n" or (c >= " " and c != "\x7f"))
