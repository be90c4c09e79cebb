"""Hosts that can be united without being listed: the smallest of their keyed hashes (KMV, theta sketch).

    Bar-Yossef, Jayram, Kumar, Sivakumar, Trevisan, "Counting Distinct Elements in a Data Stream" (RANDOM 2002);
    Dasgupta, Lang, Rhodes, Thaler, "A Framework for Estimating Stream Statistics" (ICDT 2016): unions under the least theta.

What a sketch gives away: who has the key can hash an address and see whether it is in the sample; of a day with n hosts that
is so for `KEPT`/n of them, for all where there are fewer. Without the key it tells a number. (Desfontaines, Lochbihler, Basin,
"Cardinality Estimators do not Preserve Privacy", PoPETs 2019, show that no such sketch can do both.)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

KEPT: Final = 1024
"""hashes of a sketch: a relative standard error of 1/sqrt(KEPT - 2), 3.1 %"""
ERROR: Final = (KEPT - 2) ** -0.5
WHOLE: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Sketch:
    """hashes: sorted, distinct, all below `theta`, which is `WHOLE` where every host is among them."""

    hashes: npt.NDArray[np.uint64]
    theta: int

    @property
    def estimate(self) -> float:
        """How many hosts: exact where there are at most `KEPT`."""
        return len(self.hashes) / (self.theta / WHOLE)

    @property
    def error(self) -> float:
        """Its relative standard error."""
        return 0.0 if self.theta == WHOLE else 1 / max(1, len(self.hashes) - 1) ** 0.5

    def text(self) -> str:
        """As it stands in a contribution: theta (as 8 bytes, 0 for the whole) and the hashes, base64."""
        head = (self.theta % WHOLE).to_bytes(8, "big")
        return base64.b64encode(head + self.hashes.astype(">u8").tobytes()).decode()


def of(addresses: Iterable[bytes], key: bytes) -> Sketch:
    """The sketch of those packed addresses under the members' key."""
    hashed = (hashlib.blake2b(one, key=key, digest_size=8).digest() for one in addresses)
    found = np.unique(np.frombuffer(b"".join(hashed), dtype=">u8").astype(np.uint64))
    return _cut(found, WHOLE)


def union(sketches: Iterable[Sketch]) -> Sketch:
    """The sketch of the hosts that any of them has."""
    own = list(sketches)
    theta = min((one.theta for one in own), default=WHOLE)
    found = np.unique(np.concatenate([one.hashes for one in own])) if own else np.zeros(0, dtype=np.uint64)
    return _cut(found if theta == WHOLE else found[found < np.uint64(theta)], theta)


def read(text: str) -> Sketch:
    """What `text` wrote. ValueError for anything else."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
    if len(data) % 8 or not 8 <= len(data) <= 8 * (KEPT + 1):
        raise ValueError("not as long as a sketch")
    theta = int.from_bytes(data[:8], "big") or WHOLE
    hashes = np.frombuffer(data[8:], dtype=">u8").astype(np.uint64)
    if (hashes[1:] <= hashes[:-1]).any() or (len(hashes) and int(hashes[-1]) >= theta):
        raise ValueError("hashes out of order")
    if theta != WHOLE and len(hashes) != KEPT:
        raise ValueError("a sample that is not full")
    return Sketch(hashes, theta)


def _cut(found: npt.NDArray[np.uint64], theta: int) -> Sketch:
    if len(found) > KEPT:
        theta, found = int(found[KEPT]), found[:KEPT]
    return Sketch(found, theta)
