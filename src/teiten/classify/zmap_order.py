"""Is the order in which a source visits destinations that of ZMap's walk through a cyclic group? Behaviour, not a mark.

ZMap visits x, g x, g^2 x, ... modulo p = 2^32 + 15, where x is the index of an address plus one (Durumeric, Wustrow and
Halderman, USENIX Security 2013; zmap/zmap, src/cyclic.c and src/shard.c). Measured in logarithms to the base g, a walk is a
straight line in time. So the logarithms of a source's destinations are taken, and for each of the generators that ZMap can
have drawn it is asked how nearly they lie on a line or within a narrow arc, and how often chance would do as well.
`docs/concepts/zmap-order.md` has the mathematics, what was measured, and the limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from teiten.classify import _zmap_group as groups
from teiten.classify import _zmap_index as indices

ACCEPTED: Final = 1e-9
"""a verdict needs a chance of at most this, after the number of hypotheses tried"""
FEWEST: Final = 5
"""distinct destinations below which nothing is tried: of so few the best of millions of generators always fits"""
WINDOW: Final = 24
"""destinations that are looked at together"""
WINDOWS: Final = 3
"""windows that are tried, spread over the time"""
SUBSHARDS: Final = (1, 2, 3, 4)
"""shards times sending threads that are tried"""
SLACK: Final = 0.03
"""how far, in turns, sub-shards may have run apart"""
FINEST: Final = 2.0**-28
"""no place on the walk is taken to be known better, in turns"""
BLOCK: Final = 1 << 15
"""generators that are sieved at a time: 256 KiB"""
PAIRS: Final = 6
"""neighbours in time that sieve the generators, at most"""


@dataclass(frozen=True, slots=True)
class Options:
    """What is tried. Every widening is counted as hypotheses, and so asks more of the evidence."""

    subshards: tuple[int, ...] = SUBSHARDS
    lists: tuple[str, ...] = tuple(indices.LISTS)
    """exclusion lists by name: `reserved` (ZMap's own), `none` (0.0.0.0 alone)"""
    shifts: int = 0
    """further /18s, below the destinations, that the scan's own list may touch: 1 .. shifts are tried on each list"""
    ports: tuple[int, ...] = (1,)
    """numbers of ports that the scan may have: 1, 2 (another group; the source's packets to one of the two)"""
    windows: int = WINDOWS
    slack: float = SLACK
    accepted: float = ACCEPTED
    folder: Path | None = None
    """where the table of generators is kept between processes; none: made anew in each (some seconds)"""


DEFAULT: Final = Options()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the order says. `undetermined` never means that it was not ZMap."""

    outcome: Literal["zmap", "undetermined"]
    p: float
    """chance of an order as good as the best found, over all hypotheses (at most 1)"""
    hypotheses: int
    destinations: int
    """distinct destinations that the evidence rests on (of one window)"""
    distinct: int
    """distinct destinations of the source"""
    generator: int | None = None
    subshards: int | None = None
    """shards x threads: with one shard, the threads"""
    shift: int | None = None
    """/18s that the scan left out, below the first of the destinations; none where that lies in a partly excluded /18"""
    exclusions: str | None = None
    """name of the exclusion list"""
    ports: int | None = None

    @property
    def zmap(self) -> bool:
        return self.outcome == "zmap"


@dataclass(frozen=True, slots=True)
class _Map:
    """One reading of a window's addresses as elements of a group."""

    group: groups.Parameters
    exclusions: str
    shift: int | None
    elements: groups.U64


@dataclass(frozen=True, slots=True)
class _Best:
    p: float
    generator: int
    subshards: int


def prepare(options: Options = DEFAULT) -> None:
    """Makes the tables (some seconds, once), so that the first question does not."""
    for group in _groups(options):
        groups.logarithms(group)
        groups.generators(group, options.folder)


def judge(destinations: npt.ArrayLike, times: npt.ArrayLike, options: Options = DEFAULT) -> Verdict:
    """Is the order of one source's packets to one port ZMap's?

    `destinations`: IPv4 addresses as numbers (uint32); `times`: numbers of any unit, or datetime64; both of one length, in any
    order (they are sorted by time, stably). Repeats are dropped: a destination counts where it is first seen.
    ValueError for arrays of different lengths or numbers that are no addresses.
    """
    addresses, seconds = _first_sightings(destinations, times)
    distinct = len(addresses)
    windows = list(_windows(distinct, options.windows))
    if distinct < FEWEST:
        return Verdict("undetermined", 1.0, 0, distinct, distinct)
    readings = [_maps(addresses[start:end], options) for start, end in windows]
    tried = len(options.subshards) * sum(
        len(groups.generators(one.group, options.folder).numbers) for maps in readings for one in maps
    )
    # the line and the arc are two questions
    hypotheses = 2 * tried
    best, basis, size = _Best(1.0, 0, 0), None, min(distinct, WINDOW)
    for (start, end), maps in zip(windows, readings, strict=True):
        for one, logs in zip(maps, _logarithms(maps), strict=True):
            known = groups.generators(one.group, options.folder)
            found = _search(logs, seconds[start:end], known, options, options.accepted / hypotheses)
            if found.p < best.p:
                best, basis, size = found, one, end - start
            if best.p * hypotheses <= options.accepted:
                break
        if best.p * hypotheses <= options.accepted:
            break  # all that was planned stays counted
    p = min(1.0, best.p * hypotheses)
    if basis is None or p > options.accepted:
        return Verdict("undetermined", p, hypotheses, size, distinct)
    ports = 1 << basis.group.port_bits
    return Verdict("zmap", p, hypotheses, size, distinct, best.generator, best.subshards, basis.shift, basis.exclusions, ports)


def _first_sightings(
    destinations: npt.ArrayLike, times: npt.ArrayLike
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float64]]:
    """Distinct destinations in order of time, and seconds (or the unit given) since the first."""
    given, moments = np.asarray(destinations), np.asarray(times)
    if given.ndim != 1 or given.shape != moments.shape:
        raise ValueError(f"destinations and times must be of one length, not {given.shape} and {moments.shape}")
    if len(given) == 0:
        return np.zeros(0, dtype=np.uint32), np.zeros(0)
    if given.dtype.kind not in "iu" or int(given.min()) < 0 or int(given.max()) >= 1 << 32:
        raise ValueError("destinations must be IPv4 addresses as whole numbers from 0 to 2^32 - 1")
    order = np.argsort(moments, kind="stable")
    given, moments = given[order], moments[order]
    # differences first: nanoseconds since 1970 do not fit a float
    since = (moments - moments[0]).astype(np.float64)
    if not bool(np.isfinite(since).all()):
        raise ValueError("times must be finite")
    _, first = np.unique(given, return_index=True)
    first.sort()
    return given[first].astype(np.uint32), since[first]


