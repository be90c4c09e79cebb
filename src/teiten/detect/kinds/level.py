"""Levels of days: what rose, stays high, falls, is back, or lies below its usual: ports, their countries, countries, ASes.

A rule of days (`away.py`, on top of `levels.py` and `runs.py`): a series is away from its usual where a day, three days
together, or a week lie beyond the bar; then it is followed until it is back. One change is told once: of the port in one
country where that carries it, else of the port, its countries being parts; of a country or AS only what its ports do not tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from teiten.detect import at_sensors, levels
from teiten.detect import days as by_day
from teiten.detect.away import GROWS, Away, away, enough, narrowed
from teiten.detect.days import PORT, Calendar, Courses
from teiten.detect.model import (
    BURST,
    ENDED,
    FALLING,
    HIGH,
    NEW_PORT,
    OF_TODAY,
    RISING,
    About,
    Confidence,
    Detection,
    Part,
    Port,
)
from teiten.detect.stories import over
from teiten.detect.view import View

KINDS: Final = (RISING, HIGH, FALLING, ENDED)
ORDER: Final = 22
CELL: Final = (*PORT, "country")
OF: Final = (PORT, CELL, ("country",), ("asn",))
"""series that have levels"""
_HALF: Final = 0.5
_PARTS: Final = 6
_SMALL: Final = 0.03
"""of the excess: what has less is no part of it"""
_TOLD: Final = 0.5
"""of a country's excess, from which on its ports tell it all"""
_MANY: Final = 3
"""ports of a country that rise at once: then it is the country that does"""
_WEIGHTY: Final = 0.02
"""of the day's packets: the excess of an AS is told from here on"""
_FEW: Final = 100
"""packets a day of a country: few in number, however many times the usual they are"""
_STILL: Final = 0.8
"""of the highest day: a slow rise has not turned yet"""
_MOSTLY: Final = 0.6
"""of a country's excess: a port that has so much of it is what is told"""

_WHOLE: Final = 0.8
"""of a usual day watched, below which nothing is told to be less"""


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Levels of the view's day. Fewer than 8 observed days, or a day of which too little was watched: none."""
    days = view.days
    if len(days.dates) <= levels.FEWEST or math.isnan(days.watched[-1]):
        return []
    least = enough(view, days)
    made: dict[tuple[str, ...], Courses] = {by: by_day.courses(days, *by, least=least) for by in OF}
    every = away(view, days, list(made.values()))
    whole = over(view) and days.watched[-1] >= _WHOLE
    if not whole:
        # what is less, or over, shows of a whole day: each source has its own hours; of what is more, today's must show it
        slow = view.threshold("detect_slow_times")
        usual = float(days.watched[-1])
        every = [
            one
            for one in every
            if one.sign > 0 and not one.over and one.packets[-1] >= least + slow * usual * one.usual_packets
        ]
    every = [one for one in every if one.sign < 0 or one.over or one.packets[-1] > days.watched[-1] * one.usual_packets]
    # a fall of a port in one country; what was told to have risen has its end told however small it is
    least = enough(view, days, "detect_fall_share")
    every = [one for one in every if one.sign > 0 or one.by != CELL or one.excess >= least]
    told = at_sensors.placed(view, days, _chosen(view, days, every, made))
    if whole:
        told += [replace(one, parts=_parts(days, one, "country")) for one in at_sensors.alone(view, days, told, made[PORT])]
    return [_detection(view, days, one) for one in told if not _is_a_burst(one, found)]


# --- one change once ---------------------------------------------------------------------------------------------------------


def _chosen(view: View, days: Calendar, every: list[Away], made: dict[tuple[str, ...], Courses]) -> list[Away]:
    """Of the same change the series that says it best."""
    carried, narrow = view.threshold("detect_share"), made[CELL]
    out: list[Away] = []
    for sign in (1, -1):
        mine = [one for one in every if one.sign == sign]
        cells = {one.key: one for one in mine if one.by == CELL}
        ports = {one.key: one for one in mine if one.by == PORT}
        ports |= _together(days, [one for key, one in cells.items() if key[:2] not in ports], made[PORT])
        told: list[Away] = []
        for port, one in ports.items():
            one.parts = _parts(days, one, "country")
            best = (*port, one.parts[0].key or None) if one.parts and one.parts[0].share >= carried else None
            cell = cells.get(best) if best is not None else None
            if best is not None and (cell is None or cell.over != one.over):
                cell = narrowed(one, days, narrow, best)
            told.append(cell or one)
        told.extend(one for key, one in cells.items() if key[:2] not in ports)
        for one in sorted((o for o in mine if o.by == ("country",)), key=lambda o: -o.excess):
            _country(days, one, told, narrow)
        for one in sorted((o for o in mine if o.by == ("asn",)), key=lambda o: -o.excess):
            _network(days, one, told)
        out.extend(told)
    for one in out:
        one.parts = one.parts[:_PARTS] or _parts(days, one, "asn" if one.country is not None and one.port else "port")
    return out


