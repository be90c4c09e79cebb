"""Levels of days: what rose, stays high, falls, is back, or lies below its usual: ports, their countries, countries, ASes.

A rule of days on top of `levels.py` and `runs.py`: a series is away from its usual where a day, three days together, or a week
lie beyond the bar; then it is followed until it is back. One change is told once: of the port in one country where that carries
it, else of the port, its countries being parts; of a country (or AS) only what its ports do not tell.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from teiten.detect import days as by_day
from teiten.detect import levels
from teiten.detect.days import PORT, Calendar, Courses
from teiten.detect.model import BURST, ENDED, FALLING, HIGH, NEW_PORT, RISING, About, Confidence, Detection, Part, Port
from teiten.detect.runs import WINDOWS, Bars, Runs, runs
from teiten.detect.view import Floats, View

KINDS: Final = (RISING, HIGH, FALLING, ENDED)
ORDER: Final = 22
OF: Final = (PORT, (*PORT, "country"), ("country",), ("asn",))
"""series that have levels"""
GROWS: Final = 1.5
"""a level rises again where its day is this many times the highest before"""
_HALF: Final = 0.5
_PARTS: Final = 6
_SMALL: Final = 0.03
"""of the excess: what has less is no part of it"""
_TOLD: Final = 0.5
"""of a country's excess, from which on its ports tell it all"""
_FEW_TESTS: Final = 20
_RARE: Final = 5.0
"""packets a day: what has usually fewer has a tail of its own, since a single source changes it"""
_SOURCE_HOURS: Final = 4.0
"""sources of each hour, summed over a day: what has fewer is a burst, if anything"""


@dataclass
class Away:
    """A series that is away from its usual, or back today."""

    by: tuple[str, ...]
    key: tuple[Any, ...]
    sign: int
    start: int
    over: bool
    settled: bool
    usual: float
    packets: Floats
    rates: Floats
    hosts: float
    peak: int
    z: float
    window: int
    days: int
    base: int
    chance: float
    """of a day without anything, over all that was looked at"""
    reference: int = -1
    """the day whose excess is looked into: the last, or the peak of what is over"""
    excess: float = 0.0
    parts: list[Part] = field(default_factory=list)

    @property
    def port(self) -> Port | None:
        return (self.key[0], self.key[1]) if self.by[:2] == PORT else None

    @property
    def country(self) -> str | None:
        return (self.key[-1] or "") if "country" in self.by else None


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Levels of the view's day. Fewer than 8 observed days, or a day of which too little was watched: none."""
    days = by_day.calendar(view)
    if len(days.dates) <= levels.FEWEST or math.isnan(days.watched[-1]):
        return []
    every = away(view, days, [by_day.courses(days, *by, least=view.threshold("detect_level_packets")) for by in OF])
    return [_detection(view, days, one) for one in _chosen(view, days, every) if not _is_a_burst(one, found)]


# --- which series are away from their usual ----------------------------------------------------------------------------------


def away(view: View, days: Calendar, made: Sequence[Courses]) -> list[Away]:
    """The series of those courses that are away from their usual on the last day, or back since it."""
    rates = np.concatenate([one.packets for one in made]) / days.watched
    if not len(rates):
        return []
    hosts = np.concatenate([one.hosts for one in made]) / days.watched
    place = np.arange(rates.shape[1])
    base = np.broadcast_to((place < len(place) - 1) & (place >= len(place) - 1 - levels.BASE), rates.shape)
    usual = levels.usual(rates, days.weekdays, base)
    rows = [np.flatnonzero(_possible(rates, usual, sign, view)) for sign in (1, -1)]
    if not rows[0].size + rows[1].size:
        return []
    past = _past(rates, days, usual, base)
    rare = usual.rate < _RARE
    tails = {(sign, few): levels.tail(sign * past[rare == few]) for sign in (1, -1) for few in (False, True)}
    tests = max(_FEW_TESTS, len(rates)) * len(WINDOWS)
    chance = view.threshold("detect_level_days") / tests
    once, slow = view.threshold("detect_level_times"), view.threshold("detect_slow_times")
    signs = np.repeat([1.0, -1.0], [len(one) for one in rows])
    both = np.concatenate(rows)
    of = [tails[int(sign), bool(rare[row])] for sign, row in zip(signs, both, strict=True)]
    high = {key: tail.bar(chance) for key, tail in tails.items()}
    bars = Bars(
        np.array([high[int(sign), bool(rare[row])] for sign, row in zip(signs, both, strict=True)]),
        (once, (once + slow) / 2, slow),
        view.threshold("detect_level_packets"),
        tuple(1.0 if w == 1 else levels.inflation(rates, days.weekdays, base, usual, w) for w in WINDOWS),
        levels.likeness(usual.variance, usual.days - 1, usual.rate),
        int(view.threshold("detect_settled_days")),
    )
    broad = _broad(hosts[both]) | (signs < 0)[:, None]
    walked = runs(rates[both], days.weekdays, bars, signs, broad)
    names = [(one, row) for one in made for row in range(len(one.keys))]
    return _of_runs([names[row] for row in both], signs, rates[both], walked, of, tests)


