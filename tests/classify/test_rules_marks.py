"""Chance beyond which a tool is named: the tail is the binomial's, from above; what settings and shares let through."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.classify import watchlists
from teiten.classify.material import SOURCES, Material
from teiten.classify.rules import _marks
from teiten.settings import Settings

DAY = dt.date(2026, 4, 1)


def exactly(tried: int, marked: int, chance: float) -> float:
    """The tail, added up."""
    return sum(math.comb(tried, k) * chance**k * (1 - chance) ** (tried - k) for k in range(marked, tried + 1))


@given(tried=st.integers(1, 60), marked=st.integers(0, 61), chance=st.sampled_from([2.0**-16, 2.0**-32, 0.01, 0.3]))
def test_the_tail_is_never_less_than_it_is_and_hardly_more(tried: int, marked: int, chance: float) -> None:
    said, true = _marks.tail(tried, marked, chance), exactly(tried, marked, chance)
    assert said >= true * (1 - 1e-9)
    if marked > 3 * tried * chance:
        assert said <= 2 * true + 1e-300


def test_a_million_packets_have_fifteen_by_chance() -> None:
    assert _marks.tail(1_000_000, 15, 2.0**-16) > 0.4
    assert _marks.tail(1_000_000, 60, 2.0**-16) < 1e-12
    assert _marks.tail(2, 2, 2.0**-16) == pytest.approx(2.0**-32)


def test_who_is_kept() -> None:
    rows = [(b"\1\1\1\1", 2, 2), (b"\1\1\1\2", 5_000, 2), (b"\1\1\1\3", 1_000_000, 200), (b"\1\1\1\4", 1_000_000, 2_000)]
    frame = pl.DataFrame(rows, schema={"src_ip": pl.Binary, "tried": pl.Int64, "marked": pl.Int64}, orient="row")
    frame = frame.with_columns(pl.lit(DAY).alias("day"))
    sources = pl.DataFrame(schema=SOURCES)
    given = Material(sources, watchlists.load(), None, Settings("UTC", "flag"), [DAY], looked=100_000)
    found = _marks.held(given, frame, 2.0**-16)
    # the second may be chance; the third is none, and yet too small a part of what it sends
    assert found["src_ip"].to_list() == [b"\1\1\1\1", b"\1\1\1\4"]
    assert found["chance"][0] == pytest.approx(100_000 / 2**32)
    assert found["share"][1] == 0.002
