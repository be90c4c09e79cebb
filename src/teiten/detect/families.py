"""Families of series: all values of some columns that have counts enough, with what is usual of each, and what days before had.

Of the series of a family those are looked at that stand out today, by a crude look at all of them; and of those that stood out
on a day before as many as it takes to tell what chance alone brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from teiten.detect import baseline, chance, tails
from teiten.detect.baseline import WIDTHS, Baseline, Floats, Ints
from teiten.detect.coded import MOST_BINS
from teiten.detect.ground import MEASURES, Ground, Measure

FAMILIES: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("port",),
    ("country",),
    ("asn",),
    ("group",),
    ("port", "country"),
    ("port", "asn"),
    ("sensor",),
    ("sensor", "port"),
)
_PRIOR: Final[dict[str, float]] = {"packets": 8.0, "hosts": 1.5}
"""dispersion of series with few counts: packets of a source come together, sources hardly"""
_DENSE: Final = 0.25
"""counts of a usual hour from which on a series has counts enough to tell by itself how far they stray"""
_CRUDE: Final = 0.6
"""share of `detect_times` from which on a series is looked at more closely"""
_EACH: Final = 8.0
"""packets of each host more than expected, from which on few hosts carry what is more"""
_VISITS: Final = 2.0
"""large visits at once that few hosts must come to more than: of thousands of series one has two of them on many days"""
_SAMPLE: Final = 250
"""series of a kind that did not stand out today, at most, that tell what days before had"""


@dataclass
class Family:
    """All series of some columns that had counts enough today. Counts and baselines are of the ground's recent hours."""

    by: tuple[str, ...]
    keys: list[tuple[int, ...]]
    rows: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """of each recent cell: its series; -1: none that is looked at"""
    counts: dict[Measure, Floats] = field(default_factory=dict)
    bases: dict[Measure, Baseline] = field(default_factory=dict)
    chances: dict[Measure, tuple[chance.Maxima, chance.Maxima]] = field(default_factory=dict)
    """what days before had of series with few counts, and of those with many"""
    dense: dict[Measure, npt.NDArray[np.bool_]] = field(default_factory=dict)
    """which series have many counts"""
    best: dict[Measure, Floats] = field(default_factory=dict)
    """a row for each series: how unlikely, score, first, after, count, usual, width's place"""

    @property
    def wide(self) -> bool:
        """Has no port: hosts are counted once for all ports."""
        return "port" not in self.by and "group" not in self.by

    @cached_property
    def places(self) -> dict[tuple[int, ...], int]:
        """Of each key its row."""
        return {key: row for row, key in enumerate(self.keys)}


def family(made: Ground, by: tuple[str, ...]) -> Family:
    """Those columns' series that are looked at; no key where there is none."""
    out = Family(by, [])
    values = [np.flatnonzero(made.kept[name][:-1] < made.kept[name][-1]) for name in by]
    tables = _tables(made, by, values)
    numbers = _busy(made, tables)
    rows = [_placed(numbers, one.numbers) for one in tables]
    packets = _matrix(made, tables, rows, len(numbers), "packets")
    seen = _exposures(made, by, numbers, values)
    hot, asked = _chosen(made, packets, seen)
    again = np.full(len(numbers) + 1, len(hot))
    again[hot] = np.arange(len(hot))
    recent = again[_placed(numbers, _numbered(made, by, values))]
    out.rows = np.where(recent < len(hot), recent, -1)
    out.keys = list(zip(*(key.tolist() for key in _parted(numbers[hot], values)), strict=True)) if by else [()] * len(hot)
    back = made.clock.today.start - made.first
    hosts = _matrix(made, tables, [again[own] for own in rows], len(hot), "hosts")
    both: dict[Measure, Floats] = {"packets": packets[hot], "hosts": hosts}
    for measure, full in both.items():
        base = baseline.expect(full, made.clock, _PRIOR[measure], seen if len(seen) == 1 else seen[hot], back)
        np.maximum(base.mu, _weekly(made, full), out=base.mu)
        _floor(made, out, measure, base)
        out.counts[measure], out.bases[measure], out.dense[measure] = full[:, made.first :], base, base.level >= _DENSE
    for measure in MEASURES:
        most, many = _most(made, out, measure), out.dense[measure]
        few, many_ = (_worst(most, which, asked) for which in (~many, many))
        out.chances[measure] = chance.fit(few), chance.fit(many_)
    return out


def told(made: Ground, family: Family, measure: Measure, x: Floats, mu: Floats, more: Floats) -> npt.NDArray[np.bool_]:
    """Which counts are worth telling, if they are unlikely: enough, enough times the usual, no single visit. more: hosts."""
    least, times = made.least[measure], made.view.threshold("detect_times")
    out: npt.NDArray[np.bool_] = (x >= times * mu) & (x - mu >= least) & (mu > 0)
    if measure == "hosts":
        return out
    return out & ((x - mu <= _EACH * more) | (x - mu >= _VISITS * made.visits[0 if family.wide else 1]))


