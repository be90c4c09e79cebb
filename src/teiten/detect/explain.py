"""One change once: which cell carries what stands out, in which hours, with whom; and the rest is looked at again without it.

Greedy: of all windows that stand out the least likely one is taken. It is told by the most specific cell (ports, country, AS,
sensor) that carries at least `detect_share` of its excess, over the hours in which that cell lies above its usual. The cell's
counts are then lowered to the usual everywhere, and what still stands out is told next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.detect import scan
from teiten.detect.baseline import Floats, Ints
from teiten.detect.coded import DIMENSIONS
from teiten.detect.ground import MEASURES, Ground, Measure, port_of
from teiten.detect.model import About
from teiten.detect.scan import Window

MOST: Final = 60
"""changes of a day that are told, at most"""
_PORTS: Final = 12
"""ports that are told as one, at most"""
_SHORT: Final = 6
"""hours: what else a port has above its usual within so few is of the same change; in more it may be another"""
_GAP: Final = 2
"""hours in a row within a change that need not stand out"""


@dataclass(frozen=True, slots=True)
class Change:
    """A window that stands out, and the cell that tells it."""

    window: Window
    fixed: dict[str, tuple[int, ...]]
    """what the cell is, by codes: of ports several"""
    first: int
    after: int
    counts: dict[Measure, Floats]
    """of the cell, by recent hour"""
    usual: dict[Measure, Floats]
    past: pl.DataFrame
    """of the window's series, by every dimension: counts before today"""
    shares: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    """of what is not fixed: code, count, share of the excess; most first"""


def changes(made: Ground, score: float) -> Iterator[Change]:
    """The changes of a day, the least likely first; each takes its counts out of the ground."""
    for _ in range(MOST):
        window = scan.best(made, score)
        if window is None:
            return
        change = _told(made, _widest(made, _named(made, window), score))
        yield change
        _remove(made, change)


def about(made: Ground, change: Change) -> About:
    """The cell in names."""
    named = {name: [made.names[name][code] for code in codes] for name, codes in change.fixed.items()}
    return About(
        ports=tuple(port_of(code) for code in named.get("port", [])),
        country=named["country"][0] if "country" in named else None,
        asn=named["asn"][0] if "asn" in named else None,
        sensor=named["sensor"][0] if "sensor" in named else None,
    )


def _key(window: Window) -> dict[str, int]:
    return dict(zip(window.family.by, window.family.keys[window.row], strict=True))


def _widest(made: Ground, window: Window, score: float) -> Window:
    """The series that holds this one and much more of the same excess; else itself."""
    key, share = _key(window), made.view.threshold("detect_share")
    if "asn" in key and "country" not in key:
        inside = _hours(made, _inside(made, np.arange(len(made.recent["place"])), {n: (c,) for n, c in key.items()}), window)
        if inside.size:
            key["country"] = int(np.bincount(made.recent["country"][inside], made.recent["packets"][inside]).argmax())
    for family in made.families:
        if not family.by or set(family.by) == set(window.family.by) or not set(family.by) <= set(key):
            continue
        row = family.places.get(tuple(key[name] for name in family.by))
        if row is None or (family.by == ("country",) and "port" in window.family.by):
            continue
        wider = scan.over(made, window, family, row)
        if wider.score >= score and (window.count - window.usual) < share * (wider.count - wider.usual):
            window = wider
    return window


def _named(made: Ground, window: Window) -> Window:
    """Of all together the port, country, AS or sensor that carries it: rare cells that were put together tell nothing else."""
    if window.family.by or not made.tails:
        return window
    least, hours = made.view.threshold("detect_share") * (window.count - window.usual), slice(window.first, window.after)
    for family in made.families:
        if len(family.by) == 1 and family.by[0] in made.tails:
            counts, usual = family.counts[window.measure][:, hours], family.bases[window.measure].mu[:, hours]
            more = (counts - usual).sum(axis=1)
            if more.max() >= least:
                return scan.over(made, window, family, int(more.argmax()))
    return window


def _hours(made: Ground, cells: Ints, window: Window) -> Ints:
    """Those of the recent cells that lie in a window."""
    place = made.recent["place"][cells]
    out: Ints = cells[(place >= window.first) & (place < window.after)]
    return out


def _told(made: Ground, window: Window) -> Change:
    key, measure = _key(window), window.measure
    cells = _inside(made, np.arange(len(made.recent["place"])), {name: (code,) for name, code in key.items()})
    past = whole_past = made.past(_key(window))
    fixed: dict[str, tuple[int, ...]] = {name: (code,) for name, code in key.items() if name != "group"}
    free = [name for name in DIMENSIONS if name not in fixed and (name != "sensor" or len(made.names[name]) > 1)]
    inside = _hours(made, cells, window)
    # hosts of several ports do not add up: packets tell who carries what
    by: Measure = "packets" if window.family.wide else measure
    hours = slice(window.first, window.after)
    usual_there = float(window.family.bases[by].mu[window.row, hours].sum())
    excess = max(float(window.family.counts[by][window.row, hours].sum()) - usual_there, 1e-9)
    scale = usual_there / max(float(past[by].sum()), 1.0)
    shares: dict[str, list[tuple[int, float, float]]] = {}
    least = made.view.threshold("detect_share")
    while free:
        split = {name: _split(made, inside, past, name, by, scale, excess) for name in free}
        found = {name: _enough(parts, least, many=name == "port") for name, parts in split.items()}
        took = max(free, key=lambda name: (bool(found[name]), split[name][0][2] if split[name] else 0.0))
        if not found[took]:
            shares.update(split)
            break
        fixed[took] = found[took]
        free.remove(took)
        if len(found[took]) > 1:
            shares[took] = split[took]
        inside = inside[np.isin(made.recent[took][inside], found[took])]
        past = past.filter(pl.col(took).is_in(list(found[took])))
    counts, usual = _courses(made, window, fixed, past, whole_past)
    first, after = _extent(counts[measure] - usual[measure], window)
    return Change(window, fixed, first, after, counts, usual, whole_past, shares)


