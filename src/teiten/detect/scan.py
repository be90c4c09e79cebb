"""Which series stand out today, in which hours: every family of series, windows of 1 to 24 hours, in packets and in hosts.

Of each series that has counts enough today, every window of `WIDTHS` hours of today, and those of up to 12 hours over the last
midnight, are held against its baseline. How
unlikely its count is counts for nothing by itself: it is held against what the days before had, each the most unlikely count of
any series of its kind (`detect/chance.py`), and so are all that was tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from teiten.detect import families, tails
from teiten.detect import ground as grounds
from teiten.detect.baseline import WIDTHS, Floats, Ints
from teiten.detect.families import FAMILIES, Family, told
from teiten.detect.ground import MEASURES, Ground, Measure

if TYPE_CHECKING:
    from teiten.detect.view import View

OVER_NIGHT: Final = 12
"""hours of a window, at most, that may have begun before midnight"""
_PART_OF_NIGHT: Final = 0.2
"""share of the excess that both days have of it, at least"""


@dataclass(frozen=True, slots=True)
class Window:
    """What stands out most of a family: places of hours in the ground's recent ones."""

    family: Family
    row: int
    measure: Measure
    first: int
    after: int
    count: float
    usual: float
    chance: float
    """-log10 of the chance of such a count in that window of that series"""
    score: float
    """-log10 of how many days there are that show one so unlikely anywhere"""
    phi: float
    unsure: float


def ground(view: View) -> Ground | None:
    """The view made ready, with its families and the best window of each series. None where there is too little to say what is
    usual, or nothing to look at."""
    made = grounds.ground(view)
    if made is None:
        return None
    found = [families.family(made, by) for by in FAMILIES if "sensor" not in by or len(made.names["sensor"]) > 1]
    made.kinds = max(1.0, 2.0 * len(found))
    made.families = [one for one in found if one.keys]
    for one in made.families:
        for measure in MEASURES:
            one.best[measure] = _scores(made, one, measure, np.arange(len(one.keys)))
    return made


def _windows(x: Floats, width: int) -> Floats:
    """Sums of every so many hours in a row."""
    sums = np.cumsum(np.pad(x, ((0, 0), (1, 0))), axis=1)
    return sums[:, width:] - sums[:, :-width]


def _scores(made: Ground, family: Family, measure: Measure, rows: Ints) -> Floats:
    """For each of these series its best window: how unlikely, score, first, after, count, usual, place of the width."""
    base = family.bases[measure]
    mu = base.mu[rows]
    x = np.where(mu > 0, family.counts[measure][rows], 0.0)
    hosts = family.counts["hosts"][rows] - family.bases["hosts"].mu[rows]
    out = np.zeros((len(rows), 7))
    for at, width in enumerate(WIDTHS):
        # those that began before midnight, too, where they are short
        begin = made.begin - (min(width - 1, made.begin) if width <= OVER_NIGHT else 0)
        if width > x.shape[1] - begin:
            continue
        count, usual = _windows(x[:, begin:], width), _windows(mu[:, begin:], width)
        fine = told(made, family, measure, count, usual, _windows(hosts[:, begin:], width))
        fine[:, : made.begin - begin] &= _of_both(made, x - mu, begin, width)
        row, end = np.nonzero(fine)
        if not row.size:
            continue
        c, u = count[row, end], usual[row, end]
        phi = base.phi[rows[row], at]
        if measure == "hosts" and made.running < 1:
            # how far rates differ from hour to hour shows in a part of one only in part
            part = (width - 1 + made.running) / width
            phi = np.where(end == count.shape[1] - 1, 1 + (phi - 1) * part, phi)
        found = tails.tail(c, u, phi, base.unsure[rows[row]])
        order = np.lexsort((-found, row))
        top = order[np.concatenate([[True], row[order][1:] != row[order][:-1]])]
        top = top[found[top] > out[row[top], 0]]
        score = _score(made, family, measure, rows[row[top]], found[top])
        columns = found[top], score, begin + end[top], begin + end[top] + width, c[top], u[top], np.full(len(top), at)
        out[row[top]] = np.column_stack(columns)
    return out


