"""Rows made of other rows, column by column: some of them, several stretches in another order, a frame's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from teiten.readers._base import Plain, Rows

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int64]
Choice = npt.NDArray[np.bool_] | npt.NDArray[np.integer[Any]]


def all_v4(plain: Plain) -> bool:
    """Are all of them IPv4 addresses?"""
    return plain.kind == "addresses" and plain.numbers is not None and bool((plain.numbers == 4).all())


def integers(plain: Plain, n: int) -> Ints:
    """n whole numbers, or truths; -1 is null."""
    if plain.kind == "numbers" and plain.numbers is not None:
        return plain.numbers
    if plain.kind == "places" and plain.numbers is not None and plain.values is not None:
        return np.where(plain.numbers < 0, -1, np.append(plain.values, -1)[plain.numbers])
    return np.full(n, -1 if plain.value is None else int(plain.value), np.int64)


def taken(plain: Plain, rows: Choice) -> Plain:
    """Some of a column's rows: by a truth for each, or by their numbers."""
    if plain.kind == "constant" or plain.numbers is None:
        return plain
    return replace(
        plain,
        numbers=plain.numbers[rows],
        high=None if plain.high is None else plain.high[rows],
        low=None if plain.low is None else plain.low[rows],
    )


def joined(plains: Sequence[Plain], sizes: Sequence[int]) -> Plain:
    """A column of several stretches as one. ValueError where they cannot be of one column."""
    first = plains[0]
    kinds = {p.kind for p in plains}
    if len(plains) == 1:
        return first
    if kinds == {"constant"} and len({p.value for p in plains}) == 1:
        return first
    if "addresses" in kinds:
        zeros = [np.zeros(n, np.int64) for n in sizes]
        return Plain(
            "addresses",
            numbers=np.concatenate([z if p.numbers is None else p.numbers for p, z in zip(plains, zeros, strict=True)]),
            high=np.concatenate([z if p.high is None else p.high for p, z in zip(plains, zeros, strict=True)]),
            low=np.concatenate([z if p.low is None else p.low for p, z in zip(plains, zeros, strict=True)]),
        )
    if "bytes" in kinds:
        return _joined_bytes(plains, sizes)
    if "texts" in kinds or any(isinstance(p.value, str) for p in plains):
        return _joined_texts(plains, sizes)
    if kinds == {"places"} and all(p.values is first.values for p in plains):
        return replace(first, numbers=np.concatenate([p.numbers for p in plains if p.numbers is not None]))
    return Plain("numbers", numbers=np.concatenate([integers(p, n) for p, n in zip(plains, sizes, strict=True)]))


def _joined_texts(plains: Sequence[Plain], sizes: Sequence[int]) -> Plain:
    texts: list[str] = []
    begins: dict[int, int] = {}
    out = []
    for plain, n in zip(plains, sizes, strict=True):
        if plain.kind == "texts" and plain.numbers is not None:
            if id(plain.texts) not in begins:
                begins[id(plain.texts)] = len(texts)
                texts += plain.texts
            outside = (plain.numbers < 0) | (plain.numbers >= len(plain.texts))
            out.append(np.where(outside, -1, plain.numbers + begins[id(plain.texts)]))
        elif plain.value is None:
            out.append(np.full(n, -1, np.int64))
        else:
            out.append(np.full(n, len(texts), np.int64))
            texts.append(str(plain.value))
    return Plain("texts", numbers=np.concatenate(out), texts=texts)


def _joined_bytes(plains: Sequence[Plain], sizes: Sequence[int]) -> Plain:
    starts, lengths, data = [], [], []
    offset = 0
    for plain, n in zip(plains, sizes, strict=True):
        if plain.kind == "bytes" and plain.numbers is not None and plain.high is not None and plain.data is not None:
            starts.append(np.where(plain.numbers < 0, -1, plain.numbers + offset))
            lengths.append(plain.high)
            data.append(plain.data)
            offset += len(plain.data)
        else:
            starts.append(np.full(n, -1, np.int64))
            lengths.append(np.zeros(n, np.int64))
    whole = np.concatenate(data) if data else np.zeros(0, np.uint8)
    return Plain("bytes", numbers=np.concatenate(starts), high=np.concatenate(lengths), data=whole)


@dataclass(slots=True)
class Some:
    """Some of the rows (`_base.Rows`): by a truth for each, or by their numbers."""

    rows: Rows
    chosen: Choice

    def __len__(self) -> int:
        return int(self.chosen.sum()) if self.chosen.dtype == np.bool_ else len(self.chosen)

    def column(self, name: str) -> Plain:
        """As `Rows.column`."""
        return taken(self.rows.column(name), self.chosen)

    def frame(self) -> pl.DataFrame:
        """As `Rows.frame`."""
        from teiten.readers import _frames

        return _frames.frame(self)


@dataclass(slots=True)
class Joined:
    """Several stretches of rows as one (`_base.Rows`)."""

    parts: Sequence[Rows]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def column(self, name: str) -> Plain:
        """As `Rows.column`."""
        return joined([part.column(name) for part in self.parts], [len(part) for part in self.parts])

    def frame(self) -> pl.DataFrame:
        """As `Rows.frame`."""
        from teiten.readers import _frames

        return _frames.frame(self)


def in_order(parts: list[Rows]) -> list[Rows]:
    """The same rows in order of time; equal times stay in their order. What is in order already is left as it is."""
    times = [integers(part.column("time"), len(part)) for part in parts]
    ends: Ints = np.concatenate([each[[0, -1]] for each in times])
    if bool((np.diff(ends) >= 0).all()) and all(bool((each[1:] >= each[:-1]).all()) for each in times):
        return parts
    return [Some(Joined(parts), np.argsort(np.concatenate(times), kind="stable"))]
