"""What members may tell that is not so: lies that keep their own sums right, to be harder to see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from teiten.bench._federate.world import World, ranking
from teiten.federation.telling import Row
from teiten.publish import release
from teiten.publishing import Publishing

AGREED: Final = "4444/6"
MADE_UP: Final = frozenset({AGREED, *(f"{31337 + n}/6" for n in range(10))})
"""ports that no household saw"""
MANY: Final = 5000
"""packets a day of an invented port: some six times all that a household gets"""
TIMES: Final = 100
SLIGHT: Final = 1.3
DIGITS: Final = Publishing(digits=2)
SHIFTS: Final = (9, -9, 1)
"""hours by which clocks are off: UTC taken for Japan's time, the reverse, summer time"""

Lie = Callable[[World, int, Sequence[int], np.random.Generator], list[Row]]
"""The world, who lies, all who do, and dice -> what it tells."""


def _told(value: float) -> int:
    return int(release.rounded(float(value), DIGITS))


def times(rows: Sequence[Row], key: str, factor: float) -> list[Row]:
    """A port times something; the whole goes along."""
    more: dict[dt.date, float] = {}
    for day, what, own, packets, _ in rows:
        if (what, own) == ("port", key):
            more[day] = packets * (factor - 1)
    out = []
    for day, what, own, packets, hosts in rows:
        if (what, own) == ("port", key):
            packets = _told(packets * factor)
            if not packets:
                continue
        elif what == "all":
            packets = _told(max(0.0, packets + more.get(day, 0.0)))
        out.append((day, what, own, packets, hosts))
    return out


def added(rows: Sequence[Row], key: str, packets: int) -> list[Row]:
    """A port that nobody saw; the whole goes along."""
    out = [(d, w, k, _told(p + packets) if w == "all" else p, h) for d, w, k, p, h in rows if (w, k) != ("port", key)]
    return out + [(day, "port", key, packets, 200) for day in sorted({row[0] for row in rows})]


def _ranked(world: World, random: np.random.Generator, low: int, high: int) -> str:
    """One of the ports from that place to that one."""
    return ranking(world.honest)[low - 1 : high][int(random.integers(high - low + 1))]


def inflated(world: World, who: int, liars: Sequence[int], random: np.random.Generator) -> list[Row]:
    """A port of the fourth to twentieth place a hundred times."""
    return times(world.rows[who], _ranked(world, random, 4, 20), TIMES)


def invented(world: World, who: int, liars: Sequence[int], random: np.random.Generator) -> list[Row]:
    """A port that nobody saw, each its own."""
    return added(world.rows[who], f"{31337 + liars.index(who)}/6", MANY)


def denied(world: World, who: int, liars: Sequence[int], random: np.random.Generator) -> list[Row]:
    """The port of the first place is told as never seen."""
    return times(world.rows[who], ranking(world.honest)[0], 0.0)


def zeros(world: World, who: int, liars: Sequence[int], random: np.random.Generator) -> list[Row]:
    """Watched all the time, and saw nothing."""
    return [(d, w, k, p if w == "watching" else 0, h if w == "watching" else 0) for d, w, k, p, h in world.rows[who]
            if w in ("watching", "all", "hour")]  # fmt: skip


def copied(world: World, who: int, liars: Sequence[int], random: np.random.Generator) -> list[Row]:
    """What an honest member told, as one's own."""
    others = [n for n in range(len(world.homes)) if n not in liars]
    return list(world.rows[others[int(random.integers(len(others)))]])


def slight(world: World, who: int, liars: Sequence[int], random: np.random.Generator) -> list[Row]:
    """A port of the second to sixth place made 1.3 times as much: too little to be told."""
    return times(world.rows[who], _ranked(world, random, 2, 6), SLIGHT)


def shifted(world: World, who: int, liars: Sequence[int], random: np.random.Generator) -> list[Row]:
    """Hours of a clock that is off: no lie, a mistake."""
    return moved(world.rows[who], SHIFTS[liars.index(who) % len(SHIFTS)])


def moved(rows: Sequence[Row], hours: int) -> list[Row]:
    """What came at an hour is told so many hours later."""
    counts: dict[tuple[dt.date, int], int] = {}
    for day, what, key, packets, _ in rows:
        if what == "hour":
            at = dt.datetime.combine(day, dt.time()) + dt.timedelta(hours=int(key) + hours)
            counts[at.date(), at.hour] = packets
    days = {row[0] for row in rows}
    kept = [row for row in rows if row[1] != "hour"]
    return kept + [(day, "hour", f"{hour}", n, 0) for (day, hour), n in counts.items() if day in days]


def colluding(world: World, who: int, liars: Sequence[int], random: np.random.Generator) -> list[Row]:
    """All of them invent the same port, with the same figures, and deny the first one."""
    return added(denied(world, who, liars, random), AGREED, MANY)


KINDS: Final[dict[str, Lie]] = {
    "inflated": inflated, "invented": invented, "denied": denied, "zeros": zeros, "copied": copied, "slight": slight,
    "shifted": shifted, "colluding": colluding,
}  # fmt: skip
