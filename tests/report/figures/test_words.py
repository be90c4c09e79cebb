"""Numbers, dates and the chart's own words."""

from __future__ import annotations

import datetime as dt

import pytest

from teiten.errors import DataError
from teiten.report.figures import _words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234567, "1,234,567"), (1234.5, "1,234"), (99.96, "100.0"), (3.25, "3.2"), (0.0412, "0.041"), (1e-9, "1.0e-09"),
     (float("nan"), "—"), (float("inf"), "—"), (-12, "-12")],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert _words.number(value) == text


@pytest.mark.parametrize(
    ("value", "top", "ja", "en"),
    [(0, 500, "0", "0"), (2500, 5000, "2,500", "2,500"), (20_000, 50_000, "20,000", "20,000"),
     (50_000, 200_000, "5万", "50,000"), (1_500_000, 2_000_000, "150万", "1.5M"), (2e8, 6e8, "2億", "200M"),
     (7e11, 8e11, "7,000億", "700B")],
)  # fmt: skip
def test_numbers_on_axes(value: float, top: float, ja: str, en: str) -> None:
    assert _words.axis_number(value, top, "ja") == ja
    assert _words.axis_number(value, top, "en") == en


def test_shares_have_one_decimal_and_are_never_nothing_by_rounding() -> None:
    assert _words.share(0.3421, "ja") == "34.2%"
    assert _words.share(0.3421, "en") == "34.2\u00a0%"
    assert _words.share(0, "ja") == "0.0%"
    assert _words.share(0.0001, "ja") == "<0.1%"
    assert _words.share(1, "ja") == "100.0%"


def test_dates() -> None:
    day = dt.date(2019, 10, 22)
    assert _words.date(day, "ja", "full") == "10月22日(火)"
    assert _words.date(day, "en", "full") == "Tue 22 Oct"
    at = dt.datetime(2019, 10, 22, 5)
    assert _words.moment(at, "ja", daily=False) == "10月22日(火)5時"
    assert _words.moment(at.replace(minute=30), "en", daily=False) == "Tue 22 Oct, 05:30"
    assert _words.moment(at, "en", daily=True) == "Tue 22 Oct"


def test_an_unknown_language_is_said_to_be_one() -> None:
    with pytest.raises(DataError, match="xx"):
        _words.word("xx", "gap")
