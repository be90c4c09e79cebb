"""The activity of events by the hour: what it holds, whatever their order, and however it is put together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.lake import activity
from teiten.lake.activity import HOUR

TIMES = st.lists(st.integers(-3 * HOUR, 50 * HOUR), max_size=60)
PARTS = st.lists(TIMES, max_size=5)


def plain(times: list[int], packets: list[int]) -> list[tuple[int, int, int, int, int]]:
    """The same, the slow way."""
    rows = []
    for hour in sorted({t // HOUR for t in times}):
        own = [i for i, t in enumerate(times) if t // HOUR == hour]
        inside = [times[i] - hour * HOUR for i in own]
        rows.append((hour, min(inside), max(inside), len(own), sum(packets[i] for i in own)))
    return rows


@given(TIMES)
def test_hours_are_counted(times: list[int]) -> None:
    packets = [n % 7 + 1 for n in range(len(times))]
    assert activity.of(np.array(times, np.int64), np.array(packets, np.int64)).tolist() == plain(times, packets)
    assert activity.of(np.array(times, np.int64), 3).tolist() == plain(times, [3] * len(times))


@given(PARTS)
def test_parts_are_put_together_in_any_order(parts: list[list[int]]) -> None:
    each = [activity.of(np.array(part, np.int64)) for part in parts]
    whole = [t for part in parts for t in part]
    for some in (each, each[::-1], [activity.merged(each)], [activity.unpacked(map(activity.packed, each))]):
        assert activity.merged(some).tolist() == plain(whole, [1] * len(whole))


@pytest.mark.parametrize("gap", [HOUR, HOUR + 1, 5 * HOUR])
def test_both_ends_of_a_long_silence_are_kept(gap: int) -> None:
    for begin in (0, 1, HOUR - 1, HOUR // 2):
        first, last = activity.times(activity.of(np.array([begin, begin + gap], np.int64)))
        assert [int(last[0]), int(first[-1])] == [begin, begin + gap]


def test_nothing_is_nothing() -> None:
    assert activity.packed(activity.of(np.zeros(0, np.int64))) == b""
    assert len(activity.merged([])) == len(activity.unpacked([])) == 0
