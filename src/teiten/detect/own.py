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
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.detect import _clock, _common, _factor, _fault, model
from teiten.detect._fault import Fault
from teiten.detect.model import About, Detection
from teiten.detect.view import LINE, Floats, View

_HOUR: Final = dt.timedelta(hours=1)
_ROUNDS: Final = 6
"""stretches of one line that are set right in one view, at most"""
_NOTHING: Final = 0.03
"""a factor below this is nothing"""
_KNOWN: Final = 24
"""hours watched from which a sensor is known to watch"""


def look(view: View) -> tuple[View, list[Detection]]:
    """The view with its hours set right (`line`), and what was found of the own line on its day."""
    changed, found = faults(view)
    return righted(view, changed), found


def faults(view: View) -> tuple[list[Fault], list[Detection]]:
    """What is to be set right in the view, and what was found of the own line on its day."""
    sensors = sorted(view.watched["sensor"].unique().to_list())
    if not sensors or not view.hours:
        return [], []
    shares, usable = _shares(view, sensors)
    every = _gaps(view, sensors, shares)
    rows = _common.rows(view, sensors)
    whole = rows.whole()
    packets = _common.counted(rows)
    changed = _silent(view, sensors, whole, usable)
    changed += _twice(view, sensors, rows, whole, usable)
    if packets:
        changed += _all(view, sensors, packets, usable) if len(sensors) > 1 else []
        changed += _each(view, sensors, packets, usable)
    every, steps = _fault.stepped(view, _fault.together(view, every + changed, sensors), sensors, packets, usable)
    every = [_clock.left(view, one) for one in every]
    return changed + steps, [_detection(view, one, len(sensors)) for one in every if _of_the_day(view, one)]


# looking ------------------------------------------------------------------------------------------------------------


def _gaps(view: View, sensors: Sequence[str], shares: Floats) -> list[Fault]:
    """Hours that were not watched, after the sensor's first."""
    least = view.threshold("detect_outage_hours")
    out = []
    for name, share in zip(sensors, shares, strict=True):
        some = np.flatnonzero(share > 0)
        missing = np.flatnonzero(share < 0.999)
        missing = missing[missing > some[0]] if some.size else missing  # it began within its first hour
        for run in np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1):
            if some.size and run.size and (gone := float((1 - share[run]).sum())) >= least:
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


def _silent(view: View, sensors: Sequence[str], whole: Floats, usable: Floats) -> list[Fault]:
    """Hours watched without a packet, where the usual makes that next to impossible; they are of no use."""
    out = []
    quiet = (whole == 0) & (usable > 0)
    on = np.flatnonzero(quiet.any(axis=1) & (np.count_nonzero(usable, axis=1) >= view.threshold("detect_own_hours")))
    due = _common.expected(whole[on][:, None], usable[on])[:, 0] if on.size else whole[:0]
    for at, usual in zip(on.tolist(), due, strict=True):
        # what arrives in clumps leaves more hours empty: a negative binomial of the line's own scatter
        scatter = float(np.clip(np.median((whole[at] - usual) ** 2 / np.maximum(usual, 1e-9)) / 0.455, 1.01, 1e3))
        empty = np.flatnonzero(quiet[at])
        for run in np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1):
            first, after = int(run[0]), int(run[-1]) + 1
            evidence = float(usual[first:after].sum()) * np.log(scatter) / (scatter - 1)
            if evidence >= view.threshold("detect_silent_evidence"):
                usable[at, first:after] = 0.0
                none = np.zeros(after - first)
                reason = {"factor": 0.0, "evidence": round(float(evidence), 1), "hours": after - first}
                score = np.sqrt(2 * evidence)
                out.append(
                    Fault(model.OUTAGE, (sensors[at],), first, after, none, none, usual[first:after], 0.0, score, reason=reason)
                )
    return out