# series of all days ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Day:
    """Of one day's piece the series all of whose columns have counts enough: their numbers, packets, and rows by hour."""

    numbers: Ints
    day: Floats
    series: Ints
    """of each row the place of its series among the numbers"""
    place: Ints
    packets: Floats
    hosts: Floats


def _tables(made: Ground, by: tuple[str, ...], values: Sequence[Ints]) -> list[_Day]:
    """The family's series of each day, by numbers made of the view's codes (those of `values` alone)."""
    out, span = [], len(made.clock.exposure)
    for n, piece in enumerate(made.pieces):
        table = piece.table(("port",), whole=not piece.tails) if by == ("group",) else piece.table(by)
        numbers, fine = np.zeros(len(table.day), dtype=np.int64), np.ones(len(table.day), dtype=bool)
        for name, kept, codes in zip(by, values, table.codes, strict=True):
            mine = made.groups[made.codes["port"][n][codes]] if name == "group" else made.codes[name][n][codes]
            place = made.kept[name][mine]
            fine &= place < len(kept)
            numbers = numbers * len(kept) + place
        sizes = np.diff(table.first)
        at = np.flatnonzero(np.repeat(fine, sizes)) if not fine.all() else slice(None)
        place = table.hour[at] - made.origin
        again = np.cumsum(fine) - 1
        series = again[table.series[at]]
        day = _Day(numbers[fine], table.day[fine], series, place, table.packets[at], table.hosts[at])
        if len(place) and (place.min() < 0 or place.max() >= span):
            inside = (place >= 0) & (place < span)
            day = _Day(day.numbers, day.day, series[inside], place[inside], day.packets[inside], day.hosts[inside])
        out.append(day)
    return out


def _numbered(made: Ground, by: tuple[str, ...], values: Sequence[Ints]) -> Ints:
    """Of each recent cell the number of its series; -1: one that has not counts enough."""
    cells = made.recent if {"port", "group"} & set(by) else made.recent_wide
    out, fine = np.zeros(len(cells["place"]), dtype=np.int64), np.ones(len(cells["place"]), dtype=bool)
    for name, kept in zip(by, values, strict=True):
        place = made.kept[name][cells[name]]
        fine &= place < len(kept)
        out = out * len(kept) + place
    return np.where(fine, out, -1)


def _busy(made: Ground, tables: Sequence[_Day]) -> Ints:
    """The numbers of the series that have counts enough on some day, in order."""
    found = []
    for one in tables:
        numbers, day = one.numbers, one.day
        if (np.diff(numbers) <= 0).any():  # ports of one group add up
            numbers, place = np.unique(numbers, return_inverse=True)
            day = np.bincount(place, day, len(numbers)).astype(np.float64)
        found.append(numbers[day >= made.low])
    return np.unique(np.concatenate(found))


def _parted(numbers: Ints, values: Sequence[Ints]) -> list[Ints]:
    """Of each number the codes of its dimensions."""
    out: list[Ints] = []
    for value in reversed(values):
        numbers, at = np.divmod(numbers, max(1, len(value)))
        out.insert(0, value[at])
    return out


def _placed(numbers: Ints, codes: Ints) -> Ints:
    """Of each code its place among the numbers (in order); where it is none of them the place after these."""
    size = int(codes.max(initial=-1)) + 1
    if size <= MOST_BINS // 10:
        places = np.full(size + 1, len(numbers))  # the last: of code -1
        some = numbers[numbers < size]
        places[some] = np.arange(len(some))
        return places[codes]
    place = np.searchsorted(numbers, codes)
    known = np.append(numbers, -2)
    return np.where(known[place] == codes, place, len(numbers))


def _matrix(made: Ground, tables: Sequence[_Day], rows: Sequence[Ints], count: int, measure: Measure) -> Floats:
    """Counts of series (rows) by hour (columns). rows: of each day's series its row; `count`: none."""
    span = len(made.clock.exposure)
    flat, counts = [], []
    for one, own in zip(tables, rows, strict=True):
        row = own[one.series]
        some = np.flatnonzero(row < count)
        flat.append(row[some] * span + one.place[some])
        counts.append(getattr(one, measure)[some])
    summed = np.bincount(np.concatenate(flat), np.concatenate(counts), count * span)
    return np.asarray(summed, dtype=np.float64).reshape(count, span)


def _exposures(made: Ground, by: tuple[str, ...], numbers: Ints, values: Sequence[Ints]) -> Floats:
    """What was watched of each series: a row for all of them, or, of sensors, a row for each."""
    if "sensor" not in by:
        return made.clock.exposure[None, :]
    sensors = _parted(numbers, values)[0]
    each = {int(code): made.view.exposure_of(made.names["sensor"][int(code)])[made.skip :] for code in np.unique(sensors)}
    return np.stack([each[int(code)] for code in sensors]) if len(sensors) else made.clock.exposure[None, :]


