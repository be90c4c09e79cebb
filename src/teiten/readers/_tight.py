"""The encoder of files that are put together: for each column of each row group the way that makes it smallest.

Which way that is differs from column to column and from lake to lake, so stretches of the values are tried (measured:
docs/decisions/0034). Small and quick to read go together here: less to read, and all of it in ways that DuckDB, Polars and
Arrow read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from teiten.readers._base import Plain
from teiten.readers._bloom import bloom
from teiten.readers._encode import (
    BYTES,
    DELTA,
    INT32,
    PLAIN,
    SPLIT,
    SPREAD,
    Coded,
    Encoded,
    Encoder,
    Ints,
    Words,
    planes,
    squeezed,
)
from teiten.readers._input import zstd
from teiten.readers._rows import all_v4

_QUICK, _THOROUGH = 1, 3
"""levels of zstd. As they are, values of high entropy get smaller by 1 than by 3; what is packed gets smaller by 3"""
_STRETCHES: Final = 4
_STRETCH: Final = 4096
"""values of each stretch that is tried"""
_MIXED: Final = 0.5
"""share of distinct values in what is tried above which no dictionary is made"""
_FEW: Final = 256
"""distinct values up to which a dictionary is taken without a trial"""
_PREFERRED: Final = 0.97
"""a dictionary is quicker to ask, so another way must be smaller than that"""

_LOOKED_FOR: Final = ("src_ip",)
"""columns that people ask for one value of"""
_SEVERAL: Final = 0.125
"""share of distinct values above which a filter of them costs more than it saves"""

Way = tuple[int, int, Callable[[Ints], Sequence[bytes]]]
"""number of the encoding, level of zstd, and how values are written, in pieces that have little in common"""


class Tight(Encoder):
    """As `Encoder`, smaller and slower. Addresses are bytes."""

    def __init__(self) -> None:
        super().__init__(packed=True)
        self._levels_of = {level: zstd().ZstdCompressor(level=level) for level in (_QUICK, _THOROUGH)}
        self._zstd = self._levels_of[_THOROUGH]

    def _addresses(self, made: Encoded, plains: list[Plain], sizes: list[int]) -> None:
        super()._addresses(made, plains, sizes)
        lows = [p.low for p in plains if p.low is not None and all_v4(p)]
        if len(lows) < len(plains):
            return
        ranked = np.sort(np.concatenate(lows))
        made.least, made.most = (int(bound).to_bytes(4, "big") for bound in ranked[[0, -1]])
        if made.name in _LOOKED_FOR:
            distinct = ranked[np.append(True, ranked[1:] != ranked[:-1])]
            if len(distinct) <= _SEVERAL * made.rows:
                made.bloom = bloom(distinct)

    def _coded(self, parts: list[Ints], null: int, count: int, low: int, high: int, wide: bool, share: int = 2) -> Coded | None:
        if low != high and (low < 0 or high >= 1 << 32 or _is_mixed(_tried(parts, null))):
            return None
        return super()._coded(parts, null, count, low, high, True, share)

    def _pays(self, made: Encoded, coded: Coded, parts: list[Ints], null: int, words: Words) -> bool:
        if len(coded.distinct) <= _FEW or made.texts:
            return True
        sample = _tried(parts, null)
        said = words(coded.distinct)
        _, best = self._best(made, sample, words, int(np.ptp(sample)))
        tried = _bytes_tried(coded.data)
        own = self._size(_THOROUGH, [tried]) / len(tried) * len(coded.data) + self._size(_THOROUGH, [said])
        return own * _PREFERRED <= best * (made.rows - made.nulls) / len(sample)

    def _plainly(self, made: Encoded, levels: bytes, whole: Ints, words: Words, spread: int) -> None:
        (made.encoding, level, write), _ = self._best(made, _tried([whole], None), words, spread)
        self._pieces, self._zstd = [levels, *write(whole)], self._levels_of[level]
        try:
            self._finish(made, b"".join(self._pieces))
        finally:
            self._pieces, self._zstd = (), self._levels_of[_THOROUGH]

    def _best(self, made: Encoded, sample: Ints, words: Words, spread: int) -> tuple[Way, int]:
        """The way that makes these values smallest, and how small."""
        ways = list(self._ways(made, words, spread))
        sizes = [self._size(level, write(sample)) for _, level, write in ways] if len(ways) > 1 else [0]
        best = int(np.argmin(sizes))
        return ways[best], sizes[best] or self._size(ways[best][1], ways[best][2](sample))

    def _ways(self, made: Encoded, words: Words, spread: int) -> Iterator[Way]:
        yield PLAIN, _QUICK, lambda values: [words(values)]
        if made.physical == BYTES:
            return
        kind = "<i4" if made.physical == INT32 else "<i8"
        yield SPLIT, _THOROUGH, lambda values: planes(values.astype(kind))
        if spread < SPREAD:
            yield DELTA, _THOROUGH, lambda values: [self._steps(values)]

    def _size(self, level: int, pieces: Sequence[bytes]) -> int:
        return len(squeezed(self._levels_of[level], pieces))


def _tried(parts: list[Ints], null: int | None) -> Ints:
    """Stretches of the values, from all over them."""
    total = sum(map(len, parts))
    if total <= _STRETCHES * _STRETCH:
        found = np.concatenate(parts)
    else:
        step = (total - _STRETCH) // (_STRETCHES - 1)
        found = np.concatenate([_stretch(parts, k * step) for k in range(_STRETCHES)])
    return found if null is None else found[found != null]


def _stretch(parts: list[Ints], start: int) -> Ints:
    """So many values from that place on."""
    out, left = [], _STRETCH
    for part in parts:
        if start < len(part) and left:
            piece = part[start : start + left]
            out.append(piece)
            left -= len(piece)
        start = max(0, start - len(part))
    return np.concatenate(out)


def _bytes_tried(data: bytes) -> bytes:
    """The same of bytes."""
    step = (len(data) - _STRETCH) // (_STRETCHES - 1)
    return data if step < _STRETCH else b"".join(data[k * step : k * step + _STRETCH] for k in range(_STRETCHES))


def _is_mixed(values: Ints) -> bool:
    if len(values) <= _FEW:
        return False
    ranked = np.sort(values)
    return int(np.count_nonzero(ranked[1:] != ranked[:-1])) >= _MIXED * len(values)
