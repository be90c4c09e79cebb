"""The parts of a story's page: numbers, each detection's hours beside the usual ones, its reason, who carries it, its days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from teiten.report.model import Fact
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table
from teiten.web.pages import _stories, _story_reason, stories
from teiten.web.speech import Speech

if TYPE_CHECKING:
    from teiten.detect.model import Detection, Story

_MOST_DIGITS: Final = 12.0
"""a chance smaller than one in a million million is said to be that"""


def facts(asked: Asked, story: Story) -> list[Fact]:
    """Kind, since when, how many times the usual."""
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    out = [
        Fact(say("web_story.kind"), _stories.kind(asked.lang, story.kind)),
        Fact(say("web_story.since"), speech.at(story.first), _until(speech, story)),
    ]
    if story.times is not None:
        most = story.peak is not None and story.peak_day is not None
        note = say("web_story.peak", times=f"{story.peak:,.1f}", day=words.plain(story.peak_day)) if most else ""  # type: ignore[arg-type]
        out.append(Fact(say("web.times"), f"{story.times:,.1f}", note))
    if story.rank is not None:
        note = say("web_story.rank_before", n=story.rank_before) if story.rank_before is not None else ""
        out.append(Fact(say("web_story.rank"), words.number(story.rank), note))
    return out


def _until(speech: Speech, story: Story) -> str:
    return speech.say("web_story.goes_on") if story.last is None else speech.say("web_story.until", at=speech.at(story.last))


def detection(own: Asked, one: Detection, number: int) -> list[Part]:
    """A detection: its hours (or days) with what is usual, the thresholds in force, and who carries it."""
    speech = Speech.of(own)
    say = speech.say
    title = f"{_stories.kind(own.lang, one.kind)} ({speech.words.plain(one.day)})"
    figure = _story_reason.figure(own, one, number, title)
    out = [
        Part(f"why-{number}", title, sentences=_sentences(speech, one), figure=figure, table=_story_reason.table(speech, one))
    ]
    if one.parts:
        out.append(Part(f"carried-{number}", say("web_story.carried"), table=_carried(own, one)))
    return out


def _sentences(speech: Speech, one: Detection) -> list[str]:
    say = speech.say
    hosts = say("web_story.of_hosts", n=round(one.hosts)) if one.hosts is not None else ""
    out = [say("web_story.packets", n=round(one.packets), hosts=hosts)]
    if one.usual is None:
        out.append(say("web_story.no_usual"))
    else:
        times = say("web_story.times_it", times=f"{one.times:,.1f}") if one.times is not None else ""
        out.append(say("web_story.usual", usual=f"{one.usual:,.1f}", times=times))
    if one.score:
        far = one.score > _MOST_DIGITS
        days = speech.words.large(round(10 ** min(one.score, _MOST_DIGITS)))
        out.append(say("web_story.chance_less" if far else "web_story.chance", days=days))
    if one.sources:
        out.append(say(f"web_story.sources_{one.sources}"))
    told = one.reason.get("taught")
    if isinstance(told, Mapping):
        out.append(say("web_story.taught", story=str(told.get("story")), factor=f"{float(told.get('factor') or 0):g}"))
    return out


def _carried(own: Asked, one: Detection) -> Table:
    speech = Speech.of(own)
    say, words = speech.say, speech.words
    rows: list[Row] = []
    for part in one.parts[:12]:
        what = say(f"web_story.part_{part.what}") if f"web_story.part_{part.what}" in words else part.what
        share = Cell(words.percent(part.share), share=max(0.0, min(1.0, part.share)))
        since = speech.at(part.since) if part.since else ""
        rows.append((_named(own, part.what, part.key), what, words.number(round(part.packets)), share, since))
    columns = [Column(say("web_story.who"), "text"), Column(say("web_story.what"), "text"), Column(say("web.packets")),
               Column(say("web_story.share")), Column(say("web_story.joined"), "text", spare=True)]  # fmt: skip
    return Table(say("web_story.carried"), columns, rows)


def _named(own: Asked, what: str, key: str) -> Cell:
    """Who carries it, with the way to their page."""
    speech = Speech.of(own)
    unknown = speech.say("thing.unknown")
    if what == "country":
        return speech.thing("countries", {"country": key or None})
    if what == "asn":
        number = int(key) if key.isdigit() else 0
        return speech.thing("asns", {"asn": number or None})
    if what == "port":
        port, _, protocol = key.partition("/")
        if protocol.isdigit():
            return speech.thing("ports", {"protocol": int(protocol), "dst_port": int(port) if port.isdigit() else None})
    if what == "sensor":
        return speech.thing("sensors", {"sensor": key})
    if what == "prefix" and key:
        return Cell(key, own.url(place("source", key)))
    return Cell(key or unknown)


def days(asked: Asked, history: Sequence[Story]) -> Part:
    """What became of it, the last day first."""
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    rows = [
        (words.plain(one.day), stories.state(speech, one), "–" if one.times is None else f"{one.times:,.1f}",
         words.number(one.rank) if one.rank else "–", ", ".join(_stories.kind(asked.lang, d.kind) for d in one.detections))
        for one in reversed(history) if one.state != "resting"
    ]  # fmt: skip
    columns = [Column(say("web.day"), "text"), Column(say("web.state"), "text"), Column(say("web.times")),
               Column(say("web_story.rank")), Column(say("web_story.detected"), "text", spare=True)]  # fmt: skip
    return Part("days", say("web_story.days"), table=Table(say("web_story.days"), columns, rows))
