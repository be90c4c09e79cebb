"""One change is told once, with its parts, in however many series it shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from teiten.detect.model import (
    BURST,
    CLOCK_STEP,
    CLOSING_IN,
    FEW_MANY,
    NEW_PORT,
    OVERTOOK,
    OWN,
    PORT_RUN,
    RHYTHM,
    RHYTHM_LOST,
    WATCH,
    About,
    Detection,
    Part,
)
from teiten.detect.view import View

_FIELDS: Final = ("country", "asn", "sensor", "group")
_HALF: Final = 0.5
"""share of the shorter one's time that two changes have in common, for them to be at one time; of both together, to be alike"""
_MOSTLY: Final = 0.8
"""share of the excess of both, from which the larger one tells both"""
_SHORT: Final = dt.timedelta(hours=6)
"""a burst that is over within this tells by itself what it did to the ranking"""
_MOST: Final = 12
"""parts of a kind that are kept"""


def told_once(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Those that say something of their own, most telling first."""
    out = [one for one in found if not any(_tells(other, one) for other in found)]
    return sorted(out, key=lambda one: (-one.score, one.start, one.kind, one.about.text()))


def _tells(other: Detection, one: Detection) -> bool:
    """Whether the other one says what this one would say."""
    if other is one or WATCH in (other.kind, one.kind):
        return False
    if other.kind == CLOCK_STEP:
        # who comes by the clock came at another hour, since the clock was another; and night is at another
        by_the_clock = one.kind == BURST and one.about.asn is not None and _within(other, one)
        return by_the_clock or (one.kind in {RHYTHM, RHYTHM_LOST} and other.end is None)
    if other.kind in OWN:
        return False
    if other.kind == RHYTHM_LOST:
        # who sleeps no longer comes in hours in which nobody came
        return one.kind == BURST and not one.about.ports and one.about.country == other.about.country
    if one.kind in {OVERTOOK, CLOSING_IN}:
        return other.kind in {BURST, NEW_PORT} and _made(other, one)
    if one.kind != BURST or not _at_one_time(other, one):
        return False
    if other.kind == NEW_PORT:
        return bool(one.about.ports) and set(one.about.ports) <= set(other.about.ports)
    if other.kind in {PORT_RUN, FEW_MANY} and not one.about.ports:
        same = other.about.country == one.about.country is not None or other.about.asn == one.about.asn is not None
        return same and other.packets >= _HALF * (one.packets - (one.usual or 0.0))
    return False


def _within(other: Detection, one: Detection) -> bool:
    """Whether the one lies in the other's hours."""
    (a0, a1), (b0, b1) = _span(other), _span(one)
    return a0 <= b0 and (other.end is None or b1 <= a1)


def _made(burst: Detection, rank: Detection) -> bool:
    """Whether a change in ranking is what a few hours made of it, and no more."""
    if burst.end is None or burst.end - burst.start > _SHORT or not rank.about.ports:
        return False
    same = set(rank.about.ports) <= set(burst.about.ports) and burst.about.country in (None, rank.about.country)
    return same and burst.packets >= _HALF * rank.packets


def joined(found: Sequence[Detection]) -> list[Detection]:
    """Changes of one kind that are one: of the same, one within another, of the same ports, or alike and of the same source."""
    out: list[Detection] = []
    for one in found:
        while True:
            match = next(((n, about) for n, other in enumerate(out) if (about := _one(other, one)) is not None), None)
            if match is None:
                break
            one = _both(out.pop(match[0]), one, match[1])
        out.append(one)
    return out


def _one(a: Detection, b: Detection) -> About | None:
    """What two changes are about together, where they are one."""
    if a.about == b.about:
        return a.about
    if not _at_one_time(a, b):
        return None
    for wide, narrow in ((a, b), (b, a)):
        if _holds(wide.about, narrow.about) and (_alike(a, b) or _has(wide, narrow.about.country)):
            return wide.about
    common = {name: _common(getattr(a.about, name), getattr(b.about, name)) for name in _FIELDS}
    others = a.about.country != b.about.country
    if a.about.ports and set(a.about.ports) == set(b.about.ports) and (_alike(a, b) or not others):
        most = max((a, b), key=_excess)
        if _excess(most) >= _MOSTLY * (_excess(a) + _excess(b)):
            return most.about
        return About(ports=a.about.ports, **common)
    source = common["country"] is not None or common["asn"] is not None
    if a.about.ports and b.about.ports and source and _alike(a, b):
        ports = sorted({*a.about.ports, *b.about.ports}, key=lambda port: (port[0], -1 if port[1] is None else port[1]))
        return About(ports=tuple(ports), **common)
    return None


def _excess(one: Detection) -> float:
    return max(one.packets - (one.usual or 0.0), 1e-9)


def _has(wide: Detection, country: str | None) -> bool:
    """Whether a country is one of those that carry a change; it is where none is told."""
    told = {part.key for part in wide.parts if part.what == "country"}
    return country is None or wide.about.country is not None or not told or country in told


def _common(a: Any, b: Any) -> Any:
    return a if a == b else None


def _holds(wide: About, narrow: About) -> bool:
    """Whether all that the wide one states is so of the narrow one; one that states nothing holds nothing."""
    if wide == About() or (wide.ports and not (narrow.ports and set(narrow.ports) <= set(wide.ports))):
        return False
    stated = [name for name in _FIELDS if getattr(wide, name) is not None]
    return all(getattr(wide, name) == getattr(narrow, name) for name in stated)


def _span(one: Detection) -> tuple[dt.datetime, dt.datetime]:
    end = one.end or max(one.start, dt.datetime.combine(one.day, dt.time(), dt.UTC)) + dt.timedelta(hours=36)
    return one.start, max(end, one.start + dt.timedelta(hours=1))


def _overlap(a: Detection, b: Detection) -> tuple[float, float, float]:
    """Hours in common, of the shorter one, and of both together."""
    (a0, a1), (b0, b1) = _span(a), _span(b)
    hour = dt.timedelta(hours=1)
    return max(0.0, (min(a1, b1) - max(a0, b0)) / hour), min(a1 - a0, b1 - b0) / hour, (max(a1, b1) - min(a0, b0)) / hour


def _at_one_time(a: Detection, b: Detection) -> bool:
    common, shorter, _ = _overlap(a, b)
    return common >= _HALF * shorter


def _alike(a: Detection, b: Detection) -> bool:
    common, _, both = _overlap(a, b)
    return common >= _HALF * both


def _both(a: Detection, b: Detection, about: About) -> Detection:
    """Two changes as one: told as the more telling of them, over the time of both."""
    first = a if a.score >= b.score else b
    inside = a.about == about or b.about == about
    if a.about == b.about:
        packets, usual = a.packets + b.packets, (a.usual or 0.0) + (b.usual or 0.0)
    elif inside:
        wide = a if a.about == about else b
        packets, usual = wide.packets, wide.usual or 0.0
    else:
        packets, usual = a.packets + b.packets, (a.usual or 0.0) + (b.usual or 0.0)
    spans = sorted({tuple(span) for one in (a, b) for span in one.reason.get("spans", [])})
    names = sorted({*first.reason.get("joined", []), a.about.text(), b.about.text()} - {about.text()})
    hosts = None if a.hosts is None or b.hosts is None else max(a.hosts, b.hosts) if inside else a.hosts + b.hosts
    return replace(
        first,
        about=about,
        start=min(a.start, b.start),
        end=None if a.end is None or b.end is None else max(a.end, b.end),
        packets=packets,
        usual=usual,
        times=packets / usual if usual >= 0.5 else None,
        hosts=hosts,
        parts=_parts(a, b, about),
        sources="many" if "many" in (a.sources, b.sources) else first.sources,
        reason={**first.reason, "spans": [list(span) for span in spans], **({"joined": names} if names else {})},
    )


def _parts(a: Detection, b: Detection, about: About) -> tuple[Part, ...]:
    """The parts of both, by their shares of what both have more; and what tells one from the other."""
    more = {id(one): _excess(one) for one in (a, b)}
    whole = sum(more.values())
    wide = next((one for one in (a, b) if one.about == about), None)
    if wide is not None and a.about != b.about:
        return wide.parts
    sums: dict[tuple[str, str], Part] = {}
    for one in (a, b):
        share = more[id(one)] / whole
        own = [Part(part.what, part.key, part.packets, part.share * share, part.since) for part in one.parts]
        told = {part.what for part in own}
        for name in ("country", "asn", "sensor"):
            value = getattr(one.about, name)
            if value is not None and getattr(about, name) is None and name not in told:
                own.append(Part(name, str(value), one.packets, share))
        if one.about.ports != about.ports and "port" not in told:
            each = len(one.about.ports)
            keys = [f"{'' if port is None else port}/{protocol}" for protocol, port in one.about.ports]
            own += [Part("port", key, one.packets / each, share / each) for key in keys]
        for part in own:
            before = sums.get((part.what, part.key))
            if before is not None:
                part = replace(part, packets=part.packets + before.packets, share=part.share + before.share)
            sums[part.what, part.key] = part
    out: list[Part] = []
    for what in ("port", "country", "asn", "sensor", "prefix"):
        some = sorted((part for part in sums.values() if part.what == what), key=lambda part: (-part.share, part.key))
        out += [replace(part, packets=round(part.packets, 1), share=round(part.share, 4)) for part in some[:_MOST]]
    return tuple(out)