# which are looked at --------------------------------------------------------------------------------------------------------


def _chosen(made: Ground, packets: Floats, seen: Floats) -> tuple[Ints, Floats]:
    """The series that are looked at: those that stand out today, and of those that did on some day before as many as it takes.

    Beside each for how many it stands. In order of their numbers.
    """
    past, today = _hot(made, packets, seen)
    level = packets.sum(axis=1) / max(1.0, made.clock.before)
    weight = np.where(today, 1.0, 0.0)
    for which in (level < _DENSE, level >= _DENSE):
        others = np.flatnonzero(past & ~today & which)
        some = others[np.linspace(0, len(others) - 1, _SAMPLE).astype(int)] if len(others) > _SAMPLE else others
        weight[some] = len(others) / max(1, len(some))
    chosen = np.flatnonzero(weight > 0)
    return chosen, weight[chosen]


def _hot(made: Ground, counts: Floats, seen: Floats) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which series lie so much above their mean of some hours that it is worth a look: on a day before, and today."""
    least, times = made.low, _CRUDE * made.view.threshold("detect_times")
    span = counts.shape[1] + -counts.shape[1] % 24
    x, e = (np.pad(each, ((0, 0), (0, span - each.shape[1]))) for each in (counts, seen))
    by_hour = x.reshape(len(x), span // 24, 24).sum(axis=1), e.reshape(len(e), span // 24, 24).sum(axis=1)
    usual = times * by_hour[0] / np.maximum(by_hour[1], 1e-9)
    above = x - np.tile(usual, span // 24) * e
    past, today = np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=bool)
    for width, sums in zip(WIDTHS, baseline.sums_of(above), strict=True):
        before = made.clock.today.start // width
        past |= sums[:, :before].max(axis=1, initial=0.0) >= least
        today |= sums[:, before:].max(axis=1, initial=0.0) >= least
    return past, today


# what is usual --------------------------------------------------------------------------------------------------------------


def _floor(made: Ground, family: Family, measure: Measure, base: Baseline) -> None:
    """Where a view leaves rare cells out, what is not there is as many as may have been left out, and not none."""
    view = made.view
    alone = len(family.by) == 1 and family.by[0] in made.tails
    rare = 0.0 if not family.by else view.least_alone * (family.by[0] in {"port", "asn"}) if alone else view.least
    if rare <= 0:
        return
    whole = max(sum(float(piece.wide["packets"].sum()) for piece in made.pieces), 1.0)
    hosts = sum(float(piece.base["hosts"].sum()) for piece in made.pieces)
    hour = rare * (1.0 if measure == "packets" else hosts / whole) / 24 * made.clock.exposure
    np.maximum(base.mu, hour[made.first :], out=base.mu)
    np.maximum(base.past[1], hour[: made.clock.today.start], out=base.past[1])


def _weekly(made: Ground, counts: Floats) -> Floats:
    """By recent hour what three of the four weeks before had at that hour, at least: what comes every week is usual."""
    hours = np.arange(made.first, counts.shape[1])
    weeks = [np.where(hours >= 168 * n, counts[:, np.maximum(hours - 168 * n, 0)], 0.0) for n in range(1, 5)]
    out: Floats = np.sort(np.stack(weeks), axis=0)[1]
    return out


# what days before had -------------------------------------------------------------------------------------------------------


def _most(made: Ground, family: Family, measure: Measure) -> Floats:
    """By series and whole day the least likely of windows beside each other."""
    base, hosts = family.bases[measure], family.bases["hosts"].past
    days = base.past[0].shape[1] // 24
    out = np.zeros((len(base.level), days))
    more = baseline.sums_of(hosts[0] - hosts[1])
    for at, (count, usual) in enumerate(zip(*(baseline.sums_of(each) for each in base.past), strict=True)):
        row, block = np.nonzero(told(made, family, measure, count, usual, more[at]))
        if row.size:
            found = tails.tail(count[row, block], usual[row, block], base.phi[row, at], base.unsure[row])
            np.maximum.at(out, (row, block // (24 // WIDTHS[at])), found)
    return out


def _worst(most: Floats, which: npt.NDArray[np.bool_], weight: Floats) -> Floats:
    """Of each day the least likely of these series; of those that stand for others the least likely there would be of all."""
    out = np.zeros(most.shape[1])
    for own in (1.0, weight.max(initial=1.0)):
        rows = which & (weight <= 1.0 if own == 1.0 else weight > 1.0)
        if rows.any():
            found = most[rows].max(axis=0)
            out = np.maximum(out, np.where(found > 0, found + np.log10(weight[rows].max()), 0.0))
    return out
