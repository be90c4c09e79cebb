"""The bench of a quarter's report: how its lake is made in pieces, and how its cost grows."""

from __future__ import annotations

import pytest

from teiten.bench import _quarter


@pytest.mark.parametrize("events", [1, 1_000_000, 5_000_000, 50_000_000, 2_000_000_000])
def test_pieces_are_all_days_once_and_none_is_too_large(events: int) -> None:
    found = _quarter.pieces(events)
    assert [day for first, days in found for day in range(first, first + days)] == list(range(_quarter.DAYS))
    assert all(days == 1 or events * days / _quarter.DAYS <= _quarter.ONCE for _, days in found)


def test_growth_of_what_doubles_with_the_events_is_linear() -> None:
    found = {"quarter_1m_processor_s": 3.0, "quarter_8m_processor_s": 24.0}
    found |= {"quarter_1m_counted_processor_s": 3.0, "quarter_8m_counted_processor_s": 6.0}
    told = _quarter.growth(found, (1_000_000, 8_000_000))
    assert told["quarter_growth"] == pytest.approx(1.0)
    assert told["quarter_growth_counted"] == pytest.approx(1 / 3)
    assert _quarter.growth(found, (1_000_000,)) == {}
