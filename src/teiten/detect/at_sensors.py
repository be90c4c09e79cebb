"""At which sensors a level is away: at one of them, at those of a group, or at all (the daily overview's "seen at one alone").

Two ways to it. A port that is away as a whole is looked into: where one sensor, or one group, has nearly all of its excess,
it is told of these. And what is away at one sensor alone is too little to show in the whole: so each sensor's and each group's
ports are series of their own, each held against its own hours of watching.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from teiten.detect import days as by_day
from teiten.detect import levels
from teiten.detect.away import Away, away, enough, narrowed
from teiten.detect.days import PORT, Calendar, Courses
from teiten.detect.model import Part
from teiten.detect.view import Floats, View

MANY: Final = 3
"""sensors at which a port is away at once, from which it is no matter of single ones"""
_TRIES: Final = 4
"""times the tests of all that is tried here: these are the fourth part of what may be told falsely"""
_SMALL: Final = 0.03


def placed(view: View, days: Calendar, told: Sequence[Away]) -> list[Away]:
    """What is away as a whole, of the one sensor or group that has nearly all of it (`detect_share`); the sensors as parts."""
    names = _sensors(view)
    if len(names) < 2:
        return list(told)
    out = []
    for one in told:
        if one.port is None:
            out.append(one)
            continue
        here = [pl.col(name).eq_missing(pl.lit(value)) for name, value in zip(one.by, one.key, strict=True)]
        if set(one.by) <= {*PORT, "sensor"}:
            frames = [day.by("sensor", *PORT).filter(*here) for day in days.sums]
        else:
            frames = [day.raw[0].filter(*here) for day in days.sums]
        beyond = {name: _beyond(one, counts) for name, counts in _by_sensor(view, days, frames, names).items()}
        out.append(_of_one(view, one, beyond))
    return out


def alone(view: View, days: Calendar, told: Iterable[Away], ports: Courses) -> list[Away]:
    """What is away at single sensors, or groups, of ports of which nothing is told as a whole."""
    names = _sensors(view)
    if len(names) < 2:
        return []
    least = enough(view, days) / 2
    made = by_day.courses(days, "sensor", *PORT, least=least)
    units: list[tuple[tuple[str, ...], str | None]] = [((name,), None) for name in names]
    units += [(mine, group) for group, mine in _groups(view, names).items()]
    watched = {mine: days.of_sensors(view, *mine) for mine, _ in units}
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(made.keys):
        rows.setdefault(str(key[0]), []).append(row)
    # sensors that were watched on the same days are looked at together, their counts as if watched as long as all of them
    alike: dict[tuple[bool, ...], list[tuple[tuple[str, ...], str | None]]] = {}
    for unit in units:
        alike.setdefault(tuple(np.isnan(watched[unit[0]]).tolist()), []).append(unit)
    known = {(one.port, one.sign) for one in told if one.port is not None}
    found: list[Away] = []
    for unseen, mine in alike.items():
        if unseen[-1] or sum(not one for one in unseen) <= levels.FEWEST:
            continue
        course = _course(made, days.watched, watched, rows, mine)
        for one in away(view, days, [course], tries=_TRIES):
            sensors, group = mine[int(one.key[0])]
            if one.sign < 0 or (one.key[1:], one.sign) in known:
                continue  # what is less at one sensor alone is as a rule that sensor's own
            sensor = sensors[0] if group is None else None
            found.append(replace(one, by=PORT, key=one.key[1:], sensor=sensor, group=group))
    return _once(view, days, found, ports)


def _once(view: View, days: Calendar, found: Sequence[Away], ports: Courses) -> list[Away]:
    """Of a port's sensors: a group where that has it, all where there are many, else each by itself."""
    by_port: dict[tuple[object, ...], list[Away]] = {}
    for one in found:
        by_port.setdefault((one.key, one.sign, one.over), []).append(one)
    out = []
    for mine in by_port.values():
        groups = [one for one in mine if one.group is not None]
        single = [one for one in mine if one.sensor is not None]
        several = {view.groups.get(one.sensor or "") for one in single}
        if len(single) >= MANY and not (len(several) == 1 and groups):
            whole = narrowed(max(mine, key=lambda one: one.excess), days, ports, mine[0].key)
            out += [replace(whole, sensor=None, group=None)] if whole is not None and whole.excess > 0 else []
        elif groups and len(single) != 1:
            out += groups
        else:
            out += single or groups
    return out