def _together(days: Calendar, cells: list[Away], ports: Courses) -> dict[tuple[Any, ...], Away]:
    """The ports that are away in several countries at once, though they themselves do not pass the bar: one change."""
    by_port: dict[tuple[Any, ...], list[Away]] = {}
    for one in cells:
        by_port.setdefault((*one.key[:2], one.over), []).append(one)
    out: dict[tuple[Any, ...], Away] = {}
    for (protocol, number, _), mine in by_port.items():
        first = max(mine, key=lambda one: one.excess)
        whole = narrowed(first, days, ports, (protocol, number)) if len(mine) >= _MANY else None
        if whole is not None and whole.excess > 0:
            out[protocol, number] = replace(whole, start=min(one.start for one in mine), days=max(one.days for one in mine))
    return out


def _country(days: Calendar, one: Away, told: list[Away], narrow: Courses) -> None:
    """A country is told where its ports leave half of it untold; in place of its ports where these are many; as a port where it
    is one port that carries it."""
    one.parts = _parts(days, one, "port", most=100)
    inside = [t for t in told if t.port is not None and t.country == one.country]
    broad = len(inside) >= _MANY or (len(one.parts) > _MANY and one.parts[0].share < _HALF)
    if inside and broad and all(t.over == one.over for t in inside):
        for cell in inside:
            told.remove(cell)
        told.append(one)
        return
    named = {name(t.port) for t in told if t.port is not None and t.country in (None, one.country)}
    if sum(part.share for part in one.parts if part.key in named) >= _TOLD:
        return
    if one.parts and one.parts[0].share >= _MOSTLY and one.parts[0].key not in named:
        key = next(key for key in by_day.courses(_inside(days, one), *PORT).keys if name(key) == one.parts[0].key)
        one = narrowed(one, days, narrow, (*key, one.key[0])) or one
    told.append(one)


def _network(days: Calendar, one: Away, told: list[Away]) -> None:
    """An AS is told where no port or country tells half of it, and where it weighs: one that usually sends next to nothing is a
    single source as a rule; and that a scanner stopped is no news."""
    whole = float(days.frame.filter(pl.col("day") == len(days.dates) - 1)["packets"].sum())
    if one.sign < 0 or one.over or one.excess < _WEIGHTY * whole:
        return
    one.parts = _parts(days, one, "port", most=100)
    countries = {part.key: part.share for part in _parts(days, one, "country")}
    named = {name(t.port) for t in told if t.port is not None and (t.country is None or countries.get(t.country, 0.0) >= _TOLD)}
    shared = sum(part.share for part in one.parts if part.key in named)
    wide = sum(countries.get(t.country, 0.0) for t in told if t.port is None and t.country is not None)
    if max(shared, wide) < _TOLD:
        told.append(one)


def _inside(days: Calendar, one: Away) -> Calendar:
    """The days' cells of that series."""
    here = [pl.col(column).eq_missing(pl.lit(value)) for column, value in zip(one.by, one.key, strict=True)]
    return Calendar(days.dates, days.of, days.watched, days.frame.filter(*here))


def _parts(days: Calendar, one: Away, what: Literal["country", "asn", "port"], most: int = _PARTS) -> list[Part]:
    """Who carries its excess on its day of reference, held against the days before the run; most first."""
    inner = by_day.courses(_inside(days, one), *(PORT if what == "port" else (what,)))
    rates = inner.packets / days.watched
    first = max(0, one.start - levels.BASE)
    before = np.nan_to_num(rates[:, first : one.start])
    seen = max(1, int((~np.isnan(days.watched[first : one.start])).sum()))
    beyond = one.sign * (rates[:, one.reference] - before.sum(axis=1) / seen)
    excess = float(np.where(beyond > 0, beyond, 0.0).sum())
    out: list[Part] = []
    for place in np.argsort(-beyond, kind="stable")[:most]:
        share = float(beyond[place]) / excess if excess > 0 else 0.0
        if share < _SMALL:
            break
        key = inner.keys[int(place)]
        text = name((key[0], key[1])) if what == "port" else str(key[0] or ("" if what == "country" else 0))
        out.append(Part(what, text, float(inner.packets[int(place), one.reference]), round(share, 4)))
    return out


