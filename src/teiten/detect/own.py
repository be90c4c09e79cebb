"""The observer's own line: what every port and country shows at once is no change of the world.

    outage          hours not watched, or watched without a packet where the usual makes that next to impossible
    fall            all ports and all countries at the same part of their usual
    duplicate feed  all at twice (three times) the usual, each count a multiple, or from no more hosts
    clock step      hours without anything and as many hours with twice the usual

Each is looked for at every sensor, and at all of them together. What was found, on this day or an earlier one, is set right in
the view (`View.line`), so that neither it nor its end is told as a change of the world.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.detect import _common, _factor, model
from teiten.detect.model import About, Detection
from teiten.detect.view import LINE, Floats, View

_HOUR: Final = dt.timedelta(hours=1)
_ROUNDS: Final = 6
"""stretches of one line that are set right in one view, at most"""
_NOTHING: Final = 0.03
"""a factor below this is nothing"""
_USELESS: Final = 0.12
"""and below this an hour is of no use"""
_SAME: Final = 2
"""hours by which sensors' stretches may differ that are one"""
_KNOWN: Final = 24
"""hours watched from which a sensor is known to watch"""
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
    stretch: _factor.Stretch | None = None
    sure: bool = True
    reason: Mapping[str, Any] = field(default_factory=dict)


def look(view: View) -> tuple[View, list[Detection]]:
    """The view with its hours set right (`line`), and what was found of the own line on its day."""
    sensors = sorted(view.watched["sensor"].unique().to_list())
    if not sensors or not view.hours:
        return view, []
    shares, usable = _shares(view, sensors)
    faults = _gaps(view, sensors, shares)
    packets = _common.counted(view, sensors)
    if packets:
        changed = _all(view, sensors, packets, usable) if len(sensors) > 1 else []
        changed += _each(view, sensors, packets, usable)
        changed = [_named(view, one) for one in changed]
        view = _set_right(view, changed)
        faults += changed
    told = [_detection(view, one, len(sensors)) for one in _stepped(_together(faults, len(sensors))) if _of_the_day(view, one)]
    return view, told


# looking ------------------------------------------------------------------------------------------------------------


def _gaps(view: View, sensors: Sequence[str], shares: Floats) -> list[Fault]:
    """Hours that were not watched, after the sensor's first."""
    least = view.threshold("detect_outage_hours")
    out = []
    for name, share in zip(sensors, shares, strict=True):
        some = np.flatnonzero(share > 0)
        missing = np.flatnonzero(share < 0.999)
        for run in np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1):
            if some.size and run.size and run[0] >= some[0] and (gone := float((1 - share[run]).sum())) >= least:
                at = int(run[0]), int(run[-1]) + 1
                if at[1] == len(view.hours) and len(some) < _KNOWN:
                    continue  # a few hours of a log are no sensor that fell silent
                nothing = np.zeros(at[1] - at[0])
                out.append(Fault(model.OUTAGE, (name,), *at, share[run], nothing, nothing, reason={"hours": round(gone, 2)}))
    return out


