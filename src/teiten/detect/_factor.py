"""When did everything of a line change by the same factor? Stretches of hours in which all ports and all countries did alike.

First the candidates: cumulated evidence (CUSUM) that the packets of all units, none with more than a small share of the
weight, are some times the expected. Then each is held against the line's own past: the factor that three quarters of the
units have at least, beside that of as many hours at other times, and whether the units agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from teiten.detect import _common
from teiten.detect.view import Floats

TRIED: Final = (0.02, 0.2, 0.45, 0.7, 1.5, 2.0, 3.0)
"""factors whose evidence is cumulated"""
_EVIDENCE: Final = 7.0
"""log likelihood ratio from which a stretch is a candidate"""
_MOST: Final = 12
"""candidates of a line that are looked at"""
_SHARE: Final = 0.7
"""share of the units (by weight) that must have changed so much"""
_LOOSE: Final = 0.55
"""the same where something else tells of it too"""
_APART: Final = 2.5
"""deviations from the common factor from which a unit contradicts it"""
_SPREAD: Final = 0.25
"""deviation of one unit's factor from the common one that is ordinary, however many packets it has"""
_FLOOR: Final = 0.05
"""deviation of a line's common factor (log) that is ordinary at least"""
_UNITS: Final = 4.0
"""units (in number of equal ones) without which a division says nothing"""
_AROUND: Final = 48
"""hours around a candidate in which its edges are looked for"""
_BEFORE: Final = 12
"""hours before a stretch beside which it must have changed"""
_PULL: Final = 5.0
"""packets as which the usual counts there"""
_DRAWN: Final = 40.0
"""packets as which a stretch's factor counts in that of its hours"""
_ENOUGH: Final = 8
"""stretches of the past from which its scatter is known"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its divisions' packets and expected packets (unit x hour), and where it was watched."""

    packets: dict[str, Floats]
    expected: dict[str, Floats]
    exposure: Floats


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hours [first, after) in which all was `factor` times the usual."""

    first: int
    after: int
    factor: float
    score: float
    """deviations from what as many hours have at other times"""
    units: dict[str, tuple[int, int]] = field(default_factory=dict)
    """division -> units that agree, units looked at"""
    whole: bool = True
    """both divisions could say something"""


def stretch(line: Line, least: float, sure: float, history: int) -> Stretch | None:
    """The first such stretch of the line, or None. least: a factor of at most this (or of one divided by it) counts; sure:
    deviations; history: hours watched that there must be."""
    best: Stretch | None = None
    if np.count_nonzero(line.exposure) < history or not line.packets:
        return None
    for first, after in _candidates(line):
        if best is not None and first >= best.first:
            continue
        found = _held(line, first, after, least, sure)
        if found is not None and (best is None or found.first < best.first):
            best = found
    return best


def hourly(line: Line, found: Stretch) -> Floats:
    """The factor of each of its hours, drawn to that of the whole where an hour has few packets.

    The first and the last hour are drawn to half way: the change lies within them.
    """
    at = slice(found.first, found.after)
    drawn = np.full(found.after - found.first, found.factor)
    if len(drawn) > 2:
        drawn[[0, -1]] = (1 + found.factor) / 2
    out = []
    for name, x in line.packets.items():
        e = line.expected[name][:, at]
        weights = _weights(e.sum(axis=1))
        seen = np.minimum(x[:, at], 2 * max(found.factor, 0.5) * e + 2)
        out.append((weights @ seen + _DRAWN * drawn) / (weights @ e + _DRAWN))
    return np.asarray(np.mean(out, axis=0))


def _weights(due: Floats) -> Floats:
    """Of each unit (0 to 1): what leaves none with more of the sum than it should have."""
    return _common.capped(due) / np.maximum(due, 1e-9)


def _candidates(line: Line) -> Iterator[tuple[int, int]]:
    """Stretches whose cumulated evidence is large for one of the factors, most evident first."""
    found: list[tuple[float, int, int]] = []
    for factor in TRIED:
        gains = np.min([_gain(line, name, factor) for name in line.packets], axis=0)
        found += peaks(gains, _EVIDENCE)
    found.sort(reverse=True)
    seen: list[tuple[int, int]] = []
    for _, first, after in found:
        if not any(abs(first - a) + abs(after - b) <= 1 for a, b in seen):
            seen.append((first, after))
        if len(seen) >= _MOST:
            break
    yield from seen


def _gain(line: Line, name: str, factor: float) -> Floats:
    """Evidence of each hour that all is `factor` times the expected: log likelihood ratio, counts that scatter reckoned in."""
    x, e = line.packets[name], line.expected[name]
    weights = _weights(e.sum(axis=1))
    seen, due = weights @ np.minimum(x, 3 * e + 3), weights @ e
    scatter = max(1.0, float(np.median((seen - due) ** 2 / np.maximum(due, 1e-9))) / 0.455)
    return np.asarray(np.where(line.exposure > 0, (seen * np.log(factor) + due * (1 - factor)) / scatter, 0.0))


def peaks(gains: Floats, least: float) -> list[tuple[float, int, int]]:
    """(evidence, first, after) of each excursion of the cumulated sum that reaches `least`, until its highest."""
    out: list[tuple[float, int, int]] = []
    total, first, top, at = 0.0, 0, 0.0, 0
    for place, gain in enumerate(gains.tolist()):
        if total <= 0:
            total, first = 0.0, place
        total += gain
        if total > top:
            top, at = total, place + 1
        if (total <= 0 or total < top - least or place + 1 == len(gains)) and top > 0:
            if top >= least:
                out.append((top, first, at))
            total, top = 0.0, 0.0
    return out


def _held(line: Line, first: int, after: int, least: float, sure: float) -> Stretch | None:
    """The candidate, where its units agree and the line's past has nothing like it."""
    rough = _factor({name: _counts(line, name, first, after) for name in line.packets})
    if rough is None or least < rough < 1 / least:
        return None
    return judged(line, *_edges(line, first, after, rough), least, sure)


