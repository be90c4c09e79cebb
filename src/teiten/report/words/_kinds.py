"""What is said of a story on a day: by how it stands, then what each kind of detection adds, then what it may mean."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from teiten.detect import model
from teiten.detect.model import Detection, Story
from teiten.report.model import Paragraph
from teiten.report.words import _more, _much, _own
from teiten.report.words._speech import Speech, capital

_AMOUNT: Final = frozenset(
    {model.BURST, model.NEW_PORT, model.RISING, model.HIGH, model.FALLING, model.ENDED, model.SPREADING, model.PORT_GROUP,
     model.CAMPAIGN, model.WATCH}
)  # fmt: skip
"""kinds that tell of an amount"""
RANKS: Final = frozenset({model.OVERTOOK, model.CLOSING_IN})
"""kinds that are told of a port after its stories (`ranks`)"""
MOST_RANKS: Final = 3
_STANDS: Final = frozenset({model.FALLING, model.ENDED})
"""kinds that say how a story stands, and that nothing came"""
_CHANCE: Final = {"sure": (2.0, math.inf), "likely": (1.0, 4.0)}
"""-log10 of the chance, from and to which it is what makes it so sure, and is said"""
_LARGE: Final = 100
"""packets, from which it is not few counts that make a change uncertain"""
_NEWS: Final = 3
"""days for which it is said what it may mean that sources sit in dynamic ranges"""
_NONE: Final = 0.02
"""of the usual, below which hardly anything comes any more"""
_SHORT: Final = dt.timedelta(hours=12)
"""hours that are worth naming within a day"""
_MOSTLY: Final = 0.8
"""of a day's packets: they came in these hours"""
_PEAK: Final = 1.5
"""a falling story's peak is named where it was this many times of today's"""
_BEGINNING: Final = (model.NEW_PORT, model.CAMPAIGN, model.PORT_GROUP, model.RISING, model.SPREADING, model.HIGH, model.BURST)
"""of several kinds that begin a story on one day, the one that says most"""


@dataclass(frozen=True, slots=True)
class Told:
    """A story in words: a title; sentences of what was seen; what it may mean, hedged; and how sure that it changed at all."""

    title: str
    sentences: Sequence[Paragraph]
    doubts: Sequence[Paragraph] = ()
    sure: str = ""


def ranked(stories: Sequence[Story]) -> bool:
    """Do they tell of the ranking of all, so that a place need not be said besides?"""
    return any(d.kind in RANKS and d.about.country is None for one in stories for d in one.detections)


def ranks(speech: Speech, stories: Sequence[Story]) -> list[Paragraph]:
    """Who passed whom, of all first, then country by country; what is the story itself is told by `tell`."""
    found = [(one, d) for one in stories if one.kind not in RANKS for d in one.detections if d.kind in RANKS]
    found.sort(key=lambda item: item[1].about.country is not None)
    return [sentence for one, d in found[:MOST_RANKS] for sentence in _more.overtook(speech, one, d)]


def tell(speech: Speech, story: Story) -> Told:
    """What is to be said of it on the speech's day. Never empty, and says no cause."""
    main = _main(story)
    if story.kind in model.OWN:
        return Told(_own.title(speech, story, main), _own.sentences(speech, story, main), _own.doubts(speech, story, main))
    if story.kind in _AMOUNT:
        said = _amount(speech, story, main)
        title = _title(speech, story, main)
    else:
        said = _more.OWN_WORDS[story.kind](speech, story, main) if story.kind in _more.OWN_WORDS else []
        said = said or [_standing(speech, story)]
        title = _more.title(speech, story, main)
    for one in story.detections:
        if one is not main and one.kind not in RANKS:
            said += _also(speech, story, one, main)
    if story.verdict == "explained" and story.because:
        said.append(speech.say("tell.explained", because=story.because))
    return Told(title, said, _doubts(speech, story, main), sure(speech, main))


