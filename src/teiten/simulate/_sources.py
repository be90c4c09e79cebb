"""Addresses that lie in given countries, and constants of a source that need no memory."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from teiten.enrich import datasets
from teiten.errors import DataError

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]


@functools.cache
def _package(kind: datasets.Kind) -> datasets.DataSet:
    """The package's own data set: what a user imported must not change the bytes of a seed."""
    own = [d for d in datasets.of_kind(kind) if not d.own]
    if not own:
        raise DataError(f"The package's {kind} data are missing.", hint="Install teiten again.")
    return own[-1]


@functools.cache
def _stretches(country: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First addresses of the country's stretches, and the running sum of their sizes (no more than a /16 counts: a few
    old allocations of a /8 would be most of a country otherwise)."""
    code = _package("country").code(country)
    if code is None:
        raise DataError(f"The package's country data know no address of {country}.")
    first, last = _package("country").v4.ranges(code)
    return first, np.cumsum(np.minimum(last - first + 1, 1 << 16))


def draw(country: str, count: int, rng: np.random.Generator) -> U32:
    """(count) addresses of the country that some AS announces; no network's .0 or .255."""
    first, sums = _stretches(country)
    found = np.empty(0, dtype=np.uint32)
    for _ in range(20):
        at = rng.integers(0, sums[-1], count * 2 + 16)
        stretch = np.searchsorted(sums, at, side="right")
        below = np.where(stretch > 0, sums[stretch - 1], 0)
        some = (first[stretch] + at - below).astype(np.uint32)
        end = some & 255
        some = some[(end > 0) & (end < 255)]
        found = np.append(found, some[_package("asn").v4.look_up(some) > 0])
        if len(found) >= count:
            return found[:count]
    raise DataError(f"The package's data know too few announced addresses of {country}.")


def country_of(addresses: U32) -> list[str | None]:
    """The countries of those addresses in the package's data."""
    data = _package("country")
    return list(data.texts(data.v4.look_up(addresses)))


def draw_v6(country: str, count: int, rng: np.random.Generator) -> list[bytes]:
    """(count) IPv6 addresses of the country, 16 bytes each."""
    data = _package("country")
    code = data.code(country)
    table = data.v6
    starts = table.starts[table.codes == code]
    chosen = starts[rng.integers(0, len(starts), count)]
    # a stretch is never smaller than a /64 here: the lower half is free to choose
    return [bytes(s).ljust(16, b"\0")[:8] + rng.bytes(8) for s in chosen]


def mixed(values: npt.NDArray[Any], salt: int) -> U64:
    """A well mixed 64-bit number for each value (splitmix64): a constant of a source or session."""
    z = values.astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & (2**64 - 1))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    out: U64 = z ^ (z >> np.uint64(31))
    return out
