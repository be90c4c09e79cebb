"""A day's page from its stories: what comes first, what is told once, where its links lead; and days without a report."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.report.words import made

from teiten import lang, periods, settings
from teiten.detect import kept, model
from teiten.detect.model import Story
from teiten.engine import open_session
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters, parse
from teiten.lake import Lake
from teiten.report import bundle, edition, manifest, sections
from teiten.report.answers import Answers
from teiten.report.context import Context
from teiten.report.model import Report

DAY = made.DAY


def answers(session: Session, told: Mapping[dt.date, Sequence[Story]] | None, day: dt.date = DAY, **more: Any) -> Answers:
    period = periods.parse("daily", day.isoformat(), made.TOKYO)
    out = Answers(session, period, more.get("filters", Filters()), {})
    out.stories_of = None if told is None else told.get
    out.since = more.get("since")
    return out


def page(session: Session, told: Mapping[dt.date, Sequence[Story]] | None, code: str = "ja", **more: Any) -> Report:
    """The parts of a day's page that come from stories; with `whole` all of it."""
    chosen, whole = settings.load(zone="Asia/Tokyo", language=code), more.pop("whole", False)
    found = answers(session, told, **more)
    if whole:
        return edition.compose(found, chosen, code, "teiten report daily")
    context = Context(found, lang.words(code), "flag", "teiten report daily", "0", chosen)
    mine = [part for part in sections.parts("daily") if part.id in ("summary", "stories", "movers")]
    return Report(code, "", "", "", [section for part in mine for section in part.sections(context)])


def html(report: Report) -> str:
    files = bundle.render(report, lang.words(report.lang), pictures=False)
    return files["index.html"].decode()


@pytest.mark.parametrize("code", ["ja", pytest.param("en", marks=pytest.mark.full)])
def test_a_page_of_everything(session: Session, code: str) -> None:
    """Every kind at once: each link leads somewhere, no sentence stands twice, each thing has one part."""
    report = page(session, {DAY: made.stories()}, code, whole=True)
    text = html(report)
    places = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= places
    shown = [re.sub(r"<[^>]*>", "", p) for p in re.findall(r"<p>(.*?)</p>", text)]
    ends = r"(?<=。)" if code == "ja" else r"(?<=[.]) (?=[A-Z])"
    sentences = [s for p in shown for s in re.split(ends, p) if len(s) > 12 and "teiten explain" not in s]
    assert not {s for s in sentences if sentences.count(s) > 1 and not s.startswith(("変化の", "Confidence"))}
    titles = [section.title for section in report.sections]
    assert len(titles) == len(set(titles))


def test_the_own_line_comes_first(session: Session) -> None:
    """And the count beside the day before, which would tell of the line, is left out."""
    fell = made.story("new", made.found(model.OWN_FALL, start=0, end=16, reason={"factor": 0.42}))
    summary = page(session, {DAY: [fell]}).sections[0]
    text = html(page(session, {DAY: [fell]}))
    assert "0時台から15時台にかけて" in str(summary.findings[1])
    assert "16時台" in str(summary.findings[1]) or "から元に戻っています" in str(summary.findings[1])
    assert not any("前日(" in str(p) for p in summary.findings)
    assert "story-" + fell.id not in re.findall(r'<section id="([^"]+)"', text)


def test_the_day_after_says_that_it_is_as_before(session: Session) -> None:
    fell = made.story("once", made.found(model.OWN_FALL, start=0, end=16, reason={"factor": 0.42}))
    summary = page(session, {DAY: [], DAY - dt.timedelta(days=1): [fell]}).sections[0]
    assert any("また通常の状態に戻っています" in str(p) for p in summary.findings)


def test_a_gap_is_told_with_its_hours(session: Session) -> None:
    day = dt.date(2019, 10, 9)
    summary = page(session, {day: []}, day=day).sections[0]
    assert "記録がありません" in str(summary.findings[1])
    assert "から14時まで" in str(summary.findings[1])


def test_a_quiet_day_says_so(session: Session) -> None:
    report = page(session, {DAY: []})
    assert any("偶然の範囲を超える変化はみられません" in str(p) for p in report.sections[0].findings)
    assert not any(section.id.startswith("stor") for section in report.sections)


def test_without_detection_the_page_compares_with_the_day_before(session: Session) -> None:
    for told in (None, {}):
        report = page(session, told)
        assert "movers" in [section.id for section in report.sections]
    part = parse(settings.load(zone="Asia/Tokyo"), country="CN")
    assert "movers" in [section.id for section in page(session, {DAY: made.stories()}, filters=part).sections]


