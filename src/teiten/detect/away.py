"""Which series of a view are away from their usual by days: of those that can be, the runs, and the chance of it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from teiten.detect import levels
from teiten.detect.days import PORT, Calendar, Courses
from teiten.detect.model import Part, Port
from teiten.detect.runs import WINDOWS, Bars, runs
from teiten.detect.view import Floats, View

GROWS: Final = 1.5
"""a level rises again where its day is this many times the highest before"""
FEW_TESTS: Final = 20
SAMPLE: Final = 4000
"""series, of those in order of size, from which tails and likeness are told"""
RARE: Final = 5.0
"""a day: what has usually fewer is rare"""
_NONE: Final = 0.15
"""of the days on which it had nothing, above which it is rare, too"""
SOURCE_HOURS: Final = 4.0
"""sources of each hour, summed over a day: what has fewer is a burst, if anything"""
_RUN: Final = 21
"""days of a run at most: later it is the usual"""
_FAR: Final = 2.5
_HALF: Final = 0.5
Measure = Literal["packets", "hosts"]


@dataclass
class Away:
    """A series that is away from its usual on the last day, or back since it. Rates are by usual days."""

    by: tuple[str, ...]
    key: tuple[Any, ...]
    sign: int
    measure: Measure
    """hosts: sources of each hour, summed; a single source that sends very much is no more there than another"""
    start: int
    over: bool
    settled: bool
    usual: float
    """of its measure, a day"""
    course: Floats
    """of its measure"""
    packets: Floats
    """counts as they are"""
    hosts: Floats
    usual_packets: float
    rare: bool
    peak: int
    z: float
    window: int
    days: int
    base: int
    chance: float
    """that a day on which nothing happens shows such a thing anywhere"""
    reference: int
    """the day whose excess is looked into: the last, or the peak of what is over"""
    excess: float
    """packets beyond the usual on that day"""
    parts: list[Part] = field(default_factory=list)
    sensor: str | None = None
    group: str | None = None
    """of which it is told, where it is a matter of one sensor, or of a group (`at_sensors`)"""
    at: tuple[Part, ...] = ()
    """else who of several sensors has how much of it"""

    @property
    def port(self) -> Port | None:
        return (self.key[0], self.key[1]) if self.by[:2] == PORT else None

    @property
    def country(self) -> str | None:
        return (self.key[-1] or "") if "country" in self.by else None

    @property
    def asn(self) -> int | None:
        return (self.key[-1] or 0) if "asn" in self.by else None


def away(view: View, days: Calendar, made: Sequence[Courses], tries: int = 1) -> list[Away]:
    """The series of those courses that are away from their usual on the last day, or back since it; each once. tries: what is
    tried here counts so many times as much.

    Packets and sources are looked at both; what shows in both is told of the one that showed it first.
    """
    names = [(one, row) for one in made for row in range(len(one.keys))]
    if not names:
        return []
    counts = {"packets": np.concatenate([one.packets for one in made]), "hosts": np.concatenate([one.hosts for one in made])}
    _at_least(view, days.watched, names, counts)
    _left_out(view, days, made, counts)
    tests = 2 * max(FEW_TESTS, len(names)) * len(WINDOWS) * tries
    best: dict[tuple[Any, ...], Away] = {}
    for measure in ("packets", "hosts"):
        for one in _of_measure(view, days, names, counts, "packets" if measure == "packets" else "hosts", tests):
            key = (one.by, one.key, one.sign)
            other = best.get(key)
            if other is None or (one.over, one.start, one.chance) < (other.over, other.start, other.chance):
                best[key] = one
    return list(best.values())


def _at_least(view: View, watched: Floats, names: Sequence[tuple[Courses, int]], counts: dict[str, Floats]) -> None:
    """Of days with very many cells the rare ones are put together: a port of a country that is not there has some count below
    `View.least`, not none (a port or an AS below `View.least_alone`). Where it is below, it is taken to be there; of a day that
    was watched in part, that part of it, since its counts are made rates by `watched`."""
    if view.least <= 0:
        return
    packets, hosts = counts["packets"], counts["hosts"]
    share = hosts.sum() / max(1.0, packets.sum())
    several = np.array([len(one.by) > len(PORT) for one, _ in names])
    alone = np.array([one.by in (PORT, ("asn",)) for one, _ in names])
    part = np.minimum(np.nan_to_num(watched, nan=1.0), 1.0)
    for which, least in ((several, view.least * part), (alone, view.least_alone * part)):
        packets[which] = np.maximum(packets[which], least)
        hosts[which] = np.maximum(hosts[which], least * share)


def _left_out(view: View, days: Calendar, made: Sequence[Courses], counts: dict[str, Floats]) -> None:
    """Of a port of a country each AS that is below `View.least` is left out by itself: where one that is there on other days
    is not, it is taken to have as many, so that a country whose ASes are all near that number does not fall by the half. An AS
    that was there on few days counts for that part."""
    if view.least <= 0:
        return
    share = counts["hosts"].sum() / max(1.0, counts["packets"].sum())
    part = np.minimum(np.nan_to_num(days.watched, nan=1.0), 1.0)
    first = 0
    for one in made:
        rows = slice(first, first + len(one.keys))
        first += len(one.keys)
        if one.by != (*PORT, "country") or not one.keys:
            continue
        keys = pl.DataFrame(one.keys, schema={n: days.frame.schema[n] for n in one.by}, orient="row")
        seen = (
            days.frame.join(keys.with_row_index("_row"), on=list(one.by), nulls_equal=True)
            .select("_row", "asn", "day")
            .unique()
        )
        weight = seen.group_by("_row", "asn").len("_days")
        weight = weight.with_columns((pl.col("_days") * 2 / len(days.dates)).clip(upper_bound=1.0).alias("_weight"))
        there = seen.join(weight, on=["_row", "asn"], nulls_equal=True).group_by("_row", "day").agg(pl.col("_weight").sum())
        gone = np.zeros((len(one.keys), len(days.dates)))
        every = weight.group_by("_row").agg(pl.col("_weight").sum())
        gone[every["_row"].to_numpy()] += every["_weight"].to_numpy()[:, None]
        gone[there["_row"].to_numpy(), there["day"].to_numpy()] -= there["_weight"].to_numpy()
        more = view.least * np.maximum(gone, 0.0) * part
        # the first of them is in the least count of the whole already
        counts["packets"][rows] = np.maximum(counts["packets"][rows], one.packets + more)
        counts["hosts"][rows] = np.maximum(counts["hosts"][rows], one.hosts + more * share)


def narrowed(one: Away, days: Calendar, cells: Courses, key: tuple[Any, ...]) -> Away | None:
    """The same change of the one cell that carries it, with that cell's own numbers; None: it has too few to be looked at."""
    if key not in cells.keys:
        return None
    row = cells.keys.index(key)
    counts = {"packets": cells.packets[row] / days.watched, "hosts": cells.hosts[row] / days.watched}
    usual = {name: _median(rates[max(0, one.start - levels.BASE) : one.start]) for name, rates in counts.items()}
    start, lasted = _begun(one, counts[one.measure], usual[one.measure])
    return replace(
        one,
        start=start,
        days=lasted,
        by=cells.by,
        key=key,
        usual=usual[one.measure],
        course=counts[one.measure],
        packets=cells.packets[row],
        hosts=cells.hosts[row],
        usual_packets=usual["packets"],
        excess=one.sign * (float(counts["packets"][one.reference]) - usual["packets"]),
        parts=[],
    )


