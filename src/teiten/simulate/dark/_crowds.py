"""Actors of many hosts: countries with their day and night, pools that slide, addresses that change hands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from teiten.simulate._mix import HOURS_OFF_UTC, Trend, steady
from teiten.simulate._sources import draw, mixed
from teiten.simulate._traffic import DAY, Span, generator
from teiten.simulate.dark import _tools
from teiten.simulate.dark._series import Prefix

BLOCK = 64
"""neighbouring subscribers who get one another's addresses"""
_LINUX, _WINDOWS = np.array([0, 1, 3, 7]), np.array([0, 3, 9, 9])
"""seconds after which a connection is tried again: Linux three times here, Windows twice"""
_AWAKE = np.interp(np.arange(24), [0, 2, 6, 9, 12, 22, 24], [0.5, 0.05, 0.0, 0.7, 1.0, 1.0, 0.5])


@dataclass(frozen=True, slots=True)
class Kind:
    """A crowd. `hosts` are active at a time in all countries, `churn` are new each day; `night`: its activity, of the day's."""

    cause: str
    shape: str
    ports: Mapping[int, float]
    countries: Mapping[str, float]
    hosts: int
    churn: float
    per_visit: float = 2.0
    gap: float = 5.0
    night: float = 0.8
    trend: Trend = steady
    arrivals: Mapping[str, float] = field(default_factory=dict)
    """country -> part of the period at which it joins"""
    hands: bool = False
    """addresses change hands"""
    again: bool = False
    """a visit is one connection, tried again as the system does"""
    each: float = 12.0
    """packets of a host, about, where they are too few for all `hosts`"""
    number: int = 0
    """where a cause has several crowds"""