def _courses(
    made: Ground, window: Window, fixed: dict[str, tuple[int, ...]], past: pl.DataFrame, whole: pl.DataFrame
) -> tuple[dict[Measure, Floats], dict[Measure, Floats]]:
    """Of the cell by recent hour: its counts, and what is usual."""
    counts: dict[Measure, Floats] = {}
    usual: dict[Measure, Floats] = {}
    family, recent = window.family, made.recent if "port" in fixed else made.recent_wide
    own = {name: (code,) for name, code in _key(window).items()} == fixed
    cells = np.arange(len(recent["place"]))
    for name, codes in fixed.items():
        cells = cells[np.isin(recent[name][cells], codes)]
    for one in MEASURES:
        mu = family.bases[one].mu[window.row]
        if own:
            counts[one], usual[one] = family.counts[one][window.row].copy(), mu
            continue
        counts[one] = np.bincount(recent["place"][cells], recent[one][cells], made.hours).astype(np.float64)
        usual[one] = mu * min(1.0, float(past[one].sum()) / max(float(whole[one].sum()), 1.0))
    return counts, usual


def _split(
    made: Ground, inside: Ints, past: pl.DataFrame, name: str, measure: Measure, scale: float, excess: float
) -> list[tuple[int, float, float]]:
    """Of each value of a dimension: count, and share of the excess; most first."""
    codes = made.recent[name][inside]
    counts = np.bincount(codes, made.recent[measure][inside], len(made.names[name]))
    held = past.group_by(name).agg(pl.col(measure).sum())
    usual = np.bincount(held[name].to_numpy(), held[measure].to_numpy(), len(counts)) * scale
    over = (counts - usual) / excess
    order = np.argsort(-over, kind="stable")[:20]
    return [(int(code), float(counts[code]), float(over[code])) for code in order if over[code] > 0.01]


def _enough(parts: list[tuple[int, float, float]], least: float, *, many: bool) -> tuple[int, ...]:
    """The value that carries enough; of ports, those few that do so together."""
    if parts and parts[0][2] >= least:
        return (parts[0][0],)
    if not many:
        return ()
    alike = [part for part in parts if part[2] >= max(0.03, parts[0][2] / 8)]
    if 2 <= len(alike) <= _PORTS and sum(part[2] for part in alike) >= least:
        return tuple(sorted(part[0] for part in alike))
    return ()


def _extent(excess: Floats, window: Window) -> tuple[int, int]:
    """The hours of a change: those of its window that lie above the usual, and those beside it that do so as much."""
    inside = excess[window.first : window.after]
    mean = float(inside.mean())
    height = max(0.25 * mean, 1e-9)
    on = excess >= height
    within = np.flatnonzero(on[window.first : window.after])
    if not within.size:
        return window.first, window.after
    first, after = window.first + int(within[0]), window.first + int(within[-1]) + 1
    gap = _GAP if window.after - window.first >= 3 else 0
    while first > 0 and on[max(0, first - 1 - gap) : first].any():
        first -= 1 + int(np.flatnonzero(on[max(0, first - 1 - gap) : first][::-1])[0])
    while after < len(on) and on[after : after + 1 + gap].any():
        after += 1 + int(np.flatnonzero(on[after : after + 1 + gap])[0])
    return first, after


def _remove(made: Ground, change: Change) -> None:
    """Lowers what is above its usual in the hours of the change: in the cell; and of a port, if they are few, in its series."""
    window, place = change.window, made.recent["place"]
    key: dict[str, tuple[int, ...]] = {name: (code,) for name, code in _key(window).items()}
    begin, end = min(change.first, window.first), max(change.after, window.after)
    rows = np.flatnonzero((place >= begin) & (place < end))
    rows = _inside(made, rows, key if "port" in key and end - begin <= _SHORT else change.fixed)
    held = pl.DataFrame({name: made.recent[name][rows] for name in DIMENSIONS})
    past = held.join(change.past, on=list(DIMENSIONS), how="left", maintain_order="left")
    by: dict[Measure, Floats] = {}
    for measure in MEASURES:
        whole = max(float(change.past[measure].sum()), 1.0)
        share = past[measure].fill_null(0).to_numpy() / whole
        usual = window.family.bases[measure].mu[window.row][place[rows]] * share
        by[measure] = np.clip(1.0 - usual / np.maximum(made.recent[measure][rows], 1e-9), 0.0, 1.0)
    scan.lower(made, rows, by)
    if made.tails and len(window.family.by) <= 1:
        scan.flatten(made, window, begin, end)
    left = window.family.best[window.measure]
    if left[window.row, 0] >= 0.9 * window.chance:
        left[window.row] = 0.0


def _inside(made: Ground, rows: Ints, fixed: dict[str, tuple[int, ...]]) -> Ints:
    """Those of the recent cells that are of a cell."""
    for name, codes in fixed.items():
        own = made.recent[name][rows]
        rows = rows[own == codes[0] if len(codes) == 1 else np.isin(own, codes)]
    return rows


def spare(made: Ground, change: Change) -> dict[str, Any]:
    """Numbers of the window for the reason."""
    one = change.window
    base = one.family.bases[one.measure]
    return {
        "window": one.after - one.first,
        "count": round(one.count, 2),
        "usual": round(one.usual, 3),
        "level": round(float(base.level[one.row]), 4),
        "dispersion": round(one.phi, 3),
        "unsure": round(one.unsure, 4),
        "chance": round(one.chance, 2),
        "score": round(one.score, 2),
    }
