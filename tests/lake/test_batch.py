"""What a batch keeps of its records: hashes and places, packed."""

from __future__ import annotations

import numpy as np
from making import batch

from teiten.lake.batch import pack, packed_with, unpack


def arrays(*pairs: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Hashes and places."""
    return np.array([h for h, _ in pairs], np.uint64), np.array([p for _, p in pairs], np.int64)


def pairs(data: bytes, number: int) -> list[tuple[int, int]]:
    hashes, places = unpack(data, number)
    return list(zip(hashes.tolist(), places.tolist(), strict=True))


def test_hashes_and_places_come_back() -> None:
    given = [((1 << 64) - 1, 0), (5, 16), (5, (1 << 32) - 1)]
    data = pack(*arrays(*given))
    assert len(data) == 12 * 3 and pairs(data, 3) == given
    assert pairs(pack(*arrays()), 0) == []
    assert pairs(pack(*arrays((7, 1 << 40))), 1) == [(7, (1 << 32) - 1)]


def test_more_records_go_to_their_places_and_may_come_twice() -> None:
    data, number = packed_with(pack(*arrays((1, 10), (2, 30))), 2, *arrays((3, 20), (4, 0)))
    assert pairs(data, number) == [(4, 0), (1, 10), (3, 20), (2, 30)]
    assert packed_with(data, number, *arrays((3, 20), (4, 0))) == (data, number)


def test_new_lines() -> None:
    """Of a log there is a hash each; of packets only some are told by one."""
    assert batch(5, line_hashes=bytes(24)).new_lines == 3
    assert batch(5, had_already=1, line_hashes=bytes(12), hashed=1).new_lines == 4