def _broad(hosts: Floats) -> levels.Bools:
    """On which days it is more than what one or two sources did within an hour or two."""
    usual = np.nanmedian(hosts, axis=1)[:, None]
    return np.asarray((hosts >= _SOURCE_HOURS) & (hosts >= GROWS * usual))


def _past(rates: Floats, days: Calendar, usual: levels.Usual, base: levels.Bools) -> Floats:
    """z of each series on each day of its own base."""
    y = levels.scale(np.nan_to_num(rates)) - usual.weekday[:, days.weekdays] - usual.mean[:, None]
    wide = usual.deviation * np.sqrt(1 + 1 / np.maximum(usual.days, 1))
    z = levels.deviate(y / wide[:, None], (usual.days - 1 + levels.PRIOR)[:, None])
    return np.where(base & ~np.isnan(rates), z, np.nan)


def _possible(rates: Floats, usual: levels.Usual, sign: int, view: View) -> levels.Bools:
    """Those that can be away today, or have been yesterday: a coarse and cheap look at all of them."""
    slow, least = view.threshold("detect_slow_times"), view.threshold("detect_level_packets")
    seen = [place for place in range(rates.shape[1]) if not np.isnan(rates[0, place])]
    before = rates[:, seen[:-1][-levels.BASE - 7 :]]
    if before.shape[1] < levels.FEWEST:
        return np.zeros(len(rates), bool)
    week = rates[:, seen[-7:]].mean(axis=1)
    near = np.maximum(rates[:, seen[-2:]].max(axis=1), week) if sign > 0 else np.minimum(rates[:, seen[-2:]].min(axis=1), week)
    if sign > 0:
        low = np.quantile(before, 0.3, axis=1)
        return np.asarray((near >= slow * low) & (near - low >= least))
    high = np.quantile(before, 0.7, axis=1)
    return np.asarray((high >= slow * near) & (high - near >= least))


def _of_runs(
    names: Sequence[tuple[Courses, int]],
    signs: Floats,
    rates: Floats,
    made: Runs,
    tails: Sequence[levels.Tail],
    tests: int,
) -> list[Away]:
    last = rates.shape[1] - 1
    out = []
    for place, (course, row) in enumerate(names):
        start, sign = int(made.start[place]), int(signs[place])
        over, settled = bool(made.over[place]), bool(made.settled[place])
        if start < 0 or (over and made.days[place] < 2):
            continue  # a single day has no end worth a word
        peak = int(made.peak[place])
        chance = min(1.0, tails[place].chance(max(0.0, float(made.z[place]))) * tests)
        one = Away(course.by, course.keys[row], sign, start, over, settled, float(made.usual[place]),
                   course.packets[row], rates[place], float(course.hosts[row, last]), peak, float(made.z[place]),
                   int(made.window[place]), int(made.days[place]), int(made.base[place]), chance)  # fmt: skip
        one.reference = peak if over and peak >= 0 else last
        one.excess = sign * (float(rates[place, one.reference]) - one.usual)
        out.append(one)
    return out


# --- one change once ---------------------------------------------------------------------------------------------------------


def _chosen(view: View, days: Calendar, every: list[Away]) -> list[Away]:
    """Of the same change the series that says it best."""
    carried = view.threshold("detect_carried")
    out: list[Away] = []
    for sign in (1, -1):
        mine = [one for one in every if one.sign == sign]
        ports = {one.key: one for one in mine if one.by == PORT}
        cells = [one for one in mine if one.by == (*PORT, "country")]
        told: list[Away] = []
        for key, one in ports.items():
            one.parts = _parts(days, one, "country")
            best = one.parts[0] if one.parts else None
            cell = next((c for c in cells if best and c.key[:2] == key and c.country == best.key), None)
            if cell is not None and best is not None and best.share >= carried and cell.over == one.over:
                told.append(cell)
            else:
                told.append(one)
        told.extend(one for one in cells if one.key[:2] not in ports)
        wide = [one for one in mine if one.by in (("country",), ("asn",))]
        for one in sorted(wide, key=lambda w: (w.by != ("country",), -w.excess)):
            _or_wider(days, one, told)
        out.extend(told)
    for one in out:
        if not one.parts:
            one.parts = _parts(days, one, "asn" if one.country is not None and one.port else "port")
    return out


def _or_wider(days: Calendar, one: Away, told: list[Away]) -> None:
    """A country (or AS) is told beside its ports where these leave half of it untold; or instead of many of its ports."""
    one.parts = _parts(days, one, "port", most=100)
    column = "country" if one.country is not None else "asn"
    inside = [t for t in told if t.port is not None and t.country is not None and t.country == one.country]
    named = {_port(t.port) for t in told if t.port is not None}
    shared = sum(part.share for part in one.parts if part.key in named)
    if column == "country" and len(inside) >= 4 and all(t.over == one.over for t in inside):
        for port in inside:
            told.remove(port)
    elif shared >= _TOLD or any(t.port is None and _same_excess(days, one, t) for t in told):
        return
    one.parts = one.parts[:_PARTS]
    told.append(one)


