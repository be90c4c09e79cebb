"""The prober: probe-response attacks (USENIX Security 2005), adapted to each kind of publication as well as he can.

He knows the rules, the number of sensors and the mean of what reaches each port of itself, and tries beforehand, on worlds of
his own, which ports and how many probes an address give an answer at the least price. Then he goes one of three ways:

    codes      each address on some channels of its own, at once: who is hit shows by which channels move together
    parts      the space in intervals, each with channels of its own; where a figure moves, the interval is divided further
    prefixes   where one sensor moves nothing but several do (the rule on sensors): an interval that holds enough of them, then
               by ever longer beginnings of it the place at which the answer changes, which is a sensor's; with those that are
               known as a pad each further one needs one sensor alone

At the end he names at most as many addresses as there are sensors.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from teiten.bench._mapping.world import SENSORS, SPACE, Detail, Floats, World, background, coded, hits, rates, told

SURE: Final = 4.0
"""standard deviations from which an answer counts"""
TRIALS: Final = 160
PROBES: Final = (1, 2, 3, 5, 8, 12, 17, 25, 40, 70, 120, 300, 1000)
MEANS: Final = (0.0, 0.02, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 20.0, 60.0, 200.0)
MOST_REPEATS: Final = 400

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Means:
    """A way to ask: channels of that mean, so many probes an address, on so many channels at once; price: probes an address."""

    mean: float
    probes: int
    repeats: int
    channels: int
    before: float
    spread: float
    shift: float

    @property
    def price(self) -> int:
        return self.probes * self.repeats

    @property
    def tests(self) -> int:
        """How many sets can be asked about at once."""
        return self.channels // self.repeats


def best(detail: Detail, sensors: int, random: np.random.Generator, already: int = 0) -> Means | None:
    """The cheapest way to see whether a set holds so many sensors (beside `already` known ones, which are probed along); None
    where there is none that anybody could pay."""
    known = rates(detail.parts / detail.days)
    uneven = np.exp(random.normal(0, 0.25, SENSORS))
    found: Means | None = None
    for mean in MEANS:
        near = int(((known > mean * 0.8 - 0.01) & (known < mean * 1.25 + 0.01)).sum())
        if not near:
            continue
        base = np.full(TRIALS, mean)
        silent = np.zeros((TRIALS, SENSORS), dtype=np.int64)
        unhit = _read(detail, told(detail, background(random, base, uneven), silent))
        for probes in PROBES:
            if found is not None and probes >= found.price:
                break
            hit, without = silent.copy(), unhit
            for n in range(TRIALS):
                hit[n, random.choice(SENSORS, sensors + already, replace=False)] = probes
            if already:
                known_hit = np.zeros_like(hit)
                for n in range(TRIALS):
                    known_hit[n, random.choice(SENSORS, already, replace=False)] = probes
                without = _read(detail, told(detail, background(random, base, uneven), known_hit))
            given = _read(detail, told(detail, background(random, base, uneven), hit))
            shift = float(given.mean() - without.mean())
            spread = math.sqrt((float(given.var()) + float(without.var())) / 2)
            if shift <= 0:
                continue
            repeats = 1 if shift > SURE * spread else math.ceil((SURE * spread / shift) ** 2)
            if repeats > min(MOST_REPEATS, near):
                continue
            # what never varied in the trials may vary: it is at least a little uncertain
            made = Means(mean, probes, repeats, near, float(without.mean()), max(float(without.std()), shift / 12), shift)
            if found is None or (made.price, -made.tests) < (found.price, -found.tests):
                found = made
    return found


def _read(detail: Detail, figures: Floats) -> Floats:
    """A number a channel: the figure; where sensors are told apart, the largest of them."""
    return figures.max(axis=1) if detail.each else figures[:, 0]


def ask(world: World, how: Means, sets: list[list[Interval]]) -> Floats:
    """Probes the sets, each on channels of its own, and reads the report: by how many standard deviations each figure moved."""
    count = len(sets) * how.repeats
    mean = np.full(count, how.mean)
    probed = [one for one in sets for _ in range(how.repeats)]
    got = hits(world, probed, np.full(count, how.probes))
    read = _read(world.detail, world.publish(mean, got)).reshape(len(sets), how.repeats)
    out: Floats = (read - how.before).sum(axis=1) / (how.spread * math.sqrt(how.repeats))
    return out


def size(sets: list[Interval]) -> int:
    return sum(high - low for low, high in sets)


def cut(interval: Interval, parts: int) -> list[Interval]:
    """The interval in so many parts, or as many as it has addresses."""
    low, high = interval
    parts = min(parts, high - low)
    edges = [low + (high - low) * n // parts for n in range(parts + 1)]
    return [(a, b) for a, b in itertools.pairwise(edges) if b > a]


@dataclass(slots=True)
class Found:
    """What the prober names, with how sure he is."""

    named: dict[int, float] = field(default_factory=dict)

    def right(self, world: World) -> int:
        """How many of the addresses that he names, at most as many as there are sensors, are sensors'."""
        chosen = sorted(self.named, key=lambda a: -self.named[a])[:SENSORS]
        return len(set(chosen) & set(map(int, world.sensors)))


