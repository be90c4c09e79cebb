"""The page of letters and a source's page: who was told, when; for analysts alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.notify import conftest as own
from tests.web.conftest import Client, served

from teiten.engine.filters import Filters
from teiten.notify import kept
from teiten.settings import Settings
from teiten.web import who
from teiten.web.asked import Asked
from teiten.web.pages import notifications, source

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


def test_a_sources_page_says_that_its_operator_was_told(heard: tuple[Client, Settings]) -> None:
    text = heard[0].get(f"/source/{own.INFECTED[0]}?lang=en").text
    assert 'id="told"' in text and "n1-ghjk" in text and "n3-ghjk" not in text
    assert 'id="told"' not in heard[0].get(f"/source/{own.INFECTED[1]}?lang=en").text


def test_viewers_see_nothing_of_it(heard: tuple[Client, Settings]) -> None:
    import datetime as dt

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
