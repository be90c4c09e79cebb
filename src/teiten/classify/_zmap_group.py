"""ZMap's multiplicative groups: logarithms of elements and of every generator that ZMap can have drawn, as arrays.

The group modulo a prime p has p - 1 elements. For the primes here p - 1 has only small factors, so the logarithm to the base
of a known root is read from tables (Pohlig and Hellman, IEEE Trans. Inf. Theory 24, 1978): one table a factor.
"""

from __future__ import annotations

import math
import os
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
LARGEST_GENERATOR: Final = 1 << 22
"""generators are below it since ZMap 4.1 (zmap/zmap, src/cyclic.c); earlier versions drew from the whole group"""


@dataclass(frozen=True, slots=True)
class Parameters:
    """A group as ZMap declares it: the prime, a root, p - 1 as prime powers, how many low bits of an index are the port's."""

    prime: int
    root: int
    powers: tuple[tuple[int, int], ...]
    port_bits: int

    @property
    def order(self) -> int:
        return self.prime - 1


ONE_PORT: Final = Parameters((1 << 32) + 15, 3, ((2, 1), (3, 2), (5, 1), (131, 1), (364289, 1)), 0)
TWO_PORTS: Final = Parameters((1 << 33) + 17, 19, ((2, 4), (3, 1), (59, 1), (3033169, 1)), 1)


def multiply(a: U64, b: U64 | int, modulus: int) -> U64:
    """a * b modulo `modulus` (at most 2^35), elementwise; a and b are below the modulus.

    The quotient comes from floating point and is wrong by at most one; the remainder is exact, as 64-bit products wrap.
    """
    right = np.asarray(b, dtype=np.uint64)
    quotient = (a.astype(np.float64) * right.astype(np.float64) / float(modulus)).astype(np.uint64)
    rest = (a * right - quotient * np.uint64(modulus)).view(np.int64)
    rest += np.where(rest < 0, np.int64(modulus), np.int64(0))
    rest -= np.where(rest >= modulus, np.int64(modulus), np.int64(0))
    return rest.view(np.uint64)


def power(base: U64, exponent: int, modulus: int) -> U64:
    """base ** exponent modulo `modulus` (at most 2^35), elementwise; the exponent is not negative."""
    result = np.ones_like(base)
    while exponent:
        if exponent & 1:
            result = multiply(result, base, modulus)
        exponent >>= 1
        if exponent:
            base = multiply(base, base, modulus)
    return result


class Logarithms:
    """log to the base of the group's root, for arrays of elements."""

    def __init__(self, group: Parameters) -> None:
        self.group = group
        self._tables = [self._table(q**e) for q, e in group.powers]

    def _table(self, size: int) -> tuple[int, U64, U64, int]:
        """The subgroup of that size, its elements in order beside their logarithms, and what puts the residue in its place."""
        cofactor = self.group.order // size
        step = pow(self.group.root, cofactor, self.group.prime)
        elements = np.ones(1, dtype=np.uint64)
        while len(elements) < size:
            further = pow(step, len(elements), self.group.prime)
            elements = np.concatenate([elements, multiply(elements, further, self.group.prime)])
        elements = elements[:size]
        order = np.argsort(elements)
        return cofactor, elements[order], order.astype(np.uint64), cofactor * pow(cofactor, -1, size) % self.group.order

    def __call__(self, elements: U64) -> U64:
        """Elements in 1 .. p - 1 -> logarithms in 0 .. p - 2, of the same shape."""
        total = np.zeros_like(elements)
        order = np.uint64(self.group.order)
        for cofactor, known, logs, weight in self._tables:
            found = np.searchsorted(known, power(elements, cofactor, self.group.prime))
            total = (total + multiply(logs[found], weight, self.group.order)) % order
        return total


@dataclass(frozen=True, slots=True)
class Generators:
    """Every generator below 2^22, and 1 / log(generator) modulo the group's order as a fraction of 2^64 of a turn.

    With that fraction K the place on the walk of an element of logarithm L is L * K modulo 2^64: one multiplication that
    wraps, wrong by less than 2^-30 of a turn.
    """

    numbers: npt.NDArray[np.uint32]
    turns: U64


