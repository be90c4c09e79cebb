"""Counts as they may leave the house: no sensor stands out, rare cells are withheld, what is left is rounded.

    counts (of a day: thing x sensor)
      --settled-->  a figure a thing, in which no sensor counts for more than the `least_sensors`-th
      --cell-->     rounded, or withheld

Who probes addresses and reads what is published can tell from a figure that moves whether a probe met a sensor (Bethencourt,
Franklin, Vernon: "Mapping Internet Sensors with Probe Response Attacks", USENIX Security 2005). A figure that fewer than
`least_sensors` sensors cannot move takes the answer away; what that does and costs stands in docs/concepts/mapping.md.

This is the one place where the rules [publish] are applied to numbers: the site, its data and `bench mapping` go through
it, and other doors that show strangers something (an API for the public) should.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.publishing import Publishing

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def place(sensors: int, rules: Publishing) -> int:
    """Which place among the sensors, by how much they saw of a thing, bounds what any counts for: `least_sensors`, or the last
    where there are not so many."""
    return max(1, min(rules.least_sensors, sensors))


def settled(counts: npt.NDArray[Any], rules: Publishing) -> Floats:
    """Things x sensors -> a sum a thing, in which what a sensor saw beyond the `place`-th most is left out.

    What fewer sensors saw is 0. No row of one sensor, however large, moves the sum beyond what the others saw.
    """
    things, sensors = counts.shape
    if not things or not sensors:
        return np.zeros(things)
    k = place(sensors, rules)
    limit = np.partition(counts, sensors - k, axis=1)[:, sensors - k]
    out: Floats = np.minimum(counts, limit[:, None]).sum(axis=1).astype(np.float64)
    return out


def shown(packets: Floats, hosts: Floats, rules: Publishing) -> Bools:
    """Which of the things, by their settled sums a day, may be told at all."""
    out: Bools = (packets >= rules.least_packets) & (hosts >= rules.least_hosts)
    return out


def rounded(value: float, rules: Publishing) -> float:
    """The figure as it is told: `digits` significant ones, and a multiple of `multiple` where one is asked for."""
    if not value or not math.isfinite(value):
        return 0.0
    if rules.multiple:
        value = round(value / rules.multiple) * rules.multiple
        if not value:
            return 0.0
    return float(f"{value:.{rules.digits}g}")


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as it may be told: packets and hosts of a sensor and day; None: withheld."""

    packets: float | None
    hosts: float | None

    @property
    def withheld(self) -> bool:
        return self.packets is None


WITHHELD: Final = Cell(None, None)


def cell(packets: float, hosts: float, watching: float, rules: Publishing) -> Cell:
    """Sums over sensors and days, and for how many sensor-days -> the cell of a mean sensor and day, rounded."""
    if watching <= 0:
        return WITHHELD
    return Cell(rounded(packets / watching, rules), rounded(hosts / watching, rules))


@dataclass(frozen=True, slots=True)
class Taken:
    """What the rules took out of a table: for whoever publishes, never for the site."""

    cells: int = 0
    withheld: int = 0
    complementary: int = 0
    packets: float = 0.0
    """in all cells, as counted"""
    packets_withheld: float = 0.0
    packets_settled: float = 0.0
    """in the cells shown, what single sensors saw beyond the others"""

    def __add__(self, other: Taken) -> Taken:
        return Taken(*(getattr(self, name) + getattr(other, name) for name in Taken.__dataclass_fields__))


def complement(seen: Bools, values: Floats, *, rows: bool, columns: bool) -> Bools:
    """Withholds more, so that no withheld cell is what the published sums leave; which cells remain.

    seen: cells that pass by themselves; values: their size (the smallest goes first); rows, columns: whether each row's, each
    column's sum (or mean) is published. A line of one cell is its own sum: of such a table that line's must not be.
    """
    out = seen.copy()
    while True:
        fixed = determined(out, rows=rows, columns=columns)
        if not fixed.any():
            return out
        row, column = (int(n) for n in np.argwhere(fixed)[0])
        near = [(row, int(n)) for n in np.flatnonzero(out[row])] if rows else []
        near += [(int(n), column) for n in np.flatnonzero(out[:, column])] if columns else []
        if not near:
            left = [(int(a), int(b)) for a, b in np.argwhere(out)]
            if not left:
                return out
            near = left
        out[min(near, key=lambda at: (values[at], at))] = False


def determined(remain: Bools, *, rows: bool, columns: bool) -> Bools:
    """Which withheld cells an outsider could work out from the sums and what remains, were nothing rounded."""
    hidden = np.argwhere(~remain)
    out = np.zeros_like(remain)
    equations = [
        (hidden[:, along] == line).astype(np.float64)
        for along, told in ((0, rows), (1, columns))
        if told
        for line in range(remain.shape[along])
        if (hidden[:, along] == line).any()
    ]
    if not equations:
        return out
    _, sizes, right = np.linalg.svd(np.array(equations))
    free = right[int((sizes > 1e-9).sum()) :]
    fixed = (np.abs(free) < 1e-9).all(axis=0) if len(free) else np.ones(len(hidden), dtype=bool)
    for at in hidden[fixed]:
        out[tuple(at)] = True
    return out


def alias(place: int) -> str:
    """The name under which the n-th sensor (from 0) is told: A ... Z, AA ..."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text


def groups(names: Sequence[str], of: dict[str, str | None], rules: Publishing) -> dict[str, list[int]]:
    """How sensors are told of beside each other: a name -> places in `names`. '' is all of them.

    'group': the configured groups, where each (and the rest without one) has `least_sensors` sensors at least: one that has
    fewer could be had from the total and the others. 'alias': each sensor alone.
    """
    out: dict[str, list[int]] = {"": list(range(len(names)))}
    if rules.sensors == "alias" and len(names) > 1:
        return out | {alias(n): [n] for n in range(len(names))}
    if rules.sensors == "group":
        found: dict[str, list[int]] = {}
        for n, name in enumerate(names):
            found.setdefault(of.get(name) or "", []).append(n)
        rest = found.pop("", [])
        if len(found) > 1 and all(len(own) >= rules.least_sensors for own in (*found.values(), *([rest] if rest else []))):
            out |= dict(sorted(found.items()))
    return out
