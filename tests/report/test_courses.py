"""One country through the months: counts and ranks by hand, months without records, and when a change is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from teiten import lang, periods
from teiten.engine import open_session
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.report.answers import Answers
from teiten.report.context import Context
from teiten.report.courses import MONTHS, course, differ, held
from teiten.report.sections import followed
from teiten.settings import Settings

TOKYO = ZoneInfo("Asia/Tokyo")
A_DAY = {1: 0, 2: 6, 3: 9, 4: 14, 5: 24}
"""month of 2026 -> packets a day from Japan; from the US 12, from China 20; March is observed from the 11th to the 20th only"""


def lines(small: SimpleNamespace) -> Iterator[str]:
    for n in range(151):
        day = dt.datetime(2026, 1, 1, tzinfo=TOKYO) + dt.timedelta(days=n)
        if day.month == 3 and not 11 <= day.day <= 20:
            continue
        sources = [(small.CHINA, 20), (small.US, 12), ("133.9.0.", A_DAY[day.month])]
        packets = sorted((i * 86_000 / n + 60 + len(net), net) for net, n in sources for i in range(n))
        for at, net in packets:
            yield small.line(day + dt.timedelta(seconds=round(at)), f"{net}{day.day}", small.tcp(23))


@pytest.fixture(scope="module")
def months(small: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory, chosen: Settings) -> Iterator[Session]:
    lake = small.ingest("".join(lines(small)), tmp_path_factory.mktemp("courses"))
    with open_session(lake, chosen) as session:
        yield session


def answers(session: Session, month: str) -> Answers:
    return Answers(session, periods.parse("monthly", month, TOKYO), Filters(), {})


def test_counts_ranks_and_what_was_observed(months: Session) -> None:
    found = course(answers(months, "2026-05"), "JP")
    assert len(found.months) == MONTHS and found.months[0].period.name == "2025-05"
    assert [m.period.name for m in found.months if m.coverage.observed()] == [
        "2026-01",
        "2026-02",
        "2026-03",
        "2026-04",
        "2026-05",
    ]
    own = {m.period.first.month: m for m in found.months[-5:]}
    assert [own[m].packets for m in own] == [0, 6 * 28, 9 * 10, 14 * 30, 24 * 31]
    assert [own[m].rank for m in own] == [None, 3, 3, 2, 1]
    march = own[3]
    assert 0.30 < march.coverage.share < 0.34 and march.rate == pytest.approx(9, rel=0.03)
    assert found.months[0].rate is None


def test_a_month_hardly_observed_is_held_against_nothing(months: Session) -> None:
    found = course(answers(months, "2026-05"), "JP")
    assert [m.period.name for m in held(found, 0.5)] == ["2026-01", "2026-02", "2026-04", "2026-05"]
    assert [differ(found.now, m) for m in found.months[-4:]] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("month", "said"),
    [
        ("2026-05", ("1日あたり24パケットが届き、順位は1位でした。先月は1日あたり14で2位だったので、72%の増加です。"
         "この1年余りで観測できた4か月のうち、最も多い月です。この6か月のうち、観測できたのは5か月です。")),
        ("2026-04", "1日あたり14パケットが届き、順位は2位でした。この1年余りで観測できた3か月のうち、最も多い月です。"),
        ("2026-02", "1日あたり6.0パケットが届き、順位は3位でした。先月は届いていませんでした。"),
    ],
)  # fmt: skip
def test_words(months: Session, chosen: Settings, month: str, said: str) -> None:
    context = Context(answers(months, month), lang.words("ja"), "machine", "", "", chosen)
    section = followed.build(context)
    assert section and said in str(section.findings[0])


def test_nothing_is_said_of_a_country_that_was_never_seen(months: Session, chosen: Settings) -> None:
    context = Context(answers(months, "2026-01"), lang.words("en"), "machine", "", "", chosen)
    assert followed.build(context) is None