def _begun(one: Away, rates: Floats, usual: float) -> tuple[int, int]:
    """Since when that cell is away, within the run of the whole, and for how many observed days: from the first day on which it
    is half as far beyond as it is on average."""
    beyond = one.sign * (rates[one.start :] - usual)
    if one.over or np.isnan(beyond).all() or np.nanmean(beyond) <= 0:
        return one.start, one.days
    start = one.start + int(np.argmax(np.nan_to_num(beyond) >= _HALF * np.nanmean(beyond)))
    return start, max(1, int((~np.isnan(rates[start:])).sum()))


def _median(rates: Floats) -> float:
    some = rates[~np.isnan(rates)]
    return float(np.median(some)) if some.size else 0.0


def _of_measure(
    view: View,
    days: Calendar,
    names: Sequence[tuple[Courses, int]],
    counts: dict[str, Floats],
    measure: Measure,
    tests: int,
) -> list[Away]:
    rates = counts[measure] / days.watched
    place = np.arange(rates.shape[1])
    base = np.broadcast_to((place < len(place) - 1) & (place >= len(place) - 1 - levels.BASE), rates.shape)
    least = enough(view, days) * (1.0 if measure == "packets" else 0.5)
    rows = [np.flatnonzero(_possible(rates, sign, view.threshold("detect_slow_times"), least)) for sign in (1, -1)]
    both = np.concatenate(rows)
    if not both.size:
        return []
    # what is like them, of all that there is: a thousandth part of a large network's series is enough to tell
    some = np.arange(0, len(rates), 1 + len(rates) // SAMPLE)
    usual = levels.usual(rates[some], days.weekdays, base[some])
    past, few_here = _past(rates[some], days, usual, base[some]), _rare(rates[some], usual)
    tails = {(sign, few): levels.tail(sign * past[few_here == few]) for sign in (1, -1) for few in (False, True)}
    signs = np.repeat([1, -1], [len(one) for one in rows])
    rare = _rare(rates[both], levels.usual(rates[both], days.weekdays, base[both]))
    of = [(int(sign), bool(few)) for sign, few in zip(signs, rare, strict=True)]
    high = {key: one.bar(view.threshold("detect_level_days") / tests) for key, one in tails.items()}
    once, slow = view.threshold("detect_level_times"), view.threshold("detect_slow_times")
    bars = Bars(
        np.array([high[key] for key in of]),
        (once, (once + slow) / 2, slow),
        least,
        tuple(1.0 if w == 1 else levels.inflation(rates[some], days.weekdays, base[some], usual, w) for w in WINDOWS),
        levels.likeness(usual.variance, usual.days - 1, usual.rate),
        int(view.threshold("detect_settled_days")),
    )
    broad = _broad(counts["hosts"][both] / days.watched) | (signs < 0)[:, None]
    walked = runs(rates[both], days.weekdays, bars, signs.astype(float), broad)
    last = rates.shape[1] - 1
    out = []
    for at, row in enumerate(both):
        start, sign = int(walked.start[at]), int(signs[at])
        over, settled, peak = bool(walked.over[at]), bool(walked.settled[at]), int(walked.peak[at])
        if start < 0 or (over and walked.days[at] < 2):
            continue  # a single day has no end worth a word
        course, key = names[row]
        packets = counts["packets"][row] / days.watched
        before = packets[max(0, start - levels.BASE) : start]
        common = float(walked.usual[at]) if measure == "packets" else _median(before)
        reference = peak if over and peak >= 0 else last
        chance = min(1.0, tails[of[at]].chance(max(0.0, float(walked.z[at]))) * tests)
        out.append(
            Away(course.by, course.keys[key], sign, measure, start, over, settled, float(walked.usual[at]), rates[row],
                 course.packets[key], course.hosts[key], common, bool(rare[at]), peak, float(walked.z[at]),
                 int(walked.window[at]), int(walked.days[at]), int(walked.base[at]), chance, reference,
                 sign * (float(packets[reference]) - common))
        )  # fmt: skip
    return out


def enough(view: View, days: Calendar, share: str = "detect_level_share") -> float:
    """Packets a day that a change of level has at least: so many, and such a part (a threshold's name) of all that comes."""
    whole = days.frame.group_by("day").agg(pl.col("packets").sum())["packets"].median()
    of_all = float(whole) if isinstance(whole, (int, float)) else 0.0
    return max(view.threshold("detect_level_packets"), view.threshold(share) * of_all)


def _rare(rates: Floats, usual: levels.Usual) -> levels.Bools:
    """Series of few packets, or that often have none at all: they have a tail of their own, since a single source makes it."""
    seen = ~np.isnan(rates)
    none = ((rates == 0) & seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.asarray((np.nan_to_num(usual.rate) < RARE) | (none > _NONE))


def _broad(hosts: Floats) -> levels.Bools:
    """On which days it is more than what one or two sources did within an hour or two."""
    seen = ~np.isnan(hosts)
    usual = np.median(hosts[:, seen[0]], axis=1)[:, None]
    return np.asarray((hosts >= SOURCE_HOURS) & (hosts >= GROWS * usual))


def _past(rates: Floats, days: Calendar, usual: levels.Usual, base: levels.Bools) -> Floats:
    """z of each series on each day of its own base; of days in a row that are far away only the first."""
    y = levels.scale(np.nan_to_num(rates)) - usual.weekday[:, days.weekdays] - usual.mean[:, None]
    wide = usual.deviation * np.sqrt(1 + 1 / np.maximum(usual.days, 1))
    z = levels.deviate(y / wide[:, None], (usual.days - 1 + levels.PRIOR)[:, None])
    far = np.abs(z) > _FAR
    far[:, 1:] &= far[:, :-1] & (np.sign(z[:, 1:]) == np.sign(z[:, :-1]))
    far[:, 0] = False
    return np.where(base & ~np.isnan(rates) & ~far, z, np.nan)


def _possible(rates: Floats, sign: int, times: float, least: float) -> levels.Bools:
    """Those that can be away today, or have been yesterday: a coarse and cheap look at all of them."""
    seen = [place for place in range(rates.shape[1]) if not np.isnan(rates[0, place])]
    before = rates[:, seen[:-1][-levels.BASE - 7 :]]
    if before.shape[1] < levels.FEWEST:
        return np.zeros(len(rates), bool)
    near = np.column_stack([rates[:, seen[-2:]], rates[:, seen[-7:]].mean(axis=1)])
    # days that no run of today can hold: what they exceed every fourth day is nothing
    old = before[:, :-_RUN] if before.shape[1] >= _RUN + levels.FEWEST else before
    if sign > 0:
        high, low = near.max(axis=1), np.quantile(before, 0.3, axis=1)
        beyond = high > np.quantile(old, 0.75, axis=1)
    else:
        high, low = np.quantile(before, 0.7, axis=1), near.min(axis=1)
        beyond = low < np.quantile(old, 0.25, axis=1)
    return np.asarray((high >= times * low) & (high - low >= least) & beyond)
