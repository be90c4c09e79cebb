"""Day by day: 31 frames whatever happened, gaps told, odd months, and how the pictures stand in the page and the blog text."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from teiten import lang, periods, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.publish import leaks
from teiten.report import bundle, figures
from teiten.report.answers import Answers
from teiten.report.context import Context
from teiten.report.figures import DayFigure
from teiten.report.model import Report, Section
from teiten.report.sections import days

CHARTS = ["days-ports", "days-hours", "days-countries"]
Asked = Callable[[Iterable[str], str], Context]


def context(answers: Answers, chosen: settings.Settings, code: str) -> Context:
    return Context(answers, lang.words(code), "flag", "teiten report", "0", chosen)


def built(answers: Answers, chosen: settings.Settings, code: str = "en") -> Section:
    section = days.build(context(answers, chosen, code))
    assert section is not None
    return section


@pytest.fixture
def asked(tmp_path: Path, small: SimpleNamespace, chosen: settings.Settings) -> Iterator[Asked]:
    """(lines of a log, month) -> the context of its report, from a lake of its own."""
    sessions = []

    def ask(lines: Iterable[str], month: str) -> Context:
        lake = small.ingest("".join(lines), tmp_path)
        sessions.append(open_session(lake, chosen))
        session = sessions[-1].__enter__()
        period = periods.parse("monthly", month, small.TOKYO)
        return context(Answers(session, period, Filters(), {}), chosen, "en")

    yield ask
    for one in sessions:
        one.__exit__(None, None, None)


def frames(section: Section, chart: str) -> list[DayFigure]:
    block = next(b for b in section.blocks if b.data.id == chart)
    return list(block.animation.frames)


def texts(frame: DayFigure) -> set[str]:
    return {box.text for box in figures.sheet(frame, width=400, lang="en").boxes}


@pytest.mark.parametrize("code", ["ja", "en"])
def test_a_frame_for_each_day(answers: dict[str, Answers], chosen: settings.Settings, code: str) -> None:
    for name, count in (("2019-09", 30), ("2019-10", 31)):
        section = built(answers[name], chosen, code)
        assert [b.data.id for b in section.blocks] == CHARTS
        for block in section.blocks:
            found = frames(section, block.data.id)
            assert [f.days.dates[f.at].day for f in found] == list(range(1, count + 1))
            assert len({id(f.days) for f in found}) == 1 and len({(f.title, f.subtitle, f.note) for f in found}) == 1
            assert block.animation.durations == [600] * (count - 1) + [3000]
            assert block.data.rows and "AS start" in block.data.sql


def test_the_days_add_up(answers: dict[str, Answers], chosen: settings.Settings) -> None:
    """Every chart of a day holds the same packets: those of the month's series."""
    section = built(answers["2019-10"], chosen)
    wanted = answers["2019-10"].stack("ports").totals
    for chart in CHARTS:
        assert frames(section, chart)[0].days.totals == wanted


def test_titles_claim_nothing_where_all_is_equal(answers: dict[str, Answers], chosen: settings.Settings) -> None:
    """In September every hour brought the same; in October the hour of the 22nd stands far out and is cut off."""
    assert frames(built(answers["2019-09"], chosen), "days-hours")[0].title == "Every hour of the day sees about the same"
    october = built(answers["2019-10"], chosen)
    assert frames(october, "days-ports")[0].title == "23/tcp had the most packets on every day observed"
    assert october.blocks[1].figure.title == "The most in an hour: 77 packets on Tue 22 Oct from 05:00"
    assert frames(october, "days-hours")[21].days.cut == [dt.date(2019, 10, 22)]
    assert frames(october, "days-hours")[0].note.endswith("those that go beyond it (Tue 22 Oct) are broken off.")


def test_hours_that_were_not_observed(answers: dict[str, Answers], chosen: settings.Settings) -> None:
    """On 9 October nothing came from 11 to 14 o'clock: those hours are hatched, the day is said to be observed in part."""
    found = frames(built(answers["2019-10"], chosen), "days-hours")[8]
    hours = found.days.values[8]
    assert [h for h, v in enumerate(hours) if v is None] == [11, 12, 13]
    assert all(hours[h] for h in range(24) if h not in (11, 12, 13))
    assert re.fullmatch(r"\d+ packets \(8\d\u00a0% of the day observed\)", found.days.said[8])
    assert found.days.said[9].endswith(" packets")


def test_a_day_without_records_says_why(asked: Asked, small: SimpleNamespace) -> None:
    """12 and 13 October are missing whole: two hatched frames, no bar, no zero."""
    kept = (line for line in small.log() if not line.startswith(("2019-10-12", "2019-10-13")))
    section = days.build(asked(kept, "2019-10"))
    assert section is not None
    for chart in CHARTS:
        found = frames(section, chart)
        assert [i + 1 for i, total in enumerate(found[0].days.totals) if total is None] == [12, 13]
        said = texts(found[11])
        assert "no records" in said and "Sat 12 Oct" in said
        if chart != "days-hours":
            assert "0" in said, "the axis is still there"
            assert not [t for t in said if re.fullmatch(r"[\d,]+ packets", t)]


def test_a_month_with_two_days(asked: Asked, small: SimpleNamespace) -> None:
    kept = [line for line in small.log() if line.startswith(("2019-10-30", "2019-10-31T0", "2019-10-31T1"))]
    section = days.build(asked(kept, "2019-10"))
    assert section is not None
    for chart in CHARTS:
        found = frames(section, chart)
        assert len(found) == 31
        assert [t is not None for t in found[0].days.totals] == [False] * 29 + [True] * 2
        assert "before the first record" in texts(found[3])
    assert frames(section, "days-ports")[0].title == "23/tcp had the most packets on every day observed"
    assert frames(section, "days-ports")[0].days.cut == []


