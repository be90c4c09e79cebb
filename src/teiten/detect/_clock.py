"""Was a hole in the records a clock that was set ahead and never set back? What the log tells, and what the counts do.

After such a step everything comes as before, but later by the clock: the hours that are missing never were. The other reading
is that for so long nothing was recorded. What decides, the surest first:

    the kernel's own seconds    lines that carry the time since boot: it goes on by seconds where the clock jumped by hours
    when it was received        batches stored as they came: over the hole little time passed, or as much as is missing
    the counts                  what comes by the clock (scanners, day and night of each country) fits the hours as they are
                                written, or those before the step

Where none does, both readings are said, and neither is told as a change of the world.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from teiten.detect import model
from teiten.detect.view import Floats, View

if TYPE_CHECKING:
    from teiten.detect._fault import Fault

AHEAD: Final = ("received ahead", "kernel ahead")
"""what a lake says of a hole (`holes.Known`) where it was a clock that was set"""
_HOUR: Final = dt.timedelta(hours=1)
LONGEST: Final = 24
"""hours that a clock is set by, at most"""
_LATER: Final = 48
"""hours after the hole that are looked at"""
_FEWEST: Final = 6
"""and at least"""
_STEP: Final = 6.0
"""log likelihood ratio from which the counts tell of a step: clocks are set more rarely than records are missing"""
_NO_STEP: Final = -4.0
"""and below which they tell that there was none"""
_DAYS: Final = 3
"""days before the hole, at least, that tell when things come"""
_ASES: Final = 300
"""ASes that are looked at"""
_MOST: Final = 6.0
"""packets of an AS and hour that count, at most"""
_ANYWHERE: Final = 0.2
"""of the mean hour: what may come in any hour"""
_CLUMPS: Final = 3.0
"""packets of a source come together: how many count as one"""


def ahead(
    view: View, none: Fault, length: int, sensors: Sequence[str], packets: Mapping[str, Floats], usable: Floats
) -> Fault | None:
    """That hole as a clock that was set ahead by so many hours, or as a hole with both readings; None: nothing was recorded."""
    told: dict[str, Any] = {}
    start, end = view.hours[none.first], view.hours[none.after - 1] + _HOUR
    by_log = view.asked.hole(none.sensors, start, end) if view.asked is not None else None
    if by_log is not None:
        told = {"by": by_log}
        if by_log not in AHEAD:
            return None
    evidence = 0.0
    if by_log is None:
        evidence = _by_counts(view, none, length, sensors, packets, usable)
        if evidence <= _NO_STEP:
            return None
        told = {"by": "counts", "evidence": round(evidence, 1)}
    if by_log is None and evidence < _STEP:
        told |= {"readings": [model.OUTAGE, model.CLOCK_STEP], "hours_ahead": length}
        return replace(none, sure=False, reason={**none.reason, **told})
    rest = np.zeros(len(view.hours) - none.after)
    told |= {
        "missing": [view.hours[none.first].isoformat(), length], "seconds": 3600 * length, "set_back": False, "hours": length
    }  # fmt: skip
    return replace(
        none, kind=model.CLOCK_STEP, after=len(view.hours), factors=np.concatenate([none.factors, rest]),
        seen=np.concatenate([none.seen, rest]), usual=np.concatenate([none.usual, rest]), times=None,
        sure=by_log is not None, reason={**none.reason, **told},
    )  # fmt: skip


def left(view: View, one: Fault) -> Fault:
    """Hours that came twice without as many missing are a clock that was set back, and is wrong since; others as they are."""
    if one.kind != model.CLOCK_STEP or "missing" in one.reason:
        return one
    length, rest = one.after - one.first, np.zeros(len(view.hours) - one.after)
    told = {"doubled": [view.hours[one.first].isoformat(), length], "seconds": -3600 * length, "set_back": False}
    return replace(
        one, after=len(view.hours), factors=np.concatenate([one.factors, rest]), seen=np.concatenate([one.seen, rest]),
        usual=np.concatenate([one.usual, rest]), times=None, reason={**one.reason, **told},
    )  # fmt: skip


def _by_counts(
    view: View, none: Fault, length: int, sensors: Sequence[str], packets: Mapping[str, Floats], usable: Floats
) -> float:
    """Log likelihood ratio of the hours after the hole: as the clock was before it was set, against as it is written.

    Of each country, and of each large AS, only how its packets lie over the hours is compared, not how many they are.
    """
    on = [at for at, name in enumerate(sensors) if name in none.sensors]
    share = usable[on].sum(axis=0)
    hours = np.arange(none.after, min(none.after + _LATER, len(share)))
    hours = hours[share[hours] > 0]
    before = np.arange(none.first)[share[: none.first] > 0]
    if len(hours) < _FEWEST or len(before) < 24 * _DAYS:
        return 0.0
    total = 0.0
    for x, clumps in (
        (packets.get("country", np.zeros((len(usable), 1, len(share))))[on].sum(axis=0), 1.0),
        (_networks(view, none.sensors), _CLUMPS),
    ):
        daily = np.stack([_mean(x[:, before], share[before], before % 24 == clock) for clock in range(24)], axis=1)
        then, now = (_even(daily[:, (hours - back) % 24] * share[hours]) for back in (length, 0))
        seen = x[:, hours]
        fitted = np.maximum(seen.sum(axis=1, keepdims=True) * (then + now) / 2, 1e-9)
        some = fitted > 1
        apart = float(np.median((seen - fitted)[some] ** 2 / fitted[some])) / 0.455 if some.any() else 1.0
        total += float((seen * np.log(then / now)).sum()) / max(apart, clumps)
    return total


def _networks(view: View, sensors: Sequence[str]) -> Floats:
    """Packets by hour of the ASes that send most to those sensors."""
    import polars as pl

    cells = view.cells.filter(pl.col("sensor").is_in(list(sensors)) & pl.col("asn").is_not_null() & (pl.col("asn") > 0))
    largest = cells.group_by("asn").agg(pl.col("packets").sum()).sort("packets", "asn", descending=[True, False]).head(_ASES)
    place = ((pl.col("time") - view.hours[0]).dt.total_hours()).alias("place")
    rows = cells.join(largest.select("asn").with_row_index("row"), on="asn").select("row", place, "packets")
    rows = rows.filter(pl.col("place").is_between(0, len(view.hours) - 1))
    out = np.zeros((max(1, largest.height), len(view.hours)))
    np.add.at(out, (rows["row"].to_numpy(), rows["place"].to_numpy()), rows["packets"].to_numpy())
    return np.minimum(out, _MOST)


def _mean(x: Floats, share: Floats, which: Any) -> Floats:
    """Packets of a whole hour, of those hours."""
    return np.asarray(x[:, which].sum(axis=1) / max(float(share[which].sum()), 1e-9))


def _even(rates: Floats) -> Floats:
    """Shares of each row over its hours; something may come in every one of them."""
    some = rates + _ANYWHERE * rates.mean(axis=1, keepdims=True) + 1e-6
    return np.asarray(some / some.sum(axis=1, keepdims=True))