def by_parts(world: World, how: Means | None, pad: list[Interval] | None = None, begin: int = 0) -> Found:
    """The space in intervals. pad: addresses that are probed along with every set."""
    found = Found()
    if how is None:
        return found
    detail, pad = world.detail, pad or []
    waiting: deque[tuple[int, list[tuple[Interval, float]]]] = deque()
    divide: list[tuple[Interval, float]] = []
    # what he begins with: as much as the rounds left let him look through to the end
    fresh = deque(cut((0, SPACE), max(1, -(-SPACE * how.price // detail.budget))))
    # what is probed after that is published when the week is over
    for now in range(begin, detail.rounds - detail.late):
        while waiting and waiting[0][0] <= now:
            divide += waiting.popleft()[1]
        left, tests = detail.budget, how.tests
        sets: list[Interval] = []
        divide.sort(key=lambda one: one[0][1] - one[0][0])
        after: list[tuple[Interval, float]] = []
        for n, (interval, score) in enumerate(divide):
            own = max(2, (tests - len(sets)) // max(1, len(divide) - n))
            parts = cut(interval, min(own, 4096))
            price = (size(parts) + len(parts) * size(pad)) * how.price
            if price > left or len(sets) + len(parts) > tests:
                after.append((interval, score))
                continue
            left -= price
            sets += parts
        divide = after
        while fresh and tests - len(sets) > 1:
            piece = fresh[0]
            many = min(tests - len(sets), 65_536, max(1, left // max(1, size(pad) * how.price)) if pad else 65_536)
            parts = cut(piece, max(1, many // max(1, min(len(fresh), 1))))
            price = (size(parts) + len(parts) * size(pad)) * how.price
            if price > left:
                break
            fresh.popleft()
            left -= price
            sets += parts
        if not sets:
            continue
        scores = ask(world, how, [[one, *pad] for one in sets])
        hot = [(one, float(score)) for one, score in zip(sets, scores, strict=True) if score >= SURE * 0.75]
        for (low, high), score in hot:
            if high - low == 1:
                found.named[low] = max(score, found.named.get(low, 0.0))
        more = [one for one in hot if one[0][1] - one[0][0] > 1]
        waiting.append((now + 1 + detail.late, more))
    # what is left of small intervals is guessed
    for _, more in waiting:
        divide += more
    for (low, high), score in sorted(divide, key=lambda one: one[0][1] - one[0][0])[:SENSORS]:
        found.named.setdefault(int(world.random.integers(low, high)), score / (1000 * (high - low)))
    return found


CODES: Final = 3
AT_ONCE: Final = 1 << 21
"""codes that are held at a time"""


def by_codes(world: World, how: Means | None) -> Found:
    """Every address on a few channels of its own: one report is enough."""
    found = Found()
    if how is None or how.tests < 50:
        return found
    detail = world.detail
    at, reach = 0, max(1, min(detail.budget // (how.price * CODES), AT_ONCE // CODES))
    for _ in range(max(0, detail.rounds - detail.late)):
        left = detail.budget
        while at < SPACE and left >= how.price * CODES * min(reach, SPACE - at):
            count = min(reach, SPACE - at)
            left -= count * how.price * CODES
            codes = world.random.integers(0, how.tests, (count, CODES))
            met = coded(world, at, codes, how.tests, how.probes)
            met = np.repeat(met, how.repeats, axis=0)
            read = _read(detail, world.publish(np.full(len(met), how.mean), met)).reshape(how.tests, how.repeats)
            scores = (read - how.before).sum(axis=1) / (how.spread * math.sqrt(how.repeats))
            least = scores[codes].min(axis=1)
            for n in np.flatnonzero(least >= SURE * 0.75)[: SENSORS * 50]:
                found.named[at + int(n)] = float(least[n])
            at += count
            if detail.parts > 1 or how.tests < 5000:
                break
    return found


def by_prefixes(world: World, how: Means | None, alone: Means | None, least: int) -> Found:
    """For figures that only `least` sensors together move."""
    found = Found()
    if how is None:
        return found
    detail = world.detail
    step = 1 + detail.late
    now, hot = 0, None
    # an interval with enough sensors: as large a part of the space as a report's probes reach, a new one each time
    reach = max(1, min(SPACE, detail.budget // how.price))
    begins = list(range(0, SPACE, reach))
    world.random.shuffle(begins)
    while now + step <= detail.rounds and hot is None and begins:
        # while answers are awaited, others are asked about
        for _ in range(step):
            if not begins:
                break
            low = begins.pop()
            interval = (low, min(SPACE, low + reach))
            # pieces that are likely to hold just enough: the smaller, the cheaper is what follows
            parts = cut(interval, max(1, min(how.tests, reach * SENSORS // (SPACE * (least + 1)))))
            scores = ask(world, how, [[one] for one in parts])
            sure = int(np.argmax(scores))
            if scores[sure] >= SURE * 0.75 and hot is None:
                hot = parts[sure]
        now += step
    if hot is None:
        return found
    start = hot[0]
    pad: list[Interval] = []
    # the place at which the answer changes is the last of `least` sensors; with it, the one before it, and so on
    while now + step <= detail.rounds and len(pad) < least:
        empty, high = start, hot[1] if not pad else pad[-1][0]
        while now + step <= detail.rounds and high - empty > 1:
            edges = _edges(empty, high, start, size(pad), how, detail)
            scores = ask(world, how, [[(start, edge), *pad] for edge in edges])
            empty, high = _between(scores, edges, empty, high, how)
            now += step
        if high - empty > 1:
            found.named[int(world.random.integers(empty, high))] = 0.1
            return found
        found.named[empty] = SURE
        pad.append((empty, high))
        # a pad that is paid for easily need not be shorter
        beginning = [(start, empty), *pad]
        if alone is not None and now < detail.rounds and size(beginning) * alone.price * 100 < detail.budget:
            pad = beginning
            break
    if alone is not None and pad and now + step <= detail.rounds:
        # one sensor more moves the figure now
        more = by_parts(world, alone, pad, begin=now)
        found.named |= {one: score for one, score in more.named.items() if one not in found.named}
    return found


def _edges(empty: int, high: int, start: int, along: int, how: Means, detail: Detail) -> list[int]:
    """Ends of beginnings, evenly between the two, as many as the channels and the probes allow."""
    many = min(how.tests, high - empty - 1)
    while many > 1 and many * ((empty + high) // 2 - start + along) * how.price > detail.budget:
        many = max(1, many * 3 // 4)
    return sorted({empty + (high - empty) * n // (many + 1) for n in range(1, many + 1)} - {empty, high}) or [empty + 1]


def _between(scores: Floats, edges: list[int], empty: int, high: int, how: Means) -> tuple[int, int]:
    """Between which edges the answer changes: where most answers agree with it."""
    half = how.shift / how.spread * math.sqrt(how.repeats) / 2
    votes = np.clip(scores / half - 1, -1, 1)
    sums = [float(votes[n:].sum() - votes[:n].sum()) for n in range(len(edges) + 1)]
    at = int(np.argmax(sums))
    return (edges[at - 1] if at else empty), (edges[at] if at < len(edges) else high)


def attack(detail: Detail, seed: int) -> int:
    """How many of the sensors of a world the prober finds in a week of reports, going the best of his ways."""
    random = np.random.default_rng(seed + 10_000)
    single = best(detail, 1, random)
    right = [way(world := World(detail, seed), single).right(world) for way in (by_parts, by_codes)]
    least = detail.rules.least_sensors
    if least > 1:
        several, more = best(detail, least, random), best(detail, 1, random, already=least)
        right.append(by_prefixes(world := World(detail, seed), several, more, least).right(world))
        right.append(by_parts(world := World(detail, seed), several).right(world))
    return max(right)
