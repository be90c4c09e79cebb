"""The order in which ZMap visits the Internet: x, g x, g^2 x ... modulo 2^32 + 15, in contiguous pieces.

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
PRIME: Final = 2**32 + 15
ORDER: Final = PRIME - 1
ROOT: Final = 3
POWERS: Final = (2, 9, 5, 131, 364289)
"""prime powers whose product is ORDER"""
PRIMES: Final = (2, 3, 5, 131, 364289)
MAX_GENERATOR: Final = 1 << 22
EXCLUDED: Final = (
    (0x00000000, 8), (0x0A000000, 8), (0x64400000, 10), (0x7F000000, 8), (0xA9FE0000, 16), (0xAC100000, 12),
    (0xC0000000, 24), (0xC0000200, 24), (0xC0586300, 24), (0xC0A80000, 16), (0xC6120000, 15), (0xC6336400, 24),
    (0xCB007100, 24), (0xE0000000, 4), (0xF0000000, 4),
)  # fmt: skip
"""(network, prefix length) of the reserved networks that ZMap leaves out unless told otherwise"""


def times_modulo(a: U64, b: U64 | np.uint64, modulus: int) -> U64:
    """a * b modulo a number of up to 33 bits, without overflow."""
    m = np.uint64(modulus)
    high = a * (b >> np.uint64(16)) % m
    out: U64 = ((high << np.uint64(16)) + a * (b & np.uint64(0xFFFF))) % m
    return out


def _power(base: U64, exponent: int) -> U64:
    out, square = np.ones_like(base), base
    while exponent:
        if exponent & 1:
            out = times_modulo(out, square, PRIME)
        square, exponent = times_modulo(square, square, PRIME), exponent >> 1
    return out


@functools.cache
def _table(part: int) -> tuple[U64, npt.NDArray[Any]]:
    """Powers of an element of that order, sorted, and the exponent of each."""
    step = pow(ROOT, ORDER // part, PRIME)
    powers = np.ones(1, dtype=np.uint64)
    while len(powers) < part:
        powers = np.append(powers, times_modulo(powers, np.uint64(pow(step, len(powers), PRIME)), PRIME))
    order = np.argsort(powers[:part])
    return powers[:part][order], order


def logarithm(x: U64) -> U64:
    """L with 3^L = x modulo PRIME (Pohlig-Hellman), of numbers 1 <= x < PRIME."""
    total = np.zeros_like(x)
    for part in POWERS:
        sorted_powers, exponent = _table(part)
        rest = exponent[np.searchsorted(sorted_powers, _power(x, ORDER // part))].astype(np.uint64)
        weight = pow(ORDER // part, -1, part)
        total += rest * np.uint64(weight) % np.uint64(part) * np.uint64(ORDER // part)
    out: U64 = total % np.uint64(ORDER)
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


@functools.lru_cache(maxsize=2)
def _logs(network: int, length: int) -> U64:
    return logarithm(index_of(network, length) + np.uint64(1))


def generator_of(rng: np.random.Generator) -> int:
    """A generator of the whole group below 2^22, as ZMap draws one."""
    candidate = int(rng.integers(0, 1 << 32))
    while True:
        candidate = (candidate + 1) % MAX_GENERATOR
        if candidate and all(pow(candidate, ORDER // q, PRIME) != 1 for q in PRIMES):
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

    def visits(self, network: int, length: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """(n) offsets of addresses in the prefix, and when each is visited (0 to 1: how much of a thread's piece is done by
        the time that an undrifted thread needs for its piece; more for a slow one), in the order of time."""
        inverse = np.uint64(int(pow(int(logarithm(np.array([self.generator], dtype=np.uint64))[0]), -1, ORDER)))
        exponents = times_modulo(_logs(network, length), inverse, ORDER)
        steps = (exponents + np.uint64(ORDER - self.offset % ORDER)) % np.uint64(ORDER)
        pieces = self.shards * self.threads
        size = ORDER // pieces
        piece = np.minimum(steps // np.uint64(size), np.uint64(pieces - 1)).astype(np.int64)
        thread = piece - self.shard * self.threads
        own = np.flatnonzero((thread >= 0) & (thread < self.threads))
        done = (steps[own].astype(np.float64) - piece[own].astype(np.float64) * size) / size
        done *= 1 + np.array(self.drift)[thread[own]]
        order = np.argsort(done, kind="stable")
        return own[order].astype(np.int64), done[order]