def _twice(view: View, sensors: Sequence[str], rows: _common.Rows, whole: Floats, usable: Floats) -> list[Fault]:
    """Hours whose counts are even, more often than can be; their exposure is set right."""
    out = []
    for at, gains in enumerate(_common.twice(rows)):
        for evidence, first, after in _factor.peaks(gains, view.threshold("detect_twice_evidence")):
            usable[at, first:after] *= 2
            seen = whole[at, first:after]
            reason = {"multiples": True, "evidence": round(float(evidence), 1), "hours": after - first, "factor": 2.0}
            both = np.full(after - first, 2.0)
            out.append(
                Fault(
                    model.DUPLICATE_FEED, (sensors[at],), first, after, both, seen, seen / 2, 2.0, evidence / 2, reason=reason
                )
            )
    return out


def _all(view: View, sensors: Sequence[str], packets: Mapping[str, Floats], usable: Floats) -> list[Fault]:
    """Stretches in which all sensors did alike; their exposure is set right."""
    found: list[Fault] = []
    for _ in range(_ROUNDS):
        fault = _found(view, tuple(sensors), _fault.line(packets, usable))
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
            fault = _found(view, (sensors[at],), line)
            if fault is not None:
                found.append(fault)
                usable[at, fault.first : fault.after] *= fault.factors
                waiting.append(at)
        if not waiting:
            break
    return found


def _found(view: View, sensors: tuple[str, ...], line: _factor.Line) -> Fault | None:
    """The first stretch of the line, under its name."""
    least, sure = view.threshold("detect_own_factor"), view.threshold("detect_own_deviations")
    one = _factor.stretch(line, least, sure, int(view.threshold("detect_own_hours")))
    if one is None:
        return None
    kind, certain, reason = _named(view, sensors, one, sure)
    return _fault.made(kind, sensors, line, one, certain, reason)


# naming -------------------------------------------------------------------------------------------------------------


def _named(view: View, sensors: tuple[str, ...], one: _factor.Stretch, sure: float) -> tuple[str, bool, dict[str, Any]]:
    """What a stretch is taken for, whether surely, and why."""
    reason: dict[str, Any] = {
        "factor": round(float(one.factor), 3),
        "deviations": round(float(one.score), 1),
        "hours": one.after - one.first,
        "agree": {name: list(both) for name, both in one.units.items()},
    }
    if one.factor < 1:
        kind = model.OUTAGE if one.factor <= _NOTHING else model.OWN_FALL
        return kind, one.whole and one.score >= 1.5 * sure, reason
    hosts = one.factor * _hosts(view, sensors, one.first, one.after)
    reason["hosts"] = round(float(hosts), 3)
    again = hosts < (1 + one.factor) / 2 or one.after - one.first > 24
    return model.DUPLICATE_FEED if again else model.CLOCK_STEP, False, reason


def _hosts(view: View, sensors: tuple[str, ...], first: int, after: int) -> float:
    """How many times the usual are the hosts of a packet in those hours?"""
    own = view.cells.filter(pl.col("sensor").is_in(sensors))
    within = pl.col("time").is_between(view.hours[first], view.hours[after - 1])
    hosts, packets = own.filter(within).select(pl.col("hosts").sum(), pl.col("packets").sum()).row(0)
    usual_hosts, usual = own.filter(~within).select(pl.col("hosts").sum(), pl.col("packets").sum()).row(0)
    return float((hosts / packets) / (usual_hosts / usual)) if packets and usual_hosts else 1.0


# telling ------------------------------------------------------------------------------------------------------------


def _of_the_day(view: View, one: Fault) -> bool:
    """Does it lie on the day, and is it still worth telling?"""
    days = (view.today.start - one.first) / 24
    return bool(one.after > view.today.start and days <= view.threshold("detect_own_days"))


