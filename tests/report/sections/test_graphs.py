"""Graphs by port and by region, of a week and of the running page; every figure counted by hand from how the log is made."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from teiten import cli, lang, periods
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.report import markdown
from teiten.report.answers import Answers
from teiten.report.asked import graphs as asked
from teiten.report.context import Context
from teiten.report.model import Report, Section
from teiten.report.sections import graphs

HOUR = 17
"""packets of an hour of October: 6 to 23, 3 to 1433 and to 52869, 2 to 445, one each to 8080, 22 and by ICMP"""
MAIL = 60
"""and on 22 October, to three ports of mail"""


@pytest.fixture(scope="module")
def running(session: Session) -> Answers:
    return Answers(session, periods.parse("running", "2019-10-30", session.zone), Filters(), {})


def sections(answers: Answers, code: str = "en") -> list[Section]:
    chosen = dataclasses.replace(answers.session.settings, language=code)
    return graphs.build(Context(answers, lang.words(code), "flag", "teiten report", "0", chosen))


def text(answers: Answers, code: str) -> str:
    report = Report(code, "title", "", "", sections(answers, code))
    return markdown.markdown(report, lang.words(code), (), {}).replace("\u00a0", " ")


def test_a_weekly_report_has_its_week(answers: dict[str, Answers]) -> None:
    week = answers["2019-W43"]
    (window,) = week.once(asked.windows)
    assert (window.name, str(window.span[0].date()), str(window.span[1].date())) == ("week", "2019-10-21", "2019-10-28")
    ports = asked.ports(week, window)
    assert [(p.key, p.rank, p.packets, p.rank_before) for p in ports[:4]] == [
        ((6, 23), 1, 6 * 168, 1), ((6, 1433), 2, 3 * 168, 2), ((6, 52869), 2, 3 * 168, 2), ((6, 445), 4, 2 * 168, 4),
    ]  # fmt: skip
    assert ports[0].rate == pytest.approx(6 * 24, rel=1e-3) and ports[0].share == pytest.approx(6 * 168 / (HOUR * 168 + MAIL))
    lands = {place.key: place.packets for place in asked.lands(week, window)}
    assert lands == {
        "east_asia": 10 * 168, "north_america": 4 * 168 + MAIL, "east_europe": 2 * 168, "unknown": 168,
    }  # fmt: skip
    assert asked.lands(week, window)[-1].rank is None
    course = asked.regions_course(week, window)
    assert course.packets["north_america"] == (96, 96 + MAIL, 96, 96, 96, 96, 96)


def test_the_running_page_has_four_windows(running: Answers) -> None:
    found = running.once(asked.windows)
    assert [(w.name, (w.span[1] - w.span[0]).days) for w in found] == list(asked.LENGTHS.items())
    assert {str(w.span[1].date()) for w in found} == {"2019-10-31"}
    assert [asked.step(running, w) for w in found] == ["day", "day", "day", "week"]
    assert [section.id for section in sections(running)] == ["graphs_week", "graphs_month", "graphs_quarter", "graphs_year"]
    assert running.period.name == "2019-10-30" and len(running.period.days) == periods.RUNNING


def test_what_was_not_watched_is_no_zero(running: Answers) -> None:
    """On 9 October three hours are missing: the day's rate is that of its other hours. Before September there is nothing."""
    week, month, _, year = running.once(asked.windows)
    course = asked.ports_course(running, month)
    at = [moment.date().day for moment in course.times].index(9)
    assert course.packets[6, 23][at] == 6 * 21
    # the gap runs from the last packet before to the first one after
    assert course.rates((6, 23))[at] == pytest.approx(6 * 24, rel=0.05)
    assert course.days[at] < 0.9
    whole = asked.ports_course(running, year).rates((6, 23))
    assert whole[:40] == [None] * 40 and whole[-1] == pytest.approx(6 * 24, rel=1e-3)
    assert asked.ports(running, week)[0].rank_before == 1
    assert asked.ports(running, year)[0].rank_before is None and asked.ports(running, year)[0].rate_before is None


def test_weeks_add_up_to_their_days(running: Answers) -> None:
    *_, quarter, year = running.once(asked.windows)
    for course in (asked.ports_course, asked.regions_course):
        days, weeks = course(running, quarter), course(running, year)
        for key, counts in weeks.packets.items():
            own = days.packets.get(key)
            if own is not None and key != asked.OTHER:
                assert list(counts[-13:]) == [sum(own[7 * n : 7 * n + 7]) for n in range(13)]


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (
            "en",
            [
                "In the week (Thu 24 Oct to Wed 30 Oct) a sensor received 408 packets a day, after 417 in as many days",
                "Most went to 23/tcp (Telnet) (35.3 %); most came from Eastern Asia (58.8 %).",
                "| 1 | 1 | Eastern Asia | 240 | 58.8 % | 240 |",
                "| – | – | unknown | 24.0 | 5.9 % | 24.0 |",
                "## The year (52 weeks)",
            ],
        ),
        (
            "ja",
            [
                "この1週間(10月24日(木)から10月30日(水)まで)は、センサー1台・1日あたり408パケットが届きました。",
                "| 1 | 1 | 東アジア | 240 | 58.8% | 240 |",
            ],
        ),
    ],
)
def test_words(running: Answers, code: str, wanted: list[str]) -> None:
    found = text(running, code)
    for sentence in wanted:
        assert sentence in found, (sentence, found)


def test_nothing_of_a_port_that_never_came(session: Session) -> None:
    from teiten.engine.filters import PortRange

    none = Answers(session, periods.parse("running", "2019-10-30", session.zone), Filters(port=(PortRange(4, 4),)), {})
    assert [len(section.blocks) for section in sections(none)] == [0] * 4
    assert sections(none)[0].findings == ["No packet was observed in the week (Thu 24 Oct to Wed 30 Oct)."]


@pytest.mark.full
def test_it_is_made_again_in_the_same_place(lake: Lake, tmp_path: Path) -> None:
    """The page that is kept current takes the older one's place: no edition, nothing kept of it."""
    out = tmp_path / "now"
    base = ["report", "running", "--lake", str(lake.path), "--tz", "Asia/Tokyo", "--lang", "en", "--out", str(out), "--no-pdf"]
    for day in ("2019-10-29", "2019-10-30", ""):
        assert cli.main([*base[:2], *([day] if day else []), *base[2:]]) == 0
    told = json.loads((out / "manifest.json").read_text())
    # without a day it is the last whole one: the log ends at one minute to midnight
    assert (told["report"]["period"], told["edition"]["number"]) == ("2019-10-31", 1)
    assert not (out / "editions").exists()
