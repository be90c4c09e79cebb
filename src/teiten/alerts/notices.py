"""What is to be told at once: stories that are new, have grown or ended, and sensors that fell silent or came back. Pure.

A thing is told once: what was told of it (`Told`) is held against how it stands now. A story of the running day may change its
name while the day goes on (a port is joined by others): it is known by what it is about, too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Literal

from teiten.alerting import CONFIDENCES, Alerts
from teiten.detect import taught
from teiten.detect.model import (
    CLOSING_IN,
    DYNAMIC,
    FEW_MANY,
    MANY_FEW,
    OUTAGE,
    OVERTOOK,
    OWN,
    PORT_RUN,
    RHYTHM,
    RHYTHM_LOST,
    STANDS_OUT,
    WATCH,
    Detection,
    Story,
)

What = Literal["new", "grew", "ended", "silent", "back"]
SILENT: Final = "silent"
"""the kind of what is no detection: a sensor from which nothing arrives"""
CAN_WAIT: Final = frozenset(
    {OVERTOOK, CLOSING_IN, STANDS_OUT, RHYTHM, RHYTHM_LOST, DYNAMIC, FEW_MANY, MANY_FEW, PORT_RUN}
)  # fmt: skip
"""kinds that the next report is soon enough for; told at once where `kinds` names them"""
_RECENT: Final = dt.timedelta(hours=24)
"""two things that began within this may be one; and what began within it is news, however it stands"""
_OLD: Final = dt.timedelta(hours=36)
"""what began earlier is no news when alerts begin"""
_KEPT: Final = dt.timedelta(days=40)
_PARTS: Final = 5
_NEAR: Final = dt.timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that is told, with its numbers and without words. Times are UTC."""

    key: str
    """the story's id, or `silent:SENSOR`"""
    what: What
    kind: str
    about: str
    """`About.text()`"""
    start: str
    """ISO 8601"""
    end: str | None = None
    packets: float = 0.0
    usual: float | None = None
    times: float | None = None
    hosts: float | None = None
    measure: str = "packets"
    sources: str | None = None
    confidence: str = "likely"
    score: float = 0.0
    parts: tuple[tuple[str, str, float], ...] = ()
    """what, key, share (0 to 1) of those that carry most of it"""
    rank: int | None = None
    watch: str | None = None
    """the user's watch that asked for it"""
    before: float | None = None
    """grew: how many times the usual it was when it was told last; ended: the most that it was"""
    said: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """language -> title and text (`words.py`)"""

    @property
    def since(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.start)

    @property
    def until(self) -> dt.datetime | None:
        return None if self.end is None else dt.datetime.fromisoformat(self.end)


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a thing."""

    kind: str
    about: str
    start: str
    times: float | None
    packets: float
    over: bool
    again: int
    seen: str
    """when it was last there"""
    silently: bool = False
    """it was known when alerts began, and not told"""


@dataclass(frozen=True, slots=True)
class Silence:
    """A sensor from which nothing arrives: since when, and how many events an hour are usual."""

    sensor: str
    since: dt.datetime
    rate: float


def plain(one: Notice | Told) -> dict[str, Any]:
    """As JSON has it."""
    return asdict(one)


def notice(table: Mapping[str, Any]) -> Notice:
    """Back from JSON; what an older version had not is as it is by default."""
    known = {f.name for f in fields(Notice)}
    given = {key: value for key, value in table.items() if key in known}
    given["parts"] = tuple((str(a), str(b), float(c)) for a, b, c in given.get("parts", ()))
    given["said"] = {str(code): (str(title), str(text)) for code, (title, text) in given.get("said", {}).items()}
    return Notice(**given)


def told(table: Mapping[str, Any]) -> Told:
    """Back from JSON."""
    known = {f.name for f in fields(Told)}
    return Told(**{key: value for key, value in table.items() if key in known})


Due = tuple[Notice, Story | None]
"""what is to be told, and the story as it stands; None: a sensor's silence"""


