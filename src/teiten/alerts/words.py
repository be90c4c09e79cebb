"""What is told at once, in words: a title and a text for each thing, and one message of all that goes out together.

Stories are spoken of as the daily report does (`report.words`); here are an alert's words around them. No address is named.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from teiten import lang
from teiten.alerts.channels import Message
from teiten.alerts.notices import Notice
from teiten.detect import taught
from teiten.detect.model import About, Story

if TYPE_CHECKING:
    from teiten.settings import Settings

_TITLES = 2
"""things that a message's title names"""


def said(
    one: Notice, story: Story | None, settings: Settings, now: dt.datetime, codes: Iterable[str], networks: Mapping[int, str]
) -> dict[str, tuple[str, str]]:
    """Title and text of one thing by language. `networks`: AS -> its holder."""
    return {code: _said(one, story, settings, now, code, networks) for code in codes}


def _said(
    one: Notice, story: Story | None, settings: Settings, now: dt.datetime, code: str, networks: Mapping[int, str]
) -> tuple[str, str]:
    words = lang.words(code)
    if story is None:
        return _of_sensor(one, settings, words)
    from teiten.report.words import Speech, plain, tell

    day = story.day
    speech = Speech(words, settings, day, settings.zone, sensors=max(1, len(settings.sensors)), networks=networks)
    made = tell(speech, story)
    title = made.title
    if one.what == "grew" and one.before and one.times:
        title = words("alert.grew", title=title, times=speech.times(one.times / one.before))
    elif one.what == "ended":
        # what has ended says so in its title; what came and went does not
        title = words("alert.update" if story.state == "ended" else "alert.over", title=title)
    lines = [words.joined(*(plain(sentence) for sentence in made.sentences))]
    if made.doubts:
        lines.append(words.joined(*(plain(sentence) for sentence in made.doubts)))
    if made.sure and one.what != "ended":
        lines.append(made.sure)
    if one.watch:
        lines.append(words("alert.watch", name=one.watch))
    asof = words("alert.asof", moment=words.moment(now.astimezone(settings.zone)))
    lines.append(words("alert.rows", id=one.key, asof=asof))
    return title, "\n".join(lines)


def _of_sensor(one: Notice, settings: Settings, words: lang.Words) -> tuple[str, str]:
    """A sensor that fell silent, or speaks again."""
    name = taught.about_of(one.about).sensor or ""
    since = words.moment(one.since.astimezone(settings.zone))
    if one.what == "back":
        length = words.duration((one.until or one.since) - one.since)
        return words("alert.back_title", sensor=name), words("alert.back", sensor=name, since=since, length=length)
    usual = words.number(one.usual or 0, 1 if (one.usual or 0) < 10 else 0)
    return words("alert.silent_title", sensor=name), words("alert.silent", sensor=name, since=since, usual=usual)


def message(out: Sequence[Notice], number: str, now: dt.datetime, code: str, answers: str | None, zone: Any) -> Message:
    """All that goes out now, in one language."""
    words = lang.words(code)
    told = [one.said.get(code) or next(iter(one.said.values()), ("", "")) for one in out]
    titles = [title for title, _ in told]
    if len(out) == 1:
        title = words("alert.title", title=titles[0])
        text = told[0][1]
    else:
        more = len(out) - _TITLES
        named = words("number.semicolon").join(titles[:_TITLES])
        title = words("alert.title", title=words("alert.more", titles=named, n=more) if more > 0 else named)
        text = "\n\n".join(f"{n}. {head}\n{body}" for n, (head, body) in enumerate(told, 1))
    end = words("alert.end", moment=words.moment(now.astimezone(zone)))
    items = tuple(_item(one, head, body) for one, (head, body) in zip(out, told, strict=True))
    return Message(number, now.isoformat(timespec="seconds"), code, title, f"{text}\n\n{end}", items, answers)


def _item(one: Notice, title: str, text: str) -> dict[str, Any]:
    """One thing for programs."""
    return {
        "id": one.key,
        "what": one.what,
        "kind": one.kind,
        "title": title,
        "text": text,
        "about": about_table(taught.about_of(one.about)),
        "since": one.start,
        "until": one.end,
        "packets": round(one.packets),
        "usual": None if one.usual is None else round(one.usual, 1),
        "times": None if one.times is None else round(one.times, 2),
        "measure": one.measure,
        "sources": one.sources,
        "confidence": one.confidence,
        "parts": [{"what": what, "key": key, "share": share} for what, key, share in one.parts],
        "watch": one.watch,
    }


def about_table(about: About) -> dict[str, Any]:
    """What a thing is about, for programs: ports as 25/tcp. Country "" and AS 0 are the unknown ones."""
    return {
        "ports": [_port(*port) for port in about.ports],
        "country": about.country,
        "asn": about.asn,
        "sensor": about.sensor,
        "group": about.group,
    }


def _port(protocol: int, port: int | None) -> str:
    from teiten.data import ports

    name = ports.PROTOCOLS.get(protocol, str(protocol))
    return name if port is None else f"{port}/{name}"


def trial(now: dt.datetime, code: str, number: str, zone: Any) -> Message:
    """What `teiten alert --test` sends."""
    words = lang.words(code)
    text = words("alert.test", moment=words.moment(now.astimezone(zone)))
    return Message(number, now.isoformat(timespec="seconds"), code, words("alert.title", title=words("alert.test_title")), text)