def _same_excess(days: Calendar, one: Away, other: Away) -> bool:
    """Is what an AS has more than usual mostly a country's that is told?"""
    return bool(
        other.country is not None and sum(p.share for p in _parts(days, one, "country") if p.key == other.country) >= _TOLD
    )


def _parts(days: Calendar, one: Away, what: Literal["country", "asn", "port"], most: int = _PARTS) -> list[Part]:
    """Who carries its excess on its day of reference, held against the days before the run; most first."""
    by = PORT if what == "port" else (what,)
    frame = days.frame.filter(*[pl.col(name).eq_missing(pl.lit(value)) for name, value in zip(one.by, one.key, strict=True)])
    inner = by_day.courses(Calendar(days.dates, days.of, days.watched, frame), *by)
    rates = inner.packets / days.watched
    first = max(0, one.start - levels.BASE)
    before = np.nan_to_num(rates[:, first : one.start])
    seen = max(1, int((~np.isnan(days.watched[first : one.start])).sum()))
    beyond = one.sign * (rates[:, one.reference] - before.sum(axis=1) / seen)
    excess = float(np.where(beyond > 0, beyond, 0.0).sum())
    if excess <= 0:
        return []
    out = []
    for place in np.argsort(-beyond, kind="stable")[:most]:
        share = float(beyond[place]) / excess
        if share < _SMALL:
            break
        key = inner.keys[int(place)]
        name = (
            _port((key[0], key[1])) if what == "port" else str(key[0] if key[0] is not None else "" if what == "country" else 0)
        )
        out.append(Part(what, name, float(inner.packets[int(place), one.reference]), round(share, 4)))
    return out


def _port(port: Port | None) -> str:
    return About(ports=(port,)).text().split("|")[0] if port is not None else ""


# --- as detections -----------------------------------------------------------------------------------------------------------


def _is_a_burst(one: Away, found: Sequence[Detection]) -> bool:
    """Is a day that stands alone told by what was found of its hours already?"""
    if one.over or one.settled or one.days > 1 or one.sign < 0:
        return False
    for other in found:
        if other.kind in (BURST, NEW_PORT) and _covers(other.about, one):
            beyond = other.packets - (other.usual or 0.0)
            if beyond >= _HALF * one.excess:
                return True
    return False


def _covers(about: About, one: Away) -> bool:
    same_port = one.port is None or not about.ports or one.port in about.ports
    return same_port and (one.country is None or about.country in (None, one.country))


def kind(one: Away) -> str:
    """What the day says of it."""
    if one.over or one.settled:
        return ENDED
    today = float(one.rates[-1])
    if one.sign < 0:
        return FALLING
    if one.peak < 0 or one.days == 1:
        return RISING
    highest = float(one.rates[one.peak])
    if today >= GROWS * highest or (one.window > 1 and one.days == one.window):
        return RISING
    return FALLING if today - one.usual < _HALF * (highest - one.usual) else HIGH


def _detection(view: View, days: Calendar, one: Away) -> Detection:
    first, after = view.bounds(view.day)
    over = one.over or one.settled
    begun = first if over else view.bounds(days.dates[one.start])[0]
    usual = one.usual * float(days.watched[-1])
    packets = float(one.packets[-1])
    score = max(0.0, -math.log10(max(one.chance, 1e-300))) if not over else 0.0
    asn = one.key[-1] if "asn" in one.by else None
    about = About(
        ports=() if one.port is None else (one.port,), country=one.country, asn=(asn or 0) if "asn" in one.by else None
    )
    return Detection(
        kind(one),
        about,
        view.day,
        begun,
        end=first if over else None,
        peak=None if one.peak < 0 else view.bounds(days.dates[one.peak])[0],
        packets=packets,
        hosts=one.hosts,
        usual=usual,
        times=packets / usual if usual >= _HALF else None,
        score=score,
        confidence=_confidence(score, one),
        parts=tuple(one.parts),
        reason=_reason(view, days, one, after),
    )


def _confidence(score: float, one: Away) -> Confidence:
    if one.over or score >= 4 or one.days >= 3:
        return "sure"
    return "likely" if score >= 2 else "possible"


def _reason(view: View, days: Calendar, one: Away, after: dt.datetime) -> dict[str, Any]:
    """What decided, in numbers."""
    return {
        "rule": "level",
        "series": list(one.by),
        "since": days.dates[one.start].isoformat(),
        "days": one.days,
        "window_days": one.window,
        "usual_a_day": round(one.usual, 2),
        "usual_of_days": one.base,
        "deviates": round(one.z, 2),
        "below": one.sign < 0,
        "settled": one.settled,
        "watched": round(float(days.watched[-1]), 3),
        "peak_day": None if one.peak < 0 else days.dates[one.peak].isoformat(),
        "peak_a_day": None if one.peak < 0 else round(float(one.rates[one.peak]), 2),
        "course": [None if math.isnan(r) else round(float(r), 1) for r in one.rates],
        "thresholds": {
            name: view.threshold(name)
            for name in ("detect_level_times", "detect_slow_times", "detect_level_packets", "detect_level_days")
        },
    }
