"""Detections followed from day to day: what was told the day before, what was found today, what is to be told of it today.

    fold(before, found, day)    the stories of a day
    told(stories)               those of them of which something is to be said

A pure function: days made again in order give the same stories with the same ids. A detection belongs to the story that is
about the same thing (`_same`); without one it begins its own. A story that has no detection on a day that was watched has come
to an end, is told so once, and rests for `detect_story_days` days: what comes back within them is the same story.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from teiten.detect import days, levels, ranking
from teiten.detect.model import (
    BURST,
    CAMPAIGN,
    CLOSING_IN,
    ENDED,
    FALLING,
    HIGH,
    MANY_FEW,
    NEW_PORT,
    OF_TODAY,
    OVERTOOK,
    OWN,
    PORT_GROUP,
    RHYTHM,
    RHYTHM_LOST,
    RISING,
    SPREADING,
    STANDS_OUT,
    WATCH,
    About,
    Detection,
    State,
    Story,
)
from teiten.settings import THRESHOLDS

if TYPE_CHECKING:
    from teiten.detect.view import View

Said = tuple[Literal["false", "explained"], str | None]
"""what an analyst says of a story, and in which words"""

_TELLING: Final = (CAMPAIGN, PORT_GROUP, SPREADING, NEW_PORT, RISING, BURST, STANDS_OUT, MANY_FEW)
"""kinds that tell of an amount that changed, the one that says most first: they are of one family, and share their stories"""
_STATES: Final[dict[str, State]] = {HIGH: "high", FALLING: "falling", ENDED: "ended", RHYTHM_LOST: "ended"}
"""kinds that say how a story stands, and begin none that has another kind"""
_DAYS: Final = (SPREADING, NEW_PORT, RISING, HIGH, FALLING)
"""amounts of days; bursts are of hours"""
_PLACES: Final = (OVERTOOK, CLOSING_IN)
_OPEN: Final = frozenset({"new", "growing", "high", "falling"})
_GROWN: Final = 1.5
"""a story grows where it is this many times its earlier peak"""
_PART: Final = 0.2
"""of a detection's excess: a country that has so much is a good part of it"""
_LAST: Final = dt.timedelta(hours=1)
"""before midnight: a day of which the last event was that late is over, its log ends with it"""
_MOSTLY: Final = 0.8
"""and of a burst: its hours are that country's"""
_WATCHED: Final = 0.5
"""of the day, below which a story without a detection goes on as it was: not seen is not over"""


def fold(
    before: Sequence[Story],
    found: Sequence[Detection],
    day: dt.date,
    *,
    view: View | None = None,
    said: Mapping[str, Said] | None = None,
) -> list[Story]:
    """The stories of `day`, most telling first: `before` are those of the last day that was made (with the resting ones).

    view: that day's, with the own line's factor; it tells ranks, and whether enough was watched to call anything over. Without
    it the whole day was watched, and nothing has a rank. said: what the analyst says, by a story's id; it sticks to the story,
    and to whatever joins it later.
    """
    verdicts = said or {}
    known = [one for one in before if _remembered(one, day, view)]
    going = {one.id: one for one in known if not _within(one, before)}
    # a port that stands out in a country stands out there still, though the port as a whole has become a story
    standing = {one.about: one for one in known if one.kind == STANDS_OUT and one.id not in going}
    joined: dict[str, list[Detection]] = {}
    for one in sorted(found, key=_telling):
        home = _home(one, going.values())
        if home is None:
            if one.kind == ENDED or (one.kind == FALLING and not _below(one)):
                continue  # what nobody was told of has no end to be told
            home = standing.pop(one.about, None) if one.kind == STANDS_OUT else None
            home = home or _begun(one, day)
            going[home.id] = home
        joined.setdefault(home.id, []).append(one)
        going[home.id] = replace(home, about=_wider(home.about, one), kind=_kind(home.kind, joined[home.id]))
    ranks = _Ranks(view)
    whole = view is None or (over(view) and _watched(view) >= _WATCHED)
    out = [_today(one, tuple(joined.get(one.id, ())), day, whole, view) for one in going.values()]
    kept = [ranks.of(_judged(one, verdicts)) for one in out if one is not None]
    return sorted(kept, key=_order)


def told(stories: Sequence[Story]) -> list[Story]:
    """Those of which something is to be said on their day, in the same order: without the resting ones."""
    return [one for one in stories if one.state != "resting"]


