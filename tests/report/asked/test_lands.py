"""What is asked about a country: its first port and how many it tries; whether its sources sleep, and how the page says it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from teiten import lang, periods, settings
from teiten.detect import model
from teiten.detect.model import About, Detection, Part, Story
from teiten.engine import open_session
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.report.answers import Answers
from teiten.report.asked import lands
from teiten.report.context import Context
from teiten.report.sections import _beside, _stories, rhythm
from teiten.report.words import Speech, plain

DAY = dt.date(2019, 10, 22)
CHOSEN = settings.load(zone="Asia/Tokyo", language="en")


def lines(small: SimpleNamespace) -> Iterator[str]:
    """Nine days: Japan's sources by day only (four an hour, other ports of China), China's alike at all hours."""
    at = dt.datetime(2019, 10, 14, tzinfo=small.TOKYO)
    while at.date() <= DAY:
        wake = [(f"153.231.{at.day}.{(at.hour * 4 + n) % 250}", 445) for n in range(4)] if 8 <= at.hour < 23 else []
        steady = [
            (f"{small.CHINA}{(at.hour * 3 + n) % 250}", port) for n, port in enumerate((23, 23, 1000 + at.hour * 9 + at.day))
        ]
        for n, (src, port) in enumerate([*wake, *steady]):
            yield small.line(at + dt.timedelta(seconds=60 * n), src, small.tcp(port))
        at += dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def week(small: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    lake = small.ingest("".join(lines(small)), tmp_path_factory.mktemp("week"))
    with open_session(lake, CHOSEN) as found:
        yield found


def answers(session: Session, *stories: Story) -> Answers:
    found = Answers(session, periods.parse("daily", DAY.isoformat(), CHOSEN.zone), Filters(), CHOSEN.thresholds)
    found.stories_of = {DAY: list(stories)}.get
    return found


def context(session: Session, code: str, *stories: Story) -> Context:
    return Context(answers(session, *stories), lang.words(code), "flag", "", "0", CHOSEN)


def test_its_own_ports(week: Session) -> None:
    found = lands.own(answers(week), "CN")
    assert found.first == ((6, 23),) and found.ports == 1 + 72
    assert lands.own(answers(week), "FR") == lands.Own((), 0)


def test_who_sleeps(week: Session) -> None:
    one = lands.rhythm(answers(week), "JP")
    assert one is not None and one.reason["depth"] > 0.8
    assert (one.reason["low_from"], one.reason["low_to"]) == (23, 8)
    assert lands.rhythm(answers(week), "CN") is None, "as many by night"
    assert lands.rhythm(answers(week), "FR") is None, "nobody came"


@pytest.mark.parametrize(
    ("code", "words"), [("ja", "日本発のスキャンは、深夜から早朝"), ("en", "scans from Japan seem to drop at night")]
)
def test_it_is_told_of_the_country_that_is_followed(week: Session, code: str, words: str) -> None:
    section = rhythm.build(context(week, code))
    assert section is not None
    text = plain(section.findings[0])
    assert words in text and "23" in text and not isinstance(section.findings[0], str), text
    figure = section.blocks[0].figure
    assert figure is not None and "23" in figure.title and "None" not in figure.title
    other = Context(answers(week), lang.words(code), "flag", "", "0", settings.load(zone="Europe/Paris"))
    assert rhythm.build(other) is None, "nobody is followed"


def story(country: str | None, state: model.State, *, parts: tuple[Part, ...] = ()) -> Story:
    start = dt.datetime(2019, 10, 21, 15, tzinfo=dt.UTC)
    one = Detection(model.RISING, About(((6, 23),), country), DAY, start, packets=90, usual=9, parts=parts)
    return Story(one.id, one.kind, one.about, DAY, state, start, detections=(one,), rank=2)


@pytest.mark.parametrize(
    ("told", "least", "said"),
    [
        (story(None, "high", parts=(Part("country", "CN", 50, 0.6),)), 100, "Among packets from China, 23/tcp is first"),
        (story(None, "high", parts=(Part("country", "CN", 50, 0.1),)), 100, ""),
        (story(None, "falling", parts=(Part("country", "CN", 50, 0.6),)), 100, ""),
        (story("CN", "ended"), 70, "Besides, many ports are scanned from China (73 over three days)"),
        (story("CN", "ended"), 100, ""),
        (story("CN", "high"), 70, ""),
    ],
)  # fmt: skip
def test_what_is_said_beside_a_story(week: Session, told: Story, least: float, said: str) -> None:
    here = context(week, "en", told)
    here.answers._thresholds = {**CHOSEN.thresholds, "many_ports": least}
    speech = Speech(here.words, CHOSEN, DAY, CHOSEN.zone, rows=lambda one, _: f"#row-story-{one.id}")
    subject = _stories.subjects(here, [told])[0]
    sentences = _beside.told(here, speech, subject)
    assert (said in plain(sentences[0]) and not isinstance(sentences[0], str)) if said else not sentences