def together(speech: Speech, stories: Sequence[Story]) -> Told:
    """Of stories of one port that stands out in several countries: where, in one sentence."""
    told = tell(speech, stories[0])
    return replace(told, sentences=_more.stand_out(speech, stories))


def _main(story: Story) -> Detection | None:
    """The detection by which the day is told: one of the story's own kind, else the first; none of an earlier day."""
    today = [d for d in story.detections if d.day == story.day]
    if not today:
        return None
    if story.state in ("new", "once"):
        found = sorted((d for d in today if d.kind in _BEGINNING), key=lambda d: _BEGINNING.index(d.kind))
        if found:
            return next((d for d in today if _all_of(d, found[0])), found[0])
    order = {"high": model.HIGH, "falling": model.FALLING, "ended": model.ENDED, "growing": model.RISING}
    for wanted in (order.get(story.state), story.kind):
        for one in today:
            if one.kind == wanted:
                return one
    return today[0]


def _all_of(burst: Detection, one: Detection) -> bool:
    """Did nearly all of a day's rise come within the few hours of that burst? Then these are what is to be told."""
    return (
        burst.kind == model.BURST
        and one.kind in (model.RISING, model.HIGH)
        and burst.about == one.about
        and burst.day == one.day
        and burst.end is not None
        and burst.end - burst.start <= _SHORT
        and burst.packets >= _MOSTLY * one.packets
    )


def _amount(speech: Speech, story: Story, main: Detection | None) -> list[Paragraph]:
    """Stories of an amount, by how they stand."""
    if story.state in ("new", "once") and main is not None and main.kind not in _STANDS:
        return _came(speech, story, main)
    if main is not None and story.state == "ended" and model.OF_TODAY in main.reason:
        fields = {"thing": speech.thing(story.about, story), "when": speech.hours(main)}
        return [speech.turn("tell.ended_night", **fields), *_much.some(_much.packets(speech, story, main))]
    if main is not None and story.state == "high" and main.reason.get("few"):
        said = [speech.turn("tell.relatively_high", thing=speech.thing(story.about, story))]
    elif main is not None and story.state == "high" and main.kind == model.BURST:
        return [_burst_again(speech, story, main), *_much.some(_much.carried(speech, story, main))]
    else:
        said = [_standing(speech, story)]
    if main is not None and story.state in ("growing", "high"):
        said += _much.some(_much.packets(speech, story, main), _much.carried(speech, story, main))
        if main.kind == model.SPREADING:
            said += _more.spreading(speech, story, main)
    elif main is None and story.state == "high" and story.times is not None and story.times >= 1:
        times = [speech.linked(speech.times(story.times), story)]
        said.append(speech.turn("tell.times_today", times=times, today=speech.today))
    return said


def _burst_again(speech: Speech, story: Story, one: Detection) -> Paragraph:
    """It comes in bursts, and came in one today: 18日から活発な状態が続いています。本日は4時台に492パケットが届き、..."""
    fields: dict[str, Any] = {
        "thing": speech.thing(story.about, story),
        "since": speech.date(_much.since(story, speech)),
        "when_2": capital([speech.hours(one)]),
        "count": [speech.linked(speech.count(one.packets), story, one.start)],
    }
    if one.usual is None or one.usual < _much.HARDLY:
        return speech.turn("tell.high_burst_never", **fields)
    more = {"usual": speech.count(one.usual), "times": speech.times(one.packets / one.usual)}
    return speech.turn("tell.high_burst", **fields, **more)