def _telling(one: Detection) -> tuple[bool, bool, bool, float, dt.datetime, str, str]:
    """What happened first (hours of one country after what a port did as a whole: they are a part of it), then how it stands,
    then places in the ranking."""
    part = one.kind == MANY_FEW or (one.kind == BURST and one.about.country is not None)
    return one.kind in _PLACES, one.kind in _STATES, part, -one.score, one.start, one.kind, one.about.text()


def _order(one: Story) -> tuple[bool, bool, float, dt.datetime, str]:
    return (
        one.state == "resting",
        not one.detections,
        -max((d.score for d in one.detections), default=0.0),
        one.first,
        one.id,
    )


def _remembered(one: Story, day: dt.date, view: View | None) -> bool:
    """Is it still known on that day? Open ones always, those that are over for some days."""
    rest = THRESHOLDS["detect_story_days"].default if view is None else view.threshold("detect_story_days")
    return one.state in _OPEN or day - (one.seen or one.day) <= dt.timedelta(days=rest)


def _within(one: Story, others: Sequence[Story]) -> bool:
    """Is it one country's part of a port that has become a story as a whole? Then it is told there from now on."""
    if one.about.country is None or len(one.about.ports) != 1 or _family(one.kind) != "amount":
        return False
    whole = replace(one.about, country=None, asn=None)
    return any(o.about == whole and o.state in _OPEN and o.kind in _DAYS and _family(o.kind) == "amount" for o in others)


# --- which story is it? ----------------------------------------------------------------------------------------------------


def _below(one: Detection) -> bool:
    """Does it tell of less than is usual (and not of more that grows less)?"""
    return bool(one.reason.get("below"))


def _family(kind: str, below: bool = False) -> str:
    """Kinds of one family tell of one thing: amounts, amounts below the usual (a story's kind is then FALLING), a rhythm,
    places in the ranking, or the kind itself."""
    if below or kind == FALLING:
        return "below"
    if kind in _TELLING or kind in (HIGH, ENDED):
        return "amount"
    if kind in (RHYTHM, RHYTHM_LOST):
        return "rhythm"
    return "rank" if kind in _PLACES else kind


def _of(one: Detection) -> str:
    """The family of a detection: a rise that falls is one of amounts."""
    return "amount" if one.kind == FALLING and not _below(one) else _family(one.kind, _below(one))


def _home(one: Detection, stories: Iterable[Story]) -> Story | None:
    """The story to which it belongs: the one that shares most with it, the oldest of those."""
    best: tuple[float, float, str] | None = None
    home: Story | None = None
    for story in stories:
        same = _same(one, story)
        if same > 0:
            key = (-same, story.first.timestamp(), story.id)
            if best is None or key < best:
                best, home = key, story
    return home


def _same(one: Detection, story: Story) -> float:
    """How much of what a detection is about the story is about, too; 0: it is another thing."""
    mine, theirs = _of(one), _family(story.kind)
    if mine != theirs:
        # a place in the ranking is said within the story of that port, where there is one
        joins = theirs == "amount" and one.kind in _PLACES and story.state in _OPEN
        if not joins or set(one.about.ports) != set(story.about.ports):
            return 0.0
        if story.about.country == one.about.country:
            return 2.0
        return 1.0 if story.about.country is None else 0.5 if one.about.country is None else 0.0
    if STANDS_OUT in (one.kind, story.kind) and one.about != story.about:
        return 0.0
    if one.kind in OWN or mine == WATCH:
        return 1.0 if one.kind == story.kind and one.about == story.about else 0.0
    return _likeness(one, story)


def _likeness(one: Detection, story: Story) -> float:
    a, b = one.about, story.about
    ports = _ports(a, b)
    # a level of days may grow from one sensor to all, or shrink to one
    place = (a.sensor, a.group) == (b.sensor, b.group)
    days_of_both = (
        one.kind in (*_DAYS, ENDED) and story.kind in _DAYS and (a.sensor, a.group, b.sensor, b.group).count(None) >= 3
    )
    if ports == 0.0 or not (place or days_of_both):
        return 0.0
    score = ports if place else ports / 2
    for mine, theirs in ((a.country, b.country), (a.asn, b.asn)):
        if mine == theirs:
            score += 1.0 if mine is not None else 0.5
        elif mine is None:
            # the whole port, where the story has one country of it: it has grown wider, if that country is in it
            if not a.ports or not _carries(one, theirs):
                return 0.0
            score += 0.25
        elif theirs is None:
            # one country of a port that is a story as a whole: a part of it, unless both are things of hours
            if not a.ports or (one.kind == BURST and story.kind == BURST):
                return 0.0
            score += 0.25
        else:
            return 0.0
    return score