def due(
    stories: Iterable[Story],
    silences: Iterable[Silence],
    before: Mapping[str, Told] | None,
    wanted: Alerts,
    now: dt.datetime,
    heard: Mapping[str, dt.datetime] | None = None,
) -> tuple[list[Due], dict[str, Told]]:
    """What is to be told now, own line and silence first, and what was told then. `before` None: nothing ever was.

    stories: those of the last days, in order of days, verdicts and all. heard: the last event of each sensor.
    """
    known = dict(before or {})
    out: dict[str, Due] = {}
    for one in _sensors(silences, heard or {}, known, wanted, now, first=before is None):
        out[one.key] = one, None
    for story in stories:
        if story.state == "resting":
            continue
        key = _key(story, known)
        last = known.get(key)
        if last is None and _is_silence(story, known):
            continue  # told as the sensor's silence
        said = _of_story(story, key, last, wanted, now, first=before is None)
        if said is not None or last is not None:
            if said is not None and not said[1]:
                out[said[0].key] = _once(out.get(said[0].key), said[0], story)
            known[key] = _remembered(story, said[0] if said else None, last, now, silently=bool(said and said[1]))
    kept = {k: v for k, v in known.items() if now - dt.datetime.fromisoformat(v.seen) < _KEPT}
    return sorted(out.values(), key=lambda pair: order(pair[0])), kept


def order(one: Notice) -> tuple[bool, bool, float, str]:
    """What is told first: the own line, then what the user asked for, then what stands out most."""
    return one.kind not in OWN and one.kind != SILENT, one.kind != WATCH, -one.score, one.key


def _once(before: Due | None, one: Notice, story: Story) -> Due:
    """What is told of a thing of which two days have something to tell at once: that it is new, as it stands now."""
    if before is None or before[0].what != "new":
        return one, story
    if one.what == "ended":
        return replace(before[0], end=one.end or before[0].end), before[1]
    return replace(one, what="new", start=before[0].start, before=None), story


def _key(story: Story, known: Mapping[str, Told]) -> str:
    """Under which name it was told: its own, or that of the same thing at the same time under another one."""
    own = story.id if not story.again else f"{story.id}#{story.again}"
    if own in known or story.again or story.kind in OWN or story.kind == WATCH:
        return own
    for key, one in sorted(known.items()):
        if key.startswith(SILENT) or one.kind in OWN or one.kind == WATCH or "#" in key:
            continue
        near = abs(dt.datetime.fromisoformat(one.start) - story.first) < _RECENT
        if near and _akin(one.about, story.about.text()):
            return key
    return own


def _is_silence(story: Story, known: Mapping[str, Told]) -> bool:
    """Is it the outage of a sensor that is told to be silent, or was, since then?"""
    if story.kind != OUTAGE or story.about.sensor is None:
        return False
    told = known.get(f"{SILENT}:{story.about.sensor}")
    if told is None:
        return False
    since = dt.datetime.fromisoformat(told.start)
    # of a silence that goes on each day has an outage of its own
    return abs(since - story.first) < _NEAR or (not told.over and story.first > since)


def _akin(one: str, other: str) -> bool:
    """About the same: a port in common (or none stated by both), and nothing else that differs."""
    try:
        a, b = taught.about_of(one), taught.about_of(other)
    except ValueError:
        return False
    if bool(a.ports) != bool(b.ports) or (a.ports and not set(a.ports) & set(b.ports)):
        return False
    pairs = ((a.country, b.country), (a.asn, b.asn), (a.sensor, b.sensor), (a.group, b.group))
    return all(x == y or (bool(a.ports) and (x is None or y is None)) for x, y in pairs)


def _of_story(
    story: Story, key: str, last: Told | None, wanted: Alerts, now: dt.datetime, *, first: bool
) -> tuple[Notice, bool] | None:
    """What is to be told of it, and whether silently (it was there before alerts began); None: nothing new."""
    best = _best(story)
    if last is None:
        news = story.state in ("new", "growing", "once") or now - story.first < _RECENT
        if best is None or not news or story.state == "ended" or not _wanted(story, best, wanted):
            return None
        return _notice("new", story, best, key), first and now - story.first > _OLD
    if last.silently and last.over:
        return None
    if story.verdict is not None:
        return None
    if best is not None and last.times and best.times is not None and best.times >= wanted.grows * last.times:
        return replace(_notice("grew", story, best, key), before=last.times), False
    if story.state in ("ended", "once") and not last.over and not last.silently and wanted.ended:
        return _ended(story, best, key, last), False
    return None


def _wanted(story: Story, best: Detection, wanted: Alerts) -> bool:
    if story.verdict is not None:
        return False
    if story.kind in wanted.leave or (story.kind not in wanted.kinds if wanted.kinds else story.kind in CAN_WAIT):
        return False
    if story.kind == WATCH or story.kind in OWN:
        return True
    return CONFIDENCES.index(best.confidence) <= CONFIDENCES.index(wanted.least)


