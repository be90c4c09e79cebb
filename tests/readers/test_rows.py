"""Rows made of other rows say what the frame of them says, taken, joined and sorted by polars."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.test_parquet import Given, plains

from teiten import event
from teiten.readers import _frames, _rows
from teiten.readers._base import Plain

quick = settings(deadline=None, max_examples=25)


def rows(data: st.DataObject, n: int) -> Given:
    return Given({c.name: data.draw(plains(c, n)) for c in event.DECODED_COLUMNS}, n)


def shown(made: Any) -> pl.DataFrame:
    return _frames.frame(made, event.DECODED_COLUMNS)


@quick
@given(st.data())
def test_taken_joined_and_sorted(data: st.DataObject) -> None:
    parts = [rows(data, n) for n in data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))]
    frame = pl.concat([shown(part) for part in parts])
    whole = _rows.Joined(parts)
    assert len(whole) == frame.height and shown(whole).equals(frame)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(whole), max_size=len(whole))))
    some = _rows.Some(whole, mask)
    assert len(some) == mask.sum() and shown(some).equals(frame.filter(mask))
    ordered = pl.concat([shown(part) for part in _rows.in_order(list(parts))])
    assert ordered.equals(frame.sort("time", maintain_order=True))


@quick
@given(st.data())
def test_a_frame_is_rows(data: st.DataObject) -> None:
    frame = shown(rows(data, data.draw(st.integers(1, 6))))
    again = _frames.FrameRows(frame)
    assert len(again) == frame.height and shown(again).equals(frame) and again.frame() is frame


def test_what_is_in_order_is_left_as_it_is() -> None:
    def at(*times: int) -> Given:
        return Given({"time": Plain("numbers", numbers=np.array(times))}, len(times))

    parts: list[Any] = [at(1, 2, 2), at(2, 5)]
    assert _rows.in_order(parts) is parts
    late: list[Any] = [at(1, 2, 4), at(3, 5)]
    (one,) = _rows.in_order(late)
    assert one.column("time").numbers.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("value", [None, 0, 7])
def test_whole_numbers_of_every_kind(value: int | None) -> None:
    assert _rows.integers(Plain("constant", value), 2).tolist() == [-1 if value is None else value] * 2
    places = Plain("places", numbers=np.array([1, -1, 0]), values=np.array([64496, 4200000000]))
    assert _rows.integers(places, 3).tolist() == [4200000000, -1, 64496]