def _of_one(view: View, one: Away, beyond: dict[str, float]) -> Away:
    excess = sum(max(0.0, more) for more in beyond.values())
    if excess <= 0:
        return one
    shares = {name: more / excess for name, more in sorted(beyond.items(), key=lambda item: -item[1])}
    carried = view.threshold("detect_share")
    name, share = next(iter(shares.items()))
    if share >= carried:
        return replace(one, sensor=name)
    by_group: dict[str, float] = {}
    for sensor, part in shares.items():
        group = view.groups.get(sensor)
        if group is not None:
            by_group[group] = by_group.get(group, 0.0) + max(0.0, part)
    best = max(by_group, key=lambda group: by_group[group], default=None)
    if best is not None and by_group[best] >= carried and len(_groups(view, list(beyond)).get(best, ())) < len(beyond):
        return replace(one, group=best)
    parts = [Part("sensor", name, 0.0, round(share, 4)) for name, share in shares.items() if share >= _SMALL]
    return replace(one, at=tuple(parts[:MANY]))


def _beyond(one: Away, rates: Floats) -> float:
    """What a sensor's rate has beyond the days before, on the day that is looked into."""
    before = rates[max(0, one.start - levels.BASE) : one.start]
    before = before[~np.isnan(before)]
    today = float(np.nan_to_num(rates[one.reference]))
    return one.sign * (today - (float(before.mean()) if before.size else 0.0))


def _by_sensor(view: View, days: Calendar, frames: Sequence[pl.DataFrame], names: Sequence[str]) -> dict[str, Floats]:
    """Each sensor's packets by day as rates: by what was watched of its own usual day."""
    out = {name: np.zeros(len(frames)) for name in names}
    for place, frame in enumerate(frames):
        for name, packets in frame.group_by("sensor").agg(pl.col("packets").sum()).iter_rows():
            if name in out:
                out[name][place] = packets
    return {name: counts / days.of_sensors(view, name) for name, counts in out.items()}


def _course(
    made: Courses, whole: Floats, watched: dict[tuple[str, ...], Floats], rows: dict[str, list[int]],
    units: Sequence[tuple[tuple[str, ...], str | None]],
) -> Courses:  # fmt: skip
    """The ports of those sensors and groups as one table; its keys begin with the unit's place."""
    keys, packets, hosts = [], [], []
    for place, (mine, _) in enumerate(units):
        summed: dict[tuple[object, ...], list[int]] = {}
        for name in mine:
            for row in rows.get(name, ()):
                summed.setdefault(made.keys[row][1:], []).append(row)
        scale = whole / watched[mine]
        for key, of in summed.items():
            keys.append((place, *key))
            packets.append(made.packets[of].sum(axis=0) * scale)
            hosts.append(made.hosts[of].sum(axis=0) * scale)
    shape = (len(keys), len(whole))
    return Courses(("unit", *PORT), keys, np.reshape(packets, shape), np.reshape(hosts, shape))


def _sensors(view: View) -> list[str]:
    return sorted(view.watched["sensor"].unique().to_list())


def _groups(view: View, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The groups of several sensors, but not of all."""
    out: dict[str, list[str]] = {}
    for name in names:
        if view.groups.get(name):
            out.setdefault(view.groups[name], []).append(name)
    return {group: tuple(mine) for group, mine in sorted(out.items()) if 1 < len(mine) < len(names)}