def _came(speech: Speech, story: Story, one: Detection) -> list[Paragraph]:
    """It began, or came back, or came and went."""
    thing = speech.thing(one.about, story)
    fields: dict[str, Any] = {"thing": thing, "when": speech.hours(one)}
    key = {model.NEW_PORT: "new_port", model.PORT_GROUP: "port_group", model.CAMPAIGN: "campaign", model.WATCH: "watch"}
    if one.kind == model.WATCH:
        fields["name"] = str(one.reason.get("name", ""))
    if one.kind in key:
        said = [speech.turn(f"tell.{key[one.kind]}", **fields)]
    elif story.again and story.state == "new":
        key_again = "again" if one.kind != model.BURST else "again_burst_open" if one.end is None else "again_burst"
        said = [speech.turn(f"tell.{key_again}", **fields)]
    elif one.kind in (model.RISING, model.HIGH, model.SPREADING):
        said = [speech.turn("tell.rising", **fields)]
    else:
        said = [speech.turn("tell.burst_open" if one.end is None else "tell.burst", **fields)]
    extra: list[Paragraph | None] = [
        _more.group_hosts(speech, story, one) if one.kind in (model.PORT_GROUP, model.CAMPAIGN) else None,
        _much.packets(speech, story, one),
        _much.hosts(speech, story, one),
        _peak(speech, story, one),
        _much.carried(speech, story, one) if one.kind != model.SPREADING else None,
        _much.sources(speech, story, one),
        _much.seen_at(speech, story, one),
    ]
    said += _much.some(*extra)
    if one.kind == model.SPREADING:
        said += _more.spreading(speech, story, one)
    rank = _much.rank(speech, story) if one.kind != model.BURST else ""
    return [*said, speech.turn("tell.rank_sentence", rank=[speech.linked(rank, story)])] if rank else said


def _peak(speech: Speech, story: Story, one: Detection) -> Paragraph | None:
    """最も多かったのは14時台です: of a burst of several hours."""
    if (
        one.peak is None
        or len(one.reason.get("spans") or ()) > 1
        or one.kind not in (model.BURST, model.WATCH, model.PORT_GROUP)
    ):
        return None
    end = one.end
    if end is not None and (end - one.start).total_seconds() <= 7200:
        return None
    return speech.turn("tell.peak", clock=[speech.linked(speech.clock(one.peak), story, one.peak)])


def _standing(speech: Speech, story: Story) -> Paragraph:
    """One sentence on a story that goes on, falls or has ended."""
    about = story.about
    since = _much.since(story, speech)
    thing = speech.thing(about, story)
    fields: dict[str, Any] = {"thing": thing, "since": speech.date(since)}
    rank = _much.rank(speech, story)
    if story.kind == model.FALLING:
        return _below(speech, story, fields)
    if story.state == "falling":
        now = max(1.0, story.times or 1.0)
        if story.peak is not None and story.peak_day and story.peak >= _PEAK * now:
            fields |= {"peak": speech.times(story.peak), "times": speech.times(now), "peak_day": speech.date(story.peak_day)}
            return speech.turn("tell.falling_peak", **fields, today=speech.today)
        return speech.turn("tell.falling", **fields)
    if story.state == "ended":
        if any(d.reason.get("settled") for d in story.detections):
            return speech.turn("tell.settled", **fields)
        kind = "ended_burst" if story.kind == model.BURST and since == story.day else "ended"
        return speech.turn(f"tell.{kind}", **fields)
    key = "growing" if story.state == "growing" else "high"
    if since == speech.day:
        key = "rising"
    if not story.detections and key == "high" and not speech.watched:
        key = "open"
    if rank and f"tell.{key}_rank_1" in speech.words:
        return speech.turn(f"tell.{key}_rank", **fields, rank=rank)
    return speech.turn(f"tell.{key}", **fields, today=speech.today)


def _below(speech: Speech, story: Story, fields: dict[str, Any]) -> Paragraph:
    """Below the usual, not on its way back to it."""
    if story.state == "ended":
        return speech.turn("tell.below_ended", **fields)
    fresh = _much.since(story, speech) == speech.day
    if story.times is not None and story.times < _NONE:
        return speech.turn("tell.below_none_new" if fresh else "tell.below_none", **fields, today=speech.today)
    if story.times is not None and story.times < 1:
        share = [speech.linked(speech.words.percent(story.times, 0), story)]
        if fresh:
            return speech.turn("tell.below_new", **fields, share=share, today=speech.today)
        return speech.turn("tell.below_share", **fields, share=share)
    return speech.turn("tell.below", **fields)


