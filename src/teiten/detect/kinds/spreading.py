"""Spreading: country after country joins a port's rise, each at a time of its own.

Of a port of which something is told today, the hour from which each country's sources are more than before is where a change
of their rate explains the counts best (the likelihood of Poisson counts, over the days of the rise). A country that joined
later than the first must be explained so much better by its own hour than by the first one's: else all rose at once.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from teiten.detect import levels
from teiten.detect.model import BURST, FALLING, HIGH, NEW_PORT, RISING, SPREADING, About, Detection, Part, Port
from teiten.detect.view import Floats, View

KINDS: Final = (SPREADING,)
ORDER: Final = 24
_RISES: Final = (BURST, NEW_PORT, RISING, HIGH, FALLING)
_DAYS: Final = 10
"""of a rise that are looked at, at most"""
_JOINED: Final = 8.0
"""nats by which a change explains a country's counts better than none (some 1 in 3,000 by chance)"""
_LATER: Final = 3.0
"""nats by which its own hour does so better than the first country's"""
_TIMES: Final = 2.0
_HELD: Final = 8.0
"""sources of an hour of the day that its part in the day rests on, to be half believed"""
_LEAST: Final = 5.0
"""sources of an hour, summed, that a country needs to be looked at"""


@dataclass(frozen=True)
class Joined:
    """A country that joined: from which hour (its place), how sure, with how many packets since, and how many of them more."""

    country: str
    hour: int
    nats: float
    nats_first: float
    """had it been at the first country's hour"""
    packets: float
    excess: float


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Rises that spread on the view's day: three countries or more, one of them today, not all at once."""
    out = []
    told: dict[Port, list[Detection]] = {}
    for one in found:
        if one.kind in _RISES and len(one.about.ports) == 1 and not one.reason.get("below") and one.about.sensor is None:
            told.setdefault(one.about.ports[0], []).append(one)
    for port, those in told.items():
        start = max(min(one.start for one in those), view.bounds(view.day - dt.timedelta(days=_DAYS))[0])
        some = joined(view, port, start)
        if _spreads(view, some):
            out.append(_detection(view, port, some, those))
    return out