def _shares(view: View, sensors: Sequence[str]) -> tuple[Floats, Floats]:
    """Of each sensor's hours: the share that was watched (of the running hour, of what of it is over); and address-hours,
    beside the sensor's usual."""
    start = int(view.start.timestamp()) * 1_000_000
    names = pl.DataFrame({"sensor": sensors}, schema={"sensor": pl.String}).with_row_index("_row")
    place = ((pl.col("time").to_physical() - start) // 3_600_000_000).alias("_place")
    rows = view.watched.select("sensor", place, "share", "addresses").join(names, on="sensor")
    rows = rows.filter(pl.col("_place").is_between(0, len(view.hours) - 1))
    share, exposure = np.zeros((len(sensors), len(view.hours))), np.zeros((len(sensors), len(view.hours)))
    at = rows["_row"].to_numpy(), rows["_place"].to_numpy()
    np.add.at(share, at, rows["share"].to_numpy())
    np.add.at(exposure, at, (rows["share"] * rows["addresses"]).to_numpy())
    usual = np.array([np.median(one[one > 0]) if (one > 0).any() else 1.0 for one in exposure])
    over = (view.upto - view.hours[-1]) / _HOUR if view.upto is not None else 1.0
    if 0 < over < 1:
        share[:, -1] /= over
    return np.minimum(share, 1.0), exposure / usual[:, None]


def _all(view: View, sensors: Sequence[str], packets: Mapping[str, Floats], usable: Floats) -> list[Fault]:
    """Stretches in which all sensors did alike; their exposure is set right."""
    found: list[Fault] = []
    for _ in range(_ROUNDS):
        due = {name: _common.expected(x, usable) for name, x in packets.items()}
        first = next(iter(packets))
        seen = {name: x.sum(axis=0) for name, x in packets.items()} | {"sensor": packets[first].sum(axis=1)}
        usual = {name: e.sum(axis=0) for name, e in due.items()} | {"sensor": due[first].sum(axis=1)}
        fault = _fault(view, tuple(sensors), _factor.Line(seen, usual, usable.sum(axis=0)))
        if fault is None:
            break
        found.append(fault)
        usable[:, fault.first : fault.after] *= fault.factors
    return found


def _each(view: View, sensors: Sequence[str], packets: Mapping[str, Floats], usable: Floats) -> list[Fault]:
    """Stretches of single sensors; their exposure is set right."""
    found: list[Fault] = []
    waiting = list(range(len(sensors)))
    for _ in range(_ROUNDS):
        due = {name: _common.expected(x[waiting], usable[waiting]) for name, x in packets.items()}
        rows, waiting = waiting, []
        for row, at in enumerate(rows):
            line = _factor.Line({k: x[at] for k, x in packets.items()}, {k: e[row] for k, e in due.items()}, usable[at])
            fault = _fault(view, (sensors[at],), line)
            if fault is not None:
                found.append(fault)
                usable[at, fault.first : fault.after] *= fault.factors
                waiting.append(at)
        if not waiting:
            break
    return found


def _fault(view: View, sensors: tuple[str, ...], line: _factor.Line) -> Fault | None:
    """The first stretch of the line, not yet named."""
    least, sure = view.threshold("detect_own_factor"), view.threshold("detect_own_deviations")
    one = _factor.stretch(line, least, sure, int(view.threshold("detect_own_hours")))
    if one is None:
        return None
    at, name = slice(one.first, one.after), next(iter(line.packets))
    factors = _factor.hourly(line, one)
    factors = np.where(factors < _USELESS, 0.0, factors)
    return Fault(
        "", sensors, one.first, one.after, factors, line.packets[name][:, at].sum(0), line.expected[name][:, at].sum(0), one
    )


# naming -------------------------------------------------------------------------------------------------------------


def _named(view: View, one: Fault) -> Fault:
    """What a stretch is taken for."""
    assert one.stretch is not None
    factor = one.stretch.factor
    reason = {
        "factor": round(factor, 3),
        "deviations": round(one.stretch.score, 1),
        "hours": one.after - one.first,
        "agree": {name: list(both) for name, both in one.stretch.units.items()},
    }
    sure = one.stretch.whole and one.stretch.score >= 1.5 * view.threshold("detect_own_deviations")
    if factor < 1:
        return replace(one, kind=model.OUTAGE if factor <= _NOTHING else model.OWN_FALL, sure=sure, reason=reason)
    even, hosts = _multiples(view, one)
    reason |= {"multiples": even, "hosts": round(hosts, 3)}
    if even or hosts < (1 + factor) / 2 or one.after - one.first > 24:
        return replace(one, kind=model.DUPLICATE_FEED, sure=even, reason=reason)
    return replace(one, kind=model.CLOCK_STEP, sure=False, reason=reason)


def _multiples(view: View, one: Fault) -> tuple[bool, float]:
    """Is every count a multiple, as of what was put in twice? And how many times the usual are the hosts of a packet?"""
    assert one.stretch is not None
    times = max(2, round(one.stretch.factor))
    # the edges lie within hours, of which a part was put in once
    edge = 1 if one.after - one.first > 2 else 0
    start, end = view.hours[one.first + edge], view.hours[one.after - 1 - edge]
    own = view.cells.filter(pl.col("sensor").is_in(one.sensors))
    within = pl.col("time").is_between(start, end)
    odd, many, hosts, packets = (
        own.filter(within)
        .select((pl.col("packets") % times != 0).sum(), pl.len(), pl.col("hosts").sum(), pl.col("packets").sum().alias("n"))
        .row(0)
    )
    usual_hosts, usual = own.filter(~within).select("hosts", "packets").sum().row(0)
    beside = (hosts / packets) / (usual_hosts / usual) if packets and usual_hosts else 1.0
    return many >= 20 and odd <= 0.02 * many, one.stretch.factor * beside


def _together(faults: Sequence[Fault], sensors: int) -> list[Fault]:
    """What most sensors show in the same hours is one."""
    groups: list[list[Fault]] = []
    for one in sorted(faults, key=lambda f: (f.kind, f.first, f.after, f.sensors)):
        for group in groups:
            o = group[0]
            if o.kind == one.kind and abs(o.first - one.first) <= _SAME and abs(o.after - one.after) <= _SAME:
                group.append(one)
                break
        else:
            groups.append([one])
    out = []
    for group in groups:
        names = tuple(sorted({name for one in group for name in one.sensors}))
        if len(group) > 1 and len(names) >= _MOST * sensors:
            longest = max(group, key=lambda one: one.after - one.first)
            out.append(replace(longest, sensors=names, sure=all(one.sure for one in group)))
        else:
            out += group
    return out


def _stepped(faults: Sequence[Fault]) -> list[Fault]:
    """As many hours with nothing as with twice as much, at the same sensors, are a clock that was set and set back."""
    out = list(faults)
    for twice in [one for one in faults if one.kind == model.CLOCK_STEP]:
        for none in [one for one in out if one.kind == model.OUTAGE and one.sensors == twice.sensors]:
            length = abs((none.after - none.first) - (twice.after - twice.first))
            apart = max(none.first, twice.first) - min(none.after, twice.after)
            if length <= 1 and -1 <= apart <= _UNDONE:
                first, second = sorted((none, twice), key=lambda one: one.first)
                between = np.zeros(max(0, second.first - first.after))
                seen = np.concatenate([first.seen, between, second.seen])
                usual = np.concatenate([first.usual, between, second.usual])
                reason = {**twice.reason, "missing_hours": none.after - none.first, "doubled_hours": twice.after - twice.first}
                at = first.first, second.after
                step = replace(twice, first=at[0], after=at[1], seen=seen, usual=usual, sure=True, reason=reason)
                out = [step if one is twice else one for one in out if one is not none]
                break
    return out


# telling ------------------------------------------------------------------------------------------------------------


def _of_the_day(view: View, one: Fault) -> bool:
    """Does it lie on the day, and is it still worth telling?"""
    days = (view.today.start - one.first) / 24
    return bool(one.after > view.today.start and days <= view.threshold("detect_own_days"))


def _detection(view: View, one: Fault, sensors: int) -> Detection:
    on = slice(max(one.first, view.today.start) - one.first, None)
    packets, usual = float(one.seen[on].sum()), float(one.usual[on].sum())
    goes_on = one.after >= len(view.hours)
    score = one.stretch.score if one.stretch else 20.0
    reason = {**one.reason, "sensors": len(one.sensors), "of": sensors}
    return Detection(
        one.kind,
        About(sensor=one.sensors[0] if len(one.sensors) == 1 else None),
        view.day,
        view.hours[one.first],
        None if goes_on else view.hours[one.after - 1] + _HOUR,
        packets=packets,
        usual=usual if one.stretch else None,
        times=one.stretch.factor if one.stretch else None,
        score=min(300.0, max(0.0, score * score / 4.6 - 3)),
        confidence="sure" if one.sure else "likely",
        reason=reason | _words(view, one),
    )


def _words(view: View, one: Fault) -> dict[str, str]:
    """What the operator says of an outage."""
    if view.asked is None or one.kind != model.OUTAGE:
        return {}
    rows = view.asked.gaps(view.hours[one.first], view.hours[one.after - 1] + _HOUR)
    said = rows.filter(pl.col("sensor").is_in(one.sensors) & pl.col("because").is_not_null())["because"].unique(
        maintain_order=True
    )
    return {"because": "; ".join(said.to_list())} if len(said) else {}


def _set_right(view: View, faults: Sequence[Fault]) -> View:
    """The view with the factors of those faults; hours of no use have no cells."""
    rows = [
        (view.hours[one.first + n], name, float(factor))
        for one in faults
        for n, factor in enumerate(one.factors)
        for name in one.sensors
    ]
    if not rows:
        return view
    line = pl.DataFrame(rows, schema=LINE, orient="row").group_by("time", "sensor").agg(pl.col("factor").product())
    useless = line.filter(pl.col("factor") == 0)
    cells = view.cells.join(useless, on=["time", "sensor"], how="anti") if useless.height else view.cells
    return replace(view, cells=cells, line=line.sort("time", "sensor"))