def name(port: Port | tuple[Any, ...] | None) -> str:
    """23/6, as a part's key."""
    return About(ports=((port[0], port[1]),)).text().split("|")[0] if port is not None else ""


# --- as detections -----------------------------------------------------------------------------------------------------------


def _is_a_burst(one: Away, found: Sequence[Detection]) -> bool:
    """Is it told by what was found of its hours already: a day that stands alone, or a country by its ports' bursts?"""
    if one.over or one.settled or one.sign < 0 or (one.days > 1 and one.port is not None):
        return False
    covering = [other for other in found if other.kind in (BURST, NEW_PORT) and _covers(other.about, one)]
    return sum(_of_the_day(other) for other in covering) >= _HALF * one.excess


def _of_the_day(burst: Detection) -> float:
    """What a burst has beyond the usual on the view's day."""
    packets, usual = burst.reason.get(OF_TODAY, (burst.packets, burst.usual or 0.0))
    return float(packets - usual)


def _covers(about: About, one: Away) -> bool:
    same_port = one.port is None or not about.ports or one.port in about.ports
    same_place = about.sensor in (None, one.sensor) or one.sensor is None
    return (
        same_port
        and same_place
        and (one.country is None or about.country in (None, one.country))
        and one.asn in (None, about.asn)
    )


def kind(one: Away) -> str:
    """What the day says of it."""
    if one.over or one.settled:
        return ENDED
    if one.sign < 0:
        return FALLING
    if one.peak < 0 or one.days == 1:
        return RISING
    today, highest = float(one.course[-1]), float(one.course[one.peak])
    slowly = one.window > 1 and one.days <= one.window  # today is the day on which it shows
    if today >= (_STILL if slowly else GROWS) * highest:
        return RISING
    return FALLING if today - one.usual < _HALF * (highest - one.usual) else HIGH


def _detection(view: View, days: Calendar, one: Away) -> Detection:
    first = view.bounds(view.day)[0]
    over = one.over or one.settled
    packets, usual = float(one.packets[-1]), one.usual_packets * float(days.watched[-1])
    score = 0.0 if over else max(0.0, -math.log10(max(one.chance, 1e-300)))
    port = one.port
    return Detection(
        kind(one),
        About(() if port is None else (port,), one.country, one.asn, one.sensor, one.group),
        view.day,
        first if over else view.bounds(days.dates[one.start])[0],
        end=first if over else None,
        peak=None if one.peak < 0 else view.bounds(days.dates[one.peak])[0],
        packets=packets,
        hosts=float(one.hosts[-1]),
        usual=usual,
        times=packets / usual if usual >= _HALF else None,
        measure=one.measure,
        score=score,
        confidence=_confidence(score, one),
        parts=(*one.parts, *one.at),
        reason=_reason(view, days, one),
    )


def _confidence(score: float, one: Away) -> Confidence:
    if one.over or score >= 4 or one.days >= 3:
        return "sure"
    return "likely" if score >= 2 else "possible"


def _reason(view: View, days: Calendar, one: Away) -> dict[str, Any]:
    """What decided, in numbers."""
    return {
        "rule": "level",
        "series": list(one.by),
        "since": days.dates[one.start].isoformat(),
        "days": one.days,
        "window_days": one.window,
        "measure": one.measure,
        "usual_a_day": round(one.usual, 2),
        "usual_of_days": one.base,
        "deviates": round(one.z, 2),
        "below": one.sign < 0,
        "settled": one.settled,
        "few": one.sign > 0 and one.country is not None and float(one.packets[-1]) < _FEW,
        "watched": round(float(days.watched[-1]), 3),
        "peak_day": None if one.peak < 0 else days.dates[one.peak].isoformat(),
        "peak_a_day": None if one.peak < 0 else round(float(one.course[one.peak]), 2),
        "course": [None if math.isnan(r) else round(float(r), 1) for r in one.course],
        "thresholds": {
            key: view.threshold(key)
            for key in (
                "detect_level_times",
                "detect_slow_times",
                "detect_level_packets",
                "detect_level_share",
                "detect_level_days",
            )
        },
    }
