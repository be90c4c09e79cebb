"""Which addresses a row group holds, in few bytes: Parquet's split block Bloom filter. A question about one source skips by it.

Format: github.com/apache/parquet-format, BloomFilter.md; the hash is XXH64 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.readers._thrift import Struct

_BITS: Final = 10
"""bits for each distinct value: one of a hundred questions about a value that is not there reads the row group in vain"""
_P1, _P2, _P3, _P5 = (np.uint64(n) for n in (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5))
_SALTS: Final = np.array(
    [0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31], np.uint32
)

Words = npt.NDArray[np.uint64]


def hashes(addresses: npt.NDArray[np.integer[Any]]) -> Words:
    """XXH64 of IPv4 addresses (numbers), as the four bytes that they are in a file."""
    lane = addresses.astype(np.uint32).byteswap().astype(np.uint64)
    value = (_P5 + np.uint64(4)) ^ (lane * _P1)
    return _mixed(_rotated(value, 23) * _P2 + _P3)


def _rotated(value: Words, bits: int) -> Words:
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))


def _mixed(value: Words) -> Words:
    value = (value ^ (value >> np.uint64(33))) * _P2
    value = (value ^ (value >> np.uint64(29))) * _P3
    return value ^ (value >> np.uint64(32))


def bloom(distinct: npt.NDArray[np.integer[Any]]) -> bytes:
    """The filter of those IPv4 addresses (numbers), with its header."""
    blocks = -(-len(distinct) * _BITS // 256)
    words = np.zeros((blocks, 8), np.uint32)
    found = hashes(distinct)
    block = ((found >> np.uint64(32)) * np.uint64(blocks)) >> np.uint64(32)
    key = found.astype(np.uint32)
    for place, salt in enumerate(_SALTS):
        np.bitwise_or.at(words[:, place], block.astype(np.int64), np.uint32(1) << ((key * salt) >> np.uint32(27)))
    data = words.astype("<u4").tobytes()
    algorithm, kind, plain = (Struct().struct(1, Struct()) for _ in range(3))
    return Struct().integer(1, len(data)).struct(2, algorithm).struct(3, kind).struct(4, plain).end() + data
