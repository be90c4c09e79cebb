"""Twenty households, what they tell, true or not, and what a merge makes of it; counted beside what really came."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from teiten.federating import Federating
from teiten.federation import differing, form, telling
from teiten.federation.counting import Counted
from teiten.federation.form import Contribution, Head
from teiten.federation.keys import Key, Member, Members, Signer
from teiten.federation.merging import Merged
from teiten.federation.store import Store
from teiten.federation.telling import Row

NAME: Final = "bench"
ZONE: Final = "Asia/Tokyo"
GIVEN: Final = Federating(name=NAME)
"""what members withhold and round by default"""
EXACT: Final = replace(GIVEN, least_packets=1, least_hosts=1, digits=6)
FIRST: Final = 10
"""places of the ranking that are compared"""
FIGURES: Final = 5
"""figures that are"""


def signer(number: int, secret: int = 0) -> Signer:
    """The key of a member; another `secret`, another key, and so other noise."""
    return Signer(bytes([number % 256, number // 256, secret % 256]) + bytes(29))


def name(number: int) -> str:
    return f"home-{number:03d}"


def listed(many: int, secret: int = 0) -> Members:
    """That many members, numbered from 0."""
    return Members(NAME, ZONE, tuple(Member(name(n), (), (Key(signer(n, secret).public),)) for n in range(many)))


def sealed(number: int, days: Sequence[dt.date], rows: Sequence[Row], rules: Federating = GIVEN, secret: int = 0) -> bytes:
    """What a member tells, as the file that it sends."""
    own = signer(number, secret)
    made = dt.datetime.combine(days[-1] + dt.timedelta(days=5), dt.time(3), dt.UTC)
    head = Head(NAME, name(number), own.id, 1, "", made, ZONE, tuple(days), rules.kind, "", "", telling.said(rules), "bench")
    return form.write(head, form.body_of(rows), own)


class World:
    """Households by number, each a list of days as they were."""

    def __init__(self, homes: Sequence[Sequence[Counted]]) -> None:
        self.homes = homes
        self.days = [one.day for one in homes[0]]
        self.rows = [self.told(n, GIVEN) for n in range(len(homes))]
        """what each tells, who does not lie"""
        self._files = [self.opened(n, rows) for n, rows in enumerate(self.rows)]
        self.truth = Counter[str]()
        """packets of each port, all households together: what one lake with everything would count"""
        for home in homes:
            for day in home:
                self.truth.update({key: packets for key, (packets, _) in day.figures["port"].items()})

    def told(self, number: int, rules: Federating, secret: int = 0) -> list[Row]:
        """The rows that leave that household under those rules."""
        noise = signer(number, secret).noise
        return [row for day in self.homes[number] for row in telling.tell(day, rules, noise)]

    def opened(self, number: int, rows: Sequence[Row], rules: Federating = GIVEN, secret: int = 0) -> Contribution:
        """Rows as a contribution that was written, signed, read and verified."""
        data = sealed(number, self.days, rows, rules, secret)
        return form.opened(form.parse(data, name(number)), signer(number, secret).public)

    @functools.cached_property
    def honest(self) -> Merged:
        """All of them together; nobody lies."""
        return self.together(self._files)

    def merged(self, lies: Mapping[int, Sequence[Row]]) -> Merged:
        """All of them together, of whom those members tell other rows."""
        files = [self.opened(n, lies[n]) if n in lies else one for n, one in enumerate(self._files)]
        return self.together(files)

    def under(self, rules: Federating, secret: int = 0) -> Merged:
        """All of them together, under other rules, with noise from other keys."""
        files = [self.opened(n, self.told(n, rules, secret), rules, secret) for n in range(len(self.homes))]
        return self.together(files, secret)

    def together(self, files: Sequence[Contribution], secret: int = 0) -> Merged:
        return Merged(Store(listed(len(files), secret), list(files)), self.days[0], self.days[-1])

    def true_ranking(self) -> list[str]:
        """Ports by their packets, without those of which no port is known."""
        return [key for key, _ in sorted(self.truth.items(), key=lambda one: (-one[1], one[0])) if key not in ("", "/")]


def ranking(merged: Merged) -> list[str]:
    """Ports by what the members say together."""
    table = merged.table("port")
    return [table.keys[n] for n in table.ranked]


def rates(merged: Merged) -> dict[str, float]:
    """Port -> packets an address and day."""
    table = merged.table("port")
    return {table.keys[n]: float(table.rate[n]) for n in table.ranked}


def summed(merged: Merged) -> list[str]:
    """Ports by the plain sum of what all tell: what a merge would say that believes everybody."""
    table = merged.table("port")
    order = np.argsort(-table.packets.sum(axis=1), kind="stable")
    return [table.keys[int(n)] for n in order if table.keys[int(n)] not in ("", "/")]


@dataclass(frozen=True, slots=True)
class Beside:
    """A ranking beside another. leading: first places, up to `FIRST`, that are the same; among: of the other's first `FIRST`,
    how many are among its own; off: by how much the first `FIGURES` figures differ, in the mean (0.02: 2 %)."""

    leading: int
    among: int
    off: float


def beside(own: Merged, other: Merged) -> Beside:
    """A merge beside another one."""
    mine, theirs = rates(own), rates(other)
    off = [abs(mine.get(key, 0.0) / rate - 1) for key, rate in list(theirs.items())[:FIGURES]]
    return Beside(*_places(list(mine), list(theirs)), float(np.mean(off)))


def _places(own: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    first, true = own[:FIRST], other[:FIRST]
    leading = next((n for n, (a, b) in enumerate(zip(first, true, strict=False)) if a != b), min(len(first), len(true)))
    return leading, len(set(first) & set(true))


def against_truth(own: Sequence[str], truth: Sequence[str]) -> tuple[int, int]:
    """Leading places that are the true ones; how many of the true first ten are among the first ten."""
    return _places(own, truth)


def told_of(merged: Merged) -> dict[str, set[str]]:
    """Members that are told as differing -> the reasons."""
    out: dict[str, set[str]] = {}
    for one in differing.outliers(merged):
        out.setdefault(one.member, set()).add(one.reason)
    return out