def test_one_event(asked: Asked, small: SimpleNamespace) -> None:
    one = small.line(dt.datetime(2019, 10, 22, 5, 30, tzinfo=small.TOKYO), small.CHINA + "9", small.tcp(23))
    section = days.build(asked([one], "2019-10"))
    if section is None:  # a moment is no observed time
        return
    for block in section.blocks:
        assert sum(t or 0 for t in block.figure.days.totals) == 1
        assert figures.draw(block.figure) and len(block.animation.frames) == 31


def test_no_country_known(asked: Asked, small: SimpleNamespace) -> None:
    """The unknown is a row, hatched, and the title does not pretend to know better."""
    begin = dt.datetime(2019, 10, 1, tzinfo=small.TOKYO)
    lines = [small.line(begin + dt.timedelta(minutes=20 * n), f"192.0.2.{n % 200 + 1}", small.tcp(23)) for n in range(31 * 72)]
    section = days.build(asked(lines, "2019-10"))
    assert section is not None
    found = frames(section, "days-countries")
    assert [row.kind for row in found[0].days.rows] == ["unknown"]
    assert found[0].title == "On 31 of 31 days most packets came from where no country is known"
    assert "unknown" in texts(found[4])


def test_without_animations(answers: dict[str, Answers], chosen: settings.Settings) -> None:
    section = built(answers["2019-10"], dataclasses.replace(chosen, animations=False))
    assert all(b.animation is None and b.figure is not None for b in section.blocks)


# in the page ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(
    answers: dict[str, Answers], chosen: settings.Settings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, bytes]]:
    """A page of this section alone, with its pictures, and the progress that was told."""
    section = built(answers["2019-10"], chosen)
    section = dataclasses.replace(section, blocks=section.blocks[:2])
    told: list[tuple[int, int]] = []
    report = Report("en", "Title", "Subtitle", "", [section])
    files = bundle.render(report, lang.words("en"), progress=lambda done, whole: told.append((done, whole)))
    assert told == [(n, 4) for n in range(1, 5)]
    out = tmp_path_factory.mktemp("days")
    for name, content in files.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(content)
    return out, files


def test_the_pictures_in_the_folder(folder: tuple[Path, dict[str, bytes]], answers: dict[str, Answers]) -> None:
    files = folder[1]
    for chart in CHARTS[:2]:
        for kind in ("gif", "apng", "webp"):
            data = files[f"charts/{chart}.{kind}"]
            assert len(data) < 400_000
            with Image.open(io.BytesIO(data)) as image:
                assert image.n_frames == 31 and image.size[0] == 800  # type: ignore[attr-defined]
        assert {f"charts/{chart}.svg", f"charts/{chart}.png", f"data/{chart}.csv", f"sql/{chart}.sql"} <= set(files)
    assert leaks.find(files, answers["2019-10"].destinations()) is None


def test_how_the_page_shows_them(folder: tuple[Path, dict[str, bytes]]) -> None:
    page = folder[1]["index.html"].decode()
    moving = re.findall(r'<details class="moving" open><summary>(.*?)</summary>(<picture>.*?</picture>)</details>', page)
    assert [summary for summary, _ in moving] == ["Moving picture (31 days, 21 seconds, repeated)"] * 2
    picture = moving[0][1]
    sources = re.findall(r'<source (?:media="([^"]*)"|type="([^"]*)") srcset="([^"]*)">', picture)
    assert sources == [
        ("(prefers-reduced-motion: reduce), print", "", "charts/days-ports.svg"),
        ("", "image/webp", "charts/days-ports.webp"),
        ("", "image/apng", "charts/days-ports.apng"),
    ]
    image = re.search(r'<img src="charts/days-ports\.gif" alt="([^"]+)" width="800" height="(\d+)" loading="lazy"', picture)
    assert image and "23/tcp had the most packets on every day observed" in image[1]
    with Image.open(io.BytesIO(folder[1]["charts/days-ports.gif"])) as gif:
        assert int(image[2]) == gif.size[1]
    for name in re.findall(r'(?:srcset|src|href)="(charts/[^"]+)"', page):
        assert name in folder[1]


def test_the_blog_text_has_the_gif(folder: tuple[Path, dict[str, bytes]]) -> None:
    text = folder[1]["report.md"].decode()
    assert "](charts/days-ports.gif)" in text and "[Still picture](charts/days-ports.png)" in text


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1440])
def test_who_asked_for_less_motion_sees_the_still(tab: Any, folder: tuple[Path, dict[str, bytes]], width: int) -> None:
    page = folder[0] / "index.html"
    shown = "document.querySelector('.moving img').getBoundingClientRect().width"
    tab.open(page, width)
    tab.ask("document.querySelector('.moving img').scrollIntoView()")
    assert tab.ask("document.querySelector('.moving img').decode().then(() => 1)") == 1
    assert tab.ask("document.querySelector('.moving img').currentSrc").endswith("/charts/days-ports.webp")
    assert 300 < tab.ask(shown) <= min(width, 800)
    assert tab.complaints == []
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert tab.ask(shown) == 0, "it is put away"
    assert tab.ask(
        "new Promise(done => setTimeout(() => done(document.querySelector('.moving img').currentSrc), 200))"
    ).endswith("/charts/days-ports.svg")
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.ask(shown) == 0
    assert tab.ask("document.querySelector('.wide > svg').getBoundingClientRect().height") > 200, "the calendar is printed"
    tab.call("Emulation.setEmulatedMedia", media="")