class Crowd:
    """A kind at work: about `packets` packets over the span."""

    def __init__(self, kind: Kind, seed: int, span: Span, packets: float, prefix: Prefix, places: Mapping[str, int]) -> None:
        self.kind, self.seed, self.span, self.prefix = kind, seed, span, prefix
        self.cause = kind.cause
        rng = generator(seed, f"crowd {kind.cause} {kind.number}")
        weights = np.array(list(kind.countries.values()), dtype=np.float64)
        self.weights = weights / weights.sum()
        # few packets come from few hosts
        scale = min(1.0, packets / max(1.0, kind.each * kind.hosts))
        self.active = np.maximum(2.0, kind.hosts * scale * self.weights)
        self.churn = kind.churn * scale * self.weights
        sizes = (np.ceil((self.active + self.churn * span.days + 2) / BLOCK) * BLOCK).astype(np.int64)
        pools = [draw(c, int(n), rng) for c, n in zip(kind.countries, sizes, strict=True)]
        self.pool = np.concatenate(pools).astype(np.int64)
        self.begins = np.cumsum(sizes) - sizes
        self.places = np.array([places[c] for c in kind.countries])
        self.joined = np.array([kind.arrivals.get(c, 0.0) for c in kind.countries])
        self.ports = np.array(list(kind.ports), dtype=np.int64)
        shares = np.array(list(kind.ports.values()), dtype=np.float64)
        self.shares = np.cumsum(shares / shares.sum())
        local = np.arange(24)[:, None] + np.array([HOURS_OFF_UTC.get(c, 0) for c in kind.countries])
        rhythm = kind.night + (1 - kind.night) * _AWAKE[local % 24]
        self.rhythm = rhythm / rhythm.mean(axis=0)
        self.busy = np.exp(rng.normal(0, 0.12, span.days + 1))
        hours = np.arange(span.start, span.end, 3600)
        usual = float(np.sum(self._expected(hours, np.full(len(hours), 3600.0))))
        self.rate = packets / usual if usual else 0.0

    def _expected(self, times: npt.NDArray[Any], seconds: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """(times x countries) packets of those stretches, in a unit of its own."""
        passed = (times - self.span.start) / (self.span.days * DAY)
        level = np.array([self.kind.trend(float(p)) for p in passed])
        level = level * self.busy[((times - self.span.start) // DAY).astype(np.int64)] * seconds
        there = passed[:, None] >= self.joined
        rhythm = self.rhythm[(times // 3600 % 24).astype(np.int64)]
        out: npt.NDArray[np.float64] = level[:, None] * there * rhythm * self.weights
        return out

    def packets(self, begin: int, end: int) -> dict[str, Any] | None:
        """The packets of the visits that begin in that time (µs); some come after its end."""
        rng = generator(self.seed, f"{self.cause} {self.kind.number} {begin}")
        first, last = begin / 1e6, end / 1e6
        edges = np.unique(np.concatenate(([first], np.arange(first // 3600 * 3600 + 3600, last, 3600), [last])))
        starts, seconds = edges[:-1], np.diff(edges)
        expected = self._expected(starts, seconds) * (self.rate / self.kind.per_visit)
        counts = rng.poisson(expected).ravel()
        n = int(counts.sum())
        if not n:
            return None
        cell = np.repeat(np.arange(len(counts)), counts)
        slot, country = cell // expected.shape[1], cell % expected.shape[1]
        time = starts[slot] + rng.random(n) * seconds[slot]
        day = (time - self.span.start) / DAY
        host = (day * self.churn[country] + self.active[country] * rng.random(n) ** 1.5).astype(np.int64)
        sizes = rng.geometric(1 / self.kind.per_visit, n)
        if self.kind.again:
            one = self._linux(self.begins[country] + host)
            sizes = np.minimum(sizes, np.where(one, 4, 3))
        visit = np.repeat(np.arange(n), sizes)
        starts_at = np.cumsum(sizes) - sizes
        turn = np.arange(len(visit)) - starts_at[visit]
        if self.kind.again:
            offset = np.where(one[visit], _LINUX[turn], _WINDOWS[turn]) + rng.exponential(0.02, len(visit))
        else:
            waited = np.cumsum(rng.exponential(self.kind.gap, len(visit)))
            offset = waited - waited[starts_at][visit]
        return self._sent(rng, country[visit], host[visit], (time[visit] + offset), visit, turn)

    def _linux(self, device: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which devices run Linux."""
        if self.kind.shape == "windows":
            return np.zeros(len(device), dtype=bool)
        return _tools.is_linux(self.pool[device].astype(np.uint64), self.seed & 0xFFFF)

    def _sent(
        self,
        rng: np.random.Generator,
        country: npt.NDArray[np.int64],
        host: npt.NDArray[np.int64],
        seconds: npt.NDArray[np.float64],
        visit: npt.NDArray[np.int64],
        turn: npt.NDArray[np.int64],
    ) -> dict[str, Any]:
        n = len(seconds)
        first = np.flatnonzero(turn == 0)
        # clip: the last place of the distribution takes what rounding leaves
        drawn = self.ports[np.searchsorted(self.shares, rng.random(n), side="right").clip(max=len(self.ports) - 1)]
        port = drawn[first][visit] if self.kind.again else drawn
        device = self.begins[country] + host
        time = (seconds * 1e6).astype(np.int64)
        src = self.pool[self._address(device, seconds) if self.kind.hands else device]
        # a process lives three days or so: then the device was switched off and on, and caught it again
        life = ((seconds - self.span.start) / DAY + (mixed(device, self.seed & 0xFFFF) % np.uint64(300)) / 100.0) // 3
        process = device.astype(np.uint64) << np.uint64(16) | life.astype(np.uint64)
        dst = self.prefix.network + rng.integers(0, self.prefix.size, n)
        packet = rng.integers(0, 1 << 63, n).astype(np.uint64)
        if self.kind.again:
            dst, packet = dst[first][visit], packet[first][visit]
        given = _tools.Given(
            src=src,
            dst=dst,
            port=port,
            time=time,
            source=(device if self.kind.hands else src).astype(np.uint64),
            process=process,
            packet=packet,
            salt=self.seed & 0xFFFF,
            turn=turn,
        )
        who = {"country": self.places[country], "actor": device + (self.kind.number << 24)}
        return _tools.filled(self.kind.shape, given) | who

    def _address(self, device: npt.NDArray[np.int64], seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Which address of the pool a device has: in half of the blocks all move on by some places each night at 4 (UTC+9)."""
        block = device // BLOCK
        moves = mixed(block, 77 + (self.seed & 0xFFFF)) % np.uint64(2) == 0
        night = ((seconds - self.span.start - 4 * 3600) // DAY).astype(np.int64) + 1
        turned = block * BLOCK + (device % BLOCK + night * 23) % BLOCK
        return np.where(moves, turned, device)
