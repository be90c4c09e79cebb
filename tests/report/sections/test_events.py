"""The analyst's own words: paragraphs, links, citations; where they stand, and that they are no markup."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from teiten import lang, settings
from teiten.report.answers import Answers
from teiten.report.context import Context
from teiten.report.model import Footnote, Link, Paragraph, Report, Section
from teiten.report.notes import Note
from teiten.report.page import page
from teiten.report.sections import addenda, events

WRITTEN = dt.datetime(2019, 11, 2, tzinfo=dt.UTC)


def note(text: str, **words: Any) -> Note:
    return Note("0001", WRITTEN, "note", None, None, words.pop("lang", None), text, **{"section": "events", **words})


def context(answers: Answers, notes: list[Note], language: str = "en") -> Context:
    """A month's context with those notes in the place of the lake's."""
    own = object.__new__(Answers)
    own.__dict__.update(answers.__dict__)
    own.__dict__["notes"] = tuple(notes)
    return Context(own, lang.words(language), "flag", "teiten report", "0", settings.Settings("Asia/Tokyo", "flag"))


@pytest.fixture
def month(answers: dict[str, Answers]) -> Answers:
    return answers["2019-10"]


def plain(paragraph: Paragraph) -> str:
    return "".join(p if isinstance(p, str) else p.text for p in paragraph)


def test_an_empty_line_begins_a_paragraph() -> None:
    title, paragraphs = events.told(note("# A title\n\none\ntwo\n\nthree\n- an item\n- another\n\nfour"))
    assert title == "A title"
    assert [plain(p) for p in paragraphs] == ["one two", "three", "\u2022 an item", "\u2022 another", "four"]


def test_japanese_lines_are_joined_without_a_space() -> None:
    _, (one,) = events.told(note("観測しました。\nこれは"))
    assert plain(one) == "観測しました。これは"


def test_citations_become_footnotes_and_links_links() -> None:
    _, (one,) = events.told(note("seen^[Somebody (2020/2/4) https://example.org/a] and [told](https://example.net/), ^[talk]"))
    assert list(one) == [
        "seen", Footnote("Somebody (2020/2/4)", "https://example.org/a"), " and ", Link("told", "https://example.net/"), ", ",
        Footnote("talk"),
    ]  # fmt: skip


def test_a_page_about_it_is_cited_at_the_end() -> None:
    _, (one,) = events.told(note("seen", url="https://example.org/"))
    assert list(one) == ["seen", Footnote("https://example.org/", "https://example.org/")]


@pytest.mark.parametrize("text", ["^[", "[a](javascript:alert(1))", "^[a [b]]", "# ", "-", "[x](https://a b)"])
def test_what_is_no_mark_is_text(text: str) -> None:
    _, paragraphs = events.told(note(text))
    assert all(isinstance(piece, str) for paragraph in paragraphs for piece in paragraph)


def test_notes_stand_in_their_sections_by_place(month: Answers) -> None:
    notes = [
        note("second", section="ports", place=2), note("first", section="ports", place=1), note("last", section="ports"),
        note("in Japanese", section="ports", lang="ja"), note("alone"), note("# Told\n\nof it"),
        note("of a section that is not there", section="days"),
    ]  # fmt: skip
    made = context(month, notes)
    ports = Section("ports", "Ports", ["the machine's finding"])
    woven = events.weave(made, [ports, *events.build(made), Section("about", "About")])
    assert [s.id for s in woven] == ["ports", "events", "events-0001", "about"]
    said = [plain(p) if not isinstance(p, str) else p for p in woven[0].findings]
    assert said == ["the machine's finding", "The analyst:", "first", "The analyst:", "second", "The analyst:", "last"]
    assert [plain(p) for p in woven[1].findings] == ["alone", "of a section that is not there"]
    assert woven[2].title == "Told"
    assert len(woven[2].blocks[0].data.rows) == 3, "every text of the section is a row"
    assert addenda.build(made) is None, "none of them is told twice"


def test_without_notes_nothing_changes(month: Answers) -> None:
    made = context(month, [])
    sections = [Section("ports", "Ports", ["a"])]
    assert events.build(made) == []
    assert events.weave(made, sections) == sections


def test_no_text_is_markup(month: Answers) -> None:
    text = '# <b>x</b>\n\n<script>alert(1)</script>^[<i>y</i> https://example.org/"><img src=x>] [<u>](https://example.org/"x)'
    woven = events.weave(context(month, []), events.build(context(month, [note(text)])))
    html = page(Report("en", "T", "S", "", [replace(s, blocks=[]) for s in woven]), lang.words("en"), {})
    for tag in ("<script", "<b>", "<i>", "<u>", "<img"):
        assert tag not in html