def joined(view: View, port: Port, start: dt.datetime) -> list[Joined]:
    """The countries whose sources at that port are more than before since an hour not earlier than a day before `start`; in
    the order in which they joined."""
    only = (pl.col("protocol") == port[0]) & pl.col("dst_port").eq_missing(pl.lit(port[1]))
    made = view.series("country", only=only)
    exposure = view.exposure
    first = max(0, (start - view.start) // dt.timedelta(hours=1) - 24)
    before = exposure[max(0, first - 24 * levels.BASE) : first].sum()
    if before < 24 * 3 or first >= len(exposure):
        return []
    base = made.hosts[:, max(0, first - 24 * levels.BASE) : first].sum(axis=1)
    usual = (base + 0.5) / before
    # of a day with very many cells, what has less than `least` is not told apart: it may be there
    share = made.hosts.sum() / max(1.0, made.packets.sum())
    usual = np.maximum(usual, view.least * share / 24)
    counts = made.hosts[:, first:]
    past = slice(max(0, first - 24 * levels.BASE), first)
    watched = exposure[first:] * _clock(view, made.hosts, past)[:, [one.hour for one in view.local[first:]]]
    nats = _nats(counts, watched, usual) / _strays(made.hosts[:, past], exposure[past])[:, None]
    best = np.argmax(nats, axis=1)
    rows = [
        row
        for row, key in enumerate(made.keys)
        if key[0] is not None and nats[row, best[row]] >= _JOINED and counts[row, best[row] :].sum() >= _LEAST
    ]
    out = []
    for row in rows:
        at = int(best[row]) + int(np.flatnonzero(counts[row, best[row] :])[0])
        since = float(made.packets[row, first + at :].sum())
        per_hour = float(made.packets[row, max(0, first - 24 * levels.BASE) : first].sum()) / before
        excess = float(since - per_hour * watched[row, at:].sum())
        out.append((at, row, since, excess))
    if not out:
        return []
    earliest = min(at for at, *_ in out)
    found = [
        Joined(str(made.keys[row][0]), first + at, float(nats[row, best[row]]), float(nats[row, earliest]), since, excess)
        for at, row, since, excess in out
    ]
    return sorted(found, key=lambda one: (one.hour, one.country))


def _clock(view: View, hosts: Floats, past: slice) -> Floats:
    """Of each series by hour of the day how many times its mean the days before had: an evening is no change of rate."""
    hour = np.array([one.hour for one in view.local[past]])
    summed = np.stack([hosts[:, past][:, hour == n].sum(axis=1) for n in range(24)], axis=1)
    hours = np.bincount(hour, weights=view.exposure[past], minlength=24)
    rate = (summed + _HELD) / (hours / max(float(hours.mean()), 1e-9) * summed.mean(axis=1, keepdims=True) + _HELD)
    return np.asarray(rate)


def _strays(hosts: Floats, watched: Floats) -> Floats:
    """How many times more a day before strays from their mean than chance lets it; 1 at least, and where it never came."""
    days = watched.size // 24
    if days < levels.FEWEST:
        return np.ones(len(hosts))
    seen = watched[-24 * days :].reshape(days, 24).sum(axis=1)
    counts = hosts[:, -24 * days :].reshape(len(hosts), days, 24).sum(axis=2)[:, seen > 0]
    usual = counts.sum(axis=1, keepdims=True) / max(float(seen.sum()), 1e-9) * seen[seen > 0]
    # by the median, so that an earlier burst is no wildness of every day
    square = np.median((counts - usual) ** 2 / np.maximum(usual, 0.5), axis=1) / 0.455
    return np.asarray(np.maximum(1.0, square))


def _nats(counts: Floats, watched: Floats, usual: Floats) -> Floats:
    """Of each series and hour: by how much a change of rate at that hour explains all later counts better than none. watched:
    of each series."""
    after = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
    hours = np.cumsum(watched[:, ::-1], axis=1)[:, ::-1]
    rate = after / np.maximum(hours, 1e-9)
    fine = (hours > 0) & (rate >= _TIMES * usual[:, None]) & (after > 0)
    ratio = np.where(fine, rate / usual[:, None], 1.0)
    return np.where(fine, after * np.log(ratio) - (rate - usual[:, None]) * hours, 0.0)


def _spreads(view: View, some: Sequence[Joined]) -> bool:
    later = [one for one in some if one.nats - one.nats_first >= _LATER]
    today = view.today.start
    return len(later) + 1 >= view.threshold("detect_spread_countries") and any(one.hour >= today for one in later)


def _detection(view: View, port: Port, some: Sequence[Joined], those: Sequence[Detection]) -> Detection:
    whole = sum(max(0.0, one.excess) for one in some) or 1.0
    leading = max(those, key=lambda one: one.score)
    parts = [
        Part("country", one.country, one.packets, round(max(0.0, one.excess) / whole, 4), view.hours[one.hour]) for one in some
    ]
    later = sorted((one.nats - one.nats_first for one in some), reverse=True)
    today = view.today
    port_today = view.series(only=(pl.col("protocol") == port[0]) & pl.col("dst_port").eq_missing(pl.lit(port[1]))).packets[
        0, today
    ]
    same = [one for one in those if one.about.country is None and one.usual is not None]
    return Detection(
        SPREADING,
        About(ports=(port,)),
        view.day,
        view.hours[some[0].hour],
        packets=float(port_today.sum()),
        usual=same[0].usual if same else None,
        times=same[0].times if same else None,
        measure="hosts",
        score=max(leading.score, min(6.0, later[1] / math.log(10) if len(later) > 1 else 0.0)),
        confidence="sure" if len(some) >= 5 else "likely",
        parts=tuple(parts),
        sources="many",
        reason={
            "rule": "spreading",
            "countries": [[one.country, view.hours[one.hour].isoformat(), round(one.nats, 1)] for one in some],
            "joined_today": [one.country for one in some if one.hour >= today.start],
            "nats_to_join": _JOINED,
            "nats_to_be_later": _LATER,
            "thresholds": {"detect_spread_countries": view.threshold("detect_spread_countries")},
        },
    )
