"""What an announced scanner did: days, runs, pauses, ports, prefixes; counted here by hand."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten import periods
from teiten.classify import watchlists
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.report.answers import Answers
from teiten.report.watching import Watched, in_order, runs
from teiten.settings import Settings

TOKYO = ZoneInfo("Asia/Tokyo")
CAME = {5: {1: (22, 23), 2: (22,), 3: (22, 8443), 9: (80,), 10: (80, 22)}, 4: {20: (22, 2323), 21: (23,)}}
"""month -> day -> ports of NOTICE"""
HIDDEN = range(13, 16)
"""days of May of which nothing was observed"""


def lines(small: SimpleNamespace) -> Iterator[str]:
    for n in range(61 * 24):
        at = dt.datetime(2026, 4, 1, tzinfo=TOKYO) + dt.timedelta(hours=n)
        if at.month == 5 and at.day in HIDDEN:
            continue
        yield small.line(at + dt.timedelta(minutes=2), f"{small.CHINA}{at.day}", small.tcp(23))
        yield small.line(at + dt.timedelta(minutes=9), f"{small.US}{at.day}", small.tcp((445, 22)[at.hour % 2]))
        if at.hour == 12:
            for m, port in enumerate(CAME[at.month].get(at.day, ())):
                yield small.line(at + dt.timedelta(minutes=30 + m), f"153.231.215.{8 + at.day % 8}", small.tcp(port))


@pytest.fixture(scope="module")
def seen(small: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory, chosen: Settings) -> Iterator[Watched]:
    lake = small.ingest("".join(lines(small)), tmp_path_factory.mktemp("watching"))
    known = watchlists.load(chosen)
    with open_session(lake, chosen) as session:
        answers = Answers(session, periods.parse("monthly", "2026-05", TOKYO), Filters(), {})
        yield Watched(answers, known, known.organisation("NOTICE"))


def test_ports(seen: Watched) -> None:
    assert seen.tried == [(6, 22), (6, 80), (6, 23), (6, 8443)]
    assert seen.new == [(6, 80), (6, 8443)]
    assert seen.gone == [(6, 2323)]
    assert seen.ports[6, 22] == 4
    assert [key for _, key in seen.untried] == [(6, 445)]


def test_days(seen: Watched) -> None:
    assert [day.day for day in seen.days] == [1, 2, 3, 9, 10]
    assert [(run[0].day, run[-1].day) for run in seen.runs] == [(1, 3), (9, 10)]
    assert len(seen.observed) == 31 - len(HIDDEN)
    # 11 and 12, 16 to 31; the three that were not observed are no silence
    assert seen.silent == 2 + 16
    assert seen.longest_pause == 9


def test_addresses(seen: Watched) -> None:
    assert len(seen.sources) == 3
    assert [match.prefix for match in seen.used] == ["153.231.215.8/29"]
    assert len(seen.prefixes) == 11


def test_a_filter_of_the_report_holds_here_too(seen: Watched) -> None:
    only = replace(seen.answers.filters, port=())
    narrowed = Answers(seen.answers.session, seen.period, replace(only, country=("CN",)), {})
    assert Watched(narrowed, seen.lists, seen.organisation).by_day == {}


@given(st.sets(st.dates(dt.date(2019, 1, 1), dt.date(2019, 3, 31))))
def test_runs_hold_every_day_once_and_do_not_touch(days: set[dt.date]) -> None:
    found = runs(sorted(days))
    assert [day for run in found for day in run] == sorted(days)
    for run in found:
        assert (run[-1] - run[0]).days == len(run) - 1
    assert all((b[0] - a[-1]).days > 1 for a, b in itertools.pairwise(found))


def test_order() -> None:
    counts = Counter({(6, 8080): 2, (6, 23): 3, (6, 22): 3, (17, 53): 2, (1, None): 2})
    assert in_order(counts) == [(6, 22), (6, 23), (1, None), (17, 53), (6, 8080)]