def test_what_was_marked_false_is_counted_and_not_told(session: Session) -> None:
    burst = made.stories()[0]
    report = page(session, {DAY: [replace(burst, verdict="false")]})
    text = html(report)
    assert f'id="story-{burst.id}"' not in text
    assert "1件は、分析者が誤検知とした" in text and "誤検知" in text


def test_stories_of_one_port_stand_together(session: Session) -> None:
    """As the text has it: the burst from Estonia is over, and the port goes on from Canada."""
    canada, estonia = (
        made.story("new", made.found(model.RISING, (23,), "CA", packets=900, usual=200)),
        made.story("ended", made.found(model.ENDED, (23,), "EE"), first=17, kind=model.RISING),
    )
    report = page(session, {DAY: [estonia, canada]})
    (part,) = [section for section in report.sections if section.id.startswith("story-")]
    assert part.title == "23/tcp(Telnet)"
    said = [str(p) for p in part.findings]
    assert "カナダ" in said[0] and "エストニア" in said[1] and "23/tcp" not in said[1]


def test_what_goes_on_is_one_line_of_the_summary(session: Session) -> None:
    high = made.story("high", made.found(model.HIGH, (1433,), packets=900, usual=210), first=7, kind=model.RISING)
    summary = page(session, {DAY: [high]}).sections[0]
    assert any("引き続き活発なのは" in str(p) for p in summary.findings)
    assert not summary.points


def test_several_days(session: Session) -> None:
    """Days without a report are told by their date; what goes on since then is news, with who joined on those days."""
    yesterday = DAY - dt.timedelta(days=1)
    joined = made.found(model.SPREADING, (445,), packets=90, usual=8, parts=made.lands("TW", "RU", "VN"), score=5.0)
    spread = made.story("growing", joined, first=21)
    burst = made.story("once", made.found(model.BURST, (22,), "JP", -15, -14, packets=80, usual=2, score=4.0), first=21)
    now = replace(
        made.story("high", made.found(model.HIGH, (445,), packets=90, usual=8), first=21, kind=model.RISING), id=spread.id
    )
    report = page(session, {yesterday: [spread, burst], DAY: [now]}, since=yesterday)
    earlier = next(section for section in report.sections if section.id == "stories-earlier")
    assert len(earlier.points) == 1 and "21日の9時台" in str(earlier.points[0])
    part = next(section for section in report.sections if section.id == f"story-{spread.id}")
    assert "ロシア、ベトナム" in str(part.findings)
    assert report.sections[0].points
    assert "10月21日(月)からの概況" in str(report.sections[0].findings[0])


def test_many_small_things_are_counted(session: Session) -> None:
    """A page stays a page: few charts, few lines, the rest in the table."""
    many = [
        made.story("once", made.found(model.BURST, (1000 + n,), None, 5, 6, packets=60, usual=4, score=3.0)) for n in range(40)
    ]
    report = page(session, {DAY: many})
    drawn = [section for section in report.sections if section.id.startswith("story-")]
    assert len(drawn) == 12
    rest = next(section for section in report.sections if section.id == "stories")
    assert len(rest.points) == 13 and "ほか16件" in str(rest.points[-1])
    assert len(rest.blocks[0].data.rows) == 40
    assert len(report.sections[0].points) == 9


def test_a_young_lake_knows_no_usual(session: Session) -> None:
    day = dt.date(2019, 9, 3)
    findings = page(session, {day: []}, day=day).sections[0].findings
    assert any("観測を始めて3日目のため" in str(p) for p in findings)


@pytest.mark.full
def test_a_day_of_the_lake_is_told_and_made_again(lake: Lake, tmp_path: Path) -> None:
    """The mail ports of the small lake, from log to page; and the manifest gives the same folder again."""
    shutil.copytree(lake.path, tmp_path / "lake")
    copy, chosen = Lake.open(tmp_path / "lake"), settings.load(zone="Asia/Tokyo", language="en")
    made_days = kept.refresh(copy, chosen, [DAY])
    assert made_days.trouble is None and DAY in made_days.days
    period = periods.parse("daily", DAY.isoformat(), made.TOKYO)
    with open_session(copy, chosen) as session:
        edition.make(session, chosen, period, Filters(), {"en": tmp_path / "day"}, "again", pictures=False)
    text = (tmp_path / "day" / "report.md").read_text(encoding="utf-8")
    assert "25, 465, 587/tcp" in text and "In the hour from 05:00" in text
    told = manifest.read(tmp_path / "day")
    assert told.table["stories"]
    with open_session(copy, chosen, upto=told.table["lake"]["last_batch"], as_of=told.made) as session:
        assert edition.again(session, chosen, told, tmp_path / "again") == ([], [])
