"""The page of letters and a source's page: who was told, when; for analysts alone."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.notify import conftest as own
from tests.web.conftest import Client, served

from teiten.engine.filters import Filters
from teiten.notify import kept
from teiten.settings import Settings
from teiten.web import who
from teiten.web.asked import Asked
from teiten.web.pages import _told, notifications, source

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Settings]]:
    chosen = own.made(tmp_path_factory.mktemp("told"))
    with kept.writing(chosen.lake) as writer:
        for number, mail in (("n1-ghjk", "abuse@example.jp"), ("n2-ghjk", "desk@example.net"), ("n3-ghjk", "wait@example.net")):
            writer.add(
                {
                    "what": "prepared", "id": number, "at": "2026-10-28T00:00:00+00:00", "folder": "/f", "digest": "",
                    "contact": {"mail": mail, "name": HOSTILE, "language": "en"}, "packets": 12, "networks": ["AS64500"],
                    "hosts": [[own.INFECTED[0], "tool_mirai"]], "subject": "s", "first": "2026-10-24T00:00:00+00:00",
                    "last": "2026-10-25T00:00:00+00:00",
                }
            )  # fmt: skip
        writer.state("sending", writer.book.letters["n1-ghjk"])
        writer.state("sent", writer.book.letters["n1-ghjk"])
        writer.state("sending", writer.book.letters["n2-ghjk"])
    with served(chosen, workers=1) as made:
        yield made, chosen


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_of_letters(heard: tuple[Client, Settings], lang: str) -> None:
    text = heard[0].get(f"/notifications?lang={lang}").text
    for part in ("n1-ghjk", "n2-ghjk", "n3-ghjk", "abuse@example.jp", "--went-out"):
        assert part in text
    assert HOSTILE not in text and not any(f">{address}<" in text for address in own.CANARIES)


def columns(text: str, part: str) -> list[str]:
    inside = re.search(rf'<section[^>]*id="{part}".*?</section>', text, re.DOTALL)
    assert inside, part
    return re.findall(r"<th [^>]*>(.*?)</th>", inside[0])


def test_a_state_is_said_once_and_the_time_is_its_own(heard: tuple[Client, Settings]) -> None:
    """Under its heading a table has no column that says the heading again; a letter that waits has the time of its making."""
    text = heard[0].get("/notifications?lang=en").text
    firsts = {part: columns(text, part) for part in ("doubt", "prepared", "sent")}
    assert {part: names[:2] for part, names in firsts.items()} == {
        "doubt": ["Begun", "Contact"], "prepared": ["Prepared", "Contact"], "sent": ["Sent", "Contact"],
    }  # fmt: skip
    waits = re.search(r'id="prepared".*?<tbody>.*?<td[^>]*>(.*?)</td>', text, re.DOTALL)
    assert waits and "2026" in waits[1]
    source = heard[0].get(f"/source/{own.INFECTED[0]}?lang=en").text
    assert columns(source, "told")[:2] == ["Sent", "State"]


def test_a_state_that_says_more_keeps_its_column(heard: tuple[Client, Settings]) -> None:
    chosen = heard[1]
    at = dt.datetime(2026, 10, 28, tzinfo=dt.UTC)
    asked = Asked(chosen, "/notifications", {}, "en", at, at, Filters(), "packets", "stack", 10, at, False)
    waits = [one for one in kept.load(chosen.lake).letters.values() if one.state == "prepared"]
    letters = [*waits, replace(waits[0], why="refused")]
    made = _told.table(asked, letters, "t", "prepared")
    assert made.columns[1].title == "State" and [row[1] for row in made.rows] == ["waits", "waits: refused"]


def test_a_sources_page_says_that_its_operator_was_told(heard: tuple[Client, Settings]) -> None:
    text = heard[0].get(f"/source/{own.INFECTED[0]}?lang=en").text
    assert 'id="told"' in text and "n1-ghjk" in text and "n3-ghjk" not in text
    assert 'id="told"' not in heard[0].get(f"/source/{own.INFECTED[1]}?lang=en").text


def test_viewers_see_nothing_of_it(heard: tuple[Client, Settings]) -> None:
    from teiten.web.pages import _source

    chosen = heard[1]
    assert notifications.SEES == "analyst"
    at = dt.datetime(2026, 10, 28, tzinfo=dt.UTC)
    asked = Asked(chosen, "/source/x", {}, "en", at, at, Filters(), "packets", "stack", 10, at, False)

    async def seen(role: str) -> int:
        who.asking(who.Who("somebody", role, "word"))
        return len(await source._operator(asked, _source.network(own.INFECTED[0])))

    assert asyncio.run(seen("viewer")) == 0
    assert asyncio.run(seen("analyst")) == 1