def _detection(view: View, one: Fault, sensors: int) -> Detection:
    on = slice(max(one.first, view.today.start) - one.first, None)
    packets, usual = float(one.seen[on].sum()), float(one.usual[on].sum())
    goes_on = one.after >= len(view.hours)
    reason = {**one.reason, "sensors": len(one.sensors), "of": sensors}
    if 1 < len(one.sensors) < sensors:
        reason["names"] = list(one.sensors)
    return Detection(
        one.kind,
        About(sensor=one.sensors[0] if len(one.sensors) == 1 else None, group=one.group),
        view.day,
        view.hours[one.first],
        None if goes_on else view.hours[one.after - 1] + _HOUR,
        packets=packets,
        usual=None if one.times is None else usual,
        times=None if one.times is None else float(one.times),
        score=float(min(300.0, one.score**2 / 4.6)),
        confidence="sure" if one.sure else "likely",
        reason=reason | _words(view, one),
    )


def _words(view: View, one: Fault) -> dict[str, Any]:
    """Of an outage: from when to when to the second, and what the operator says of it, where the lake knows."""
    if view.asked is None or one.kind != model.OUTAGE:
        return {}
    rows = view.asked.gaps(view.hours[one.first], view.hours[one.after - 1] + _HOUR).filter(pl.col("sensor").is_in(one.sensors))
    if not rows.height:
        return {}
    said = rows["because"].drop_nulls().unique(maintain_order=True).to_list()
    first, last = rows.select(pl.col("start").min(), pl.col("end").max()).row(0)
    return {"from": first.isoformat(), "to": last.isoformat()} | ({"because": "; ".join(said)} if said else {})


def righted(view: View, faults: Sequence[Fault]) -> View:
    """The view with the factors of those faults; hours of no use have no cells, what came twice counts once."""
    view = _once(view, _line(view, [one for one in faults if one.kind == model.DUPLICATE_FEED]))
    line = _line(view, [one for one in faults if one.kind != model.DUPLICATE_FEED])
    if not line.height:
        return view
    useless = line.filter(pl.col("factor") == 0)
    if not useless.height:
        return replace(view, line=line.sort("time", "sensor"))
    # what is not told by sensors is left out where no other one watched
    others = view.watched.filter(pl.col("share") > 0).join(useless, on=["time", "sensor"], how="anti")
    alone = useless.join(others, on="time", how="anti")
    kept = [
        frame.join(useless, on=["time", "sensor"], how="anti")
        if "sensor" in frame.columns
        else frame.join(alone, on="time", how="anti")
        for frame in (view.cells, *view.tails)
    ]
    sums = view.sums_without(useless["time"])
    return replace(view, cells=kept[0], tails=tuple(kept[1:]), line=line.sort("time", "sensor"), sums=sums)


def _line(view: View, faults: Sequence[Fault]) -> pl.DataFrame:
    """LINE of those faults: a row for each hour and sensor."""
    rows = [
        (view.hours[one.first + n], name, float(factor))
        for one in faults
        for n, factor in enumerate(one.factors)
        for name in one.sensors
    ]
    return pl.DataFrame(rows, schema=LINE, orient="row").group_by("time", "sensor").agg(pl.col("factor").product())


def _once(view: View, twice: pl.DataFrame) -> View:
    """The view with packets divided by those factors; hosts are the same however often their packets were put in, so that an
    exposure of two would halve them."""
    twice = twice.filter(pl.col("factor") > 1)
    if not twice.height:
        return view
    # what is not told by sensors can be set right where no other one watched
    others = view.watched.filter(pl.col("share") > 0).join(twice, on=["time", "sensor"], how="anti")
    alone = twice.join(others, on="time", how="anti").group_by("time").agg(pl.col("factor").mean())
    whole = (pl.col("packets") / pl.col("factor").fill_null(1.0)).round().cast(pl.Int64).alias("packets")

    def halved(frame: pl.DataFrame) -> pl.DataFrame:
        on = ["time", "sensor"] if "sensor" in frame.columns else ["time"]
        factors = twice if "sensor" in frame.columns else alone
        return frame.join(factors, on=on, how="left", maintain_order="left").with_columns(whole).drop("factor")

    sums = view.sums_without(twice["time"])
    return replace(view, cells=halved(view.cells), tails=tuple(halved(tail) for tail in view.tails), sums=sums)