def judged(line: Line, first: int, after: int, least: float, sure: float, share: float = _SHARE) -> Stretch | None:
    """Those hours, where all units (`share` of the weight) have one factor and the line's past has nothing like it."""
    counts = {name: _counts(line, name, first, after) for name in line.packets}
    factor = _factor(counts)
    if factor is None or least < factor < 1 / least:
        return None
    units, agreeing = {}, []
    for name, (seen, due) in counts.items():
        told = _agree(seen, due, factor, share)
        if told is not None:
            units[name] = told[:2]
            agreeing.append(told[2])
    if not units or not all(agreeing):
        return None
    score, middle = _beside(line, first, after, {name: counts[name] for name in units})
    if score < sure:
        return None
    inner = slice(first + 1, after - 1) if after - first > 3 else slice(first, after)
    factor = _plain(line, list(units), inner, middle, factor)
    return Stretch(first, after, factor, score, units, whole=len(units) == len(line.packets))


def doubled(line: Line, first: int, after: int, within: int, sure: float) -> Stretch | None:
    """As many hours with twice the usual as [first, after) had none, at most `within` hours before or after: likeliest ones."""
    length, hours = after - first, len(line.exposure)
    starts = np.r_[
        np.arange(max(0, first - within), first - length + 1), np.arange(after, min(hours, after + within) - length + 1)
    ]
    starts = starts[(starts >= 0) & (starts + length <= hours)]
    if not starts.size:
        return None
    gains = np.min([_gain(line, name, 2.0) for name in line.packets], axis=0)
    summed = np.concatenate([[0.0], np.cumsum(gains)])
    evidence = summed[starts + length] - summed[starts]
    best = int(starts[evidence.argmax()])
    found = judged(line, best, best + length, 1 / 1.35, sure, _LOOSE) if evidence.max() > 0 else None
    return found if found is not None and found.factor > 1 else None


def _counts(line: Line, name: str, first: int, after: int) -> tuple[Floats, Floats]:
    """Packets and expected packets of the units in those hours.

    Expected is no more, where all fell, than half a day before lets expect (no less, where all rose): what the world took away
    before is no fall now.
    """
    seen, due = line.packets[name][:, first:after].sum(axis=1), line.expected[name][:, first:after].sum(axis=1)
    before = slice(max(0, first - _BEFORE - 1), max(0, first - 1))
    had, owed = line.packets[name][:, before].sum(axis=1), line.expected[name][:, before].sum(axis=1)
    local = (had + _PULL) / (owed + _PULL)
    return seen, due * (np.clip(local, 0.0, 1.0) if seen.sum() < due.sum() else np.clip(local, 1.0, None))


def _factor(counts: dict[str, tuple[Floats, Floats]]) -> float | None:
    """The median unit's factor, in the division where it is nearer to one; None where nothing is expected."""
    out = [_median(seen, due) for seen, due in counts.values() if due.sum() > 0]
    return min(out, key=lambda one: abs(np.log(max(one, 1e-3)))) if len(out) == len(counts) else None


