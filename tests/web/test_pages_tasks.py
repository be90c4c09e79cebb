"""Questions that people bring, answered by what they would do: type into the search, follow links. Steps are counted."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from html import unescape

import pytest

from .conftest import Client

pytestmark = pytest.mark.full


@dataclass
class Person:
    """Begins at the overview; each thing that is typed or followed is a step."""

    client: Client
    place: str = "/?lang=en"
    steps: int = 0
    seconds: float = 0.0
    text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self._open(self.place)

    def _open(self, place: str) -> None:
        began = time.monotonic()
        answer = self.client.get(place)
        while answer.status == 303:
            answer = self.client.get(answer.headers["location"])
        assert answer.status == 200, (place, answer.status)
        self.text, self.seconds = answer.text, self.seconds + time.monotonic() - began

    def types(self, words: str) -> Person:
        self.steps += 1
        self._open(f"/search?lang=en&q={words}")
        return self

    def follows(self, pattern: str) -> Person:
        """The first link whose address or text is like that."""
        self.steps += 1
        links = re.findall(r'<a[^>]*href="([^"]+)"[^>]*>(.*?)</a>', self.text, re.S)
        found = [
            unescape(href) for href, text in links if re.search(pattern, f"{unescape(href)} {re.sub('<[^>]+>', '', text)}")
        ]
        assert found, (pattern, self.place)
        self._open(found[0])
        return self


TASKS = {
    "what hit a port last month, and from where": (
        2,
        lambda p: p.types("445/tcp").follows(r"period=month"),
        ("96", "United States"),
    ),
    "who is this address": (1, lambda p: p.types("8.8.8.3"), ("445/tcp", "AS15169")),
    "what changed": (1, lambda p: p.follows(r"/stories"), ("stories",)),
    "which sensor was down, and when": (1, lambda p: p.follows(r"^/sensors"), ("alert(1)",)),
    "the log lines themselves": (2, lambda p: p.types("445/tcp").follows(r"/events\?"), ("8.8.8.",)),
    "from which countries, yesterday": (1, lambda p: p.follows(r"^/countries"), ("United States",)),
}


@pytest.mark.parametrize("name", TASKS)
def test_task(client: Client, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    most, does, words = TASKS[name]
    person = does(Person(client))
    with capsys.disabled():
        print(f"\n{name}: {person.steps} steps, {person.seconds:.2f} s")
    assert person.steps <= most
    text = unescape(re.sub(r"<[^>]+>", " ", person.text))
    for word in words:
        assert word.lower() in text.lower(), (word, person.place)
