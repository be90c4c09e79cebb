"""What is said of each kind, as it is read: read `told.<language>.md` aloud before it is accepted (TEITEN_ACCEPT=1)."""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tests.report.words import made

from teiten.detect import model
from teiten.detect.model import About, Detection, Part, Story
from teiten.report.model import Link, Paragraph
from teiten.report.words import Speech, plain, tell
from teiten.report.words.text import joined

CASES = Path(__file__).parent / "cases"
CODES = ("ja", "en")


@pytest.mark.parametrize("code", CODES)
def test_it_reads_as_accepted(code: str) -> None:
    speech = made.speech(code)
    lines = []
    for one in made.stories():
        told = tell(speech, one)
        lines += [f"## {told.title}", "", plain(joined(speech.words, told.sentences)), ""]
        lines += [f"> {plain(joined(speech.words, told.doubts))}", ""] if told.doubts else []
        lines += [told.sure, ""] if told.sure else []
    text = "\n".join(lines)
    file = CASES / f"told.{code}.md"
    if os.environ.get("TEITEN_ACCEPT"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_leads_to_rows(code: str) -> None:
    speech = made.speech(code)
    for one in made.stories():
        for sentence in tell(speech, one).sentences:
            if "a test of ours" in plain(sentence) or (one.kind in model.OWN and not one.detections):
                continue  # the analyst's own words; that what was is no more
            assert any(isinstance(piece, Link) for piece in _pieces(sentence)), plain(sentence)


def test_no_page_no_links() -> None:
    speech = made.speech("ja", rows=None)
    assert all(isinstance(p, str) for one in made.stories() for s in tell(speech, one).sentences for p in _pieces(s))


@pytest.mark.parametrize("code", CODES)
def test_the_same_again_is_said_in_other_words(code: str) -> None:
    speech = made.speech(code)
    one, other = (made.story("once", made.found(model.BURST, (port,), "US", 5, 6, packets=60, usual=4)) for port in (25, 587))
    said = [
        [plain(s).replace(port, "") for s in tell(speech, story).sentences] for story, port in ((one, "25"), (other, "587"))
    ]
    assert not set(said[0]) & set(said[1])


def test_what_is_known_is_not_repeated() -> None:
    speech = made.speech("ja")
    first, second = tell(speech, made.stories()[3]), tell(speech.knowing(About(((6, 1433),))), made.stories()[4])
    assert "1433/tcp" in plain(first.sentences[0])
    assert "1433/tcp" not in plain(joined(speech.words, second.sentences))


@pytest.mark.parametrize("code", CODES)
def test_nothing_claims_a_cause(code: str) -> None:
    """What may be meant is a possibility, and stands apart from what was seen."""
    hedges = {"ja": ("可能性", "不明", "かもしれません", "見方"), "en": ("may", "not known", "would fit", "not certain")}[code]
    speech = made.speech(code)
    for one in made.stories():
        for doubt in tell(speech, one).doubts:
            assert any(word in plain(doubt) for word in hedges), plain(doubt)
        said = plain(joined(speech.words, tell(speech, one).sentences))
        assert "原因" not in said and "malware" not in said.lower() and "マルウェア" not in said


@pytest.mark.parametrize("code", CODES)
def test_what_was_found_days_ago_is_not_told_as_todays(code: str) -> None:
    """How far it had spread is said again, and its numbers are those of that day: they are not."""
    spread = made.found(model.SPREADING, (9530,), packets=4321, usual=80, parts=made.lands("TW", "RU"))
    old = replace(spread, day=dt.date(2019, 10, 20))
    one = made.story("high", old, first=19, times=54.0)
    told = tell(made.speech(code, watched=True), one)
    said = plain(joined(made.speech(code).words, told.sentences))
    assert "4,321" not in said and "54" in said and ("20日までに" in said or "By 20 Oct" in said), said
    assert not told.doubts and not told.sure


KINDS = some.sampled_from(sorted(model.MEANINGS))
NUMBERS = some.floats(0, 1e7, allow_nan=False)
PORTS = some.lists(some.tuples(some.sampled_from([1, 6, 17]), some.integers(0, 65535) | some.none()), max_size=9)
REASON = some.fixed_dictionaries(
    {},
    optional={
        "rank": some.integers(1, 99), "other": some.sampled_from(["445/6", "CN", "/1", "", "x"]), "share": some.floats(0, 1),
        "service": some.sampled_from(["web", "", None]), "share_all": some.floats(0, 1), "hosts": some.integers(0, 10**6),
        "ports": some.integers(0, 65535), "first": some.integers(0, 65535), "last": some.integers(0, 65535), "rate": NUMBERS,
        "low_from": some.integers(0, 23), "low_to": some.integers(0, 23), "equal": some.booleans(), "few": some.booleans(),
        "factor": NUMBERS, "seconds": some.integers(-10**6, 10**6), "local": some.just("UTC"), "settled": some.booleans(),
        "name": some.text("ab", max_size=5), "because": some.text("ab", max_size=5),
        "spans": some.lists(some.tuples(some.just("2019-10-22T01:00:00+00:00"), some.integers(1, 24)), max_size=4),
        "intervals": some.lists(some.tuples(some.just("2019-10-22T01:00:00+00:00"), some.none()), max_size=3),
    },
)  # fmt: skip


WHAT = some.sampled_from(["country", "port", "asn", "sensor", "prefix"])
SHARE = some.floats(0, 2)


@some.composite
def any_story(draw: Any) -> Story:
    kind = draw(KINDS)
    country, asn = draw(some.sampled_from([None, "", "JP", "ZZ"])), draw(some.sampled_from([None, 0, 4134]))
    about = About(tuple(dict.fromkeys(draw(PORTS))), country, asn, draw(some.sampled_from([None, "home"])))
    start = made.at(22, draw(some.integers(-60, 23)))
    end = draw(some.none() | some.integers(1, 60).map(lambda n: start + dt.timedelta(hours=n)))
    keys = some.sampled_from(["JP", "", "23/6", "4134", "home"])
    parts = draw(some.lists(some.builds(Part, WHAT, keys, NUMBERS, SHARE), max_size=8))
    one = Detection(
        kind, about, made.DAY, start, end, draw(some.none() | some.just(start)), draw(NUMBERS), draw(some.none() | NUMBERS),
        draw(some.none() | NUMBERS), draw(some.none() | NUMBERS), draw(some.sampled_from(["packets", "hosts"])), draw(NUMBERS),
        draw(some.sampled_from(["sure", "likely", "possible"])), tuple(parts), draw(some.sampled_from([None, "few", "many"])),
        draw(REASON),
    )  # fmt: skip
    state = draw(some.sampled_from(["new", "growing", "high", "falling", "ended", "once"]))
    amounts = {
        "times": draw(some.none() | NUMBERS),
        "peak": draw(some.none() | NUMBERS),
        "peak_day": draw(some.none() | some.just(made.DAY)),
    }
    ranks = {"rank": draw(some.none() | some.integers(1, 200)), "rank_before": draw(some.none() | some.integers(1, 200))}
    shown = draw(some.sampled_from([(), (one,), (one, one)]))
    return Story(
        "0a1b2c3d", kind, about, made.DAY, state, start, detections=shown, again=draw(some.integers(0, 2)), **amounts, **ranks
    )


@settings(max_examples=60, deadline=None)
@given(any_story(), some.sampled_from(CODES), some.integers(1, 3), some.booleans())
def test_whatever_is_found_is_said_in_whole_sentences(story: Story, code: str, sensors: int, earlier: bool) -> None:
    speech = made.speech(code, sensors=sensors, since=made.DAY if earlier else None)
    told = tell(speech, story)
    assert told.sentences and told.title and "\n" not in told.title
    for sentence in [*told.sentences, *told.doubts]:
        _whole(speech, plain(sentence))


def _whole(speech: Speech, text: str) -> None:
    assert not re.search(r"0a1b|[{}]|\b(None|nan)\b", text), text
    assert text.endswith(("。", ".", ")")), text
    assert not re.search(r"、、|。。|\(\)|\(\)|  |へのスキャンへの|(?<!も)のの[^の]", text), text
    if speech.words.lang == "en":
        assert not text[:1].islower(), text


def _pieces(paragraph: Paragraph) -> list[Any]:
    return [paragraph] if isinstance(paragraph, str) else list(paragraph)