def _windows(distinct: int, most: int) -> Iterator[tuple[int, int]]:
    """Up to `most` windows of destinations that follow each other in time, spread evenly, none over another."""
    count = max(1, min(most, distinct // WINDOW))
    size = min(distinct, WINDOW)
    for n in range(count):
        start = round(n * (distinct - size) / max(1, count - 1))
        yield start, start + size


def _groups(options: Options) -> list[groups.Parameters]:
    known = {1: groups.ONE_PORT, 2: groups.TWO_PORTS}
    try:
        return [known[ports] for ports in options.ports]
    except KeyError as error:
        raise ValueError(f"scans of {error.args[0]} ports are not known here, only of 1 and 2") from None


def _maps(addresses: npt.NDArray[np.uint32], options: Options) -> list[_Map]:
    """Every reading of these addresses; none by a list that excludes one of them."""
    maps = []
    for name in options.lists:
        index = indices.index(indices.LISTS[name])
        places = index.of(addresses)
        if bool((places == indices.BLOCKED).any()):
            continue
        left_out = (int(addresses[0]) - int(places[0])) // indices.BLOCK
        for shift in range(options.shifts + 1):
            moved = places - shift * indices.BLOCK
            if int(moved.min()) < 0:
                break
            for group in _groups(options):
                for port in range(1 << group.port_bits):
                    elements = (moved << group.port_bits) + port + 1
                    maps.append(_Map(group, name, left_out + shift if left_out >= 0 else None, elements.astype(np.uint64)))
    return maps


def _logarithms(maps: Sequence[_Map]) -> list[groups.U64]:
    """The maps' elements as logarithms, all of a group at once."""
    result: dict[int, groups.U64] = {}
    for group in {one.group for one in maps}:
        places = [n for n, one in enumerate(maps) if one.group == group]
        logs = groups.logarithms(group)(np.stack([maps[n].elements for n in places]))
        result.update(zip(places, logs, strict=True))
    return [result[n] for n in range(len(maps))]


def _search(
    logs: groups.U64, times: npt.NDArray[np.float64], known: groups.Generators, options: Options, limit: float
) -> _Best:
    """The generator and number of sub-shards in whose walk these logarithms lie best, with the chance of that hypothesis alone.

    `logs`: of destinations in order of time. Turns are kept as fractions of 2^64 and wrap by themselves. Sub-shards begin
    one 1/S of a turn apart: multiplied by S their walks lie one over the other. What is a line for g is also one for its
    roots, only steeper: a walk by one of these would have passed many destinations that were not seen. So of all
    whose chance is at most `limit` the one that goes the shortest way is taken.
    """
    span = times[-1] - times[0]
    along = (times - times[0]) / span if span > 0 else np.linspace(0.0, 1.0, len(times))
    sieve = _neighbours(along, options.slack)
    # differences of logarithms need not be taken modulo the order: turns wrap by themselves
    apart = np.diff(logs)
    best, shortest = _Best(1.0, 0, 0), np.inf
    for subshards, left in _first_sieve(known.turns, apart, sieve[:2], options.subshards):
        for before, low, width in sieve:
            turns = known.turns[left]
            left = left[turns * (apart[before : before + 1] * np.uint64(subshards)) - low <= width]
        if len(left) == 0:
            continue
        p, way = _chance(known.turns[left], logs * np.uint64(subshards), along)
        hits = np.flatnonzero(p <= limit)
        at = int(hits[np.argmin(way[hits])] if len(hits) else np.argmin(p))
        better = way[at] < shortest if len(hits) else p[at] < best.p and shortest == np.inf
        if better:
            best = _Best(float(p[at]), int(known.numbers[left[at]]), subshards)
            shortest = float(way[at]) if len(hits) else np.inf
    return best


def _first_sieve(
    turns: groups.U64, apart: groups.U64, pairs: Sequence[tuple[int, np.uint64, np.uint64]], subshards: tuple[int, ...]
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """For each number of sub-shards the places of the generators that put the pairs (one or two) where they may lie.

    This is most of the cost. So it goes over the generators in blocks that stay in the processor's cache, multiplies once
    for all numbers of sub-shards, and goes on with the upper halves of the products: what that rounds off, 2^-30 of a turn,
    is added to the bounds. Two pairs at once leave one generator in 200, so that few places are gathered.
    """
    bounds = [
        (apart[one : one + 1], np.uint32(low >> np.uint64(32)), np.uint32(min((int(width) >> 32) + 8, (1 << 32) - 1)))
        for one, low, width in pairs
    ]
    found: dict[int, list[npt.NDArray[np.int64]]] = {one: [] for one in subshards}
    whole = np.empty(BLOCK, np.uint64)
    uppers = [np.empty(BLOCK, np.uint32) for _ in bounds]
    moved, passed, both = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.bool_), np.empty(BLOCK, np.bool_)
    for start in range(0, len(turns), BLOCK):
        block = turns[start : start + BLOCK]
        n = len(block)
        for (step, _, _), upper in zip(bounds, uppers, strict=True):
            np.multiply(block, step, out=whole[:n])
            np.right_shift(whole[:n], np.uint64(32), out=whole[:n])
            np.copyto(upper[:n], whole[:n], casting="unsafe")
        for one in subshards:
            for (_, floor, most), upper, out in zip(bounds, uppers, (passed, both), strict=False):
                np.multiply(upper[:n], np.uint32(one), out=moved[:n])
                np.subtract(moved[:n], floor, out=moved[:n])
                np.less_equal(moved[:n], most, out=out[:n])
            if len(bounds) > 1:
                np.logical_and(passed[:n], both[:n], out=passed[:n])
            found[one].append(np.flatnonzero(passed[:n]) + start)
    for one in subshards:
        yield one, np.concatenate(found[one])


def _neighbours(along: npt.NDArray[np.float64], slack: float) -> list[tuple[int, np.uint64, np.uint64]]:
    """Destinations that follow each other soonest, and how far apart on the walk a scan can have put them.

    A scan goes round at most once, and never back: two packets with a share t of the window's time between them are between
    0 and t of a turn apart, give or take what sub-shards may have run apart. Each: the first of the two, lower bound, width.
    """
    gaps = np.diff(along)
    chosen = np.argsort(gaps, kind="stable")[:PAIRS]
    bounds = []
    for before in chosen.tolist():
        width = min(float(gaps[before]) + 2.0 * slack, 1.0 - 2.0**-20)
        low = np.uint64((1 << 64) - int(slack * 2.0**64))
        bounds.append((before, low, np.uint64(int(width * 2.0**64))))
    return bounds


def _chance(
    turns: groups.U64, steps: groups.U64, along: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each generator: how often as many places by chance lie as near to a line in time, or to each other; and the way gone.

    n places taken at random lie within an arc of w turns (w <= 1/2) with chance n w^(n - 1). A line is drawn through the first
    and the last place: the other n - 2 distances from it, and the line's own 0, then lie within an arc in the same way.
    The way is in turns: the arc, or the line's advance.
    """
    n = len(steps)
    # (generators, destinations), as signed fractions of a turn from the first destination
    place = (turns[:, None] * (steps - steps[0])[None, :]).view(np.int64).astype(np.float64) / 2.0**64
    arc = np.maximum(place.max(axis=1) - place.min(axis=1), FINEST)
    advance = place[:, -1:] % 1.0
    off = place - advance * along[None, :]
    off -= np.rint(off)
    line = np.maximum(off.max(axis=1) - off.min(axis=1), FINEST)
    with np.errstate(under="ignore"):
        by_arc = np.where(arc <= 0.5, n * arc ** (n - 1), 1.0)
        by_line = np.where(line <= 0.5, (n - 1) * line ** (n - 2), 1.0)
    way = np.minimum(arc, np.maximum(advance[:, 0], line))
    return np.minimum(np.minimum(by_arc, by_line), 1.0), way
