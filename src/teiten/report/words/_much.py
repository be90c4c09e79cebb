"""How much it was: beside the usual, who carries it, few sources or many, its place in the ranking."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from teiten.detect import model
from teiten.detect.model import Detection, Part, Port, Story
from teiten.report.model import Paragraph
from teiten.report.words._speech import Speech

MAIN: Final = 0.5
"""a part with at least this share of what is above the usual carries it"""
TOGETHER: Final = 0.5
"""and two or three together, where they have at least this share"""
SECOND: Final = 0.2
"""beside one that carries it, another is named from this share"""
LED: Final = 2.0
"""times the second's share, from which the first is told to lead"""
SPREAD: Final = 0.2
"""where none has this share, and there are many, it comes from everywhere"""
MANY: Final = 5
SMALL: Final = 0.05
"""a part below this share is not named"""
MOST: Final = 3
MORE: Final = 1.5
"""times the usual, from which a number of hosts is worth a sentence"""
HARDLY: Final = 1.0
"""packets below which the usual is next to nothing"""
DAYS: Final = frozenset({model.RISING, model.HIGH, model.FALLING, model.ENDED, model.SPREADING})
"""kinds whose counts are a day's"""


def packets(speech: Speech, story: Story, one: Detection) -> Paragraph | None:
    """この間に届いたのは1,234パケットで、ふだん(30パケット)の約41倍です。 Nothing where there is no count."""
    if one.packets < 1:
        return None
    count = [speech.linked(speech.count(one.packets), story)]
    span = "day" if one.kind in DAYS else "hours"
    if one.usual is None:
        return speech.turn(f"tell.{span}_only", count=count, today=speech.today)
    if one.usual < HARDLY:
        return speech.turn(f"tell.{span}_packets_never", count=count, today=speech.today)
    fields = {"usual": speech.count(one.usual), "times": speech.times(one.packets / one.usual)}
    return speech.turn(f"tell.{span}_packets", count=count, today=speech.today, **fields)


def hosts(speech: Speech, story: Story, one: Detection) -> Paragraph | None:
    """発信元のホスト数は、ふだんの約8倍です: where it is the hosts that stand out, and not as much the packets."""
    if (
        one.measure != "hosts"
        or one.times is None
        or one.times < MORE
        or one.sources == "few"
        or not one.usual
        or one.times < 2 * one.packets / max(one.usual, HARDLY)
    ):
        return None
    return speech.turn("tell.hosts_times", times=[speech.linked(speech.times(one.times), story)])


def some(*sentences: Paragraph | None) -> list[Paragraph]:
    """Those of them that there are."""
    return [one for one in sentences if one is not None]


def carried(speech: Speech, story: Story, one: Detection) -> Paragraph | None:
    """増えた分の92%は米国発です。 What is not in the noun yet: the country, else the network or the ports."""
    if one.about.country is None and story.about.country is None:
        said = _carried(speech, story, [p for p in one.parts if p.what == "country"], "country")
        if said is not None:
            return said
    if not one.about.ports:
        said = _carried(speech, story, [p for p in one.parts if p.what == "port"], "port")
        if said is not None:
            return said
    if one.about.asn is None:
        nets = [p for p in one.parts if p.what == "asn" and p.share >= MAIN and p.key not in ("", "0")]
        if nets:
            return _carried(speech, story, nets[:1], "asn")
    return None


def _carried(speech: Speech, story: Story, parts: Sequence[Part], what: str) -> Paragraph | None:
    # where others sent less than usual, the shares of those that sent more come to more than all
    whole = max(1.0, sum(p.share for p in parts if p.share > 0))
    ordered = [replace(p, share=p.share / whole) for p in sorted(parts, key=lambda p: -p.share)]
    named = [p for p in ordered if p.share >= SMALL and (p.key or what == "country")][:MOST]
    if not named:
        return None
    percent = speech.words.percent
    first = speech.linked(_part(speech, named[0]), story)
    second = named[1].share if len(named) > 1 and what != "asn" else 0.0
    if named[0].share >= MAIN and second < SECOND:
        share = percent(named[0].share, 0)
        return speech.turn(f"tell.part_{what}", part=[first], share=share)
    if sum(p.share for p in named) >= TOGETHER and len(named) > 1:
        if named[0].share >= MAIN:
            named = [p for p in named if p.share >= SECOND]
        items = [speech.say("tell.part_of", part=_part(speech, p), share=percent(p.share, 0)) for p in named]
        if named[0].share < LED * named[1].share:
            return speech.rich(f"tell.parts_{what}", list=[speech.linked(speech.words.listed(items), story)])
        rest = speech.words.listed(items[1:])
        return speech.rich(f"tell.parts_{what}_led", first=[speech.linked(items[0], story)], list=rest)
    if what == "country" and named[0].share < SPREAD and len(parts) >= MANY:
        return speech.rich("tell.part_everywhere", first=[first], share=percent(named[0].share, 0))
    return None


def _part(speech: Speech, part: Part) -> str:
    if part.what == "country":
        return speech.land(part.key or None)
    if part.what == "port":
        port = port_of(part.key)
        return speech.ports_text([port]) if port is not None else part.key
    if part.what == "asn":
        return speech.network(int(part.key) if part.key.isdigit() else 0)
    return part.key


def port_of(key: str) -> Port | None:
    """23/6 -> (6, 23); /1 -> (1, None); None for what is no port."""
    number, slash, protocol = key.partition("/")
    if not slash or not protocol.isdigit() or not (number.isdigit() or not number):
        return None
    return int(protocol), int(number) if number else None


def seen_at(speech: Speech, story: Story, one: Detection) -> Paragraph | None:
    """Whether one sensor alone has it, or all alike (seeds' T7); nothing where there is one sensor."""
    if speech.sensors < 2 or one.about.sensor is not None or one.about.group is not None:
        return None
    parts = [p for p in one.parts if p.what == "sensor"]
    if parts and parts[0].share >= 0.9:
        text = speech.linked(parts[0].key, story)
        return speech.rich("tell.one_sensor", sensor=[text], share=speech.words.percent(min(1.0, parts[0].share), 0))
    return None


def sources(speech: Speech, story: Story, one: Detection) -> Paragraph | None:
    """発信元は少数のホスト(3ホスト)です。 Nothing where a finding of its own tells it."""
    if one.sources is None or any(d.kind == model.MANY_FEW for d in story.detections):
        return None
    if one.hosts is None or one.hosts < 1:
        return speech.turn(f"tell.sources_{one.sources}_plain")
    text = speech.linked(speech.count(round(one.hosts), "hosts"), story)
    if round(one.hosts) == 1:
        return speech.turn("tell.sources_one", hosts=[text])
    return speech.turn(f"tell.sources_{one.sources}", hosts=[text])


def rank(speech: Speech, story: Story) -> str:
    """現在、3日間のランキングで3位(前日は5位): as a part of a sentence; empty where it has no place worth a word."""
    if story.rank is None or story.rank > 10 or not speech.ranks:
        return ""
    what = "ports" if story.about.ports else "countries"
    if story.about.ports and (story.about.country is not None or story.about.asn is not None or len(story.about.ports) > 1):
        return ""
    place = speech.words.ordinal(story.rank)
    if story.rank_before is not None and story.rank_before != story.rank:
        way = "up" if story.rank_before > story.rank else "down"
        return speech.say(f"tell.rank_{way}_{what}", place=place, before=speech.words.ordinal(story.rank_before))
    return speech.say(f"tell.rank_{what}", place=place)


def since(story: Story, speech: Speech) -> dt.date:
    """The day of the zone on which the story began."""
    return speech.local(story.first).date()