def _also(speech: Speech, story: Story, one: Detection, main: Detection | None) -> list[Paragraph]:
    """What another detection of the same day and story adds."""
    inside = speech.knowing(story.about)
    if one.kind == model.BURST and one.about == story.about:
        return _within(speech, story, one)
    if one.kind == model.BURST:
        if one.end is not None and one.end - one.start > _SHORT:
            return []  # of most of the day, the day's numbers tell
        key = "also_burst_open" if one.end is None else "also_burst"
        said: list[Paragraph] = [inside.turn(f"tell.{key}", thing=inside.thing(one.about, story), when=speech.hours(one))]
        much = _much.packets(inside, story, one)
        return said + ([much] if much is not None else [])
    if one.kind == model.SPREADING:
        return _more.spreading(inside, story, one)
    maker: Callable[[Speech, Story, Detection | None], list[Paragraph]] | None = _more.OWN_WORDS.get(one.kind)
    if maker is not None and (main is None or one.kind != main.kind or one.about != main.about):
        return maker(inside, story, one)
    return []


def _within(speech: Speech, story: Story, one: Detection) -> list[Paragraph]:
    """このうち543パケットは、16時台に届いたものです: hours of the same thing in which much of the day's came."""
    if one.end is None or one.end - one.start > _SHORT or speech.local(one.start).date() != speech.day:
        return []
    count = [speech.linked(speech.count(one.packets), story, one.start)]
    return [speech.turn("tell.also_same", count=count, when=speech.hours(one))]


_HEADLINES: Final = {
    "new": "rising",
    "growing": "growing",
    "high": "high",
    "falling": "falling",
    "ended": "ended",
    "once": "burst",
}


def _title(speech: Speech, story: Story, main: Detection | None) -> str:
    """A headline: 米国発の25・465・587/tcpへのスキャンが5時台に増加."""
    key = _HEADLINES.get(story.state, "high")
    if story.kind == model.FALLING:
        key = "below_ended" if story.state == "ended" else "below"
    about = story.about
    when = ""
    if main is not None and story.state in ("new", "once") and main.kind not in _STANDS:
        about = main.about
        if main.kind in (model.BURST, model.WATCH, model.PORT_GROUP):
            key, when = "burst", speech.hours(main)
        elif main.kind == model.NEW_PORT:
            key = "new_port"
        elif story.again:
            key = "again"
        elif main.kind == model.SPREADING:
            key = "spreading"
    if key == "burst" and not when:
        key = "rising"
    return speech.sentence(f"tell.title_{key}", thing=speech.short(about), when=when)


def _doubts(speech: Speech, story: Story, main: Detection | None) -> list[Paragraph]:
    """What it may mean and what it need not, apart from what was seen."""
    out: list[Paragraph] = []
    if main is not None and main.confidence == "possible":
        large = main.packets >= _LARGE or (main.usual or 0) >= _LARGE
        out.append(speech.turn("tell.maybe_chance_large" if large else "tell.maybe_chance"))
    for one in (d for d in story.detections if d.day == story.day):
        key = f"tell.maybe_{one.kind}"
        # where sources sit qualifies a story for weeks: what that may mean is said in the first days
        old = one.kind == model.DYNAMIC and story.days > _NEWS
        if key in speech.words and not speech.turns[key] and not old:
            speech.turns[key] += 1
            out.append(speech.say(key))
    return out


def sure(speech: Speech, one: Detection | None) -> str:
    """How sure it is that anything changed: in a word, and by the chance of as much on a day on which nothing happens."""
    if one is None:
        return ""
    said = speech.say(f"tell.sure_{one.confidence}")
    least, most = _CHANCE.get(one.confidence, (1, 0))
    if not least <= one.score < most:
        return said  # it is sure (or not) for another reason: how long it has been there, how few sources, how young the usual
    days = 10 ** min(4, int(one.score))
    return speech.say("tell.sure_chance", sure=said, days=speech.words.large(days))
