"""Before and after a measure: the ratio is right, its interval holds the truth about as often as it says, gaps are left out."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterator
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten import periods
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.report.answers import Answers
from teiten.report.measures import ENOUGH, Comparison, Measure, Side, measure
from teiten.settings import Settings

TOKYO = ZoneInfo("Asia/Tokyo")
DAILY = st.lists(st.integers(0, 500), min_size=2, max_size=90)


@given(DAILY, DAILY)
def test_a_ratio_lies_in_its_interval_and_its_inverse_in_the_inverse(before: list[int], after: list[int]) -> None:
    there, back = Comparison(Side(before), Side(after)).ratio, Comparison(Side(after), Side(before)).ratio
    assert (there is None) == (back is None) == (min(sum(before), sum(after)) < 10)
    if there and back:
        assert 0 < there.low < there.value < there.high
        assert math.isclose(there.value * back.value, 1) and math.isclose(there.low * back.high, 1)


def test_more_days_make_it_surer_and_wilder_days_less_sure() -> None:
    short = Comparison(Side([40, 44, 36, 40]), Side([80, 84, 76, 80])).ratio
    long = Comparison(Side([40, 44, 36, 40] * 5), Side([80, 84, 76, 80] * 5)).ratio
    wild = Comparison(Side([10, 90, 5, 55]), Side([20, 160, 15, 125])).ratio
    assert short and long and wild
    assert short.value == long.value == wild.value == 2.0
    assert long.high < short.high < wild.high
    # days that differ by no more than chance are taken for Poisson's: 1/sum + 1/sum
    assert math.isclose(short.variance, 1 / 160 + 1 / 320)


@pytest.mark.parametrize("spread", [1.0, 8.0], ids=["poisson", "eight times poisson"])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(spread: float) -> None:
    """95 times in a hundred, or nearly: days of a Poisson process in lots of `spread` packets, truly 1.5 times as many."""
    chance = random.Random(7)

    def day(mean: float) -> int:
        lots, at = 0, chance.expovariate(mean / spread)
        while at < 1:
            lots, at = lots + 1, at + chance.expovariate(mean / spread)
        return round(lots * spread)

    held = 0
    for _ in range(400):
        ratio = Comparison(Side([day(60) for _ in range(20)]), Side([day(90) for _ in range(30)])).ratio
        assert ratio
        held += ratio.low <= 1.5 <= ratio.high
    assert 0.90 <= held / 400 <= 0.99


def lines(small: SimpleNamespace) -> Iterator[str]:
    """April and May 2026: from Japan two an hour, from May on one; from elsewhere three; nothing on 10 May, 3 to 9 o'clock."""
    for n in range(61 * 24):
        at = dt.datetime(2026, 4, 1, tzinfo=TOKYO) + dt.timedelta(hours=n)
        if at.date() == dt.date(2026, 5, 10) and 3 <= at.hour < 9:
            continue
        for m in range(2 if at.month == 4 else 1):
            yield small.line(at + dt.timedelta(minutes=2 + m), f"133.9.0.{at.day}", small.tcp(23))
        for m in range(3):
            yield small.line(at + dt.timedelta(minutes=20 + m), f"{small.US}{at.day}", small.tcp(22))


@pytest.fixture(scope="module")
def april_and_may(small: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory, chosen: Settings) -> Iterator[Answers]:
    lake = small.ingest("".join(lines(small)), tmp_path_factory.mktemp("measures"))
    with open_session(lake, chosen) as session:
        yield Answers(session, periods.parse("monthly", "2026-05", TOKYO), Filters(), {})


def found(answers: Answers, since: dt.date, country: str | None = "JP") -> Measure:
    made = measure(answers, since, country)
    assert made is not None
    return made


def test_days_with_a_gap_are_left_out(april_and_may: Answers) -> None:
    made = found(april_and_may, dt.date(2026, 5, 1))
    assert dt.date(2026, 5, 10) not in made.whole
    # 31 days before are looked at, of which the lake has 30; after it 31 less the one with the gap
    assert (made.days_before, made.days_after) == (30, 30)
    assert (made.own.before.rate, made.own.after.rate) == (48, 24)
    assert (made.others.before.rate, made.others.after.rate) == (72, 72)
    assert made.relative and made.relative.value == 0.5 and made.relative.high < 1


def test_without_a_country_all_is_one(april_and_may: Answers) -> None:
    made = found(april_and_may, dt.date(2026, 5, 1), None)
    assert (made.own.before.rate, made.own.after.rate, sum(made.others.after.counts)) == (120, 96, 0)
    assert made.relative is None


def test_too_few_days_are_told_apart_and_other_times_ignored(april_and_may: Answers) -> None:
    late = found(april_and_may, dt.date(2026, 5, 29))
    assert not late.enough and late.days_before == ENOUGH
    assert measure(april_and_may, dt.date(2026, 6, 1), "JP") is None
    assert measure(april_and_may, dt.date(2025, 12, 1), "JP") is None
    assert not found(april_and_may, dt.date(2026, 4, 3)).enough