def _logs_below(limit: int, logarithms: Logarithms) -> U64:
    """Logarithms of 1 .. limit - 1 (place 0 is unused): those of the primes, added up along each number's factors."""
    factor = np.arange(limit, dtype=np.uint32)
    for q in range(2, math.isqrt(limit) + 1):
        if factor[q] == q:
            multiples = factor[q * q :: q]
            multiples[multiples == np.arange(q * q, limit, q, dtype=np.uint32)] = q
    primes = np.flatnonzero(factor == np.arange(limit))
    primes = primes[primes >= 2]
    of_prime = np.zeros(limit, dtype=np.uint64)
    of_prime[primes] = logarithms(primes.astype(np.uint64))
    total = np.zeros(limit, dtype=np.uint64)
    places = np.arange(2, limit)
    rest = places.copy()
    while len(places):
        least = factor[rest]
        total[places] += of_prime[least]
        rest = rest // least
        more = rest > 1
        places, rest = places[more], rest[more]
    return total % np.uint64(logarithms.group.order)


def _fractions(numbers: U64, order: int) -> U64:
    """numbers / order as 64 binary places, rounded down: a long division."""
    result, rest, done, step = np.zeros_like(numbers), numbers, 0, 64 - order.bit_length()
    while done < 64:
        bits = min(step, 64 - done)
        shifted = rest << np.uint64(bits)
        digit = shifted // np.uint64(order)
        result = (result << np.uint64(bits)) | digit
        rest = shifted - digit * np.uint64(order)
        done += bits
    return result


def make_generators(logarithms: Logarithms) -> Generators:
    """All primitive roots below 2^22 of the group: those whose logarithm has no factor in common with the group's order."""
    group = logarithms.group
    logs = _logs_below(LARGEST_GENERATOR, logarithms)
    primitive = np.arange(len(logs)) >= 2
    for q, _ in group.powers:
        primitive &= logs % np.uint64(q) != 0
    numbers = np.flatnonzero(primitive)
    exponent = math.lcm(*(q ** (e - 1) * (q - 1) for q, e in group.powers))
    return Generators(numbers.astype(np.uint32), _fractions(power(logs[numbers], exponent - 1, group.order), group.order))


def _kept(file: Path, logarithms: Logarithms, sample: int = 64) -> Generators | None:
    """Generators from a file that an earlier run left; None where there is none or it does not hold what it should."""
    try:
        # opened here: numpy leaves a broken file open
        with file.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            one = Generators(stored["numbers"], stored["turns"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if one.numbers.dtype != np.uint32 or one.turns.dtype != np.uint64 or not 0 < len(one.numbers) == len(one.turns):
        return None
    places = np.linspace(0, len(one.numbers) - 1, sample).astype(np.int64)
    logs = logarithms(one.numbers[places].astype(np.uint64))
    # the turns of a logarithm by its own inverse: one unit of the group
    unit = (logs * one.turns[places]).view(np.int64).astype(np.float64) / 2.0**64 * logarithms.group.order
    return one if bool(np.all(np.abs(unit - 1.0) < 4.0)) else None


def _keep(file: Path, one: Generators) -> None:
    """Into the file, at once or not at all. A folder that cannot be written costs the next run its seconds, nothing else."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".npz")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as out:
            np.savez(out, numbers=one.numbers, turns=one.turns)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)


@cache
def logarithms(group: Parameters) -> Logarithms:
    """The group's tables, made once in a process."""
    return Logarithms(group)


@cache
def generators(group: Parameters, folder: Path | None = None) -> Generators:
    """The group's generators, made once in a process; with a folder, once for all processes that name it (13 MB)."""
    file = folder / f"zmap-{group.prime}.npz" if folder else None
    one = _kept(file, logarithms(group)) if file else None
    if one is None:
        one = make_generators(logarithms(group))
        if file:
            _keep(file, one)
    return one