def _carries(one: Detection, part: str | int | None) -> bool:
    """Is that country (or AS) a good part of it? Detections that tell no parts: taken so."""
    what = "country" if isinstance(part, str) else "asn"
    parts = [p for p in one.parts if p.what == what]
    least = _MOSTLY if one.kind == BURST else _PART
    return not parts or any(p.key == str(part) and p.share >= least for p in parts)


def _ports(a: About, b: About) -> float:
    """Shared ports by all of both, 0 to 1; none stated on either side: 1."""
    if not a.ports and not b.ports:
        return 1.0
    one, other = set(a.ports), set(b.ports)
    shared = len(one & other) / len(one | other)
    return shared if shared >= 0.5 or (one & other and min(len(one), len(other)) == 1) else 0.0


def _wider(about: About, one: Detection) -> About:
    """What the story is about once that detection belongs to it: the wider of both; hours make nothing wider."""
    if _of(one) != "amount" or one.kind == BURST or one.about == about or one.about.ports == () or about.ports == ():
        return about
    ports = (
        about.ports if set(one.about.ports) <= set(about.ports) else tuple(sorted({*about.ports, *one.about.ports}, key=str))
    )
    return replace(
        about,
        ports=ports,
        country=about.country if about.country == one.about.country else None,
        asn=about.asn if about.asn == one.about.asn else None,
        sensor=about.sensor if about.sensor == one.about.sensor else None,
        group=about.group if about.group == one.about.group else None,
    )


# --- how does it stand? ----------------------------------------------------------------------------------------------------


def _begun(one: Detection, day: dt.date) -> Story:
    kind = RISING if one.kind in (HIGH, FALLING) and not _below(one) else one.kind
    return Story(one.id, kind, one.about, day, "new", one.start, days=0)


def _today(one: Story, found: tuple[Detection, ...], day: dt.date, whole: bool, view: View | None) -> Story | None:
    """The story as it stands on the day; None where it is forgotten."""
    if not found:
        return _without(one, day, whole, view)
    fresh = one.days == 0
    back = not fresh and one.state not in _OPEN
    state = _state(one, found, fresh, back)
    times = _times(one, found)
    peak, peak_day = one.peak, one.peak_day
    if times is not None and (peak is None or times > peak):
        peak, peak_day = times, day
    return replace(
        one,
        kind=_kind(one.kind, found),
        day=day,
        state=state,
        first=min([one.first, *(d.start for d in found)]),
        last=_last(found) if state in ("once", "ended") else None,
        detections=found,
        times=times,
        peak=peak,
        peak_day=peak_day,
        days=one.days + 1,
        seen=day,
        again=one.again + (1 if back and state != "ended" else 0),
    )


def _times(one: Story, found: Sequence[Detection]) -> float | None:
    """How many times the usual it is today: by what is about the same thing, else by what is about a part of it."""
    some = [d for d in found if d.times is not None and d.kind not in (ENDED, *_PLACES)]
    exactly = [d for d in some if d.about == one.about]
    by_day = [d for d in exactly if d.kind in _DAYS]
    return max((d.times for d in by_day or exactly or some if d.times is not None), default=None)


def _without(one: Story, day: dt.date, whole: bool, view: View | None) -> Story | None:
    """A story of which nothing was found today: over, where that can be known."""
    plain = replace(one, day=day, detections=(), times=None)
    if one.state in _OPEN and _family(one.kind) == "rhythm":
        return replace(plain, state="resting")  # that it came is told; that it is still there is no end
    if one.state in _OPEN:
        if not whole:
            return plain
        times = _still(one, view)
        if times is not None and _family(one.kind) == "amount":
            return replace(plain, state="high", times=times)
        start = view.bounds(day)[0] if view is not None else dt.datetime.combine(day, dt.time(), dt.UTC)
        return replace(plain, state="ended", last=one.last or start)
    return replace(plain, state="resting")


