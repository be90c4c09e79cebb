"""Faults of the own line: what is known of one, which of them are the same, and which are a clock that was set and set back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from teiten.detect import _clock, _common, _factor, model
from teiten.detect.view import Floats, View

_USELESS: Final = 0.12
"""a factor below this leaves an hour of no use"""
_SAME: Final = 2
"""hours by which sensors' stretches may differ that are one"""
_UNDONE: Final = 72
"""hours within which a clock that was set is set back"""
_MOST: Final = 0.6
"""share of the sensors from which it is told of all of them"""


@dataclass(frozen=True, slots=True)
class Fault:
    """What was found of some sensors' line in the hours [first, after)."""

    kind: str
    sensors: tuple[str, ...]
    first: int
    after: int
    factors: Floats
    """of each of the hours"""
    seen: Floats
    usual: Floats
    """packets of each of the hours, and those expected"""
    times: float | None = None
    score: float = 9.0
    """deviations, or as much"""
    sure: bool = True
    group: str | None = None
    """of which it is told, where these are most of a group's sensors"""
    reason: Mapping[str, Any] = field(default_factory=dict)


def made(
    kind: str, sensors: tuple[str, ...], line: _factor.Line, one: _factor.Stretch, sure: bool, reason: Mapping[str, Any]
) -> Fault:
    """A stretch as a fault of that kind."""
    at, name = slice(one.first, one.after), next(iter(line.packets))
    factors = _factor.hourly(line, one)
    factors = np.where(factors < _USELESS, 0.0, factors)
    counts = line.packets[name][:, at].sum(0), line.expected[name][:, at].sum(0)
    return Fault(kind, sensors, one.first, one.after, factors, *counts, one.factor, one.score, sure, reason=reason)


def together(view: View, faults: Sequence[Fault], sensors: Sequence[str]) -> list[Fault]:
    """What most sensors, or most of a group's, show in the same hours is one."""
    same: list[list[Fault]] = []
    fell = [one for one in faults if one.kind == model.OWN_FALL]
    faults = [one for one in faults if one.kind != model.OUTAGE or not any(_part(one, whole) for whole in fell)]
    for one in sorted(faults, key=lambda f: (f.kind, f.first, f.after, f.sensors)):
        for cluster in same:
            o = cluster[0]
            if o.kind == one.kind and abs(o.first - one.first) <= _SAME and abs(o.after - one.after) <= _SAME:
                cluster.append(one)
                break
        else:
            same.append([one])
    out = []
    for cluster in same:
        names = {name for one in cluster for name in one.sensors}
        if len(cluster) > 1 and len(names) >= _MOST * len(sensors):
            out.append(_one(cluster, None))
            continue
        for group in sorted({view.groups.get(one.sensors[0], "") for one in cluster}):
            own = [one for one in cluster if view.groups.get(one.sensors[0], "") == group]
            whole = sum(view.groups.get(name) == group for name in sensors)
            out += [_one(own, group)] if len(own) > 1 and whole and len(own) >= _MOST * whole else own
    return out


def _part(none: Fault, fall: Fault) -> bool:
    """Empty hours of a deep fall are a part of it, where they are less than half of it."""
    watched = none.times is not None and set(none.sensors) <= set(fall.sensors)
    within = fall.first <= none.first and none.after <= fall.after
    return watched and within and 2 * (none.after - none.first) < fall.after - fall.first


def _one(cluster: Sequence[Fault], group: str | None) -> Fault:
    """The same fault of several sensors, as that of the one for which it was longest."""
    names = tuple(sorted({name for one in cluster for name in one.sensors}))
    longest = max(cluster, key=lambda one: one.after - one.first)
    return replace(longest, sensors=names, group=group, sure=all(one.sure for one in cluster))


def stepped(
    view: View, faults: Sequence[Fault], sensors: Sequence[str], packets: Mapping[str, Floats], usable: Floats
) -> tuple[list[Fault], list[Fault]]:
    """As many hours with nothing as with twice as much, at the same sensors, are a clock that was set and set back; those with
    nothing alone may be one that was set ahead (`_clock.ahead`).

    The faults with these in their places, and what of them is to be set right.
    """
    out, steps = list(faults), []
    lately = view.today.start - max(_UNDONE, 24 * int(view.threshold("detect_own_days")))
    for none in [one for one in faults if packets and one.kind == model.OUTAGE and lately < one.after < len(view.hours)]:
        length = round(float((1 - none.factors).sum()))
        if not 1 <= length <= _clock.LONGEST:
            continue
        known = next((o for o in out if o.kind == model.CLOCK_STEP and _undoes(o, none, length)), None)
        near = none.after > view.today.start - _UNDONE
        twice = known or (_doubled(view, none, length, sensors, packets, usable) if near else None)
        if twice is None:
            never = _clock.ahead(view, none, length, sensors, packets, usable)
            out = [never if one is none and never is not None else one for one in out]
            continue
        early, late = sorted((none, twice), key=lambda one: one.first)
        between = np.zeros(max(0, late.first - early.after))
        seen, usual = (np.concatenate([getattr(early, n), between, getattr(late, n)]) for n in ("seen", "usual"))
        told = {
            "missing": [view.hours[none.first].isoformat(), length],
            "doubled": [view.hours[twice.first].isoformat(), length],
        }
        at = early.first, late.after
        step = replace(twice, first=at[0], after=at[1], seen=seen, usual=usual, sure=True, reason={**twice.reason, **told})
        out = [one for one in out if one is not none and one is not twice] + [step]
        steps += [] if known else [twice]
    return out, steps


def _undoes(twice: Fault, none: Fault, length: int) -> bool:
    apart = max(none.first, twice.first) - min(none.after, twice.after)
    both, either = set(twice.sensors) & set(none.sensors), set(twice.sensors) | set(none.sensors)
    same = len(both) >= _MOST * len(either) and abs(twice.after - twice.first - length) <= max(1, length // 3)
    return same and -1 <= apart <= _UNDONE


def _doubled(
    view: View, none: Fault, length: int, sensors: Sequence[str], packets: Mapping[str, Floats], usable: Floats
) -> Fault | None:
    """Hours in which as much came twice as was missing; their exposure is set right."""
    on = [at for at, name in enumerate(sensors) if name in none.sensors]
    own = line({name: x[on] for name, x in packets.items()}, usable[on])
    middle = (none.first + none.after) // 2
    first = max(0, middle - length // 2)
    one = _factor.doubled(own, first, first + length, _UNDONE, view.threshold("detect_clock_deviations"))
    if one is None:
        return None
    reason = {"factor": round(float(one.factor), 3), "deviations": round(float(one.score), 1), "hours": length}
    twice = made(model.CLOCK_STEP, none.sensors, own, one, True, reason)
    usable[on, twice.first : twice.after] *= twice.factors
    return twice


def line(packets: Mapping[str, Floats], usable: Floats) -> _factor.Line:
    """Sensors as one line; of several, with a division by sensor."""
    due = {name: _common.expected(x, usable) for name, x in packets.items()}
    seen, usual = {name: x.sum(axis=0) for name, x in packets.items()}, {name: e.sum(axis=0) for name, e in due.items()}
    if len(usable) > 1:
        first = next(iter(packets))
        seen["sensor"], usual["sensor"] = packets[first].sum(axis=1), due[first].sum(axis=1)
    return _factor.Line(seen, usual, usable.sum(axis=0))
