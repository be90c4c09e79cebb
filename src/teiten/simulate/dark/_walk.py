"""The order in which ZMap visits the Internet: x, g x, g^2 x ... modulo 2^32 + 15 (two ports: 2^33 + 17), in contiguous pieces.

Written from its sources' mathematics (zmap/zmap `src/cyclic.c`, `src/shard.c`, `lib/constraint.c`, default list of excluded
networks). The walk has 4 billion steps: those that meet a dark prefix are found by discrete logarithms instead.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.errors import UsageError

U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Group:
    """The numbers modulo a prime: a root of all of them, and the prime powers whose product is their number."""

    prime: int
    root: int
    powers: tuple[int, ...]
    primes: tuple[int, ...]

    @property
    def order(self) -> int:
        return self.prime - 1


ONE_PORT: Final = Group(2**32 + 15, 3, (2, 9, 5, 131, 364289), (2, 3, 5, 131, 364289))
TWO_PORTS: Final = Group(2**33 + 17, 19, (16, 3, 59, 3033169), (2, 3, 59, 3033169))
MAX_GENERATOR: Final = 1 << 22
EXCLUDED: Final = (
    (0x00000000, 8), (0x0A000000, 8), (0x64400000, 10), (0x7F000000, 8), (0xA9FE0000, 16), (0xAC100000, 12),
    (0xC0000000, 24), (0xC0000200, 24), (0xC0586300, 24), (0xC0A80000, 16), (0xC6120000, 15), (0xC6336400, 24),
    (0xCB007100, 24), (0xE0000000, 4), (0xF0000000, 4),
)  # fmt: skip
"""(network, prefix length) of the reserved networks that ZMap leaves out unless told otherwise"""


def times_modulo(a: U64, b: U64 | np.uint64, modulus: int) -> U64:
    """a * b modulo a number of up to 34 bits, without overflow."""
    m = np.uint64(modulus)
    high = a * (b >> np.uint64(16)) % m
    out: U64 = ((high << np.uint64(16)) + a * (b & np.uint64(0xFFFF))) % m
    return out


def _power(base: U64, exponent: int, prime: int) -> U64:
    out, square = np.ones_like(base), base
    while exponent:
        if exponent & 1:
            out = times_modulo(out, square, prime)
        square, exponent = times_modulo(square, square, prime), exponent >> 1
    return out


@functools.cache
def _table(group: Group, part: int) -> tuple[U64, npt.NDArray[Any]]:
    """Powers of an element of that order, sorted, and the exponent of each."""
    step = pow(group.root, group.order // part, group.prime)
    powers = np.ones(1, dtype=np.uint64)
    while len(powers) < part:
        powers = np.append(powers, times_modulo(powers, np.uint64(pow(step, len(powers), group.prime)), group.prime))
    order = np.argsort(powers[:part])
    return powers[:part][order], order


def logarithm(x: U64, group: Group = ONE_PORT) -> U64:
    """L with root^L = x modulo the group's prime (Pohlig-Hellman), of numbers 1 <= x < prime."""
    total = np.zeros_like(x)
    for part in group.powers:
        others = group.order // part
        sorted_powers, exponent = _table(group, part)
        rest = exponent[np.searchsorted(sorted_powers, _power(x, others, group.prime))].astype(np.uint64)
        total += rest * np.uint64(pow(others, -1, part)) % np.uint64(part) * np.uint64(others)
    out: U64 = total % np.uint64(group.order)
    return out


def index_of(network: int, length: int) -> U64:
    """(addresses) ZMap's index of each address of a prefix: its place among the allowed, wholly allowed /18s first.

    UsageError where the prefix is not wholly in allowed /18s.
    """
    quarter = np.arange(1 << 18, dtype=np.int64) << 14
    taken = np.zeros(1 << 18, dtype=bool)
    for first, bits in EXCLUDED:
        last = first + (1 << 32 - bits) - 1
        taken |= (quarter <= last) & (quarter + (1 << 14) > first)
    place = np.cumsum(~taken) - 1
    addresses = network + np.arange(1 << 32 - length, dtype=np.int64)
    if taken[addresses >> 14].any():
        raise UsageError(
            "The prefix lies in (or beside) a reserved network, which scanners of the whole Internet leave out.",
            hint="Give --prefix an ordinary network, for example 44.11.38.0/24.",
        )
    out: U64 = ((place[addresses >> 14] << 14) + (addresses & 0x3FFF)).astype(np.uint64)
    return out


@functools.lru_cache(maxsize=3)
def _logs(network: int, length: int, ports: int) -> U64:
    """Of each address and port: the port is the lowest bit of what is walked through."""
    index = index_of(network, length)
    if ports == 2:
        index = (index[:, None] * np.uint64(2) + np.arange(2, dtype=np.uint64)).ravel().astype(np.uint64)
    return logarithm(index + np.uint64(1), TWO_PORTS if ports == 2 else ONE_PORT)


def generator_of(rng: np.random.Generator, group: Group = ONE_PORT) -> int:
    """A generator of the whole group below 2^22, as ZMap draws one."""
    candidate = int(rng.integers(0, 1 << 32))
    while True:
        candidate = (candidate + 1) % MAX_GENERATOR
        if candidate and all(pow(candidate, group.order // q, group.prime) != 1 for q in group.primes):
            return candidate


@dataclass(frozen=True, slots=True)
class Walk:
    """One run: generator, offset of the exponents, how many shards there are and which is this, sending threads."""

    generator: int
    offset: int
    shards: int = 1
    shard: int = 0
    threads: int = 1
    drift: tuple[float, ...] = (0.0,)
    """of each thread: by what part it is slower than the first"""
    ports: int = 1
    """how many it tries: 1 or 2"""

    def visits(self, network: int, length: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """(n) places in the prefix (address' offset x ports + which port), and when each is visited (0 to 1: how much of a
        thread's piece is done by the time that an undrifted thread needs for its piece; more for a slow one), in the order
        of time."""
        group = TWO_PORTS if self.ports == 2 else ONE_PORT
        order = np.uint64(group.order)
        own_log = int(logarithm(np.array([self.generator], dtype=np.uint64), group)[0])
        inverse = np.uint64(pow(own_log, -1, group.order))
        exponents = times_modulo(_logs(network, length, self.ports), inverse, group.order)
        steps = (exponents + np.uint64(group.order - self.offset % group.order)) % order
        pieces = self.shards * self.threads
        size = group.order // pieces
        piece = np.minimum(steps // np.uint64(size), np.uint64(pieces - 1)).astype(np.int64)
        thread = piece - self.shard * self.threads
        own = np.flatnonzero((thread >= 0) & (thread < self.threads))
        done = (steps[own].astype(np.float64) - piece[own].astype(np.float64) * size) / size
        done *= 1 + np.array(self.drift)[thread[own]]
        sequence = np.argsort(done, kind="stable")
        return own[sequence].astype(np.int64), done[sequence]