def _still(one: Story, view: View | None) -> float | None:
    """How many times what was usual before it began, where it is that still, though no detection says so; else None."""
    if view is None or one.about == About():
        return None
    place = next((n for n, date in enumerate(view.days.dates) if date >= one.first.astimezone(view.zone).date()), 0)
    rates = days.courses(view.days, only=days.within(one.about)).packets[0] / view.days.watched
    before = rates[:place][~np.isnan(rates[:place])]
    if before.size < levels.FEWEST or np.isnan(rates[-1]):
        return None
    usual = float(np.median(before))
    beyond = float(rates[-1]) - usual
    far = beyond >= view.threshold("detect_level_packets") and rates[-1] >= view.threshold("detect_level_times") * usual
    return float(rates[-1]) / max(usual, 0.5) if far else None


def _state(one: Story, found: Sequence[Detection], fresh: bool, back: bool) -> State:
    """What today's detections say of it: those that tell how it stands first, else what they are themselves."""
    kinds = {d.kind for d in found}
    telling = [d for d in found if d.kind not in (*_STATES, *_PLACES) or (_below(d) and d.kind != ENDED)]
    if kinds <= {*_PLACES} and (fresh or back):
        return "once"
    if back and telling:
        return "new"  # it came on a second day: one that comes and goes has an end of its own
    if fresh:
        ended = bool(telling) and all(d.end is not None for d in telling) and not kinds & {RISING, HIGH, SPREADING}
        return "once" if ended else "new"
    bursts = [d for d in telling if d.kind == BURST]
    if bursts and kinds <= {BURST, MANY_FEW} and all(OF_TODAY in d.reason and d.end is not None for d in bursts):
        return "ended"  # it began on the day before, and was over some hours after midnight
    if kinds & {RISING, SPREADING}:
        return "growing"
    for kind in (HIGH, FALLING):
        if kind in kinds:
            return _STATES[kind]
    times = _times(one, telling)
    if telling and times is not None and one.peak is not None and times >= _GROWN * one.peak:
        return "growing"
    return "high" if telling else "ended"


def _kind(kind: str, found: Sequence[Detection]) -> str:
    """The kind that says most of it: a burst that spreads is told as spreading."""
    kinds = [kind, *(d.kind for d in found)]
    return next((k for k in _TELLING if k in kinds), kind) if _family(kind) == "amount" else kind


def _last(found: Sequence[Detection]) -> dt.datetime | None:
    ended = [d.start for d in found if d.kind in (ENDED, RHYTHM_LOST)]
    return max((d.end for d in found if d.end is not None), default=None) or max(ended, default=None)


def _judged(one: Story, verdicts: Mapping[str, Said]) -> Story:
    verdict, because = verdicts.get(one.id, (None, None))
    return replace(one, verdict=verdict, because=because)


# --- where does it stand? --------------------------------------------------------------------------------------------------


def over(view: View) -> bool:
    """Is the day over, as far as is known?"""
    return view.upto is None or view.upto >= view.bounds(view.day)[1] - _LAST


def _watched(view: View) -> float:
    """Of the day's usual hours of watching, the share that was watched (0 to 1, more where more sensors did)."""
    first, after = view.bounds(view.day)
    hours = max(1, (after - first) // dt.timedelta(hours=1))
    return float(view.exposure[view.today].sum()) / hours


class _Ranks:
    """Ranks of ports and of countries by packets over three days, and over the three that ended a day before."""

    def __init__(self, view: View | None) -> None:
        self._view = view
        self._known: dict[str, tuple[dict[Any, int], dict[Any, int]]] = {}

    def of(self, one: Story) -> Story:
        """The story with its port's ranks, else its country's; of several ports, and of both unknown: none."""
        what: tuple[str, Any] | None = None
        if one.about.ports:
            what = ("port", one.about.ports[0]) if len(one.about.ports) == 1 else None
        elif one.about.country:
            what = "country", one.about.country
        if self._view is None or what is None or one.state == "resting":
            return replace(one, rank=None, rank_before=None)
        now, then = self._asked(self._view, what[0])
        return replace(one, rank=now.get(what[1]), rank_before=then.get(what[1]))

    def _asked(self, view: View, what: str) -> tuple[dict[Any, int], dict[Any, int]]:
        if what not in self._known:
            self._known[what] = ranking.ranks(view, what), ranking.ranks(view, what, back=1)
        return self._known[what]