def _of_both(made: Ground, excess: Floats, begin: int, width: int) -> npt.NDArray[np.bool_]:
    """Of the windows of that width that begin before midnight (from `begin` on): have both days their part of the excess?

    What was yesterday's alone was told yesterday; what is today's alone is told by a window of today."""
    sums = np.cumsum(np.pad(excess, ((0, 0), (1, 0))), axis=1)
    first = np.arange(begin, made.begin)
    first = first[first + width < sums.shape[1]]
    yesterday = sums[:, [made.begin]] - sums[:, first]
    today = sums[:, first + width] - sums[:, [made.begin]]
    least = _PART_OF_NIGHT * (yesterday + today)
    return np.asarray((yesterday >= least) & (today >= least))


def _score(made: Ground, family: Family, measure: Measure, rows: Ints, found: Floats) -> Floats:
    """-log10 of how many days there are that have one so unlikely anywhere: all kinds of series reckoned in."""
    few, many = (each.score(found) for each in family.chances[measure])
    out: Floats = np.where(family.dense[measure][rows], many, few) - np.log10(made.kinds)
    return out


def best(made: Ground, score: float) -> Window | None:
    """What is least likely of all that is left, of what has at least this score."""
    top: Window | None = None
    for family in made.families:
        for measure in MEASURES:
            found = family.best[measure]
            row = int(np.where(found[:, 1] >= score, found[:, 0], -1.0).argmax())
            if found[row, 1] >= score and (top is None or found[row, 0] > top.chance):
                top = _window(family, row, measure)
    return top


def _window(family: Family, row: int, measure: Measure) -> Window:
    found, score, first, after, count, usual, at = (float(n) for n in family.best[measure][row])
    base = family.bases[measure]
    phi, unsure = float(base.phi[row, int(at)]), float(base.unsure[row])
    return Window(family, row, measure, int(first), int(after), count, usual, found, score, phi, unsure)


def over(made: Ground, window: Window, family: Family, row: int) -> Window:
    """Another series in the hours of a window: what it had there, and how unlikely that is."""
    base, measure = family.bases[window.measure], window.measure
    hours = slice(window.first, window.after)
    count, usual = float(family.counts[measure][row, hours].sum()), float(base.mu[row, hours].sum())
    at = WIDTHS.index(window.after - window.first)
    phi, unsure = float(base.phi[row, at]), float(base.unsure[row])
    found = tails.tail(*(np.array([n]) for n in (count, max(usual, 1e-9), phi, unsure)))
    score = float(_score(made, family, measure, np.array([row]), found)[0])
    return Window(family, row, measure, window.first, window.after, count, usual, float(found[0]), score, phi, unsure)


def lower(made: Ground, cells: Ints, by: Mapping[Measure, Floats]) -> None:
    """Takes counts out: of these recent cells the share `by` (0 to 1), in every series that they are part of."""
    if not cells.size:
        return
    gone = {measure: made.recent[measure][cells] * by[measure] for measure in MEASURES}
    wide, at = np.unique(made.link[cells], return_inverse=True)
    gone_wide: dict[Measure, Floats] = {"packets": np.bincount(at, gone["packets"]).astype(np.float64)}
    left = 1.0 - gone_wide["packets"] / np.maximum(made.recent_wide["packets"][wide], 1e-9)
    gone_wide["hosts"] = made.recent_wide["hosts"][wide] * np.clip(1.0 - left, 0.0, 1.0)
    for measure in MEASURES:
        made.recent[measure][cells] -= gone[measure]
        made.recent_wide[measure][wide] -= gone_wide[measure]
    for family in made.families:
        own, which, less = (made.recent_wide, wide, gone_wide) if family.wide else (made.recent, cells, gone)
        rows, places = family.rows[which], own["place"][which]
        some = rows >= 0
        if not some.any():
            continue
        for measure in MEASURES:
            np.subtract.at(family.counts[measure], (rows[some], places[some]), less[measure][some])
        changed = np.unique(rows[some])
        for measure in MEASURES:
            family.best[measure][changed] = _scores(made, family, measure, changed)


def flatten(made: Ground, window: Window, first: int, after: int) -> None:
    """Takes out what a series still has above its usual: counts of rare cells that were put together, of it and of all."""
    for measure in MEASURES:
        counts, mu = window.family.counts[measure][window.row], window.family.bases[measure].mu[window.row]
        more = np.maximum(counts[first:after] - mu[first:after], 0.0)
        counts[first:after] -= more
        for family in made.families:
            if not family.by and family is not window.family:
                family.counts[measure][0, first:after] -= more
    for family in made.families:
        if not family.by or family is window.family:
            row = np.array([window.row if family is window.family else 0])
            for measure in MEASURES:
                family.best[measure][row] = _scores(made, family, measure, row)