def _best(story: Story) -> Detection | None:
    """The detection of the day that is told of: of the story's own kind, else the most telling one."""
    own = [one for one in story.detections if one.kind == story.kind]
    return next(iter([*own, *story.detections]), None)


def _notice(what: What, story: Story, best: Detection, key: str) -> Notice:
    ranked = sorted(best.parts, key=lambda part: -part.share)[:_PARTS]
    return Notice(
        key=key.partition("#")[0],
        what=what,
        kind=story.kind,
        about=story.about.text(),
        start=min(story.first, best.start).isoformat(),
        end=None if story.state not in ("once", "ended") or best.end is None else best.end.isoformat(),
        packets=best.packets,
        usual=best.usual,
        times=best.times,
        hosts=best.hosts,
        measure=best.measure,
        sources=best.sources,
        confidence=best.confidence,
        score=best.score,
        parts=tuple((part.what, part.key, round(part.share, 4)) for part in ranked),
        rank=story.rank,
        watch=str(best.reason.get("name", "")) if best.kind == WATCH else None,
    )


def _ended(story: Story, best: Detection | None, key: str, last: Told) -> Notice:
    """The end of what was told, with its most."""
    if best is not None:
        made = _notice("ended", story, best, key)
    else:
        made = Notice(key.partition("#")[0], "ended", story.kind, story.about.text(), story.first.isoformat())
    end = story.last.isoformat() if story.last else made.end
    return replace(made, kind=last.kind, start=last.start, end=end, before=last.times if story.peak is None else story.peak)


def _remembered(story: Story, said: Notice | None, last: Told | None, now: dt.datetime, *, silently: bool) -> Told:
    over = story.state in ("ended", "once")
    if said is None and last is not None:
        return replace(last, over=last.over or over, seen=now.isoformat())
    assert said is not None
    times = said.times if said.what != "ended" else last.times if last else None
    return Told(
        kind=last.kind if last else story.kind,
        about=story.about.text(),
        start=min(last.start, said.start) if last else said.start,
        times=times if times is not None else last.times if last else None,
        packets=max(said.packets, last.packets if last else 0.0),
        over=over,
        again=story.again,
        seen=now.isoformat(),
        silently=silently,
    )


def _sensors(
    silences: Iterable[Silence],
    heard: Mapping[str, dt.datetime],
    known: dict[str, Told],
    wanted: Alerts,
    now: dt.datetime,
    *,
    first: bool,
) -> list[Notice]:
    """Sensors that fell silent since they were told last, and those that speak again."""
    if SILENT in wanted.leave or (wanted.kinds and SILENT not in wanted.kinds):
        return []
    out = []
    quiet = {one.sensor: one for one in silences}
    for name, one in sorted(quiet.items()):
        key = f"{SILENT}:{name}"
        last = known.get(key)
        if last is None or last.over:
            told_before = first and now - one.since > 14 * _RECENT
            if not told_before:
                out.append(
                    Notice(key, "silent", SILENT, f"|||{name}|", one.since.isoformat(), usual=one.rate, confidence="sure")
                )
            known[key] = Told(SILENT, name, one.since.isoformat(), None, 0.0, False, 0, now.isoformat(), told_before)
        else:
            known[key] = replace(last, seen=now.isoformat())
    for key, last in sorted(known.items()):
        if last.kind == SILENT and not last.over and last.about not in quiet:
            spoke = heard.get(last.about)
            if not last.silently and spoke is not None and spoke > dt.datetime.fromisoformat(last.start):
                out.append(
                    Notice(key, "back", SILENT, f"|||{last.about}|", last.start, end=spoke.isoformat(), confidence="sure")
                )
            known[key] = replace(last, over=True, seen=now.isoformat())
    return out


def in_quiet(wanted: Alerts, local: dt.datetime) -> bool:
    """Is that moment (by the zone's clock) one of the quiet hours?"""
    if wanted.quiet is None:
        return False
    first, last = wanted.quiet
    clock = local.time()
    return first <= clock < last if first < last else clock >= first or clock < last


def breaks_quiet(one: Notice, wanted: Alerts) -> bool:
    """Is it sent in quiet hours, too?"""
    return "all" in wanted.quiet_but or one.kind in wanted.quiet_but