def _median(seen: Floats, due: Floats) -> float:
    return float(_common.quantile((seen + 0.3) / (due + 0.3), _common.capped(due) + 1e-12, 0.5))


def _plain(line: Line, names: Sequence[str], at: slice, middle: float, otherwise: float) -> float:
    """The factor of those hours beside the line's usual median; nothing at all is 0."""
    first = line.packets[names[0]][:, at].sum()
    if first == 0:
        return 0.0
    logs = []
    for name in names:
        seen, due = line.packets[name][:, at].sum(axis=1), line.expected[name][:, at].sum(axis=1)
        weights = _weights(due)
        clipped = float(weights @ np.minimum(seen, 2 * max(otherwise, 0.5) * due + 2))
        logs.append(
            np.log(max(_median(seen, due), 1e-3)) - middle if due.min() >= 10 else np.log(max(clipped, 0.1) / (weights @ due))
        )
    return float(np.exp(np.mean(logs)))


def _edges(line: Line, first: int, after: int, factor: float) -> tuple[int, int]:
    """The hours around for which that factor is likelier than one; with those at either end in which half of it is."""
    low, high = max(0, first - _AROUND), min(len(line.exposure), after + _AROUND)
    gains = np.min([_gain(line, name, float(np.clip(factor, 0.02, 5.0)))[low:high] for name in line.packets], axis=0)
    half = np.min([_gain(line, name, (1 + float(np.clip(factor, 0.02, 5.0))) / 2)[low:high] for name in line.packets], axis=0)
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    middle = (first + after) // 2 - low
    begin = int(np.argmin(sums[: middle + 1]))
    end = middle + 1 + int(np.argmax(sums[middle + 1 :]))
    begin -= begin > 0 and half[begin - 1] > 1
    end += end < len(half) and half[end] > 1
    return low + begin, low + end


def _agree(seen: Floats, due: Floats, factor: float, most: float) -> tuple[int, int, bool] | None:
    """Units that agree with the factor, units looked at, whether enough do; None where there are too few to say."""
    weights = _common.capped(due)
    weights = weights / max(weights.sum(), 1e-9)
    if due.sum() <= 0 or 1 / (weights**2).sum() < _UNITS:
        return None
    share = most if factor < 1 else 1 - most
    half = (1 + factor) / 2
    reached = float(_common.quantile(seen / np.maximum(due, 1e-9), weights, share))
    there = factor * due
    apart = np.abs(seen - there) / np.sqrt(2 * there + (_SPREAD * there) ** 2 + 1)
    other = (seen > half * due) if factor < 1 else (seen < half * due)
    against = weights[other & (apart > _APART)].sum()
    counted = due >= 1
    fine = (reached < half if factor < 1 else reached > half) and against <= 1 - most
    return int((counted & ~(other & (apart > _APART))).sum()), int(counted.sum()), bool(fine)


def _beside(line: Line, first: int, after: int, counts: dict[str, tuple[Floats, Floats]]) -> tuple[float, float]:
    """How many deviations the common factor (log) of these hours lies from that of as many hours at other times, and the
    middle of those."""
    length, hours = after - first, len(line.exposure)
    starts = np.arange(0, hours - length + 1, max(1, length // 4))
    starts = starts[(starts + length <= first) | (starts >= after)]
    here, others = [], []
    for name, (seen, due) in counts.items():
        here.append(np.log(max(_median(seen, due), 1e-3)))
        x, e = _summed(line.packets[name]), _summed(line.expected[name])
        there, owed = x[:, starts + length] - x[:, starts], e[:, starts + length] - e[:, starts]
        logs = np.log(_common.quantile((there + 0.3) / (owed + 0.3), _common.capped(owed) + 1e-12, 0.5))
        others.append(np.where(owed.sum(axis=0) >= 0.3 * due.sum(), logs, np.nan))
    falls = np.mean(here) < 0
    both = np.max(others, axis=0) if falls else np.min(others, axis=0)
    both = both[~np.isnan(both)]
    fewest = min(float(due.sum()) for _, due in counts.values())
    spread, middle = float(np.sqrt(_FLOOR**2 + 2 / max(fewest, 1.0))), 0.0
    if len(both) >= _ENOUGH:
        middle = float(np.median(both))
        spread = max(spread, 1.4826 * float(np.median(np.abs(both - middle))))
    else:
        spread *= 2
    return abs((max(here) if falls else min(here)) - middle) / spread, middle


def _summed(counts: Floats) -> Floats:
    """Sums over hours, from none on."""
    return np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1, dtype=np.float64)], axis=1)
