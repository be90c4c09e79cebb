"""A /12 with 20 sensors, what reaches them of itself, and what is published of a day: by the program's own rules.

The prober marks his probes by their port: each port is a channel, and its published figure is what he reads. That he probes a
channel with as many sources as packets (forged ones) is given to him, as is the true mean of what reaches each port of itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.publish import release
from teiten.publishing import Publishing

BITS: Final = 20
SPACE: Final = 1 << BITS
"""addresses of a /12"""
SENSORS: Final = 20
BUDGET: Final = 1_000_000
"""probes a day"""
DAYS: Final = 7
PORTS: Final = 131_072
"""channels: TCP and UDP"""
BUSIEST: Final = 1500.0
"""packets a sensor and day to the port hit most; the n-th has 1/n^1.05 of it"""
UNEVEN: Final = 0.25
"""by how much sensors differ in what reaches them of itself (of a logarithm)"""
WEATHER: Final = 0.08
"""by how much a port's day differs from its mean, at all sensors alike"""

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Detail:
    """What is published. parts: of how many parts a day each is told by itself (24: hours); days: how many are told as one;
    each: sensors apart, as they are."""

    name: str
    rules: Publishing
    parts: int = 1
    days: int = 1
    each: bool = False
    probes: int = BUDGET
    """that the prober sends a day"""

    @property
    def rounds(self) -> int:
        """How many reports there are in a week."""
        return max(1, DAYS * self.parts // self.days)

    @property
    def budget(self) -> int:
        """Probes between two reports."""
        return self.probes * self.days // self.parts

    @property
    def late(self) -> int:
        """Reports that come out between a probe's own and its publication."""
        return self.rules.delay * self.parts // self.days


def rates(parts: float) -> Floats:
    """The mean of what reaches a sensor of itself, for each channel, in a part of a day."""
    places = np.arange(1, PORTS + 1, dtype=np.float64)
    out: Floats = np.asarray(BUSIEST / places**1.05 / parts, dtype=np.float64)
    return out


class World:
    """Sensors at places that the prober does not know."""

    def __init__(self, detail: Detail, seed: int) -> None:
        self.detail, self.random = detail, np.random.default_rng(seed)
        self.sensors = np.sort(self.random.choice(SPACE, SENSORS, replace=False))
        self.uneven = np.exp(self.random.normal(0, UNEVEN, SENSORS))
        self.uneven /= self.uneven.mean()
        self.sent = 0

    def publish(self, mean: Floats, hits: Counts) -> Floats:
        """What is told of channels with those means that got so many probes at each sensor (channels x sensors).

        channels x 1, or channels x sensors where each sensor is told by itself; what is withheld is 0: the prober sees that."""
        return told(self.detail, background(self.random, mean, self.uneven), hits)


def background(random: np.random.Generator, mean: Floats, uneven: Floats) -> Counts:
    """What reaches the sensors of itself."""
    weather = np.exp(random.normal(0, WEATHER, len(mean)))
    out: Counts = random.poisson((mean * weather)[:, None] * uneven[None, :])
    return out


def told(detail: Detail, own: Counts, hits: Counts) -> Floats:
    """The published figures of counts, through the rules that `teiten publish` goes by."""
    rules, counts = detail.rules, own + hits
    if detail.each:
        return counts.astype(np.float64)
    packets = release.settled(counts, rules)
    # each packet from a source of its own: as many hosts as packets
    days = detail.days / detail.parts
    shown = release.shown(packets / max(1, detail.days), packets / max(1, detail.days), rules)
    means = packets / SENSORS / days
    out = np.array([release.rounded(float(v), rules) if see else 0.0 for v, see in zip(means, shown, strict=True)])
    return out[:, None]


def hits(world: World, sets: Sequence[Sequence[tuple[int, int]]], probes: Counts) -> Counts:
    """Probes that meet each sensor: of each channel a list of intervals [low, high), and so many probes to each address."""
    out = np.zeros((len(sets), SENSORS), dtype=np.int64)
    for n, intervals in enumerate(sets):
        for low, high in intervals:
            a, b = np.searchsorted(world.sensors, (low, high))
            out[n, a:b] += probes[n]
            world.sent += int((high - low) * probes[n])
    return out


def coded(world: World, low: int, codes: Counts, channels: int, probes: int) -> Counts:
    """The same where each address from `low` on is probed on channels of its own (`codes`: addresses x codes)."""
    out = np.zeros((channels, SENSORS), dtype=np.int64)
    a, b = np.searchsorted(world.sensors, (low, low + len(codes)))
    for sensor in range(a, b):
        np.add.at(out, (codes[world.sensors[sensor] - low], sensor), probes)
    world.sent += codes.size * probes
    return out


def rules(**changed: Any) -> Publishing:
    """Rules that publish everything exactly, but for what is named."""
    plain: Mapping[str, Any] = {"least_packets": 1, "least_hosts": 1, "least_sensors": 1, "digits": 6, "delay": 0}
    return Publishing(**{**plain, **changed})
