"""The words of an alert: what, since when, from where, how much, how sure, where the rows are; in both languages."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace

import pytest

from teiten.alerting import Alerts
from teiten.alerts import notices, words
from teiten.alerts.notices import Notice, Silence
from teiten.detect.model import WATCH, About, Story

from . import making
from .making import NOW, SETTINGS

BOTH = ("ja", "en")


def said(one: Story, before: dict[str, notices.Told] | None = None) -> Notice:
    found, _ = notices.due([one], [], before if before is not None else {}, Alerts(), NOW)
    return replace(found[0][0], said=words.said(*found[0], SETTINGS, NOW, BOTH, {64500: "Example Net"}))


def test_all_of_it_is_said() -> None:
    told = said(making.story()).said
    for code, needed in (
        ("ja", ("米国発の", "25・465/tcp", "5時台", "400パケット", "約4倍", "Example Net", "8ホストと少数", "確からしさ",
                "7時現在")),
        ("en", ("the United States", "25, 465/tcp", "05:00", "400 packets", "Example Net", "8 hosts", "Confidence",
                "As of Tue 10 Mar, 07:00")),
    ):  # fmt: skip
        text = "\n".join(told[code])
        assert all(part in text for part in needed), (code, [part for part in needed if part not in text], text)
        assert f"teiten explain {making.story().id}" in text
        assert "{" not in text and "None" not in text


def test_updates_say_that_they_are() -> None:
    one = making.story()
    _, known = notices.due([one], [], {}, Alerts(), NOW)
    grown = said(making.later(one, 12.0), known)
    assert grown.said["ja"][0].startswith("続報: ") and "約3倍" in grown.said["ja"][0]
    assert grown.said["en"][0].startswith("Update: ")
    over = said(replace(one, state="ended", detections=()), known)
    assert over.said["ja"][0] == "続報: 米国発の25・465/tcpへのスキャンは終息"
    assert over.said["en"][0].startswith("Update: ") and not over.said["en"][0].endswith("(over)")
    gone = said(replace(one, state="once"), known)
    assert gone.said["ja"][0].endswith("(終了)") and gone.said["en"][0].endswith("(over)")


def test_a_watch_says_whose_it_is() -> None:
    found = making.detection(kind=WATCH, about=About(((6, 9530),)), reason={"name": "9530の監視"})
    one = said(making.story(found))
    assert one.watch == "9530の監視" and all("9530の監視" in text for _, text in one.said.values())


def test_silence_and_its_end() -> None:
    ((new, _),), told = notices.due([], [Silence("tokyo", NOW - dt.timedelta(hours=5), 20.4)], {}, Alerts(), NOW)
    text = words.said(new, None, SETTINGS, NOW, BOTH, {})
    assert "tokyo" in text["ja"][0] and "3月10日(火)2時" in text["ja"][1] and "約20件" in text["ja"][1]
    assert "about 20 an hour" in text["en"][1]
    ((back, _),), _ = notices.due([], [], told, Alerts(), NOW, {"tokyo": NOW - dt.timedelta(minutes=30)})
    text = words.said(back, None, SETTINGS, NOW, BOTH, {})
    assert "4時間30分" in text["ja"][1] and "4 hours 30 minutes" in text["en"][1]


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_message_holds_all_that_goes_out_together(number: int) -> None:
    out = [
        said(making.story(making.detection(about=About(((6, port),)), score=99.0 - port))) for port in range(21, 21 + number)
    ]
    for code in BOTH:
        made = words.message(out, "m1", NOW, code, None, SETTINGS.zone)
        assert all(f"{port}/tcp" in made.text for port in range(21, 21 + number))
        assert "21/tcp" in made.title and (number < 3 or ("ほか3件" if code == "ja" else "3 more") in made.title)
        assert len(made.items) == number and made.items[0]["about"]["ports"] == ["21/tcp"]
        assert "\n" not in made.title and not re.search(r"\{\w*\}", made.text)
        assert json.loads(json.dumps(made.table()))["items"] == json.loads(json.dumps(list(made.items)))


def test_the_items_have_the_numbers() -> None:
    (item,) = words.message([said(making.story())], "m1", NOW, "ja", "m0", SETTINGS.zone).items
    assert item["about"] == {"ports": ["25/tcp", "465/tcp"], "country": "US", "asn": None, "sensor": None, "group": None}
    assert (item["packets"], item["usual"], item["times"], item["what"], item["confidence"]) == (400, 100.0, 4.0, "new", "sure")


def test_the_trial() -> None:
    for code in BOTH:
        made = words.trial(NOW, code, "m1", SETTINGS.zone)
        assert made.title and "--test" in made.text
