"""Spans of time, and stretches of what the lake has; the whole is held by tests/test_intake_captures.py."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.lake import batch, seen
from teiten.lake.seen import Spans, spans_of

HOUR = 3600 * 10**6
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
times = st.lists(st.integers(0, 60), max_size=12)


def ints(*values: int) -> Any:
    return np.array(values, np.int64)


@given(times.map(sorted).map(lambda t: sorted(set(t))), st.integers(0, 60), st.integers(0, 20))
def test_spans_that_meet(edges: list[int], low: int, length: int) -> None:
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    spans = Spans(ints(*(a for a, _ in pairs)), ints(*(b for _, b in pairs)))
    expected = any(a <= low + length and low <= b for a, b in pairs)
    assert spans.meet(ints(low), ints(low + length)).tolist() == [expected]
    assert spans.among(ints(low)).tolist() == [any(a <= low <= b for a, b in pairs)]
    assert spans.holds(Spans(ints(low), ints(low + length))) == any(a <= low and low + length <= b for a, b in pairs)
    # a batch without any time
    assert not spans.meet(ints(seen._FAR), ints(-seen._FAR)).any()


@given(st.lists(st.integers(0, 400).map(lambda n: n * HOUR // 2), min_size=1, max_size=300))
def test_spans_of_times_hold_them_all(given_times: list[int]) -> None:
    spans = spans_of(ints(*given_times))
    assert spans.among(ints(*given_times)).all() and len(spans.low) <= seen._SPANS
    assert (spans.low <= spans.high).all() and (spans.low[1:] > spans.high[:-1]).all()
    assert set(spans.low.tolist()) | set(spans.high.tolist()) <= set(given_times)
    if len(spans.low) < seen._SPANS:
        assert (spans.low[1:] - spans.high[:-1] > HOUR).all()


def test_no_times() -> None:
    assert len(spans_of(ints()).low) == 0 and spans_of(ints(), True).received
    assert Spans(ints(5), ints(9)).holds(spans_of(ints())) and not Spans(ints(5), ints(9)).holds(spans_of(ints(), True))


def batches(*rows: tuple[int | None, int | None, int, int]) -> seen._Batches:
    """Of first and last time, events, and records that are told by a hash."""
    times = [tuple(None if t is None else EPOCH + dt.timedelta(microseconds=t) for t in row[:2]) for row in rows]
    told = [(n, *time, *row[2:]) for n, (time, row) in enumerate(zip(times, rows, strict=True))]
    schema = {name: batch.SCHEMA[name] for name in ("batch", "t_min", "t_max", "events", "hashed")}
    return seen._Batches(pl.DataFrame(told, schema=schema, orient="row"))


def test_batches_of_a_time() -> None:
    some = batches((0, 99, 100, 0), (None, None, 0, 5), (100, 199, 50, 7), (None, None, 0, 0))
    assert some.near(Spans(ints(50), ints(60)))["batch"].to_list() == [0]
    assert some.near(Spans(ints(), ints(), True))["batch"].to_list() == [0, 2]
    assert some.hashed(Spans(ints(50), ints(60)))["batch"].to_list() == [1]
    assert some.hashed(Spans(ints(50), ints(160)))["batch"].to_list() == [1, 2]
    assert some.hashed(Spans(ints(), ints()))["batch"].to_list() == [1, 2]
    assert some.packets(50, 149) == pytest.approx(75)


def test_the_latest_records_without_an_event_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "HASHED", 10)
    some = batches((None, None, 0, 5), (None, None, 0, 5), (None, None, 0, 5))
    assert some.hashed(Spans(ints(), ints()))["batch"].to_list() == [1, 2]


def test_a_stretch_goes_ahead_as_far_as_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    some = batches(*((n * 100, n * 100 + 99, 100, 0) for n in range(100)))
    spans = Spans(ints(1000), ints(1099))
    assert some.ahead(spans, 0) is spans  # the first piece of an input: nobody knows whether another follows
    assert some.ahead(spans, 200).high.tolist() == [1499]
    monkeypatch.setattr(seen, "AHEAD", 500)
    assert 1099 < some.ahead(spans, 100_000).high[0] <= 1500
    monkeypatch.setattr(seen, "AHEAD", 10)
    assert some.ahead(spans, 100_000).high.tolist() == [1099]  # what is needed is needed
